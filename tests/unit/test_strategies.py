"""The space of plans: what a thousand seeds cover, and what none of them ever draws."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise
from statistics import median

import pytest

from schrodinger.nemesis import LEADER, AtOperation, AtTime, Event, InvalidValueError, Kill, Partition, Pause, Targets
from schrodinger.nemesis.drawing import drawn
from schrodinger.nemesis.strategies import Length, schedules
from schrodinger.plan import Plan, draw_plan

SEEDS = range(1000)
SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """A plan of every seed, with everything that may be left to the seed left to it."""
    return [draw_plan(seed, suite="etcd", workload="register", leader=True) for seed in SEEDS]


def shapes_of(edges: frozenset[tuple[str, str]], nodes: tuple[str, ...]) -> list[str]:
    """The names that a partition of these nodes deserves, found from who still hears whom."""
    if any(LEADER in edge for edge in edges):
        ends = {"from" if source == LEADER else "to" for source, destination in edges}
        return (
            [{"from": "leader cannot send", "to": "leader cannot receive"}[ends.pop()]]
            if len(ends) == 1
            else ["leader alone"]
        )
    heard = {node: frozenset(other for other in nodes if (other, node) not in edges) for node in nodes}
    symmetric = all((destination, source) in edges for source, destination in edges)
    groups = sorted(set(heard.values()), key=len)
    names = []
    if symmetric and len(groups) == 2 and not groups[0] & groups[1]:
        small = len(groups[0])
        names += ["one alone"] * (small == 1)
        names += ["halves"] * (small == len(nodes) // 2)
        names += ["majority and minority"] * (2 * small < len(nodes))
    if symmetric and len(groups) == 3 and groups[2] == frozenset(nodes) and len(groups[0] & groups[1]) == 1:
        names += ["bridge"] * (groups[0] | groups[1] == groups[2])
    if {len(others) for others in heard.values()} == {len(nodes) // 2 + 1} and len(groups) == len(nodes):
        names.append("majorities ring")
    sources, destinations = {source for source, _ in edges}, {destination for _, destination in edges}
    if len(edges) == len(nodes) - 1:
        names += ["one cannot send"] * (len(sources) == 1) + ["one cannot receive"] * (len(destinations) == 1)
    return names or ["random links"]


def targets_of(fault: Kill | Pause, nodes: tuple[str, ...]) -> str:
    if fault.targets == {LEADER}:
        return f"{fault.kind} the leader"
    return f"{fault.kind} " + {1: "one", len(nodes): "all"}.get(len(fault.targets), "some")


def interval_ns(event: Event, plan: Plan) -> tuple[int, int]:
    """When the fault is expected to be in force, counting operations at the planned rate."""
    anchor = event.anchor
    start_ns = anchor.after_ns if isinstance(anchor, AtTime) else round(anchor.count / plan.rate * SECOND_NS)
    return start_ns, start_ns + event.duration_ns


def features_of(plan: Plan) -> set[str]:
    """Everything about a plan that should occur in a thousand."""
    features = {
        f"{plan.nodes} nodes",
        f"rate {plan.rate:g}",
        f"{plan.time_ns // SECOND_NS} s",
        f"{plan.concurrency} processes",
    }
    features.add("families: " + ", ".join(sorted({event.fault.kind for event in plan.schedule})))
    for event in plan.schedule:
        match event.fault:
            case Partition(edges):
                features.update(shapes_of(edges, plan.node_names))
            case Kill() | Pause() as fault:
                features.add(targets_of(fault, plan.node_names))
        features.add(f"anchored by {event.anchor.kind}")
        seconds = event.duration_ns / SECOND_NS
        features.add(
            "lasts "
            + ("< 1 s" if seconds < 1 else "1 to 3 s" if seconds < 3 else "3 to 10 s" if seconds <= 10 else "> 10 s")
        )
    intervals = sorted(interval_ns(event, plan) for event in plan.schedule)
    if any(later[0] < earlier[1] for earlier, later in combinations(intervals, 2)):
        features.add("overlapping faults")
        if len({event.fault.kind for event in plan.schedule}) > 1:
            features.add("overlapping faults, several families")
    else:
        features.add("one fault at a time")
    ends = [max(end for _, end in intervals[: index + 1]) for index in range(len(intervals))]
    if any(start - end >= 5 * SECOND_NS for end, (start, _) in zip(ends, intervals[1:], strict=False)):
        features.add("quiet period")
    return features


AT_LEAST = {
    **dict.fromkeys(("one alone", "halves", "majority and minority", "bridge", "majorities ring"), 80),
    **dict.fromkeys(("one cannot send", "one cannot receive", "random links"), 80),
    **dict.fromkeys(("leader alone", "leader cannot send", "leader cannot receive"), 80),
    **{f"{kind} {whom}": 80 for kind in ("kill", "pause") for whom in ("one", "some", "all", "the leader")},
    **dict.fromkeys(
        ("overlapping faults", "overlapping faults, several families", "one fault at a time", "quiet period"), 150
    ),
    **dict.fromkeys(("anchored by time", "anchored by operation"), 150),
    **dict.fromkeys(("lasts < 1 s", "lasts 1 to 3 s", "lasts 3 to 10 s"), 80),
    "lasts > 10 s": 40,
    **{f"rate {rate}": 100 for rate in (50, 100, 200, 500, 1000)},
    **{f"{seconds} s": 100 for seconds in (20, 30, 45, 60)},
    **{f"{count} nodes": 100 for count in (3, 4, 5, 7)},
    **{f"{count} processes": 100 for count in (5, 10, 20, 40)},
    **{f"families: {kind}": 80 for kind in ("partition", "kill", "pause", "kill, partition", "kill, pause")},
    **{f"families: {kinds}": 80 for kinds in ("partition, pause", "kill, partition, pause")},
}


def test_a_thousand_seeds_cover_the_space(plans: list[Plan]) -> None:
    counts = Counter(feature for plan in plans for feature in features_of(plan))
    print(f"\nplans of {len(plans)} with")
    for feature in AT_LEAST:
        print(f"  {feature:40} {counts[feature]:5}")
    assert {feature: counts[feature] for feature, least in AT_LEAST.items() if counts[feature] < least} == {}
    assert counts.keys() <= AT_LEAST.keys()


def test_every_plan_drawn_is_read_back_as_the_same_valid_plan(plans: list[Plan]) -> None:
    for plan in plans:
        text = plan.to_json()
        again = Plan.from_json(text)
        assert again == plan
        assert again.to_json() == text


def test_every_plan_has_faults_with_room_before_and_after(plans: list[Plan]) -> None:
    for plan in plans:
        assert plan.schedule, f"seed {plan.seed} has no fault"
        for event in plan.schedule:
            start_ns, end_ns = interval_ns(event, plan)
            # An operation count is rounded down to a whole operation.
            tick_ns = SECOND_NS / plan.rate if isinstance(event.anchor, AtOperation) else 0
            assert start_ns + tick_ns >= plan.time_ns * 0.10, f"seed {plan.seed}: {event.describe()}"
            assert end_ns <= plan.time_ns * 0.85, f"seed {plan.seed}: {event.describe()}"
            assert event.duration_ns >= SECOND_NS // 2, f"seed {plan.seed}: {event.describe()}"


def test_different_seeds_give_different_plans(plans: list[Plan]) -> None:
    assert len({plan.to_json().replace(f'"seed": {plan.seed}', "") for plan in plans}) == len(plans)


def test_a_run_of_thirty_seconds_sees_a_handful_of_faults(plans: list[Plan]) -> None:
    counts = [len(plan.schedule) for plan in plans if plan.time_ns == 30 * SECOND_NS]
    assert min(counts) >= 1
    assert max(counts) <= 8
    assert 3 <= median(counts) <= 6


def test_faults_one_at_a_time_leave_time_in_between(plans: list[Plan]) -> None:
    for plan in plans:
        if "one fault at a time" in features_of(plan):
            intervals = sorted(interval_ns(event, plan) for event in plan.schedule)
            assert all(later[0] >= earlier[1] for earlier, later in pairwise(intervals))


def test_the_leader_is_left_alone_where_nobody_can_tell_who_leads() -> None:
    for seed in range(50):
        plan = draw_plan(seed, suite="queue", workload="fifo", leader=False)
        assert all(LEADER not in event.fault.names for event in plan.schedule)


@pytest.mark.parametrize("seconds", [1, 2, 5, 10, 120, 600, 86_400])
def test_schedules_scale_with_the_time(seconds: int) -> None:
    for seed in range(10):
        plan = draw_plan(seed, suite="etcd", workload="register", time_ns=seconds * SECOND_NS, rate=100)
        assert 1 <= len(plan.schedule) <= min(60, seconds / 3 + 1)
        assert max(interval_ns(event, plan)[1] for event in plan.schedule) <= plan.time_ns * 0.85


def test_a_budget_of_operations_that_ends_the_run_early_moves_the_faults() -> None:
    for seed in range(20):
        plan = draw_plan(seed, suite="etcd", workload="register", time_ns=60 * SECOND_NS, rate=100, operations=1000)
        assert max(interval_ns(event, plan)[1] for event in plan.schedule) <= 8.5 * SECOND_NS


def test_without_a_rate_faults_come_by_the_operations_that_there_will_be() -> None:
    for seed in range(20):
        plan = draw_plan(seed, suite="etcd", workload="register", rate=0, operations=10_000)
        counts = [event.anchor.count for event in plan.schedule if isinstance(event.anchor, AtOperation)]
        assert len(counts) == len(plan.schedule)
        assert max(counts) <= 8_500


def test_a_length_is_what_ends_the_run_first() -> None:
    minute_ns = 60 * SECOND_NS
    assert Length.of(time_ns=minute_ns, rate=100, operations=None) == Length(
        time_ns=minute_ns, operations=6_000, paced=True
    )
    assert Length.of(time_ns=minute_ns, rate=100, operations=500) == Length(
        time_ns=5 * SECOND_NS, operations=500, paced=True
    )
    assert Length.of(time_ns=minute_ns, rate=0, operations=None) == Length(time_ns=minute_ns, operations=0, paced=False)


def test_a_schedule_is_drawn_without_a_plan_too() -> None:
    length = Length.of(time_ns=30 * SECOND_NS, rate=0, operations=None)
    schedule = drawn(schedules(Targets(("a", "b", "c")), length), 7)
    assert schedule
    assert schedule == drawn(schedules(Targets(("a", "b", "c")), length), 7)


def test_a_strategy_that_turns_everything_down_is_named() -> None:
    length = Length.of(time_ns=30 * SECOND_NS, rate=0, operations=None)
    nothing = schedules(Targets(("a", "b", "c")), length).filter(lambda _: False)
    with pytest.raises(ValueError, match="turned down 100 inputs of seed 1: draw less, or filter less"):
        drawn(nothing, 1)


def test_an_input_that_is_turned_down_is_followed_by_the_next_of_the_seed() -> None:
    length = Length.of(time_ns=30 * SECOND_NS, rate=0, operations=None)
    crowded = schedules(Targets(("a", "b", "c")), length).filter(lambda schedule: len(schedule) >= 6)
    drawn_schedules = [drawn(crowded, seed) for seed in range(20)]
    assert all(len(schedule) >= 6 for schedule in drawn_schedules)
    assert drawn_schedules == [drawn(crowded, seed) for seed in range(20)]


def test_faults_that_are_impossible_here_are_refused_not_left_out() -> None:
    length = Length.of(time_ns=30 * SECOND_NS, rate=0, operations=None)
    without_links = schedules(Targets(("a",)), length).filter(bool)
    kinds = {event.fault.kind for seed in range(20) for event in drawn(without_links, seed)}
    assert kinds
    assert kinds.isdisjoint({"partition", "delay", "loss", "reordering", "rate", "reset"})
    with pytest.raises(InvalidValueError, match="the length of the run"):
        drawn(schedules(Targets(("a", "b")), Length.of(time_ns=SECOND_NS - 1, rate=0, operations=None)), 1)
