"""Chains of links as nftables scripts: what is asked of the kernel, without a kernel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.network_chains import COPY, DROP, Chain, Step, change_script, parse

LINK = ("port1", "port2")
STEPS = st.lists(st.builds(Step, st.integers(1, 5), st.sampled_from([DROP, COPY]), st.integers(1, 1_000_000)))
CHAINS = st.dictionaries(
    st.tuples(*[st.sampled_from(["port1", "port2", "port3"])] * 2),
    st.builds(Chain, STEPS.map(tuple), st.sampled_from(["", "1:3"])),
)


def test_a_loss_is_a_chain_with_two_counters_that_its_link_jumps_to() -> None:
    assert change_script({}, {LINK: Chain((Step(7, DROP, 50_000),))}).splitlines() == [
        "add counter bridge schrodinger met_7",
        "add counter bridge schrodinger hit_7",
        "add chain bridge schrodinger link_port1_port2",
        "flush chain bridge schrodinger link_port1_port2",
        'add rule bridge schrodinger link_port1_port2 counter name "met_7" '
        'numgen random mod 1000000 < 50000 counter name "hit_7" drop',
        'add element bridge schrodinger links { "port1" . "port2" : jump link_port1_port2 }',
    ]


def test_the_last_effect_of_a_link_takes_its_chain_along() -> None:
    assert change_script({LINK: Chain((Step(7, DROP, 50_000),))}, {}).splitlines() == [
        'delete element bridge schrodinger links { "port1" . "port2" }',
        "add chain bridge schrodinger link_port1_port2",
        "flush chain bridge schrodinger link_port1_port2",
        "delete chain bridge schrodinger link_port1_port2",
        "delete counter bridge schrodinger met_7",
        "delete counter bridge schrodinger hit_7",
    ]


def test_what_waits_is_counted_and_gets_its_class_last() -> None:
    assert Chain((Step(1, COPY, 1_000_000), Step(2)), "1:3").rules() == [
        'counter name "met_1" counter name "hit_1" meta mark set 0x5c',
        'counter name "met_2"',
        "meta priority set 1:3",
    ]


def test_another_class_is_one_transaction_that_touches_no_counter() -> None:
    script = change_script({LINK: Chain((Step(2),), "1:3")}, {LINK: Chain((Step(2),), "1:103")})
    assert script.splitlines() == [
        "add chain bridge schrodinger link_port1_port2",
        "flush chain bridge schrodinger link_port1_port2",
        'add rule bridge schrodinger link_port1_port2 counter name "met_2"',
        "add rule bridge schrodinger link_port1_port2 meta priority set 1:103",
    ]


@given(CHAINS)
def test_what_stays_is_not_touched(chains: dict[tuple[str, str], Chain]) -> None:
    assert change_script(chains, chains) == ""


@given(CHAINS, CHAINS)
def test_links_whose_effects_stay_are_not_mentioned(
    before: dict[tuple[str, str], Chain], after: dict[tuple[str, str], Chain]
) -> None:
    script = change_script(before, after)
    for source, destination in before.keys() & after.keys():
        if before[source, destination] == after[source, destination]:
            assert f'"{source}" . "{destination}"' not in script
            assert f"link_{source}_{destination}" not in script


def test_a_listing_says_which_links_have_which_class_and_what_was_counted() -> None:
    counted = parse(
        [
            {"chain": {"name": "link_port1_port2"}},
            {"counter": {"name": "met_7", "packets": 12}},
            {"rule": {"chain": "link_port1_port2", "expr": [{"counter": "met_7"}]}},
            {"rule": {"chain": "link_port1_port2", "expr": [{"mangle": {"key": PRIORITY, "value": "1:1"}}]}},
            {"map": {"name": "links", "elem": [[{"concat": ["port1", "port2"]}, {"jump": {}}], [OTHER, {"jump": {}}]]}},
        ]
    )
    assert counted.classes == {LINK: "1:1", ("port2", "port1"): ""}
    assert counted.packets == {"met_7": 12}


PRIORITY = {"meta": {"key": "priority"}}
OTHER = {"concat": ["port2", "port1"]}
