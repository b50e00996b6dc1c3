"""Losses and limits as nftables scripts: what is asked of the kernel, without a kernel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.network_shaping import Limit, limit_script, loss_script

LINK = ("port1", "port2")
LOSSES = st.dictionaries(
    st.tuples(*[st.sampled_from(["port1", "port2", "port3"])] * 2),
    st.dictionaries(st.integers(1, 5), st.integers(1, 1_000_000), min_size=1),
)


def test_a_loss_is_a_chain_with_two_counters_that_its_link_jumps_to() -> None:
    assert loss_script({}, {LINK: {7: 50_000}}) == [
        "add counter bridge schrodinger met_7",
        "add counter bridge schrodinger lost_7",
        "add chain bridge schrodinger loss_port1_port2",
        "flush chain bridge schrodinger loss_port1_port2",
        'add rule bridge schrodinger loss_port1_port2 counter name "met_7" '
        'numgen random mod 1000000 < 50000 counter name "lost_7" drop',
        'add element bridge schrodinger lossy { "port1" . "port2" : jump loss_port1_port2 }',
    ]


def test_the_last_loss_of_a_link_takes_its_chain_along() -> None:
    assert loss_script({LINK: {7: 50_000}}, {}) == [
        'delete element bridge schrodinger lossy { "port1" . "port2" }',
        "add chain bridge schrodinger loss_port1_port2",
        "flush chain bridge schrodinger loss_port1_port2",
        "delete chain bridge schrodinger loss_port1_port2",
        "delete counter bridge schrodinger met_7",
        "delete counter bridge schrodinger lost_7",
    ]


@given(LOSSES)
def test_what_stays_is_not_touched(losses: dict[tuple[str, str], dict[int, int]]) -> None:
    assert loss_script(losses, losses) == []


@given(LOSSES, LOSSES)
def test_links_whose_losses_stay_are_not_mentioned(
    before: dict[tuple[str, str], dict[int, int]], after: dict[tuple[str, str], dict[int, int]]
) -> None:
    script = "\n".join(loss_script(before, after))
    for source, destination in before.keys() & after.keys():
        if before[source, destination] == after[source, destination]:
            assert f'"{source}" . "{destination}"' not in script
            assert f"loss_{source}_{destination}" not in script


def test_a_limit_that_only_changes_its_rate_keeps_its_class() -> None:
    slow, fast = Limit(10, 1_000, 100), Limit(10, 2_000, 100)
    assert limit_script({LINK: slow}, {LINK: fast}) == []
    assert limit_script({}, {LINK: slow}) == ['add element bridge schrodinger limited { "port1" . "port2" : 1:a }']
    assert limit_script({LINK: slow}, {}) == ['delete element bridge schrodinger limited { "port1" . "port2" }']
