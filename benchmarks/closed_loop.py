"""Clients that hardly ever rest, on an object that is simulated event by event: histories linearizable by design.

Latencies are 0.1 plus an exponential of mean 1, pauses an exponential of mean 0.05. An operation takes effect at a
random point of its interval; with *info*, some time out after 5, and take effect at any time up to 10, or, every other
one, never. A client goes on after that under a new process number.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Protocol

from schrodinger_native import Recorder

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from random import Random

TIME_OUT = 5.0
Value = tuple[int, ...] | None


class Thing(Protocol):
    """An object in use: what clients ask of it, and what it answers."""

    @property
    def functions(self) -> list[str]:
        """What clients call."""
        ...

    @property
    def keyed(self) -> Collection[str]:
        """Those of them whose arguments and results begin with the key that they are about."""
        ...

    def ask(self, random: Random, client: int, /) -> tuple[str, Value]:
        """The next function that a client calls, with its argument."""
        ...

    def answer(self, f: str, argument: Value, client: int, /) -> tuple[bool, Value]:
        """Whether it happened, now that it takes effect, and what it returns."""
        ...

    def lie(self, f: str, value: Value, /) -> tuple[bool, Value]:
        """What is returned instead, where one answer is spoilt; false where this one can't be."""
        ...


class ClosedLoop:
    """``operations`` on a thing by ``clients``, of which ``info_percent`` % time out, recorded at ``path``."""

    def __init__(self, thing: Thing, path: Path, random: Random, *, clients: int, info_percent: float) -> None:
        self.thing = thing
        self.random = random
        self.recorder = Recorder(path, thing.functions)
        self.clients = clients
        self.info_percent = info_percent
        self.processes = 0
        self.queue: list[tuple[float, int, Any]] = []
        self.sequence = 0

    def record(self, operations: int, *, spoil_at: int = -1) -> None:
        """Run until every operation is done; the first answer that can be after ``spoil_at`` of them is a lie."""
        left = operations
        spoil_at = operations - spoil_at if spoil_at >= 0 else -1
        for client in range(self.clients):
            self._later(0.0, ("call", self._new_process(), client))
        while self.queue:
            now, _, event = heapq.heappop(self.queue)
            match event:
                case ("call", process, client) if left:
                    left -= 1
                    self._call(now, process, client)
                case ("effect", operation):
                    answer = self.thing.answer(operation["f"], operation["argument"], operation["client"])
                    operation["ok"], operation["value"] = answer
                case ("return", operation):
                    if left <= spoil_at and operation["ok"] and not operation["info"]:
                        lied, operation["value"] = self.thing.lie(operation["f"], operation["value"])
                        spoil_at = -1 if lied else spoil_at
                    self._end(now, operation)
                case _:
                    pass
        self.recorder.close()

    def _later(self, when: float, event: Any) -> None:
        self.sequence += 1
        heapq.heappush(self.queue, (when, self.sequence, event))

    def _new_process(self) -> int:
        self.processes += 1
        return self.processes - 1

    def _event(self, kind: Any, operation: dict[str, Any], value: Value) -> None:
        f = self.thing.functions.index(operation["f"])
        key = None
        if operation["f"] in self.thing.keyed:
            key, value = operation["argument"][0], value and (value[1:] or None)
        self.recorder.record(kind, operation["process"], f, key, value)

    def _call(self, now: float, process: int, client: int) -> None:
        """Invoke an operation, and decide when it takes effect and when it returns."""
        f, argument = self.thing.ask(self.random, client)
        operation = {"process": process, "client": client, "f": f, "argument": argument, "value": None, "ok": True}
        operation["info"] = self.random.random() * 100 < self.info_percent
        self._event("invoke", operation, argument)
        took = 0.1 + self.random.expovariate(1.0)
        if operation["info"]:
            self._later(now + TIME_OUT, ("return", operation))
            if self.random.random() < 0.5:
                self._later(now + self.random.random() * 2 * TIME_OUT, ("effect", operation))
            return
        self._later(now + self.random.random() * took, ("effect", operation))
        self._later(now + took, ("return", operation))

    def _end(self, now: float, operation: dict[str, Any]) -> None:
        """Return, and let the client go on, as a new process if nobody knows how this one ended."""
        process = operation["process"]
        if operation["info"]:
            self._event("info", operation, None)
            process = self._new_process()
        else:
            self._event("ok" if operation["ok"] else "fail", operation, operation["value"])
        self._later(now + self.random.expovariate(20.0), ("call", process, operation["client"]))
