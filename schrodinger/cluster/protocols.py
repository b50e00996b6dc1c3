"""What a provider of nodes promises, and what a suite gets to see of them.

A *provider* makes nodes exist (in namespaces of this machine, on hosts, as pods) and carries faults to them through
its agents. A *database* runs on whatever nodes there are. Neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from pathlib import Path

    from schrodinger.nemesis import Fault
    from schrodinger.workloads import Node as Node


class ProviderError(Exception):
    """A provider cannot do what it was asked for, or has lost its agent; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """All nodes of a run and the options of the database, for a suite to derive its configuration from.

    ``absent`` are nodes that are no members of the database's cluster now; ``joined`` those that became members while
    it ran, with nothing stored, and did not form it. Only a database with :class:`Membership` has either.
    """

    nodes: tuple[Node, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    joined: frozenset[str] = frozenset()

    @property
    def members(self) -> tuple[Node, ...]:
        """The nodes that are members now."""
        return tuple(node for node in self.nodes if node.name not in self.absent)

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Whether something can be done here: by which mechanism, or why not and what would help."""

    name: str
    available: bool
    is_fault: bool
    mechanism: str = ""
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultObservation:
    """What an agent read back about one fault: whether it is in force, what was measured, how much it touched."""

    id: str
    kind: str
    in_force: bool
    evidence: Mapping[str, Any]
    affected: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The answer to a change of faults.

    Times are CLOCK_MONOTONIC nanoseconds: nothing had changed before ``begin_ns``; everything was changed and read back
    by ``end_ns``.
    """

    generation: int
    begin_ns: int
    end_ns: int
    in_force: tuple[FaultObservation, ...]
    lifted: tuple[FaultObservation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """A database ended, and its companions. ``expected`` is true when a fault or an orderly stop ended it."""

    node: str
    status: int
    expected: bool
    time_ns: int


class Provider(Protocol):
    """Makes nodes, runs processes on them, and puts faults in force.

    Everything it makes is gone after ``down``, or when its lease has lapsed. Everything but ``down`` may raise
    :class:`ProviderError`.
    """

    async def capabilities(self) -> tuple[Capability, ...]:
        """What can be done here, found by trying."""
        ...

    async def up(self, names: Sequence[str], logs: Path, kinds: Collection[str] = ()) -> tuple[Node, ...]:
        """Make the nodes, prepared for faults of these kinds. Afterwards the calling thread can reach their addresses.

        Nobody but the node can count on seeing its data directory: :meth:`fetch` reads what is in it.
        """
        ...

    async def fetch(self, node: Node, file: Path, copy: Path) -> None:
        """Copy a file from the node's data directory. Raises OSError where it cannot be written."""
        ...

    async def down(self) -> tuple[str, ...]:
        """Remove everything; returns what could not be removed.

        Never raises; may be called at any time, any number of times.
        """
        ...

    async def store(self, node: Node, name: str, content: str) -> None:
        """Write a file into the node's data directory; it survives whatever happens to the node."""
        ...

    async def spawn(
        self,
        node: Node,
        argv: Sequence[str],
        environment: Mapping[str, str],
        companions: Sequence[Sequence[str]] = (),
        user: str | None = None,
    ) -> None:
        """Start the node's database process, and the programs beside it; the first that ends ends all.

        ``user`` runs them, where it is root that starts them.
        """
        ...

    async def stop(self, node: Node, grace_s: float) -> None:
        """End the node's processes in an orderly way."""
        ...

    async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
        """Make exactly these faults (id to resolved fault) be in force, and lift every other one."""
        ...

    def exits(self) -> AsyncIterator[ProcessExit]:
        """Ends of database processes, as they happen."""
        ...
