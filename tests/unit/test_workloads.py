"""Workloads: what a process does follows from (seed, process, index) alone, and every written value is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger import workloads
from schrodinger.checkers import Validity
from schrodinger.operations import (
    Acquire,
    Add,
    Assign,
    Cas,
    Poll,
    PollAll,
    Read,
    ReadAll,
    ReadBalances,
    Release,
    Send,
    Transaction,
    Transfer,
    Use,
    Write,
    WriteKey,
)
from tests.fakes.memory import MemoryClient
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.checkers import Verdict
    from schrodinger.operations import Completion, Operation
    from schrodinger.workloads import Workload

REGISTER = workloads.register(lambda: MemoryClient({}))
SET = workloads.set(lambda: MemoryClient({}))
BANK = workloads.bank(lambda: MemoryClient({}))
LONG_FORK = workloads.long_fork(lambda: MemoryClient({}))
LOCK = workloads.lock(lambda: MemoryClient({}))
LOG = workloads.log(lambda: MemoryClient({}))
OTHERS = [
    BANK,
    LONG_FORK,
    LOCK,
    workloads.monotonic(lambda: MemoryClient({})),
    workloads.queue(lambda: MemoryClient({})),
    workloads.unique_ids(lambda: MemoryClient({})),
    LOG,
]
seeds = st.integers(0, 2**64 - 1)
processes = st.integers(0, 10_000)


def stream(workload: Workload, parameters: dict[str, Any], seed: int, process: int, count: int) -> list[Operation]:
    operations = workload.stream(parameters, seed, process)
    return [operations.operation(index) for index in range(count)]


@pytest.mark.parametrize("workload", [REGISTER, SET, *OTHERS], ids=lambda workload: workload.name)
@given(seed=seeds, process=processes)
def test_a_stream_can_be_entered_anywhere(workload: Workload, seed: int, process: int) -> None:
    whole = stream(workload, {}, seed, process, 20)
    assert [workload.stream({}, seed, process).operation(index) for index in (19, 3, 7)] == [
        whole[19],
        whole[3],
        whole[7],
    ]


@given(seed=seeds)
def test_no_two_operations_write_the_same_value(seed: int) -> None:
    written = [
        operation.value
        for process in range(5)
        for operation in stream(REGISTER, {"read_percent": 0, "cas_percent": 0}, seed, process, 50)
        if isinstance(operation, Write)
    ]
    assert len(written) == len(set(written)) == 250


@given(seed=seeds, keys=st.integers(1, 20), rotate=st.integers(1, 50))
def test_the_final_reads_cover_every_key_that_was_touched(seed: int, keys: int, rotate: int) -> None:
    parameters = {"keys": keys, "rotate": rotate}
    touched = {operation.partition_key for operation in stream(REGISTER, parameters, seed, 0, 100)}
    assert touched <= {operation.partition_key for operation in REGISTER.final(parameters, 100, 5)}


@pytest.mark.parametrize("processes", [1, 3, 5, 40])
def test_what_is_newest_is_read_by_every_process_in_turn_in_the_end(processes: int) -> None:
    reads = REGISTER.final({"keys": 4, "rotate": 50}, 100, processes)
    for key in range(4, 8):
        by = {place % processes for place, read in enumerate(reads) if read == Read(key)}
        assert len(by) >= min(processes, 16)


def test_a_compare_and_set_expects_what_its_process_last_saw() -> None:
    operations = REGISTER.stream({"keys": 1, "read_percent": 0, "cas_percent": 100}, 1, 0)
    first = operations.operation(0)
    assert first == Read(0)
    operations.observe(first, first.ok(77))
    second = operations.operation(1)
    assert isinstance(second, Cas)
    assert second.old == 77
    operations.observe(second, second.fail("not equal"))
    third = operations.operation(2)
    assert isinstance(third, Cas)
    assert third.old == 77


def test_the_set_reads_about_as_rarely_as_it_was_told() -> None:
    operations = stream(SET, {"adds_per_read": 9}, 3, 1, 2000)
    reads = sum(isinstance(operation, ReadAll) for operation in operations)
    assert 150 < reads < 250
    assert all(isinstance(operation, Add | ReadAll) for operation in operations)


@pytest.mark.parametrize("workload", OTHERS, ids=lambda workload: workload.name)
@given(data=st.data())
def test_what_is_drawn_for_a_plan_is_what_the_workload_understands(workload: Workload, data: st.DataObject) -> None:
    parameters = data.draw(workload.parameters())
    assert {operation.f for operation in stream(workload, dict(parameters), 1, 2, 9)} <= set(workload.functions)
    assert {operation.f for operation in workload.final(parameters, 10, 3)} <= set(workload.functions)
    assert workload.checker(parameters).name


@given(seed=seeds, accounts=st.integers(2, 9))
def test_transfers_stay_within_the_bank_and_between_two_accounts(seed: int, accounts: int) -> None:
    for operation in stream(BANK, {"accounts": accounts}, seed, 3, 40):
        if isinstance(operation, Transfer):
            assert {operation.source, operation.target} <= set(range(accounts))
            assert operation.source != operation.target
        else:
            assert operation == ReadBalances(accounts)


@given(seed=seeds, width=st.integers(2, 4), length=st.integers(2, 6))
def test_long_fork_keys_are_written_once_and_read_by_those_who_write_their_group(
    seed: int, width: int, length: int
) -> None:
    parameters = {"width": width, "round": length}
    written, groups = [], set()
    for process in range(3 * width):
        for operation in stream(LONG_FORK, parameters, seed, process, 5 * length):
            assert isinstance(operation, Transaction)
            written += [step.key for step in operation.steps if isinstance(step, WriteKey)]
            groups |= {tuple(sorted(step.key for step in operation.steps))} - {(key,) for key in written}
    assert len(written) == len(set(written)) == 3 * width * 5
    assert {key for group in groups for key in group} <= set(written)
    assert 0 < len(groups) <= 15


def test_a_process_uses_the_lock_that_it_took_with_its_token_and_gives_it_back() -> None:
    operations = LOCK.stream({"keys": 2}, 1, 0)
    acquire = operations.operation(0)
    assert isinstance(acquire, Acquire)
    operations.observe(acquire, acquire.ok(41))
    assert operations.operation(1) == Use(acquire.key, 41)
    assert operations.operation(2) == Release(acquire.key)
    again = operations.operation(3)
    operations.observe(again, again.fail("held"))
    use = operations.operation(4)
    assert isinstance(use, Use)
    assert use.token is None


@given(seed=seeds, logs=st.integers(1, 4), every=st.integers(2, 20))
def test_a_process_polls_only_what_it_was_assigned_and_sends_each_element_once(
    seed: int, logs: int, every: int
) -> None:
    sent: list[int] = []
    for process in range(3):
        operations = stream(LOG, {"logs": logs, "assign_every": every}, seed, process, 3 * every)
        assert [index for index, one in enumerate(operations) if isinstance(one, Assign)] == [0, every, 2 * every]
        assert all(one.logs == tuple(range(logs)) for one in operations if isinstance(one, Assign))
        assert all(one.log < logs for one in operations if isinstance(one, Send))
        sent += [one.element for one in operations if isinstance(one, Send)]
    assert len(sent) == len(set(sent))


@pytest.mark.parametrize("processes", [1, 3, 40])
def test_whoever_reads_all_logs_in_the_end_is_sent_back_to_their_beginning_first(processes: int) -> None:
    final = LOG.final({"logs": 2}, 100, processes)
    shares = [final[number::processes] for number in range(processes)]
    assert {tuple(share) for share in shares} <= {(Assign((0, 1)), PollAll((0, 1))), (Assign((0, 1)),)}
    assert sum(isinstance(one, PollAll) for one in final) == min(processes, 16)


def logged(path: Path, polled: dict[int, list[tuple[int, int]]]) -> Verdict:
    """The verdict when 7 and 9 were sent to log 0, at offsets 0 and 1, and this is what is polled of all logs."""
    ended: list[tuple[Operation, Completion]] = [(send := Send(0, 7), send.sent(0)), (send := Send(0, 9), send.sent(1))]
    ended += [(assign := Assign((0, 1)), assign.ok()), (poll := Poll(), poll.polled(polled))]
    events = [
        (type_, 0, operation.f, None, value)
        for operation, completion in ended
        for type_, value in (("invoke", operation.argument), (completion.outcome.value, completion.value))
    ]
    return LOG.checker({}).check(recorded(path, LOG.functions, events))


@pytest.mark.parametrize(
    ("polled", "anomaly"),
    [
        ({0: [(0, 7), (1, 9)], 1: []}, None),
        ({0: [(1, 9)]}, "lost-write"),
        ({0: [(0, 7), (1, 8)]}, "inconsistent-offsets"),
        ({0: [(0, 7), (1, 9), (2, 7)]}, "duplicate"),
    ],
)
def test_what_clients_complete_sends_and_polls_with_is_what_the_checker_of_logs_reads(
    tmp_path: Path, polled: dict[int, list[tuple[int, int]]], anomaly: str | None
) -> None:
    verdict = logged(tmp_path / "history.arrow", polled)
    assert verdict.validity is (Validity.VIOLATION if anomaly else Validity.VALID), verdict
    assert anomaly is None or anomaly in {found.name for found in verdict.anomalies}


def test_what_a_send_or_a_poll_saw_is_not_left_out_by_mistake() -> None:
    with pytest.raises(TypeError, match="completed by operation"):
        Send(0, 7).ok()
    for poll in (Poll(), PollAll((0,))):
        with pytest.raises(TypeError, match="completed by operation"):
            poll.ok()
    assert Send(0, 7).fail("refused").value == (4, 0, 1, 7)


@pytest.mark.parametrize(
    ("workload", "parameters", "message"),
    [
        (LOG, {"assign_every": 1}, "assign_every of the log workload is 1; give a whole number of at least 2"),
        (REGISTER, {"keys": 0}, "keys"),
        (REGISTER, {"keys": "many"}, "keys"),
        (REGISTER, {"keys": True}, "keys"),
        (REGISTER, {"read_percent": 90, "cas_percent": 20}, "exceed 100"),
        (REGISTER, {"colour": 1}, "no parameter 'colour'"),
        (SET, {"adds_per_read": 0}, "adds_per_read"),
        (SET, {"adds_per_read": True}, "adds_per_read"),
        (SET, {"colour": 1}, "no parameter 'colour'"),
        (BANK, {"accounts": 1}, "accounts of the bank workload is 1; give a whole number of at least 2"),
        (LONG_FORK, {"colour": 1}, "no parameter 'colour'"),
    ],
)
def test_parameters_that_are_not_the_workloads_are_refused(
    workload: Workload, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        workload.stream(parameters, 0, 0)
