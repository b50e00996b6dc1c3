"""Faults of processes: a node's database, or one process of it, is ended, or stopped in its tracks.

All end with their event: a database that was ended is started again on what its disk has kept, a paused one goes on
without having noticed.
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

_EVERY_MS = (200, 500, 1000, 2000)
"""Between two restarts: from in the middle of coming up to just after having joined the others."""

_MOST_PICKED = 99
"""A number below this picks one of the processes that there will be, modulo how many there are."""


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


@dataclass(frozen=True, slots=True, repr=False)
class Terminate(NodeFault):
    """The targets are asked to end, by SIGTERM, and have 4 seconds for it; they stay down until the event ends.

    What an orderly end writes is not what a crash leaves: a database may trust one and repair the other.
    """

    kind: ClassVar[str] = "terminate"

    @property
    def ends(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class RestartLoop(NodeFault):
    """The targets are killed and started again and again, as a crash loop does."""

    kind: ClassVar[str] = "restart-loop"

    every_ms: int

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        require_integer("every_ms", self.every_ms, at_least=10, remedy="give milliseconds, such as 500")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader, at any of the usual paces."""
        return st.builds(cls, node_sets(targets), st.sampled_from(_EVERY_MS))

    @property
    def upsets(self) -> frozenset[str]:
        """The targets: one may give up before it is killed."""
        return self.targets

    @property
    def measure(self) -> str:
        """``every 500 ms``."""
        return f"every {self.every_ms} ms"


@dataclass(frozen=True, slots=True, repr=False)
class _OneProcess(NodeFault):
    """What faults of single processes share: ``pick`` says which, modulo how many there are, in the order of age."""

    pick: int

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        require_integer("pick", self.pick, at_least=0, remedy="give which process, from 0 for the oldest")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader, and any of its processes."""
        return st.builds(cls, node_sets(targets), st.integers(0, _MOST_PICKED))

    @property
    def upsets(self) -> frozenset[str]:
        """The targets: it may have been the process that they cannot do without."""
        return self.targets

    @property
    def measure(self) -> str:
        """``process 3``."""
        return f"process {self.pick}"


@dataclass(frozen=True, slots=True, repr=False)
class KillProcess(_OneProcess):
    """One process of each target is ended by SIGKILL; the database does about it whatever it does."""

    kind: ClassVar[str] = "kill-process"


@dataclass(frozen=True, slots=True, repr=False)
class PauseProcess(_OneProcess):
    """One process of each target stands still until the event ends; the others go on."""

    kind: ClassVar[str] = "pause-process"
