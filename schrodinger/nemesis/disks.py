"""Faults of disks: each node has a disk of its own, and it fails as disks do.

They are drawn for databases that say where they keep what must survive, and injected where nodes can have such disks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from schrodinger.nemesis.node_fault import NodeFault

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.targets import Targets


@dataclass(frozen=True, slots=True, repr=False)
class PowerLoss(NodeFault):
    """The targets lose power at one moment: processes are gone, and so is everything that was not synced.

    Data, new files, renames and removals alike, unless a sync has made them last; a database may lose only what it has
    not acknowledged. The node stays off until the event ends.
    """

    kind: ClassVar[str] = "power-loss"
    needs_disks: ClassVar[bool] = True

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader; of a database that says where its data is."""
        return super(PowerLoss, cls).strategy(targets) if targets.disks else None

    @property
    def ends(self) -> frozenset[str]:
        """The targets."""
        return self.targets
