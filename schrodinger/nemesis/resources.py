"""Faults of resources: processor time, memory, processes and descriptors are short on a node."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis.invalid import require_integer
from schrodinger.nemesis.node_fault import NodeFault
from schrodinger.nemesis.targets import node_sets

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.targets import Targets


@dataclass(frozen=True, slots=True, repr=False)
class _Shortage(NodeFault):
    """A shortage of some degree, a whole number, which is drawn from a few that differ in character."""

    least: ClassVar[int] = 1
    usual: ClassVar[tuple[int, ...]]
    unit: ClassVar[str]

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        remedy = f"give a whole number ({self.unit}), such as {self.usual[0]}"
        require_integer(self._degree, getattr(self, self._degree), at_least=self.least, remedy=remedy)

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader, to any of the usual degrees."""
        return st.builds(cls, node_sets(targets), st.sampled_from(cls.usual))

    @property
    def measure(self) -> str:
        """The degree and its unit."""
        return f"{getattr(self, self._degree)} {self.unit}"

    @property
    def _degree(self) -> str:
        return fields(self)[1].name


@dataclass(frozen=True, slots=True, repr=False)
class CpuLimit(_Shortage):
    """Each target has so many percent of one processor."""

    kind: ClassVar[str] = "cpu-limit"
    usual: ClassVar[tuple[int, ...]] = (5, 10, 25, 50)
    unit: ClassVar[str] = "% of one processor"

    percent: int


@dataclass(frozen=True, slots=True, repr=False)
class CpuBurn(_Shortage):
    """Each target shares what processors it may use with so many programs that are always busy."""

    kind: ClassVar[str] = "cpu-burn"
    usual: ClassVar[tuple[int, ...]] = (1, 2, 4, 8)
    unit: ClassVar[str] = "busy programs"

    programs: int


@dataclass(frozen=True, slots=True, repr=False)
class MemoryLimit(_Shortage):
    """Each target may use so much more memory than it does when the fault begins; beyond, the kernel kills in it."""

    kind: ClassVar[str] = "memory-limit"
    least: ClassVar[int] = 0
    usual: ClassVar[tuple[int, ...]] = (1, 4, 16, 64)
    unit: ClassVar[str] = "MiB left"

    headroom_mib: int

    @property
    def upsets(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class MemoryPressure(_Shortage):
    """Whatever memory a target can give back is taken from it, again and again: caches of files, mostly."""

    kind: ClassVar[str] = "memory-pressure"
    usual: ClassVar[tuple[int, ...]] = (50, 200, 1000)
    unit: ClassVar[str] = "ms between two squeezes"

    every_ms: int


@dataclass(frozen=True, slots=True, repr=False)
class ProcessLimit(NodeFault):
    """No process and no thread can be made on the targets beyond those that there are."""

    kind: ClassVar[str] = "process-limit"

    @property
    def upsets(self) -> frozenset[str]:
        """The targets: many a runtime ends over a thread that it cannot have."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class DescriptorLimit(NodeFault):
    """The targets can open nothing more: no file, and no connection that they would accept."""

    kind: ClassVar[str] = "descriptor-limit"

    @property
    def upsets(self) -> frozenset[str]:
        """The targets."""
        return self.targets
