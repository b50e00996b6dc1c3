"""The Redis suite on a real cluster: what is documented as unsafe is found, and its twin that is safe passes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schrodinger.history import History
from schrodinger.nemesis import AtTime, DiskSlow, Event, Partition, PowerLoss
from schrodinger.plan import Plan
from tests.fakes.command import Ended, schrodinger

SECOND = 1_000_000_000
PLANS = Path("suites/redis/plans")
LOSS = (
    Event(AtTime(SECOND // 2), DiskSlow(frozenset({"n1"}), 200), 3 * SECOND // 2),
    Event(AtTime(3 * SECOND // 2), PowerLoss(frozenset({"n1"})), SECOND // 4),
)
"""A disk on which a write takes a while, and a loss of power meanwhile."""
CUT = (
    Event(
        AtTime(SECOND),
        Partition(frozenset({("n1", "n2"), ("n1", "n3"), ("n2", "n1"), ("n3", "n1")})),
        5 * SECOND,
    ),
)
"""The primary is alone for long enough to be replaced: it is missed after one second, and all agree after another."""


def replay(plan: Plan, root: Path) -> Ended:
    root.mkdir(exist_ok=True)
    (root / "plan.json").write_text(plan.to_json())
    return schrodinger("replay", str(root / "plan.json"), "--root", str(root))


def documented(name: str) -> Plan:
    return Plan.from_json((PLANS / f"{name}.json").read_text())


@pytest.mark.parametrize(("appendfsync", "status"), [("everysec", 1), ("always", 0)])
def test_a_loss_of_power_loses_what_was_acknowledged_before_its_sync_and_nothing_else(
    tmp_path: Path, appendfsync: str, status: int
) -> None:
    plan = replace(documented(f"power-loss-{appendfsync}"), schedule=LOSS, time_ns=3 * SECOND)
    ended = replay(plan, tmp_path)
    assert ended.status == status, ended
    assert ("lost element" in ended.out) is (status == 1)


@pytest.mark.thorough
@pytest.mark.parametrize(("appendfsync", "status"), [("everysec", 1), ("always", 0)])
def test_a_log_whose_end_is_lost_with_the_power_gives_its_offsets_away_again(
    tmp_path: Path, appendfsync: str, status: int
) -> None:
    plan = replace(documented(f"power-loss-{appendfsync}"), schedule=LOSS, time_ns=3 * SECOND)
    ended = replay(replace(plan, workload="log", parameters={}), tmp_path)
    assert ended.status == status, ended
    assert ("inconsistent-offsets" in ended.out) is (status == 1)


@pytest.mark.thorough
@pytest.mark.parametrize(("failover", "status"), [("with", 1), ("without", 0)])
def test_a_primary_that_is_replaced_takes_what_it_alone_had_acknowledged_with_it(
    tmp_path: Path, failover: str, status: int
) -> None:
    plan = replace(documented(f"partition-{failover}-failover"), schedule=CUT, time_ns=7 * SECOND)
    ended = replay(plan, tmp_path)
    assert ended.status == status, ended
    assert ("lost element" in ended.out) is (status == 1)
    assert History.open(ended.value("run")).faults()[0].affected


def test_plans_that_come_with_the_suite_come_in_pairs_that_differ_in_one_option() -> None:
    plans = {path.stem: Plan.from_json(path.read_text()) for path in PLANS.glob("*.json")}
    for unsafe, safe, option in (
        ("power-loss-everysec", "power-loss-always", "appendfsync"),
        ("partition-with-failover", "partition-without-failover", "failover"),
        ("kill-with-failover", "kill-without-failover", "failover"),
    ):
        first, second = plans.pop(unsafe), plans.pop(safe)
        assert first.options[option] != second.options[option]
        assert replace(first, options={**first.options, option: second.options[option]}) == second
    assert not plans
