"""How long checking one register takes, and how much memory.

Histories of one key, the hard case: real workloads spread over many. Closed-loop clients that hardly ever rest: half
reads, 35 % writes, 15 % compare-and-sets of which half expect what is there. An operation takes effect at a random
point of its interval, so the history is linearizable; with *info*, some time out, and take effect late or never. In a
*stale* history one read, three quarters in, returns what was there four rounds of the clients ago; where values are
reused, that may happen to be explicable. *unique* values are all different, which zones decide; *reused* ones are drawn
from 64, which takes the search.

Each case runs in a process of its own, on one thread. Seconds include reading the file; MB are what the process held at
most beyond what it held before, the columns of the history included.

Run it with ``uv run python -m benchmarks.linearizable [operations ...]``.
"""

from __future__ import annotations

import heapq
import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from schrodinger_native import HistoryFile, Recorder, check_linearizable

from benchmarks.harness import Table, measure

SIZES = (10_000, 100_000)
FUNCTIONS = ["read", "write", "cas"]
READ, WRITE, CAS = range(3)
TIME_OUT = 5.0
REUSED_VALUES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table."""

    operations: int
    clients: int
    info_percent: int
    stale: bool
    unique: bool

    @property
    def name(self) -> str:
        """What it is called in the table."""
        values = "unique" if self.unique else "reused"
        return f"{values} {'stale' if self.stale else 'valid'}"


class Register:
    """A register that many clients use at once, simulated event by event."""

    def __init__(self, case: Case, path: Path) -> None:
        self.case = case
        self.random = Random(case.operations * 1000 + case.clients)
        self.recorder = Recorder(path, FUNCTIONS)
        self.versions: list[int | None] = [None]
        self.fresh = 0
        self.processes = 0
        self.queue: list[tuple[float, int, Any]] = []
        self.sequence = 0

    def record(self) -> None:
        """Run the clients until every operation is done."""
        left = self.case.operations
        stale_at = left // 4 if self.case.stale else -1
        for _ in range(self.case.clients):
            self.later(0.0, ("call", self.new_process()))
        while self.queue:
            now, _, event = heapq.heappop(self.queue)
            match event:
                case ("call", process) if left:
                    left -= 1
                    self.call(now, process)
                case ("effect", operation):
                    self.take_effect(operation)
                case ("return", operation):
                    if left <= stale_at and operation["f"] == READ:
                        stale_at = -1
                        operation["value"] = self.versions[max(0, len(self.versions) - 4 * self.case.clients)]
                    self.end(now, operation)
                case _:
                    pass
        self.recorder.close()

    def later(self, when: float, event: Any) -> None:
        """Queue an event."""
        self.sequence += 1
        heapq.heappush(self.queue, (when, self.sequence, event))

    def new_process(self) -> int:
        """The number of a process that nobody had yet."""
        self.processes += 1
        return self.processes - 1

    def new_value(self) -> int:
        """What to write next."""
        self.fresh += 1
        return self.fresh if self.case.unique else self.random.randrange(REUSED_VALUES)

    def call(self, now: float, process: int) -> None:
        """Invoke an operation, and decide when it takes effect and when it returns."""
        draw = self.random.random()
        f = READ if draw < 0.5 else WRITE if draw < 0.85 else CAS
        operation: dict[str, Any] = {"process": process, "f": f, "value": None, "ok": True}
        operation["info"] = self.random.random() * 100 < self.case.info_percent
        if f == WRITE:
            operation["value"] = self.new_value()
        elif f == CAS:
            expected = self.versions[-1] if self.random.random() < 0.5 else None
            operation["late"] = expected is None
            operation["value"] = (expected or 0, self.new_value())
        self.recorder.record("invoke", process, f, 0, operation["value"])
        took = 0.1 + self.random.expovariate(1.0)
        if operation["info"]:
            self.later(now + TIME_OUT, ("return", operation))
            if self.random.random() < 0.5:
                self.later(now + self.random.random() * 2 * TIME_OUT, ("effect", operation))
            return
        self.later(now + self.random.random() * took, ("effect", operation))
        self.later(now + took, ("return", operation))

    def take_effect(self, operation: dict[str, Any]) -> None:
        """Do to the register what the operation does."""
        match operation["f"]:
            case 0:
                operation["value"] = self.versions[-1]
            case 1:
                self.versions.append(operation["value"])
            case _:
                expected, new = operation["value"]
                operation["ok"] = self.versions[-1] == expected and expected != new
                if operation["ok"]:
                    self.versions.append(new)

    def end(self, now: float, operation: dict[str, Any]) -> None:
        """Return, and let the client go on, as a new process if nobody knows how this one ended."""
        process = operation["process"]
        if operation["info"]:
            self.recorder.record("info", process, operation["f"], 0, None)
            process = self.new_process()
        else:
            self.recorder.record("ok" if operation["ok"] else "fail", process, operation["f"], 0, operation["value"])
        self.later(now + self.random.expovariate(20.0), ("call", process))


def columns(path: Path) -> HistoryFile:
    """The history, with its blocks checked."""
    history = HistoryFile(path)
    assert history.rows > 0
    return history


def check(history: HistoryFile) -> tuple[str, int]:
    """Verdict and steps."""
    found = check_linearizable(history, threads=1)
    assert found["verdict"] != "malformed", found["problems"]
    return found["verdict"], found["steps"]


def cases(operations: int) -> list[Case]:
    """Every line for one size."""
    clients = [(True, 5), (True, 20), (True, 50), (False, 5), (False, 10)]
    return [
        Case(operations=operations, clients=clients, info_percent=info, stale=stale, unique=unique)
        for (unique, clients), info, stale in product(clients, (0, 1, 5), (False, True))
    ]


def main(sizes: list[int]) -> None:
    """Print the table."""
    table = Table("none here; benchmarks.porcupine compares")
    for case in [case for size in sizes for case in cases(size)]:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "history.arrow"
            Register(case, path).record()
            ours = measure(check, columns, path)
        verdict, steps = ours.result
        work = f"{case.operations:,} x {case.clients} clients, {case.info_percent} % info, {case.name}"
        table.line(work, ours, note=f"{verdict}, {steps:,} steps")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
