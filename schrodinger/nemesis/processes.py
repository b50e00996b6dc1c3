"""Faults of processes: a node's database is killed, or stopped in its tracks.

Both end with their event: a killed database is started again on what its disk has kept, a paused one goes on without
having noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from schrodinger.nemesis.node_fault import NodeFault


@dataclass(frozen=True, slots=True, repr=False)
class Kill(NodeFault):
    """Every process of the targets is ended at once by SIGKILL, as in a crash, and stays down until the event ends.

    What reached the disk survives; what was acknowledged from memory does not. All nodes at once is a power failure of
    the rack without the loss of what the operating system had cached.
    """

    kind: ClassVar[str] = "kill"

    @property
    def ends(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class Pause(NodeFault):
    """Every process of the targets stands still until the event ends, as in a long collection of garbage.

    Connections stay open and leases run out unnoticed: a paused leader wakes up believing that it still leads.
    """

    kind: ClassVar[str] = "pause"

    @property
    def holds(self) -> frozenset[str]:
        """The targets: a process started there would stand still as well."""
        return self.targets
