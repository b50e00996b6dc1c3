"""Faults of links as data: what can be built, what the agent is told, what a person reads, what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from schrodinger_agent.network_effects import PARAMETERS, problem_of

from schrodinger.nemesis import (
    CLIENTS,
    FAULTS,
    LEADER,
    AtTime,
    BurstLoss,
    Corruption,
    Delay,
    Duplication,
    Duration,
    Event,
    Fault,
    InvalidValueError,
    Loss,
    Percent,
    Rate,
    RateLimit,
    Reordering,
    Reset,
    SilentCorruption,
    Targets,
)
from schrodinger.nemesis.codec import from_plain, to_plain
from schrodinger.nemesis.edges import where
from schrodinger.nemesis.links import LinkFault
from schrodinger.nemesis.shapes import cut, everywhere, one_way

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.nemesis import Edge

FIVE = ("n1", "n2", "n3", "n4", "n5")
LINK: frozenset[Edge] = frozenset({("n1", "n2")})
LINK_FAULTS: tuple[type[Fault], ...] = tuple(fault for fault in FAULTS if issubclass(fault, LinkFault))

EXAMPLES: list[LinkFault] = [
    Delay(LINK, Duration.parse("20ms"), Duration.parse("5ms"), "normal", 7),
    Loss(LINK, Percent.parse("5%"), 7),
    BurstLoss(LINK, Percent.parse("5%"), 7, 20),
    Duplication(LINK, Percent.parse("50%"), 7),
    Reordering(LINK, Percent.parse("5%"), 7, Duration.parse("10ms")),
    Corruption(LINK, Percent.parse("5%"), 7),
    SilentCorruption(LINK, Percent.parse("0.1%"), 7),
    RateLimit(LINK, Rate.parse("8mbit"), Duration.parse("200ms")),
    Reset(LINK, Percent.parse("100%"), 7),
]


def by_kind(faults: list[LinkFault]) -> dict[str, LinkFault]:
    return {fault.kind: fault for fault in faults}


@pytest.mark.parametrize(
    ("kind", "words", "plain"),
    [
        (
            "delay",
            "delay: 20ms ± 5ms (normal) from n1 to n2",
            {"delay": "20ms", "jitter": "5ms", "distribution": "normal", "seed": 7},
        ),
        ("loss", "loss: 5% from n1 to n2", {"share": "5%", "seed": 7}),
        ("burst-loss", "burst-loss: 5% in bursts of 20 from n1 to n2", {"share": "5%", "seed": 7, "burst": 20}),
        ("duplication", "duplication: 50% from n1 to n2", {"share": "50%", "seed": 7}),
        ("reordering", "reordering: 5% by 10ms from n1 to n2", {"share": "5%", "seed": 7, "hold": "10ms"}),
        ("corruption", "corruption: 5% from n1 to n2", {"share": "5%", "seed": 7}),
        ("silent-corruption", "silent-corruption: 0.1% from n1 to n2", {"share": "0.1%", "seed": 7}),
        ("rate", "rate: 8mbit with a queue of 200ms from n1 to n2", {"rate": "8mbit", "queue": "200ms"}),
        ("reset", "reset: 100% from n1 to n2", {"share": "100%", "seed": 7}),
    ],
)
def test_a_fault_reads_well_in_words_and_in_plans(kind: str, words: str, plain: dict[str, object]) -> None:
    fault = by_kind(EXAMPLES)[kind]
    event = Event(AtTime(0), fault, 1)
    assert fault.describe() == words
    assert to_plain(event)["fault"] == {"kind": kind, "edges": [["n1", "n2"]], **plain}
    assert from_plain(to_plain(event), Event) == event


def test_every_kind_has_its_example() -> None:
    assert sorted(by_kind(EXAMPLES)) == sorted(fault.kind for fault in LINK_FAULTS) == sorted(PARAMETERS)


def test_the_agent_is_told_whole_numbers_of_the_smallest_units() -> None:
    told = {kind: fault.request() for kind, fault in by_kind(EXAMPLES).items()}
    edges = {"edges": [["n1", "n2"]]}
    assert told["delay"] == {
        **edges,
        "delay_ns": 20_000_000,
        "jitter_ns": 5_000_000,
        "distribution": "normal",
        "seed": 7,
    }
    assert told["loss"] == {**edges, "share": 50_000, "seed": 7}
    assert told["burst-loss"] == {**edges, "share": 50_000, "seed": 7, "burst": 20}
    assert told["reordering"] == {**edges, "share": 50_000, "seed": 7, "hold_ns": 10_000_000}
    assert told["rate"] == {**edges, "bits_per_second": 8_000_000, "queue_bytes": 200_000}


@given(st.sampled_from([fault.kind for fault in LINK_FAULTS]), st.data())
def test_whatever_is_drawn_the_agent_can_do_and_plans_can_hold(kind: str, data: st.DataObject) -> None:
    nodes = data.draw(st.integers(2, 7).map(lambda count: tuple(f"n{index}" for index in range(count))))
    strategy = FAULTS[kind].strategy(Targets(nodes, leader=data.draw(st.booleans())))
    assert strategy is not None
    fault = data.draw(strategy)
    request = fault.request()
    assert request.pop("edges")
    assert problem_of(kind, request) == ""
    assert fault.names <= {*nodes, LEADER}
    event = Event(AtTime(0), fault, 1)
    assert from_plain(to_plain(event), Event) == event


@pytest.mark.parametrize("kind", [fault.kind for fault in LINK_FAULTS])
def test_nothing_is_drawn_for_a_single_node(kind: str) -> None:
    assert FAULTS[kind].strategy(Targets(("n1",))) is None


@pytest.mark.parametrize("edges", [everywhere(FIVE), one_way(["n1"], FIVE), cut(["n1"], FIVE), cut([LEADER], FIVE)])
def test_all_links_one_nodes_and_the_leaders_are_drawn(edges: frozenset[Edge]) -> None:
    strategy = Loss.strategy(Targets(FIVE, leader=True))
    assert strategy is not None
    found = find(
        strategy,
        lambda fault: where(fault.edges) == where(edges),
        settings=settings(max_examples=2_000, database=None),
    )
    assert found.names == frozenset(name for edge in edges for name in edge)


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        (LINK, "from n1 to n2"),
        (cut(["n1"], ["n2"]), "among {n1, n2}"),
        (everywhere(FIVE), "among {n1, n2, n3, n4, n5}"),
        (cut(["n3"], FIVE), "between n3 and {n1, n2, n4, n5}"),
        (cut(["n1", "n4"], ["n2", "n3", "n5"]), "between {n1, n4} and {n2, n3, n5}"),
        (one_way(["n2"], FIVE), "from n2 to {n1, n3, n4, n5}"),
        (one_way(FIVE, ["n2"]), "from {n1, n3, n4, n5} to n2"),
        (cut([LEADER], ["n1", "n2"]), "between the leader and {n1, n2}"),
        (cut([CLIENTS], ["n1"]), "among {n1, clients}"),
        (frozenset({("n1", "n2"), ("n2", "n3")}), "on n1 to n2, n2 to n3"),
    ],
)
def test_links_are_told_in_words(edges: frozenset[Edge], words: str) -> None:
    assert where(edges) == words


def test_a_leader_is_resolved_and_everything_else_stays() -> None:
    fault = Delay(cut([LEADER], FIVE), Duration(5), Duration(0), "uniform", 1)
    resolved = fault.resolve({LEADER: "n2"}.__getitem__)
    assert resolved == Delay(cut(["n2"], FIVE), Duration(5), Duration(0), "uniform", 1)


SECOND = Duration.parse("1s")
HALF = Percent.parse("50%")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Delay(LINK, Duration(0), Duration(0), "normal", 1),
            'delay is "0ns": no delay without jitter either; give 20ms, say',
        ),
        (
            lambda: Delay(LINK, "20ms", Duration(0), "normal", 1),  # type: ignore[arg-type]
            "delay is \"20ms\": not a Duration; give Duration.parse('20ms'), say",
        ),
        (
            lambda: Delay(LINK, SECOND, Duration(0), "norml", 1),
            'distribution is "norml": no such distribution; did you mean normal?',
        ),
        (
            lambda: Loss(LINK, Percent(0), 1),
            'share is "0%": hits no packet; give 5%, say, or leave it out',
        ),
        (lambda: Loss(LINK, HALF, -1), "seed is -1: less than 0; give a whole number, from which its chance follows"),
        (
            lambda: Loss(LINK, HALF, 2**64),
            "seed is 18446744073709551616: more than 64 bits; give a smaller one",
        ),
        (
            lambda: BurstLoss(LINK, Percent.parse("80%"), 1, 3),
            'share is "80%": more than bursts of 3 packets can lose, because each is followed by one that passes; '
            "give longer bursts, or a smaller share",
        ),
        (
            lambda: BurstLoss(LINK, HALF, 1, 0),
            "burst is 0: less than 1; give packets that a burst loses on average",
        ),
        (
            lambda: Reordering(LINK, HALF, 1, Duration(0)),
            'hold is "0ns": nothing is overtaken in no time; give 10ms, say',
        ),
        (
            lambda: RateLimit(LINK, Rate(0), SECOND),
            'rate is "0bit": lets nothing pass; cut the link by a partition instead',
        ),
    ],
)
def test_what_is_not_valid_cannot_be_built(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValueError) as refusal:
        build()
    assert str(refusal.value) == message


def test_a_malformed_quantity_in_a_plan_is_refused_with_its_path() -> None:
    plain = to_plain(Event(AtTime(0), EXAMPLES[0], 1))
    plain["fault"]["delay"] = "20"
    with pytest.raises(InvalidValueError) as refusal:
        from_plain(plain, Event)
    assert str(refusal.value) == (
        'fault.delay is "20": not a number with a unit; write 20ms; the units are ns, us, ms, s'
    )
