"""Faults of disks: each node has a disk of its own, and it fails as disks do.

They are drawn for databases that say where they keep what must survive, and injected where nodes can have such disks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis.invalid import require_integer
from schrodinger.nemesis.node_fault import NodeFault
from schrodinger.nemesis.targets import node_sets

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.targets import Targets

_WRITES_PER_S = (5, 20, 50, 100, 200, 500)
"""From a disk at its end to a good hard disk."""


@dataclass(frozen=True, slots=True, repr=False)
class DiskFault(NodeFault):
    """What faults of disks share: whom they are drawn for."""

    needs_disks: ClassVar[bool] = True

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader; of a database that says where its data is."""
        return node_sets(targets).map(cls) if targets.disks else None


@dataclass(frozen=True, slots=True, repr=False)
class PowerLoss(DiskFault):
    """The targets lose power at one moment: processes are gone, and so is everything that was not synced.

    Data, new files, renames and removals alike, unless a sync has made them last; a database may lose only what it has
    not acknowledged. The node stays off until the event ends.
    """

    kind: ClassVar[str] = "power-loss"

    @property
    def ends(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class DiskFull(DiskFault):
    """There is no space left on the targets' disks: writes fail with ENOSPC. Databases may give up over that."""

    kind: ClassVar[str] = "disk-full"

    @property
    def upsets(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class DiskReadOnly(DiskFault):
    """The targets' file systems find an error in themselves and refuse every write with EROFS; reads go on.

    Repairing one needs everything on it to end: a database that has survived until then is killed and started again.
    """

    kind: ClassVar[str] = "disk-read-only"

    @property
    def upsets(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class DiskStall(DiskFault):
    """Writes and syncs on the targets' disks hang until the event ends, as on a storage network that is away."""

    kind: ClassVar[str] = "disk-stall"

    @property
    def upsets(self) -> frozenset[str]:
        """The targets: some databases end themselves when their disk hangs for long."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class DiskSlow(DiskFault):
    """The targets' disks take so many writes a second. A sync is a write or two."""

    kind: ClassVar[str] = "disk-slow"

    writes_per_s: int

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        require_integer("writes_per_s", self.writes_per_s, at_least=1, remedy="give writes a second, such as 20")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """As of other disks, with any of the usual speeds."""
        return st.builds(cls, node_sets(targets), st.sampled_from(_WRITES_PER_S)) if targets.disks else None

    @property
    def measure(self) -> str:
        """``20 writes/s``."""
        return f"{self.writes_per_s} writes/s"
