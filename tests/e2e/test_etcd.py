"""The etcd suite on a real cluster: what must pass passes, what is unsafe is found, and what is found replays."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from schrodinger.checkers import LogPattern
from schrodinger.cluster import load_suite
from schrodinger.history import History
from schrodinger.nemesis import (
    AtTime,
    ClockDrift,
    DiskFull,
    DiskSlow,
    DnsFailure,
    DnsLie,
    Event,
    Kill,
    MemberLeave,
    MemberReplace,
    MonotonicDrift,
    Partition,
    PowerLoss,
)
from schrodinger.plan import Plan
from tests.fakes.command import REPOSITORY, schrodinger

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3")


def isolate(node: str) -> Partition:
    """Cut one node off all others, both ways."""
    others = [other for other in NODES if other != node]
    return Partition(frozenset(edge for other in others for edge in ((node, other), (other, node))))


def partition_plan(reads: str, rounds: int = 1) -> Plan:
    """Each node is cut off in turn, while registers are read and written."""
    schedule = tuple(
        Event(AtTime((1 + 3 * turn) * SECOND), isolate(node), 2 * SECOND) for turn, node in enumerate(NODES * rounds)
    )
    return Plan(
        suite="suites/etcd",
        workload="register",
        nodes=3,
        concurrency=9,
        rate=300,
        time_ns=(2 + 9 * rounds) * SECOND,
        seed=11,
        schedule=schedule,
        parameters={"keys": 2, "rotate": 1000, "read_percent": 60, "cas_percent": 10},
        options={"reads": reads},
    )


@pytest.mark.parametrize(
    ("line", "is_a_defect"),
    [
        ("fatal error: newosproc", False),
        ("fatal error: fault", False),
        ("fatal error: concurrent map writes", True),
        ("panic: open wal: EIO", False),
    ],
)
def test_what_etcd_says_where_it_can_have_no_thread_or_no_disk_is_no_defect(line: str, is_a_defect: bool) -> None:
    (logs,) = load_suite(str(REPOSITORY / "suites" / "etcd")).checkers
    assert isinstance(logs, LogPattern)
    assert (re.search(logs.pattern, line) is not None) is is_a_defect


@pytest.mark.parametrize(
    "workload", ["register", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("set", "append"))]
)
def test_etcd_survives_partitions_kills_and_pauses(tmp_path: Path, workload: str) -> None:
    ended = schrodinger(
        *["run", "suites/etcd", "--workload", workload, "--faults", "partition,kill,pause", "--nodes", "5"],
        *["--time", "15", "--rate", "200", "--concurrency", "10", "--seed", "3", "--root", str(tmp_path)],
    )
    assert (ended.status, ended.value("verdict")) == (0, "valid"), ended
    assert Path(ended.value("report")).stat().st_size > 10_000
    assert History.open(ended.value("run")).faults()


def test_etcd_survives_disks_that_lose_power_fill_up_and_are_slow(tmp_path: Path) -> None:
    nodes = frozenset(NODES)
    schedule = (
        Event(AtTime(1 * SECOND), DiskSlow(nodes, 100), 8 * SECOND),
        Event(AtTime(2 * SECOND), PowerLoss(nodes), SECOND // 2),
        Event(AtTime(5 * SECOND), DiskFull(frozenset({"n1"})), 2 * SECOND),
        Event(AtTime(6 * SECOND), PowerLoss(frozenset({"n2"})), SECOND // 2),
    )
    plan = replace(partition_plan("linearizable"), workload="set", parameters={}, schedule=schedule)
    (tmp_path / "plan.json").write_text(plan.to_json())
    ended = schrodinger("replay", str(tmp_path / "plan.json"), "--root", str(tmp_path))
    assert (ended.status, ended.value("verdict")) == (0, "valid"), ended
    assert all(fault.affected for fault in History.open(ended.value("run")).faults())


@pytest.mark.thorough
def test_members_of_etcd_leave_and_are_replaced_and_what_it_promised_stands(tmp_path: Path) -> None:
    schedule = (
        Event(AtTime(1 * SECOND), MemberLeave(frozenset({"n3"}), 2), SECOND),
        Event(AtTime(6 * SECOND), MemberReplace(frozenset({"n2"}), 2), SECOND),
        Event(AtTime(7 * SECOND), isolate("n1"), SECOND),
        Event(AtTime(11 * SECOND), MemberLeave(frozenset({"n1"}), 3), SECOND),
    )
    plan = replace(partition_plan("linearizable"), time_ns=12 * SECOND, schedule=schedule)
    (tmp_path / "plan.json").write_text(plan.to_json())
    ended = schrodinger("replay", str(tmp_path / "plan.json"), "--root", str(tmp_path))
    assert (ended.status, ended.value("verdict")) == (0, "valid"), ended
    assert "n1: it keeps 3 members, and only 2 would remain; it was left out" in ended.out
    faults = History.open(ended.value("run")).faults()
    changes = [fault for fault in faults if fault.kind != "partition"]
    assert [fault.evidence["remaining"] for fault in changes] == [["n1", "n2"], ["n1", "n3"]]
    assert all(fault.evidence["members"] == list(NODES) and not fault.error for fault in changes)
    logs = [(Path(ended.value("run")) / "nodes" / name / "node.log").read_text() for name in NODES]
    numbers = [set(re.findall(r'"local-member-id":"([0-9a-f]+)"', log)) for log in logs]
    assert [len(found) for found in numbers] == [1, 2, 2], "etcd itself knows them as other members"


@pytest.mark.thorough
def test_etcd_that_goes_by_names_survives_names_that_fail_and_lie(tmp_path: Path) -> None:
    schedule = (
        Event(AtTime(1 * SECOND), DnsFailure(frozenset({"n3"}), "timeout"), 4 * SECOND),
        Event(AtTime(2 * SECOND), DnsLie(frozenset({"n1", "n2"}), "n3", "n2"), 3 * SECOND),
        Event(AtTime(2 * SECOND), Kill(frozenset({"n3"})), SECOND),
    )
    plan = replace(partition_plan("linearizable"), time_ns=7 * SECOND, schedule=schedule)
    plan = replace(plan, options={**plan.options, "addresses": "names"})
    (tmp_path / "plan.json").write_text(plan.to_json())
    ended = schrodinger("replay", str(tmp_path / "plan.json"), "--root", str(tmp_path))
    assert (ended.status, ended.value("verdict")) == (0, "valid"), ended
    assert all(fault.affected and not fault.error for fault in History.open(ended.value("run")).faults())


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("power-loss-alone", {"power-loss", "disk-slow"}),
        ("power-loss-alone-mended", {"power-loss", "disk-slow"}),
        ("power-loss-three", {"power-loss", "disk-slow"}),
        ("lock-drift", {"monotonic-drift"}),
    ],
)
def test_plans_that_come_with_the_suite_can_be_read(name: str, kinds: set[str]) -> None:
    plan = Plan.from_json(Path(f"suites/etcd/plans/{name}.json").read_text())
    assert {event.fault.kind for event in plan.schedule} == kinds


@pytest.mark.thorough
@pytest.mark.parametrize(("clock", "status"), [(MonotonicDrift, 1), (ClockDrift, 0)])
def test_a_lock_is_held_twice_by_a_leader_with_a_fast_monotonic_clock_and_not_by_one_with_a_wrong_date(
    tmp_path: Path, clock: type[MonotonicDrift | ClockDrift], status: int
) -> None:
    leader = frozenset({"leader"})
    schedule = tuple(Event(AtTime(at * SECOND), clock(leader, 9_000_000), 3 * SECOND // 2) for at in (2, 6))
    plan = Plan.from_json(Path("suites/etcd/plans/lock-drift.json").read_text())
    (tmp_path / "plan.json").write_text(replace(plan, schedule=schedule, time_ns=9 * SECOND).to_json())
    ended = schrodinger("replay", str(tmp_path / "plan.json"), "--root", str(tmp_path))
    assert ended.status == status, ended
    assert ("held-twice" in ended.out) is (status == 1)
    assert all(fault.affected for fault in History.open(ended.value("run")).faults())


def test_serializable_reads_in_a_minority_are_found_stale_and_linearizable_ones_are_not(tmp_path: Path) -> None:
    for reads, status in (("serializable", 1), ("linearizable", 0)):
        (tmp_path / f"{reads}.json").write_text(partition_plan(reads).to_json())
        ended = schrodinger("replay", str(tmp_path / f"{reads}.json"), "--root", str(tmp_path / reads))
        assert ended.status == status, ended
        assert ("anomaly" in ended.out) is (status == 1)
        again = schrodinger("check", ended.value("run"))
        assert again.status == status, again


def test_stale_transactions_are_found_while_the_run_goes_on(tmp_path: Path) -> None:
    plan = replace(partition_plan("serializable", 6), workload="append", parameters={"keys": 2, "rotate": 100})
    (tmp_path / "plan.json").write_text(plan.to_json())
    ended = schrodinger("replay", str(tmp_path / "plan.json"), "--fail-fast", "--root", str(tmp_path))
    assert ended.status == 1, ended
    assert "G-single-item" in ended.value("anomaly")
    assert "final operations" not in History.open(ended.value("run")).phases()


@pytest.mark.parametrize("workload", ["bank", "unique-ids", "monotonic", "long-fork", "queue", "fenced-lock"])
def test_what_transactions_keep_is_kept(tmp_path: Path, workload: str) -> None:
    ended = schrodinger(
        *["run", "suites/etcd", "--workload", workload, "--faults", "none", "--nodes", "1", "--time", "2"],
        *["--rate", "300", "--concurrency", "9", "--seed", "3", "--root", str(tmp_path)],
    )
    assert (ended.status, ended.value("verdict")) == (0, "valid"), ended


def test_balances_that_are_read_one_by_one_are_found_while_the_run_goes_on(tmp_path: Path) -> None:
    ended = schrodinger(
        *["run", "suites/etcd", "--workload", "bank", "--snapshots", "no", "--faults", "none", "--nodes", "1"],
        *["--time", "60", "--rate", "300", "--concurrency", "9", "--seed", "3", "--root", str(tmp_path), "--fail-fast"],
    )
    assert ended.status == 1, ended
    assert "wrong-total" in ended.value("anomaly")
    phases = History.open(ended.value("run")).phases()
    assert phases["heal"] - phases["main"] < 30 * SECOND
    together = schrodinger("check", ended.value("run"), "--checker", "stats", "--checker", "bank", "--explain")
    assert together.status == 1, together
    assert "part        stats: valid" in together.out
    assert schrodinger("check", ended.value("run"), "--checker", "stats").status == 0
    (listed,) = schrodinger("runs", "--root", str(tmp_path)).out.splitlines()
    assert " violation " in listed


def test_a_run_can_be_replayed_listed_and_read_by_machines(tmp_path: Path) -> None:
    common = ["--root", str(tmp_path), "--json"]
    ended = schrodinger("run", "suites/etcd", "--nodes", "3", "--time", "6", "--rate", "100", "--seed", "5", *common)
    result = json.loads(ended.out.splitlines()[-1])["result"]
    assert (ended.status, result["validity"]) == (0, "valid"), ended
    replayed = json.loads(schrodinger("replay", result["run"], *common).out.splitlines()[-1])["result"]
    first, second = (Path(run["run"]) / "plan.json" for run in (result, replayed))
    assert first.read_bytes() == second.read_bytes()
    listed = [json.loads(line) for line in schrodinger("runs", "--seed", "5", *common).out.splitlines()]
    assert {run["run"] for run in listed} == {result["run"], replayed["run"]}
