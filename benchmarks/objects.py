"""How long checking a queue, a stack or a set with distinct elements takes, and how much memory.

Twenty closed-loop clients that hardly ever rest use one object: half of what they do puts something in, half takes
something out, and of what is done to a set, half looks. An operation takes effect at a random point of its interval,
so the history is linearizable; with *info*, some time out, and take effect late or never. In a history with a
*violation* two takes, three quarters in, have changed places (of a set: one look is wrong).

The baseline is the general search of the same core, at most 500,000 steps, on the same history with its last element
put in once more, which is what the rules for distinct elements do not take; a set is not searched as a whole. In the
note: polars sorting the columns of the same operations by element and by time, the least that any such check does.

Each case runs in a process of its own, on one thread. Seconds include reading the file; MB are what the process held at
most beyond what it held before, the columns of the history included.

Run it with ``uv run python -m benchmarks.objects [operations ...]``.
"""

from __future__ import annotations

import heapq
import sys
import tempfile
from collections import deque
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import polars
from schrodinger_native import HistoryFile, Operations, Recorder, check_linearizable

from benchmarks.harness import Table, measure

if TYPE_CHECKING:
    from schrodinger_native.results import Algorithms, EventType

SIZES = (10_000, 100_000, 1_000_000)
CLIENTS = 20
TIME_OUT = 5.0
MOST_STEPS = 500_000
TARGETS = {("fifo-queue", 1_000_000): (1.0, 200.0)}
NAMES = {
    "fifo-queue": ["enqueue", "dequeue"],
    "unordered-queue": ["enqueue", "dequeue"],
    "stack": ["push", "pop"],
    "set": ["add", "remove", "contains"],
}
PUT, TAKE, LOOK = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table."""

    model: str
    operations: int
    info_percent: int
    violation: bool

    @property
    def name(self) -> str:
        """What it is called in the table."""
        verdict = "violation" if self.violation else "valid"
        return f"{self.model} {self.operations:,}, {self.info_percent} % info, {verdict}"


@dataclass(slots=True)
class Operation:
    """One operation, from its call to its return."""

    process: int
    f: int
    element: int | None
    is_info: bool
    result: tuple[int, ...] | None = None


class Object:
    """A queue, a stack or a set that many clients use at once, simulated event by event."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.random = Random(case.operations * 1000 + case.info_percent)
        self.inside: deque[int] = deque()
        self.there: set[int] = set()
        self.fresh = 0
        self.processes = 0
        self.queue: list[tuple[float, int, str, Any]] = []
        self.sequence = 0
        self.events: list[tuple[EventType, Operation]] = []

    def run(self) -> list[tuple[EventType, Operation]]:
        """Run the clients until every operation is done: what was called and how it ended, in the order of time."""
        left = self.case.operations
        for _ in range(CLIENTS):
            self.later(0.0, "call", self.new_process())
        while self.queue:
            now, _, what, subject = heapq.heappop(self.queue)
            if what == "effect":
                self.take_effect(subject)
            elif what == "return":
                self.events.append(("info" if subject.is_info else "ok", subject))
                process = self.new_process() if subject.is_info else subject.process
                self.later(now + self.random.expovariate(20.0), "call", process)
            elif left:
                left -= 1
                self.call(now, subject)
        if self.case.violation:
            self.spoil()
        return self.events

    def later(self, when: float, what: str, subject: object) -> None:
        """Queue an event."""
        self.sequence += 1
        heapq.heappush(self.queue, (when, self.sequence, what, subject))

    def new_process(self) -> int:
        """The number of a process that nobody had yet."""
        self.processes += 1
        return self.processes - 1

    def call(self, now: float, process: int) -> None:
        """Invoke an operation, and decide when it takes effect and when it returns."""
        f = PUT if self.random.random() < 0.5 else TAKE
        element = None
        if f == PUT:
            element = self.fresh
            self.fresh += 1
        elif self.case.model == "set":
            f = TAKE if self.random.random() < 0.5 else LOOK
            element = max(0, self.fresh - 1 - int(self.random.expovariate(0.1)))
        operation = Operation(process, f, element, self.random.random() * 100 < self.case.info_percent)
        self.events.append(("invoke", operation))
        took = 0.1 + self.random.expovariate(1.0)
        if operation.is_info:
            self.later(now + TIME_OUT, "return", operation)
            if self.random.random() < 0.5:
                self.later(now + self.random.random() * 2 * TIME_OUT, "effect", operation)
            return
        self.later(now + self.random.random() * took, "effect", operation)
        self.later(now + took, "return", operation)

    def take_effect(self, operation: Operation) -> None:
        """Do to the object what the operation does."""
        element = operation.element
        if self.case.model == "set":
            assert element is not None, "operations on a set are about an element"
            operation.result = (int(element in self.there),) if operation.f == LOOK else None
            if operation.f == PUT:
                self.there.add(element)
            elif operation.f == TAKE:
                self.there.discard(element)
        elif element is not None:
            self.inside.append(element)
        elif self.inside:
            operation.result = (self.inside.pop() if self.case.model == "stack" else self.inside.popleft(),)

    def spoil(self) -> None:
        """Let a take get what a later one got, and one of a set see wrong."""
        seen = [o for kind, o in self.events if kind == "ok" and o.result is not None]
        one, *others = seen[len(seen) * 3 // 4 :]
        assert one.result is not None, "only those with a result were chosen"
        if self.case.model == "set":
            one.result = (1 - one.result[0],)
            return
        is_older = self.case.model == "stack"  # of a stack, what was put in before; of a queue, after
        wanted = [o for o in others[4 * CLIENTS :] if o.result is not None and (o.result < one.result) == is_older]
        other = wanted[0]
        if self.case.model == "unordered-queue":
            other.result = one.result
        else:
            one.result, other.result = other.result, one.result


def record(case: Case, path: Path, repeated: Path) -> None:
    """The history, and the same with an element that is put in twice."""
    events = Object(case).run()
    for where in (path, repeated):
        recorder = Recorder(where, NAMES[case.model])
        for kind, operation in events:
            argument = () if operation.element is None else (operation.element,)
            value = operation.result if kind == "ok" and operation.f != PUT else argument or None
            recorder.record(kind, operation.process, operation.f, None, argument or None if kind == "invoke" else value)
        if where == repeated:
            last = max(operation.element or 0 for kind, operation in events if kind == "ok" and operation.f == PUT)
            recorder.record("invoke", 1_000_000_000, PUT, None, last)
            recorder.record("ok", 1_000_000_000, PUT, None, last)
        recorder.close()


def columns(path: Path) -> HistoryFile:
    """The history, with its blocks checked."""
    history = HistoryFile(path)
    assert history.rows > 0
    return history


def check(history: HistoryFile, model: str, max_steps: int = 200_000_000) -> tuple[str, Algorithms]:
    """Verdict, and what decided."""
    found = check_linearizable(history, model=model, threads=1, max_steps=max_steps)
    assert found["verdict"] != "malformed", found["problems"]
    return found["verdict"], found["algorithms"]


def opened(path: Path, model: str) -> tuple[HistoryFile, str]:
    """What :func:`by_rules` and :func:`by_search` take."""
    return columns(path), model


def by_rules(prepared: tuple[HistoryFile, str]) -> tuple[str, Algorithms]:
    """Check a history of distinct elements."""
    return check(*prepared)


def by_search(prepared: tuple[HistoryFile, str]) -> tuple[str, Algorithms]:
    """Search, within a budget."""
    return check(*prepared, max_steps=MOST_STEPS)


def frame(path: Path) -> polars.DataFrame:
    """The operations: element and rows."""
    operations = polars.DataFrame(Operations(columns(path)))
    element = polars.coalesce(polars.col("argument").list.first(), polars.col("value").list.first())
    return operations.select(element=element, call="index", completion="completion")


def sort(operations: polars.DataFrame) -> int:
    """Sort the columns by element and by completion."""
    return operations.sort("element", "call").height + operations.sort("completion").height


def main(sizes: list[int]) -> None:
    """Print the table."""
    table = Table(
        f"the search of the same core, at most {MOST_STEPS:,} steps, where an element is put in twice", width=52
    )
    for operations, model, info, violation in product(sizes, NAMES, (0, 5), (False, True)):
        case = Case(model=model, operations=operations, info_percent=info, violation=violation)
        with tempfile.TemporaryDirectory() as directory:
            path, repeated = Path(directory) / "history.arrow", Path(directory) / "repeated.arrow"
            record(case, path, repeated)
            searched = measure(by_search, opened, repeated, model) if model != "set" else None
            ours = measure(by_rules, opened, path, model)
            sorted_by_polars = measure(sort, frame, path)
        verdict, algorithms = ours.result
        target_s, target_mb = TARGETS.get((model, operations), (None, None))
        decided = ", ".join(f"{count:,} by {name}" for name, count in algorithms.items() if count)
        by_search_alone = "" if searched is None else f"; search: {searched.result[0]}"
        note = f"{verdict} ({decided}){by_search_alone}; polars sorts in {sorted_by_polars.seconds:.3f} s"
        table.line(case.name, ours, searched, target_s=target_s, target_mb=target_mb, note=note)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
