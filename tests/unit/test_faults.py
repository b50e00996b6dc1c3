"""Faults as data: what can be built, what becomes of roles, what the agent is told, and what a person reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schrodinger.nemesis import (
    CLIENTS,
    FAULTS,
    LEADER,
    AtOperation,
    AtTime,
    ClockDrift,
    ClockJump,
    ClockStrobe,
    CpuLimit,
    DiskSlow,
    DnsFailure,
    DnsLie,
    Duration,
    EmptyFaultError,
    Event,
    Fault,
    FaultCatalogue,
    FileDamage,
    InvalidValueError,
    IoDelay,
    IoError,
    Kill,
    KillProcess,
    LyingSync,
    MemberLeave,
    MemberReplace,
    MemoryLimit,
    MonotonicDrift,
    MonotonicJump,
    Offset,
    Partition,
    Pause,
    PowerLoss,
    RestartLoop,
    RollBack,
    Targets,
    in_order,
    shapes,
)
from schrodinger.nemesis.codec import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.nemesis import Edge

THREE = ("n1", "n2", "n3")
FOUR = (*THREE, "n4")
FIVE = (*FOUR, "n5")
CLUSTERS = st.integers(3, 9).map(lambda count: tuple(f"n{index + 1}" for index in range(count)))


def heard_by(node: str, nodes: tuple[str, ...], edges: frozenset[Edge]) -> frozenset[str]:
    return frozenset(other for other in nodes if (other, node) not in edges)


def kill(*targets: str) -> Kill:
    return Kill(frozenset(targets))


def partition(*edges: Edge) -> Partition:
    return Partition(frozenset(edges))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Partition(frozenset()),
            'edges is []: no link; give pairs of two different names, such as ["n1", "n2"]',
        ),
        (
            lambda: partition(("n1", "n1")),
            'edges is ["n1", "n1"]: there is no link from a node to itself; '
            'give pairs of two different names, such as ["n1", "n2"]',
        ),
        (
            lambda: Partition("halves"),  # type: ignore[arg-type]
            'edges is "halves": no link; give pairs of two different names, such as ["n1", "n2"]',
        ),
        (
            lambda: Partition(frozenset({("n1", "n2", "n3")})),  # type: ignore[arg-type]
            'edges is ["n1", "n2", "n3"]: not a link, which is a pair of a source and a destination; '
            'give pairs of two different names, such as ["n1", "n2"]',
        ),
        (lambda: kill(), 'targets is []: not a group of nodes; give a list of nodes, such as ["n1", "leader"]'),
        (
            lambda: Pause("n1"),  # type: ignore[arg-type]
            'targets is "n1": not a group of nodes; give a list of nodes, such as ["n1", "leader"]',
        ),
        (lambda: kill(""), 'targets is "": not the name of a node; give a list of nodes, such as ["n1", "leader"]'),
        (
            lambda: kill("n1", CLIENTS),
            'targets is "clients": clients run no database process; give a list of nodes, such as ["n1", "leader"]',
        ),
        (
            lambda: DiskSlow(frozenset({"n1"}), 0),
            "writes_per_s is 0: less than 1; give writes a second, such as 20",
        ),
        (
            lambda: IoError(frozenset({"n1"}), frozenset({"syncs"}), "EIO", 1),
            'calls is "syncs": no such class of calls; did you mean sync?',
        ),
        (
            lambda: IoError(frozenset({"n1"}), frozenset({"sync"}), "EPERM", 1),
            'error is "EPERM": not an error of storage; the choice is EIO, ENOSPC, EROFS, EDQUOT',
        ),
        (
            lambda: DnsFailure(frozenset({"n1"}), "nxdomian"),
            'how is "nxdomian": no such failure of a lookup; did you mean nxdomain?',
        ),
        (
            lambda: DnsLie(frozenset({"n1"}), "n2", "n2"),
            'instead is "n2": that is no lie about itself; name another node',
        ),
        (
            lambda: CpuLimit(frozenset({"n1"}), 0),
            "percent is 0: less than 1; give a whole number (% of one processor), such as 5",
        ),
        (
            lambda: ClockJump(frozenset({"n1"}), Offset(0)),
            "offset is \"+0ns\": nothing; give Offset.parse('-500ms'), say",
        ),
        (
            lambda: MonotonicJump(frozenset({"n1"}), Duration(5)),  # type: ignore[arg-type]
            "offset is \"Duration(value=5)\": not a Offset; give Offset.parse('-500ms'), say",
        ),
        (
            lambda: ClockDrift(frozenset({"n1"}), -2_000_000),
            "ppm is -2000000: less than -1000000; "
            "give millionths, such as 500000 for half as fast again, or -500000 for half as fast",
        ),
        (
            lambda: ClockDrift(frozenset({"n1"}), 0),
            "ppm is 0: no drift; give millionths, such as 500000 for half as fast again, or -500000 for half as fast",
        ),
        (
            lambda: ClockStrobe(frozenset({"n1"}), Duration(5), Duration(5)),
            'period is "5ns": less than a microsecond; give 10ms, say',
        ),
        (lambda: AtTime(-1), "after_ns is -1: less than 0; give nanoseconds since the main phase began"),
        (lambda: AtOperation(True), "count is true: not an integer; give a number of operations"),
        (
            lambda: Event(AtTime(0), kill("n1"), 0),
            "duration_ns is 0: less than 1; give how many nanoseconds the fault lasts",
        ),
        (lambda: Targets(()), "nodes is []: nobody to hit; name at least one node"),
        (lambda: FAULTS["kil"], 'kind is "kil": no such fault; did you mean kill?'),
        (
            lambda: FAULTS.select(["kill", "earthquake"]),
            f'faults is "earthquake": no such fault; the choice is {", ".join(FAULTS.kinds)}',
        ),
        (
            lambda: FAULTS.extended(Kill),
            'kind is "kill": two faults of one catalogue have it; give each its own',
        ),
    ],
)
def test_what_is_not_valid_cannot_be_built(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValueError) as refusal:
        build()
    assert str(refusal.value) == message


def test_equal_faults_are_equal_however_they_were_written() -> None:
    assert Kill(["n2", "n1", "n2"]) == kill("n1", "n2")  # type: ignore[arg-type]
    assert Partition([["n1", "n2"]]) == partition(("n1", "n2"))  # type: ignore[arg-type]


def test_the_agent_is_told_in_sorted_order() -> None:
    assert partition(("n2", "n1"), ("n1", "n2")).request() == {"edges": [["n1", "n2"], ["n2", "n1"]]}
    assert kill("n3", "n1").request() == {"targets": ["n1", "n3"]}
    assert Pause(frozenset({"n3", "n1"})).request() == {"targets": ["n1", "n3"]}


def test_times_are_told_to_the_agent_in_nanoseconds_and_to_people_with_their_sign() -> None:
    n1 = frozenset({"n1"})
    assert ClockJump(n1, Offset.parse("-1.5h")).request() == {"targets": ["n1"], "offset_ns": -5_400_000_000_000}
    assert ClockJump(n1, Offset.parse("-1.5h")).describe() == "clock-jump (-90min): n1"
    strobe = ClockStrobe(n1, Duration.parse("200ms"), Duration.parse("10ms"))
    assert strobe.request() == {"targets": ["n1"], "amplitude_ns": 200_000_000, "period_ns": 10_000_000}
    assert strobe.describe() == "clock-strobe (200ms to and fro, every 10ms): n1"
    assert MonotonicDrift(n1, 200_000).describe() == "monotonic-drift (+20% pace): n1"
    assert MonotonicDrift(n1, 1_000).upsets == n1
    assert ClockDrift(n1, 1_000).upsets == frozenset()


def test_a_fault_prints_in_sorted_order() -> None:
    assert repr(kill("n2", "n1")) == "Kill({'targets': ['n1', 'n2']})"


def test_a_fault_names_everybody_it_mentions() -> None:
    assert partition((LEADER, "n2"), (CLIENTS, "n3")).names == {LEADER, "n2", CLIENTS, "n3"}
    assert kill("n1", LEADER).names == {"n1", LEADER}


def test_the_leader_is_resolved_and_nobody_else_is_asked_about() -> None:
    asked: list[str] = []

    def resolve(name: str) -> str:
        asked.append(name)
        return "n3"

    assert kill("n1", LEADER).resolve(resolve) == kill("n1", "n3")
    assert Pause(frozenset({LEADER})).resolve(resolve) == Pause(frozenset({"n3"}))
    assert partition((LEADER, CLIENTS), ("n1", "n2")).resolve(resolve) == partition(("n3", CLIENTS), ("n1", "n2"))
    assert set(asked) == {LEADER}


def test_the_leaders_link_to_itself_vanishes() -> None:
    isolated = Partition(shapes.isolate_leader(THREE)).resolve(lambda _: "n2")
    assert isolated == Partition(shapes.isolate_one(("n2", "n1", "n3")))


def test_a_partition_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(EmptyFaultError) as refusal:
        partition((LEADER, "n1")).resolve(lambda _: "n1")
    assert str(refusal.value) == (
        'edges is [["leader", "n1"]]: no link is left when the leader is n1; name another node as the other end'
    )


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (kill("n1"), "kill: n1"),
        (kill("n10", "n2"), "kill: {n2, n10}"),
        (Pause(frozenset({LEADER})), "pause: the leader"),
        (Partition(shapes.halves(FIVE)), "partition: {n1, n2} cut off from {n3, n4, n5}"),
        (Partition(shapes.isolate_one(FIVE)), "partition: n1 cut off from {n2, n3, n4, n5}"),
        (Partition(shapes.largest_minority(FOUR)), "partition: n1 cut off from {n2, n3, n4}"),
        (Partition(shapes.bridge(FIVE)), "partition: {n1, n2} cut off from {n4, n5}"),
        (Partition(shapes.isolate_leader(THREE)), "partition: the leader cut off from {n1, n2, n3}"),
        (Partition(shapes.deaf(("n3", "n1"))), "one-way cut: n3 hears nothing from n1"),
        (Partition(shapes.deaf(THREE)), "one-way cut: n1 hears nothing from {n2, n3}"),
        (Partition(shapes.mute(THREE)), "one-way cut: {n2, n3} hear nothing from n1"),
        (Partition(shapes.mute_leader(THREE)), "one-way cut: {n1, n2, n3} hear nothing from the leader"),
        (Partition(shapes.deaf_leader(THREE)), "one-way cut: the leader hears nothing from {n1, n2, n3}"),
        (
            Partition(shapes.majorities_ring(FIVE)),
            "majorities ring: n1 hears only {n2, n5}, n2 hears only {n1, n3}, n3 hears only {n2, n4}, "
            "n4 hears only {n3, n5}, n5 hears only {n1, n4}",
        ),
        (Partition(shapes.cut(("n1",), (CLIENTS,))), "partition: n1 cut off from clients"),
        (
            Partition(shapes.cut(("n1",), ("n2", "n3")) | shapes.cut(("n2",), ("n3",))),
            "partition into 3: n1 | n2 | n3",
        ),
        (partition(("n1", "n2"), ("n3", "n4")), "cut links: n1 to n2, n3 to n4"),
    ],
)
def test_a_fault_is_described_in_words(fault: Fault, words: str) -> None:
    assert fault.describe() == words


def test_an_event_is_described_in_words() -> None:
    assert Event(AtTime(1_500_000_000), kill("n1"), 3_000_000_000).describe() == "at 1.5 s for 3 s: kill: n1"
    assert Event(AtOperation(1200), kill("n1"), 1).describe() == "after 1200 operations for 1e-09 s: kill: n1"


@given(CLUSTERS)
def test_in_a_majorities_ring_everyone_hears_a_majority_and_no_two_the_same(nodes: tuple[str, ...]) -> None:
    edges = shapes.majorities_ring(nodes)
    heard = [heard_by(node, nodes, edges) for node in nodes]
    assert {len(others) for others in heard} == {len(nodes) // 2 + 1}
    assert all(node in others for node, others in zip(nodes, heard, strict=True))
    assert len(set(heard)) == len(nodes)
    assert Partition(edges).describe().startswith("majorities ring: ")


@given(CLUSTERS)
def test_only_the_bridge_hears_both_sides(nodes: tuple[str, ...]) -> None:
    edges = shapes.bridge(nodes)
    assert [node for node in nodes if heard_by(node, nodes, edges) == set(nodes)] == [nodes[len(nodes) // 2]]


@given(CLUSTERS, st.data())
def test_a_split_leaves_two_groups_that_are_whole(nodes: tuple[str, ...], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(nodes) - 1))
    edges = shapes.split(nodes, size)
    for left, right in combinations(nodes, 2):
        apart = (left in nodes[:size]) != (right in nodes[:size])
        assert ((left, right) in edges, (right, left) in edges) == (apart, apart)


@given(CLUSTERS)
def test_the_largest_minority_is_one_node_short_of_a_majority_or_two(nodes: tuple[str, ...]) -> None:
    edges = shapes.largest_minority(nodes)
    groups = {heard_by(node, nodes, edges) for node in nodes}
    sizes = sorted(len(group) for group in groups)
    assert sizes[0] < len(nodes) / 2 < sizes[1]
    assert sizes[1] == len(nodes) // 2 + 1


@given(CLUSTERS)
def test_the_mute_hear_all_and_the_deaf_are_heard_by_all(nodes: tuple[str, ...]) -> None:
    assert heard_by(nodes[0], nodes, shapes.mute(nodes)) == set(nodes)
    assert all(nodes[0] not in heard_by(node, nodes, shapes.mute(nodes)) for node in nodes[1:])
    assert heard_by(nodes[0], nodes, shapes.deaf(nodes)) == {nodes[0]}
    assert all(nodes[0] in heard_by(node, nodes, shapes.deaf(nodes)) for node in nodes)


@given(CLUSTERS, st.data())
def test_every_set_of_links_has_its_mask(nodes: tuple[str, ...], data: st.DataObject) -> None:
    mask = data.draw(st.integers(0, 2 ** (len(nodes) * (len(nodes) - 1)) - 1))
    assert len(shapes.links(nodes, mask)) == mask.bit_count()


def test_a_schedule_has_one_normal_order() -> None:
    late, early = Event(AtTime(9), kill("n1"), 1), Event(AtTime(3), kill("n2"), 1)
    counted = Event(AtOperation(1), kill("n1"), 1)
    assert in_order([counted, late, early]) == in_order([early, counted, late]) == (early, late, counted)


def test_the_order_in_which_faults_are_asked_for_changes_nothing() -> None:
    assert FAULTS.select(["pause", "partition"]).kinds == FAULTS.select(["partition", "pause"]).kinds
    assert FAULTS.select([]).kinds == ()


@dataclass(frozen=True, slots=True)
class Slow(Fault):
    """A fault of somebody's own: one node answers late."""

    kind: ClassVar[str] = "slow"

    node: str
    factor: float

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.node})

    def resolve(self, resolve: Callable[[str], str]) -> Fault:
        return self

    def request(self) -> dict[str, Any]:
        return {"node": self.node, "factor": self.factor}


def test_a_fault_of_ones_own_travels_with_the_others() -> None:
    catalogue = FAULTS.extended(Slow)
    event = Event(AtTime(1), Slow("n1", 2.5), 1)
    plain = to_plain(event)
    assert plain["fault"] == {"kind": "slow", "node": "n1", "factor": 2.5}
    assert from_plain(plain, Event, catalogue=catalogue) == event
    assert catalogue.kinds == (*FAULTS.kinds, "slow")


TARGETS = Targets(FIVE, leader=True, disks=True, membership=True, names=True)


@pytest.mark.parametrize("kind", FAULTS.kinds)
@settings(max_examples=20)
@given(data=st.data())
def test_every_fault_that_is_drawn_travels_in_plans_and_can_be_told(kind: str, data: st.DataObject) -> None:
    strategy = FAULTS[kind].strategy(TARGETS)
    assert strategy is not None
    event = Event(AtTime(1), data.draw(strategy), 1)
    assert from_plain(json.loads(json.dumps(to_plain(event))), Event) == event
    fault = event.fault.resolve(lambda _: "n2")
    assert json.loads(json.dumps(fault.request())) == fault.request()
    assert fault.names <= set(FIVE)
    assert fault.ends | fault.holds | fault.upsets <= fault.names
    assert fault.describe()


@pytest.mark.parametrize("fault", [LyingSync, FileDamage, RollBack, MemberLeave, MemberReplace])
@given(data=st.data(), count=st.integers(3, 9))
def test_what_does_not_heal_spares_a_majority_however_often_it_is_drawn(
    fault: type[Fault], data: st.DataObject, count: int
) -> None:
    nodes = tuple(f"n{index + 1}" for index in range(count))
    strategy = fault.strategy(Targets(nodes, disks=True, membership=True))
    assert strategy is not None
    hit = frozenset[str]().union(*(data.draw(strategy).names for _ in range(5)))
    assert len(hit) < count / 2


@pytest.mark.parametrize("fault", [LyingSync, FileDamage, RollBack, MemberLeave, MemberReplace])
def test_what_does_not_heal_is_not_drawn_where_there_is_no_minority(fault: type[Fault]) -> None:
    assert fault.strategy(Targets(("n1", "n2"), disks=True, membership=True)) is None


@pytest.mark.parametrize("fault", [MemberLeave, MemberReplace])
def test_members_change_only_where_a_suite_can_change_them_one_at_a_time(fault: type[MemberLeave]) -> None:
    assert fault.strategy(Targets(FIVE)) is None
    with pytest.raises(InvalidValueError, match="members change one at a time; give one node"):
        fault(frozenset({"n1", "n2"}), 3)
    with pytest.raises(InvalidValueError, match="keep is 0: less than 1"):
        fault(frozenset({"n1"}), 0)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (DiskSlow(frozenset({"n1"}), 20), "disk-slow (20 writes/s): n1"),
        (
            IoError(frozenset({"n1"}), frozenset({"rename", "sync"}), "EIO", 5),
            "io-error (EIO to one in 5 sync, rename): n1",
        ),
        (IoError(frozenset({"n1"}), frozenset({"sync"}), "EIO", 1), "io-error (EIO to every sync): n1"),
        (IoDelay(frozenset({"n1"}), frozenset({"sync"}), 20), "io-delay (20 ms for each sync): n1"),
        (RestartLoop(frozenset({"n1", "n2"}), 500), "restart-loop (every 500 ms): {n1, n2}"),
        (KillProcess(frozenset({LEADER}), 3), "kill-process (process 3): the leader"),
        (CpuLimit(frozenset({"n1"}), 5), "cpu-limit (5 % of one processor): n1"),
        (DnsFailure(frozenset({"n1"}), "servfail"), "dns-failure (servfail): n1"),
        (DnsLie(frozenset({"n1"}), "n2", "n3"), "dns-lie (n2 is n3): n1"),
        (MemberLeave(frozenset({LEADER}), 2), "member-leave (keeping 2): the leader"),
        (MemoryLimit(frozenset({"n1"}), 16), "memory-limit (16 MiB left): n1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_some_strength_says_how_strong_it_is(fault: Fault, words: str) -> None:
    assert fault.describe() == words


def test_a_fault_outside_the_catalogue_is_not_read() -> None:
    with pytest.raises(InvalidValueError) as refusal:
        from_plain(to_plain(Event(AtTime(1), Slow("n1", 2.5), 1)), Event, catalogue=FaultCatalogue((Kill,)))
    assert str(refusal.value) == 'fault.kind is "slow": no such kind; the choice is kill'


def test_disks_fail_only_where_a_suite_says_where_its_data_is() -> None:
    (family,) = (fault.strategy(Targets(THREE, disks=True)) for fault in FAULTS.select(["power-loss"]))
    assert family is not None
    assert PowerLoss.strategy(Targets(THREE)) is None


@pytest.mark.parametrize("fault", [DnsFailure, DnsLie])
def test_names_fail_only_where_a_database_looks_them_up(fault: type[Fault]) -> None:
    assert fault.strategy(Targets(THREE)) is None
    assert fault.strategy(Targets(THREE, names=True)) is not None


def test_nobody_is_taken_for_another_where_there_is_nobody_else() -> None:
    assert DnsLie.strategy(Targets(("n1",), names=True)) is None


def test_power_that_is_lost_ends_the_databases_and_keeps_them_from_running() -> None:
    loss = PowerLoss(frozenset({LEADER, "n1"})).resolve(lambda _: "n3")
    assert loss == PowerLoss(frozenset({"n1", "n3"}))
    assert loss.ends == loss.holds == {"n1", "n3"}
    assert loss.describe() == "power-loss: {n1, n3}"


def test_a_fault_that_leaves_something_out_says_what() -> None:
    with pytest.raises(TypeError, match="Slow must describe itself"):
        Slow("n1", 2.0).describe()
