"""A cluster in memory: a provider without machines, and a database that is a dictionary."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schrodinger.cluster import (
    Capability,
    Cluster,
    Database,
    FaultObservation,
    Node,
    Observed,
    ProcessExit,
    ProviderError,
    Suite,
)
from schrodinger.operations import Cas, Read, Write
from schrodinger.workloads import Client, Indeterminate, register

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from schrodinger.nemesis import Fault
    from schrodinger.operations import Completion, Operation
    from schrodinger.workloads import Workload


@dataclass
class MemoryProvider:
    """Nodes that are only names. ``broken`` faults are reported as not in force; ``fails_in`` raises in that call."""

    broken: frozenset[str] = frozenset()
    fails_in: str = ""
    spawned: list[str] = field(default_factory=list)
    companions: dict[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    stored: list[tuple[str, str, str]] = field(default_factory=list)
    desired: list[dict[str, Fault]] = field(default_factory=list)
    exit_queue: asyncio.Queue[ProcessExit | ProviderError] = field(default_factory=asyncio.Queue)
    is_down: bool = False
    _current: dict[str, Fault] = field(default_factory=dict)

    async def capabilities(self) -> tuple[Capability, ...]:
        return ()

    async def up(self, names: Sequence[str], logs: Path, kinds: Collection[str] = ()) -> tuple[Node, ...]:
        self._maybe_fail("up")
        return tuple(Node(name, "127.0.0.1", logs, logs / name) for name in names)

    async def down(self) -> tuple[str, ...]:
        self.is_down = True
        return ()

    async def store(self, node: Node, name: str, content: str) -> None:
        self.stored.append((node.name, name, content))

    async def spawn(
        self,
        node: Node,
        argv: Sequence[str],
        environment: Mapping[str, str],
        companions: Sequence[Sequence[str]] = (),
        user: str | None = None,
    ) -> None:
        self._maybe_fail("spawn")
        self.spawned.append(node.name)
        self.companions[node.name] = companions

    async def stop(self, node: Node, grace_s: float) -> None:
        return

    async def fetch(self, node: Node, file: Path, copy: Path) -> None:
        shutil.copy(file, copy)

    async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
        self._maybe_fail("set_faults")
        lifted = {id_: fault for id_, fault in self._current.items() if id_ not in faults}
        self._current = dict(faults)
        self.desired.append(dict(faults))
        now = time.monotonic_ns()
        return Observed(
            generation=len(self.desired),
            begin_ns=now,
            end_ns=now,
            in_force=tuple(self._observation(id_, fault) for id_, fault in faults.items()),
            lifted=tuple(self._observation(id_, fault) for id_, fault in lifted.items()),
        )

    async def exits(self) -> AsyncIterator[ProcessExit]:
        while True:
            end = await self.exit_queue.get()
            if isinstance(end, ProviderError):
                raise end
            yield end

    def _observation(self, id_: str, fault: Fault) -> FaultObservation:
        return FaultObservation(
            id=id_, kind=fault.kind, in_force=fault.kind not in self.broken, evidence={}, affected=1
        )

    def _maybe_fail(self, call: str) -> None:
        if self.fails_in == call:
            raise ProviderError(f"{call} failed, as the test wants")


class MemoryDatabase(Database):
    """Always ready."""

    def command(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[str]:
        return [str(binary)]

    async def ready(self, node: Node, cluster: Cluster) -> bool:
        return True


class ChangingDatabase(MemoryDatabase):
    """A database that makes a change only when it was asked often enough, and tells nobody for some time."""

    def __init__(self, names: Sequence[str], *, refusals: int = 0, silence: int = 0) -> None:
        self.current = set(names)
        self.refusals = refusals
        self.silence = silence
        self.asked: list[str] = []
        self.joined_at_start: list[bool] = []

    def command(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[str]:
        self.joined_at_start.append(node.name in cluster.joined)
        return super().command(binary, node, cluster)

    async def members(self, cluster: Cluster) -> Sequence[str]:
        if self.asked and self.silence:
            self.silence -= 1
            raise TimeoutError
        return sorted(self.current)

    async def join(self, node: Node, cluster: Cluster) -> None:
        assert node not in cluster.members
        self.ask(f"join {node.name}")
        self.current.add(node.name)

    async def leave(self, node: Node, cluster: Cluster) -> None:
        assert node in cluster.members
        self.ask(f"leave {node.name}")
        self.current.discard(node.name)

    def ask(self, what: str) -> None:
        self.asked.append(what)
        if self.refusals:
            self.refusals -= 1
            raise Indeterminate("no leader")


class MemoryClient(Client):
    """A linearizable register a key, in a dictionary that all clients share."""

    timeout_s = 0.2

    def __init__(self, data: dict[int, int]) -> None:
        self.data = data

    async def open(self, node: Node, options: Mapping[str, str]) -> None:
        return

    async def invoke(self, operation: Operation) -> Completion:
        match operation:
            case Read(key):
                return operation.ok(self.data.get(key))
            case Write(key, value):
                self.data[key] = value
                return operation.ok()
            case Cas(key, old, new):
                if self.data.get(key) != old:
                    return operation.fail("not equal")
                self.data[key] = new
                return operation.ok()
        raise TypeError(f"no such operation: {operation}")


def memory_suite(client: Callable[[], Client] | None = None) -> Suite:
    """The suite of the database in memory; ``client`` makes clients other than the plain ones."""
    data: dict[int, int] = {}
    workload: Workload = register(client or (lambda: MemoryClient(data)))
    return Suite("memory", MemoryDatabase(), [workload])
