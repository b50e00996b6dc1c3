"""Workers: the concurrent clients of a run.

Each worker runs one process at a time against one node: it takes the next operation of the process's stream, records
the invocation, awaits the client, records the completion. When the end is unknown the process is retired and the
worker goes on as a new one, with a new connection; two workers' operations never share a process. Pacing is a Poisson
process of its own stream, so that what a client does never depends on when.
"""

from __future__ import annotations

import asyncio
import math
import time
import traceback
from typing import TYPE_CHECKING, Final

from schrodinger_native import Stream

from schrodinger.history import Completion, Outcome
from schrodinger.workloads import Indeterminate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from types import TracebackType

    from schrodinger.history import Operation, Recorder
    from schrodinger.plan import Plan
    from schrodinger.runner.progress import Progress
    from schrodinger.workloads import Client, Node, OperationStream, Workload

PACING: Final = 1 << 31
"""Processes from here on are no processes: their streams pace the workers."""
REOPEN_DELAY_S: Final = 0.2
"""Between attempts to open a client, so that a node that is down is not hammered."""
FINAL_ATTEMPTS: Final = 10
"""How often a final operation is asked for anew, each time by a fresh connection, before it counts as failed."""
CLOSE_TIMEOUT_S: Final = 2.0
HALF_OPEN: Final = "this is close() after an open() that failed: what open() had not come to is not there"


class Workers:
    """All workers of a run and what they share: recorder, counters, and an example of each mistake in the client."""

    def __init__(
        self,
        plan: Plan,
        workload: Workload,
        nodes: Sequence[Node],
        recorder: Recorder,
        functions: Sequence[str],
        progress: Progress,
    ) -> None:
        self.plan = plan
        self.workload = workload
        self.nodes = nodes
        self.recorder = recorder
        self.codes: Mapping[str, int] = {name: code for code, name in enumerate(functions)}
        self.progress = progress
        self.mistakes: dict[tuple[object, ...], tuple[str, int]] = {}
        self.timeout_s = 0.0
        self.stopping = False
        self.budget_spent = asyncio.Event()
        self._marks: list[tuple[int, asyncio.Event]] = []
        self._next_mark = math.inf
        self._workers = [Worker(self, number) for number in range(plan.concurrency)]

    async def run(self) -> None:
        """Invoke operations until :meth:`stop`, or until the plan's budget of operations is spent."""
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                worker.task = group.create_task(worker.run())

    def stop(self) -> None:
        """Invoke nothing more. Operations that are under way end, or time out, by themselves."""
        self.stopping = True
        for worker in self._workers:
            if worker.task is not None and not worker.busy:
                worker.task.cancel()

    async def final(self, operations: Sequence[Operation]) -> list[Operation]:
        """Do each of these once (again when it fails), spread over the workers; returns those that never succeeded.

        One whose client could never be opened was never invoked, so the history does not tell of it.
        """
        count = len(self._workers)
        async with asyncio.TaskGroup() as group:
            shares = [
                group.create_task(worker.final(operations[number::count]))
                for number, worker in enumerate(self._workers)
            ]
        return [failed for share in shares for failed in share.result()]

    def leave(self, lost: Collection[str]) -> None:
        """Let the workers of nodes that are lost turn to the others."""
        left = [node for node in self.nodes if node.name not in lost]
        for worker in self._workers:
            if worker.node.name in lost and left:
                worker.node = left[worker.number % len(left)]

    async def close(self) -> None:
        """Close every client."""
        for worker in self._workers:
            await worker.close()

    @property
    def most_invoked(self) -> int:
        """The highest number of operations that any process invoked."""
        return max(worker.most_invoked for worker in self._workers)

    def reached(self, count: int) -> asyncio.Event:
        """An event that is set once ``count`` operations have been invoked."""
        event = asyncio.Event()
        if self.progress.invoked >= count:
            event.set()
        else:
            self._marks.append((count, event))
            self._next_mark = min(self._next_mark, count)
        return event

    def count_invocation(self) -> None:
        """One more operation was invoked."""
        self.progress.invoked += 1
        if self.progress.invoked >= self._next_mark:
            for count, event in self._marks:
                if self.progress.invoked >= count:
                    event.set()
            self._marks = [(count, event) for count, event in self._marks if not event.is_set()]
            self._next_mark = min((count for count, _ in self._marks), default=math.inf)

    def may_invoke(self) -> bool:
        """Whether the budget of operations allows one more; says so to whoever waits for its end."""
        if self.plan.operations is not None and self.progress.invoked >= self.plan.operations:
            self.budget_spent.set()
            return False
        return not self.stopping


class Worker:
    """One worker: its process, its connection, its place in the stream."""

    __slots__ = ("_client", "_index", "_process", "_stream", "busy", "most_invoked", "node", "number", "shared", "task")

    def __init__(self, shared: Workers, number: int) -> None:
        self.shared = shared
        self.number = number
        self.node = shared.nodes[number % len(shared.nodes)]
        self.task: asyncio.Task[None] | None = None
        self.busy = False
        self.most_invoked = 0
        self._client: Client | None = None
        self._process = number
        self._index = 0
        self._stream = self._new_stream()

    async def run(self) -> None:
        """Invoke operations at the plan's rate until told to stop."""
        shared = self.shared
        mean_gap_s = shared.plan.concurrency / shared.plan.rate if shared.plan.rate > 0 else 0.0
        gaps = Stream(shared.plan.seed, PACING + self.number).words
        due, step = time.monotonic(), 0
        try:
            while shared.may_invoke():
                if mean_gap_s:
                    due = max(due - mean_gap_s * math.log1p(-gaps(step)[0] / 2**64), time.monotonic() - mean_gap_s)
                    step += 1
                    await asyncio.sleep(due - time.monotonic())
                else:
                    await asyncio.sleep(0)
                if self._client is None and not await self._open():
                    await asyncio.sleep(REOPEN_DELAY_S)
                elif shared.may_invoke():
                    await self._next()
        except asyncio.CancelledError:
            if not shared.stopping:
                raise

    async def final(self, operations: Sequence[Operation]) -> list[Operation]:
        """Do each operation until it succeeds, at most :data:`FINAL_ATTEMPTS` times; returns those that never did."""
        return [operation for operation in operations if not await self._succeeds(operation)]

    async def _succeeds(self, operation: Operation) -> bool:
        for _ in range(FINAL_ATTEMPTS):
            if (self._client is not None or await self._open()) and await self._do(operation) is Outcome.OK:
                return True
            await self._retire()
            await asyncio.sleep(REOPEN_DELAY_S)
        return False

    async def close(self, note: str = "") -> None:
        """Let go of the connection; an error in doing so is reported like any other of the client, with the note."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await client.close()
        except Exception as error:
            if note:
                error.add_note(note)
            self._note_unexpected(client, error)

    async def _open(self) -> bool:
        client = self.shared.workload.client()
        self._client = client
        self.shared.timeout_s = max(self.shared.timeout_s, client.timeout_s)
        is_open = False
        try:
            async with asyncio.timeout(client.timeout_s):
                await client.open(self.node, self.shared.plan.options)
            is_open = True
        except Exception as error:
            self._note_unexpected(client, error)
        finally:
            if not is_open:  # also if the main phase ends meanwhile: whoever asks next needs one that is
                await self.close(HALF_OPEN)
        return is_open

    async def _next(self) -> None:
        index, self._index = self._index, self._index + 1
        self.most_invoked = max(self.most_invoked, self._index)
        self.shared.count_invocation()
        self.busy = True
        try:
            await self._do(self._stream.operation(index))
        finally:
            self.busy = False

    async def _do(self, operation: Operation) -> Outcome:
        """One operation, from invocation to completion; afterwards the process and connection are fit for the next."""
        shared, client = self.shared, self._client
        assert client is not None
        code, key, record = shared.codes[operation.f], operation.partition_key, shared.recorder.record
        record("invoke", self._process, code, key, operation.argument)
        usable = True
        try:
            async with asyncio.timeout(client.timeout_s):
                completion = await client.invoke(operation)
        except asyncio.CancelledError:
            record("info", self._process, code, key, operation.argument, "the run ended first")
            raise
        except Exception as error:
            completion, usable = self._ended_by(client, operation, error), False
        try:
            record(completion.outcome.value, self._process, code, key, completion.value, completion.detail)
        except (AttributeError, TypeError, OverflowError):
            mistake = _no_completion(client, operation, completion)
            completion, usable = self._ended_by(client, operation, mistake), False
            record(completion.outcome.value, self._process, code, key, completion.value, completion.detail)
        self._count(completion.outcome)
        self._stream.observe(operation, completion)
        if completion.outcome is Outcome.INFO:
            await self._retire()
        elif not usable:
            await self.close()
        return completion.outcome

    def _ended_by(self, client: Client, operation: Operation, error: Exception) -> Completion:
        """What an exception that escaped the client says about the operation."""
        self._note_unexpected(client, error)
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, TimeoutError):
            why = f"no answer within {client.timeout_s:g} s"
        if isinstance(error, client.certain_failures) or operation.only_observes:
            return operation.fail(why)
        return operation.info(why)

    def _note_unexpected(self, client: Client, error: Exception) -> None:
        expected: tuple[type[Exception], ...] = (OSError, TimeoutError, Indeterminate)
        expected += client.certain_failures + client.expected_errors
        if not isinstance(error, expected):
            begin = _below_us(error.__traceback__)
            places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(begin)]
            mistake = (type(error), *places)
            trace = "".join(traceback.format_exception(type(error), error, begin))
            trace, times = self.shared.mistakes.get(mistake, (trace, 0))
            self.shared.mistakes[mistake] = trace, times + 1

    def _count(self, outcome: Outcome) -> None:
        progress = self.shared.progress
        if outcome is Outcome.OK:
            progress.ok += 1
        elif outcome is Outcome.FAIL:
            progress.fail += 1
        else:
            progress.info += 1

    async def _retire(self) -> None:
        """This process is never heard of again; the worker goes on as a new one."""
        self._process += self.shared.plan.concurrency
        self._index = 0
        self._stream = self._new_stream()
        await self.close()

    def _new_stream(self) -> OperationStream:
        return self.shared.workload.stream(self.shared.plan.parameters, self.shared.plan.seed, self._process)


def _no_completion(client: Client, operation: Operation, answer: object) -> TypeError:
    """What a client is told that completed an operation with what no history can hold."""
    told = repr(answer.value) if isinstance(answer, Completion) else repr(answer)
    return TypeError(
        f"{type(client).__name__} completed {operation.f} with {told[:200]}: return operation.ok(...) with whole "
        "numbers of 64 bits, operation.fail(why) or operation.info(why)"
    )


def _below_us(trace: TracebackType | None) -> TracebackType | None:
    """The part of a trace that begins in the suite: how it was called from here is nothing that its author can mend."""
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace
