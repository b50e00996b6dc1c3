"""The runner, against a database in memory: what it records, how it fails, what it never calls valid."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import polars
import pytest

from schrodinger.checkers import Validity, Verdict, judge
from schrodinger.cluster import ProcessExit, ProviderError
from schrodinger.history import History
from schrodinger.nemesis import (
    AtOperation,
    AtTime,
    DiskFull,
    Event,
    FileDamage,
    Kill,
    MemberLeave,
    MemberReplace,
    Partition,
    Pause,
)
from schrodinger.operations import Read
from schrodinger.plan import Plan
from schrodinger.runner import Run, RunFiles, read_events, strength_of
from tests.fakes.memory import ChangingDatabase, MemoryClient, MemoryDatabase, MemoryProvider, memory_suite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from schrodinger.cluster import Cluster, Observed, Suite
    from schrodinger.history import Operation
    from schrodinger.nemesis import Fault, Schedule
    from schrodinger.operations import Completion
    from schrodinger.workloads import Node

MS = 1_000_000
FAULTS: Schedule = (
    Event(AtTime(200 * MS), Partition(frozenset({("n1", "n2"), ("n2", "n1")})), 100 * MS),
    Event(AtTime(250 * MS), Kill(frozenset({"n3"})), 200 * MS),
    Event(AtOperation(150), Pause(frozenset({"n2"})), 100 * MS),
)


@pytest.fixture(autouse=True)
def no_pause_before_clients_open_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node in memory is not hammered."""
    monkeypatch.setattr("schrodinger.runner.workers.REOPEN_DELAY_S", 0.01)


def plan(*, schedule: Schedule = FAULTS, seed: int = 5, time_ms: int = 800, operations: int | None = None) -> Plan:
    return Plan(
        suite="memory",
        workload="register",
        nodes=3,
        concurrency=4,
        rate=500,
        time_ns=time_ms * MS,
        seed=seed,
        schedule=schedule,
        operations=operations,
    )


def files(directory: Path) -> RunFiles:
    made = RunFiles(directory)
    made.nodes.mkdir(parents=True)
    return made


def run(directory: Path, plan: Plan, *, suite: Suite | None = None, provider: MemoryProvider | None = None) -> Verdict:
    """Run the plan in memory, and judge it."""
    suite, made = suite or memory_suite(), files(directory)
    asyncio.run(Run(plan, suite, directory, provider or MemoryProvider(), made).execute())
    checker = suite.workload(plan.workload).checker(plan.parameters)
    events = list(read_events(made.events))
    return judge(History.open(made.history), checker, events, strength_of(plan, events))


async def never(node: Node, cluster: Cluster) -> bool:
    return False


def operations_of(directory: Path) -> dict[int, list[tuple[str, int]]]:
    """Functions and keys of the main phase, a list a process."""
    history = History.open(directory)
    frame = history.operations().filter(polars.col("start_ns") < history.phases()["heal"])
    found: dict[int, list[tuple[str, int]]] = {}
    for process, f, key in frame.select("process", polars.col("f").cast(polars.String), "key").iter_rows():
        found.setdefault(process, []).append((f, key))
    return found


def test_a_correct_database_under_faults_is_valid(tmp_path: Path) -> None:
    verdict = run(tmp_path / "run", plan())
    assert verdict.validity is Validity.VALID, verdict.reasons


def test_every_fault_has_its_interval_in_the_history(tmp_path: Path) -> None:
    run(tmp_path / "run", plan())
    faults = {fault.kind: fault for fault in History.open(tmp_path / "run").faults()}
    assert set(faults) == {"partition", "kill", "pause"}
    assert all(fault.end_ns is not None and fault.end_ns - fault.begin_ns >= 90 * MS for fault in faults.values())


def test_overlapping_faults_are_desired_together_and_lifted_apart(tmp_path: Path) -> None:
    provider = MemoryProvider()
    run(tmp_path / "run", plan(schedule=FAULTS[:2]), provider=provider)
    kinds = [sorted(fault.kind for fault in desired.values()) for desired in provider.desired]
    assert kinds[:4] == [["partition"], ["kill", "partition"], ["kill"], []]


def test_a_killed_database_is_started_again_when_its_fault_ends(tmp_path: Path) -> None:
    provider = MemoryProvider()
    run(tmp_path / "run", plan(), provider=provider)
    assert provider.spawned == ["n1", "n2", "n3", "n3"]


NODES = ("n1", "n2", "n3")


@pytest.mark.parametrize("fault", [MemberLeave, MemberReplace])
def test_a_member_goes_and_comes_back_as_a_new_one(tmp_path: Path, fault: type[MemberLeave | MemberReplace]) -> None:
    database, provider = ChangingDatabase(NODES), MemoryProvider()
    goes = Event(AtTime(200 * MS), fault(frozenset({"n3"}), 2), 200 * MS)
    suite = replace(memory_suite(), database=database)
    verdict = run(tmp_path / "run", plan(schedule=(goes,)), suite=suite, provider=provider)
    assert verdict.validity is Validity.VALID, verdict.reasons
    assert database.asked == ["leave n3", "join n3"]
    assert database.joined_at_start == [False, False, False, True]
    assert provider.spawned == ["n1", "n2", "n3", "n3"]
    (interval,) = History.open(tmp_path / "run").faults()
    assert interval.evidence["remaining"] == ["n1", "n2"]
    assert interval.evidence["members"] == ["n1", "n2", "n3"]


def test_a_change_that_would_leave_too_few_members_is_left_out(tmp_path: Path) -> None:
    database = ChangingDatabase(NODES)
    schedule = (
        Event(AtTime(100 * MS), MemberLeave(frozenset({"n3"}), 2), 500 * MS),
        Event(AtTime(200 * MS), MemberLeave(frozenset({"n2"}), 2), 100 * MS),
        Event(AtTime(300 * MS), MemberReplace(frozenset({"n3"}), 1), 100 * MS),
    )
    run(tmp_path / "run", plan(schedule=schedule), suite=replace(memory_suite(), database=database))
    assert database.asked == ["leave n3", "join n3"]
    notes = [event["message"] for event in read_events(RunFiles(tmp_path / "run").events) if event["kind"] == "note"]
    assert "member-leave (keeping 2): n2: it keeps 2 members, and only 1 would remain; it was left out" in notes
    assert "member-replace (keeping 1): n3: n3 is away already; it was left out" in notes


@pytest.mark.parametrize("fault", [MemberLeave, MemberReplace])
def test_a_change_that_the_end_of_the_run_interrupts_is_brought_to_its_end(
    tmp_path: Path, fault: type[MemberLeave | MemberReplace]
) -> None:
    database, provider = ChangingDatabase(NODES, refusals=4), MemoryProvider()
    goes = Event(AtTime(500 * MS), fault(frozenset({"n3"}), 2), 20_000 * MS)
    suite = replace(memory_suite(), database=database)
    run(tmp_path / "run", plan(schedule=(goes,)), suite=suite, provider=provider)
    assert database.asked[-2:] == ["leave n3", "join n3"]
    assert provider.spawned == ["n1", "n2", "n3", "n3"]
    assert provider.desired[-1] == {}


def test_leaving_out_a_fault_changes_no_operation(tmp_path: Path) -> None:
    run(tmp_path / "with", plan())
    run(tmp_path / "without", plan(schedule=()))
    with_faults, without = operations_of(tmp_path / "with"), operations_of(tmp_path / "without")
    for process in sorted(with_faults.keys() & without.keys()):
        length = min(len(with_faults[process]), len(without[process]))
        planned = [(f if f != "cas" else "read", key) for f, key in with_faults[process][:length]]
        assert planned == [(f if f != "cas" else "read", key) for f, key in without[process][:length]]
        assert length > 10


def test_a_budget_of_operations_ends_the_main_phase(tmp_path: Path) -> None:
    run(tmp_path / "run", plan(schedule=(), time_ms=60_000, operations=100))
    assert sum(len(found) for found in operations_of(tmp_path / "run").values()) == 100


def test_a_stale_read_is_a_violation(tmp_path: Path) -> None:
    class Stale(MemoryClient):
        async def open(self, node: Node, options: Mapping[str, str]) -> None:
            self.first: dict[int, int | None] = {}

        async def invoke(self, operation: Operation) -> Completion:
            completion = await super().invoke(operation)
            if operation.f != "read" or operation.partition_key is None or not isinstance(completion.value, int):
                return completion
            return operation.ok(self.first.setdefault(operation.partition_key, completion.value))

    data: dict[int, int] = {}
    verdict = run(tmp_path / "run", plan(), suite=memory_suite(lambda: Stale(data)))
    assert verdict.validity is Validity.VIOLATION
    assert verdict.anomalies


def test_a_client_that_raises_what_it_does_not_expect_makes_no_valid_run_and_shows_its_trace(tmp_path: Path) -> None:
    class Buggy(MemoryClient):
        async def invoke(self, operation: Operation) -> Completion:
            if operation.f == "write" and len(self.data) > 3:
                raise KeyError("a mistake in the suite")
            return await super().invoke(operation)

    data: dict[int, int] = {}
    verdict = run(tmp_path / "run", plan(schedule=()), suite=memory_suite(lambda: Buggy(data)))
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    (told,) = [reason for reason in verdict.reasons if "a mistake in the suite" in reason]
    assert "name its class in expected_errors" in told
    assert "test_runner.py" in told
    assert "workers.py" not in told


def test_a_client_that_was_being_opened_when_the_main_phase_ended_is_never_used(tmp_path: Path) -> None:
    class Slow(MemoryClient):
        """The four workers are served at once. Who replaces the first of them is still on its way at the end."""

        timeout_s = 30.0
        opened = 0
        is_open = False

        async def open(self, node: Node, options: Mapping[str, str]) -> None:
            Slow.opened += 1
            if Slow.opened == 5:
                await asyncio.sleep(20)
            self.is_open = True

        async def invoke(self, operation: Operation) -> Completion:
            assert self.is_open
            completion = await super().invoke(operation)
            return operation.info("who knows") if Slow.opened == 4 and operation.f == "write" else completion

    data: dict[int, int] = {}
    verdict = run(tmp_path / "run", plan(schedule=()), suite=memory_suite(lambda: Slow(data)))
    assert Slow.opened > 5
    assert verdict.validity is Validity.VALID, verdict.reasons


def test_what_clients_log_is_kept_and_not_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Talkative(MemoryClient):
        async def open(self, node: Node, options: Mapping[str, str]) -> None:
            logging.getLogger("driver").warning("connecting to %s", node.name)

    run(tmp_path / "run", plan(schedule=()), suite=memory_suite(lambda: Talkative({})))
    assert "driver WARNING: connecting to n2" in RunFiles(tmp_path / "run").client_log.read_text()
    assert "connecting" not in capfd.readouterr().err
    run(tmp_path / "silent", plan(schedule=()))
    assert not RunFiles(tmp_path / "silent").client_log.exists()


def test_an_error_of_close_says_that_open_had_failed_before(tmp_path: Path) -> None:
    class Refused(MemoryClient):
        connection: Any = None

        async def open(self, node: Node, options: Mapping[str, str]) -> None:
            raise ConnectionRefusedError

        async def close(self) -> None:
            self.connection.close()

    verdict = run(tmp_path / "run", plan(schedule=()), suite=memory_suite(lambda: Refused({})))
    (told,) = [reason for reason in verdict.reasons if "NoneType" in reason]
    assert "this is close() after an open() that failed" in told


@pytest.mark.parametrize("answer", [None, ("a", "word"), 1 << 64, {"un": "ordered"}])
def test_a_client_that_answers_what_no_history_can_hold_is_told_so_once(tmp_path: Path, answer: Any) -> None:
    class Buggy(MemoryClient):
        async def invoke(self, operation: Operation) -> Completion:
            completion = await super().invoke(operation)
            if operation.f == "read" and len(self.data) > 3:
                return cast("Completion", answer and operation.ok(answer))
            return completion

    data: dict[int, int] = {}
    verdict = run(tmp_path / "run", plan(schedule=()), suite=memory_suite(lambda: Buggy(data)))
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    told = [reason for reason in verdict.reasons if "Buggy completed read with" in reason]
    assert len(told) == 1
    assert "return operation.ok(...) with whole numbers" in told[0]


def test_an_operation_without_an_answer_is_info_and_retires_its_process(tmp_path: Path) -> None:
    class Hangs(MemoryClient):
        async def invoke(self, operation: Operation) -> Completion:
            if operation.f == "write" and len(self.data) == 5:
                self.data[-1] = 0
                await asyncio.sleep(60)
            return await super().invoke(operation)

    data: dict[int, int] = {}
    run(tmp_path / "run", plan(schedule=()), suite=memory_suite(lambda: Hangs(data)))
    operations = History.open(tmp_path / "run").operations()
    hung = operations.filter(polars.col("type").cast(polars.String) == "info").row(0, named=True)
    assert "no answer within 0.2 s" in hung["detail"]
    assert (
        operations.filter((polars.col("process") == hung["process"]) & (polars.col("index") > hung["index"])).height
        == 0
    )
    assert operations.filter(polars.col("process") == hung["process"] + 4).height > 0


def test_calls_of_a_blocking_driver_that_never_end_hold_up_nobody_else(tmp_path: Path) -> None:
    over = threading.Event()

    class Blocks(MemoryClient):
        async def invoke(self, operation: Operation) -> Completion:
            if operation.f == "write" and len(self.data) % 3 == 0:
                self.data[-1 - len(self.data)] = 0
                await asyncio.to_thread(over.wait)
            return await asyncio.to_thread(asyncio.run, super().invoke(operation))

    data: dict[int, int] = {}
    try:
        assert run(tmp_path / "run", plan(schedule=()), suite=memory_suite(lambda: Blocks(data))).reasons == ()
        blocked = [thread for thread in threading.enumerate() if thread.name == "run"]
    finally:
        over.set()
    counts = History.open(tmp_path / "run").operations()["type"].cast(polars.String).value_counts()
    assert dict(counts.iter_rows())["info"] >= 1, blocked


def test_a_database_says_how_long_its_nodes_may_take_until_they_are_ready(tmp_path: Path) -> None:
    class Slow(MemoryDatabase):
        ready_within_s = 0.2

        async def ready(self, node: Node, cluster: Cluster) -> bool:
            return False

    verdict = run(tmp_path / "run", plan(), suite=replace(memory_suite(), database=Slow()))
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    assert verdict.reasons[0].startswith("phase setup did not end within 0.2 s: n1 says it is not ready")


def test_a_fault_that_is_not_in_force_is_an_infrastructure_error(tmp_path: Path) -> None:
    verdict = run(tmp_path / "run", plan(), provider=MemoryProvider(broken=frozenset({"partition"})))
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    assert any("not in force" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("call", ["up", "spawn", "set_faults"])
def test_a_provider_that_fails_is_an_infrastructure_error_and_is_taken_down(tmp_path: Path, call: str) -> None:
    provider = MemoryProvider(fails_in=call)
    verdict = run(tmp_path / "run", plan(), provider=provider)
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    phase = {"up": "up", "spawn": "setup", "set_faults": "main"}[call]
    assert f"while in phase {phase}: {call} failed, as the test wants" in verdict.reasons
    assert provider.is_down


def test_a_cluster_that_is_lost_ends_the_main_phase_at_once(tmp_path: Path) -> None:
    class Lost(MemoryProvider):
        async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
            self.exit_queue.put_nowait(ProviderError("the agent died, as the test wants"))
            return await super().set_faults(faults)

    began = time.monotonic()
    verdict = run(tmp_path / "run", plan(schedule=FAULTS[:1], time_ms=30_000), provider=Lost())
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    assert any("the agent died" in reason for reason in verdict.reasons)
    assert time.monotonic() - began < 20


def test_a_nemesis_that_fails_ends_the_main_phase_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    verdict = run(tmp_path / "run", plan(time_ms=30_000), provider=MemoryProvider(fails_in="set_faults"))
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    assert time.monotonic() - began < 20


def test_a_database_that_ends_while_it_is_set_up_is_an_infrastructure_error_at_once(tmp_path: Path) -> None:
    provider = MemoryProvider()
    provider.exit_queue.put_nowait(ProcessExit(node="n2", status=2, expected=False, time_ns=0))
    suite = memory_suite()
    suite.database.ready = never  # type: ignore[method-assign]
    verdict = run(tmp_path / "run", plan(schedule=()), provider=provider, suite=suite)
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    assert "phase setup: the database on n2 ended" in verdict.reasons
    assert sum("it printed nothing" in reason or "No such file" in reason for reason in verdict.reasons) == 1


def test_a_database_that_ends_by_itself_makes_the_run_unknown(tmp_path: Path) -> None:
    class Crashes(MemoryProvider):
        async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
            self.exit_queue.put_nowait(ProcessExit(node="n2", status=2, expected=False, time_ns=0))
            return await super().set_faults(faults)

    verdict = run(tmp_path / "run", plan(schedule=FAULTS[:1]), provider=Crashes())
    assert verdict.validity is Validity.UNKNOWN
    assert any("n2 ended by itself with status 2: " in reason for reason in verdict.reasons)


def test_why_a_run_was_weak_is_told_before_that_it_was(tmp_path: Path) -> None:
    provider = MemoryProvider()
    provider.exit_queue.put_nowait(ProcessExit(node="n2", status=2, expected=False, time_ns=0))
    suite = memory_suite()
    suite.database.ready = never  # type: ignore[method-assign]
    verdict = run(tmp_path / "run", plan(schedule=FAULTS[:1]), provider=provider, suite=suite)
    weak = next(place for place, reason in enumerate(verdict.reasons) if reason.startswith("too weak"))
    ended = [place for place, reason in enumerate(verdict.reasons) if "database on n2 ended" in reason]
    assert max(ended) < weak


def test_a_database_that_ends_again_and_again_is_told_once_with_how_often(tmp_path: Path) -> None:
    class Crashes(MemoryProvider):
        async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
            self.exit_queue.put_nowait(ProcessExit(node="n2", status=2, expected=False, time_ns=0))
            return await super().set_faults(faults)

    verdict = run(tmp_path / "run", plan(schedule=FAULTS[:2]), provider=Crashes())
    told = [reason for reason in verdict.reasons if "n2 ended by itself" in reason]
    assert len(told) == 1
    assert re.match(r"\d+ times: the database on n2 ended by itself with status 2", told[0])


def test_a_database_that_ends_over_a_fault_is_started_again_and_nobody_is_blamed(tmp_path: Path) -> None:
    class Upset(MemoryProvider):
        async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
            if any(fault.kind == "disk-full" for fault in faults.values()):
                self.exit_queue.put_nowait(ProcessExit(node="n2", status=1, expected=False, time_ns=0))
            return await super().set_faults(faults)

    provider = Upset()
    full = Event(AtTime(100 * MS), DiskFull(frozenset({"n2"})), 300 * MS)
    verdict = run(tmp_path / "run", plan(schedule=(full,)), provider=provider)
    assert verdict.validity is Validity.VALID, verdict.reasons
    assert provider.spawned.count("n2") == 2
    notes = [event["message"] for event in read_events(RunFiles(tmp_path / "run").events) if event["kind"] == "note"]
    assert notes == ["the database on n2 ended by itself with status 1, under disk-full: n2"]


def test_a_node_has_its_files_before_its_first_start_and_keeps_what_becomes_of_them(tmp_path: Path) -> None:
    class Configured(MemoryDatabase):
        def files(self, node: Node, cluster: Cluster) -> Mapping[str, str]:
            return {"store.conf": f"{node.name} of {len(cluster.nodes)}"}

        def companions(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[Sequence[str]]:
            return [["watcher", node.name]]

    provider, suite = MemoryProvider(), memory_suite()
    killed = (Event(AtTime(100 * MS), Kill(frozenset({"n2"})), 100 * MS),)
    run(tmp_path / "run", plan(schedule=killed), suite=replace(suite, database=Configured()), provider=provider)
    assert provider.stored == [(name, "store.conf", f"{name} of 3") for name in ("n1", "n2", "n3")]
    assert provider.spawned.count("n2") == 2
    assert provider.companions == {name: [["watcher", name]] for name in ("n1", "n2", "n3")}


def test_a_database_that_refuses_damaged_files_stays_down_and_the_others_are_read(tmp_path: Path) -> None:
    class Refuses(MemoryProvider):
        async def spawn(self, node: Node, *command: Any) -> None:
            await super().spawn(node, *command)
            if self.spawned.count("n3") == 2:
                self.exit_queue.put_nowait(ProcessExit(node="n3", status=2, expected=False, time_ns=0))

    damage = FileDamage(frozenset({"n3"}), "*", "flip", 1, 7)
    verdict = run(tmp_path / "run", plan(schedule=(Event(AtTime(100 * MS), damage, 200 * MS),)), provider=Refuses())
    assert verdict.validity is Validity.VALID, verdict.reasons


class Marking(MemoryProvider):
    """Notes when all is healed."""

    def __init__(self, marks: list[str]) -> None:
        super().__init__()
        self.marks = marks

    async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
        if not faults:
            self.marks.append("healed")
        return await super().set_faults(faults)


def test_final_operations_that_never_succeed_make_the_run_unknown(tmp_path: Path) -> None:
    class NoFinalReads(MemoryClient):
        async def invoke(self, operation: Operation) -> Completion:
            if operation.f == "read" and operation.partition_key == 3 and "healed" in marks:
                raise OSError("connection refused")
            return await super().invoke(operation)

    marks: list[str] = []
    data: dict[int, int] = {}
    one_fault = (Event(AtTime(200 * MS), Pause(frozenset({"n1"})), 2000 * MS),)
    verdict = run(
        tmp_path / "run",
        plan(schedule=one_fault),
        suite=memory_suite(lambda: NoFinalReads(data)),
        provider=Marking(marks),
    )
    assert verdict.validity is Validity.UNKNOWN
    told = [reason for reason in verdict.reasons if "final operations never succeeded" in reason]
    assert len(told) == 1
    assert "the first a read of key 3" in told[0]


def test_a_node_that_differs_for_good_once_all_is_healed_is_seen_whichever_it_is(tmp_path: Path) -> None:
    class Diverged(MemoryClient):
        """The last node answers reads of one key as nothing had ever been written, once all is healed."""

        async def open(self, node: Node, options: Mapping[str, str]) -> None:
            await super().open(node, options)
            self.is_last = node.name == "n3"

        async def invoke(self, operation: Operation) -> Completion:
            if marks and self.is_last and operation == Read(0):
                return operation.ok(None)
            return await super().invoke(operation)

    marks: list[str] = []
    data: dict[int, int] = {}
    until_the_end = (Event(AtTime(200 * MS), Pause(frozenset({"n1"})), 2000 * MS),)
    suite = memory_suite(lambda: Diverged(data))
    verdict = run(tmp_path / "run", plan(schedule=until_the_end), suite=suite, provider=Marking(marks))
    assert verdict.validity is Validity.VIOLATION


def test_final_operations_that_are_never_invoked_make_the_run_unknown(tmp_path: Path) -> None:
    class Unreachable(MemoryClient):
        """Loses its connection to n2 once all is healed, and never gets another."""

        async def open(self, node: Node, options: Mapping[str, str]) -> None:
            self.lost = node.name == "n2"
            if self.lost and marks:
                raise OSError("connection refused")

        async def invoke(self, operation: Operation) -> Completion:
            if self.lost and marks:
                raise OSError("connection reset")
            return await super().invoke(operation)

    marks: list[str] = []
    data: dict[int, int] = {}
    one_fault = (Event(AtTime(200 * MS), Pause(frozenset({"n1"})), 2000 * MS),)
    suite = memory_suite(lambda: Unreachable(data))
    verdict = run(tmp_path / "run", plan(schedule=one_fault), suite=suite, provider=Marking(marks))
    assert verdict.validity is Validity.UNKNOWN
    told = [reason for reason in verdict.reasons if "final operations never succeeded" in reason]
    assert len(told) == 1
    assert told[0].startswith("10 of 40 final operations never succeeded, the first a read of key ")


def test_a_run_with_too_few_operations_is_unknown(tmp_path: Path) -> None:
    verdict = run(tmp_path / "run", plan(schedule=(), operations=3))
    assert verdict.validity is Validity.VALID or "too weak" in " ".join(verdict.reasons)
    idle = Event(AtTime(0), Pause(frozenset({"n1"})), 100 * MS)
    verdict = run(tmp_path / "faults", plan(schedule=(idle,)))
    assert verdict.validity is Validity.UNKNOWN
    assert any("before the first fault" in reason for reason in verdict.reasons)


def test_an_interrupted_run_is_taken_down_and_its_history_can_be_checked(tmp_path: Path) -> None:
    provider, suite, made = MemoryProvider(), memory_suite(), files(tmp_path / "run")

    async def interrupted() -> None:
        task = asyncio.create_task(Run(plan(time_ms=60_000), suite, tmp_path, provider, made).execute())
        while not provider.desired:  # noqa: ASYNC110 - set in the middle of the run, by code that knows of no event
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    history = History.open(made.history)
    assert provider.is_down
    assert history.damage is None
    checker = suite.workload("register").checker({})
    events = list(read_events(made.events))
    verdict = judge(history, checker, events, strength_of(plan(), events))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons[0] == "the run was interrupted"
