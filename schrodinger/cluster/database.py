"""The database protocol: how a suite starts the system under test on a node, and what more it can tell about it.

A :class:`Database` says which command runs a node and how to see that it is ready. What else it can do is a
*capability*, a small protocol of its own: the faults that a plan may draw depend on it (a fault on the leader needs
:class:`Leader`, one on the disk :class:`PowerLoss`, one of its members :class:`Membership`, one of names
:class:`Names`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from schrodinger.cluster.protocols import Cluster, Node
    from schrodinger.cluster.versions import Source


class Database(ABC):
    """The system under test: a process tree on each node, or several that live and die together.

    Attributes:
        sources: where its binary may come from, by preference; the first that has the wanted version is used.
        options: what may be chosen on the command line, each with its allowed values, the default first.
        user: who runs it when a run is root's, for a database that refuses to be root's; ``None`` for root. A node's
            data is that user's. The binary has to be where that user can reach it.
        ready_within_s: how long all nodes together may take until they are ready, at first and when all faults are
            over: for a database whose nodes join one after the other, or that must read a long log again.
    """

    sources: ClassVar[Sequence[Source]] = ()
    options: ClassVar[Mapping[str, Sequence[str]]] = {}
    user: ClassVar[str | None] = None
    ready_within_s: ClassVar[float] = 60.0

    @abstractmethod
    def command(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[str]:
        """The argument list that runs the database on ``node`` in the foreground. Called again for every restart."""

    @abstractmethod
    async def ready(self, node: Node, cluster: Cluster) -> bool:
        """Whether the node serves requests now. May raise OSError or TimeoutError, which mean not yet; so do 10 s."""

    def companions(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[Sequence[str]]:  # noqa: ARG002 - as below
        """Programs that run beside the database on its node, an argument list each, such as one that watches over it.

        They are one node: started together, and when one of them ends by itself the node's others are ended too.
        """
        return ()

    def files(self, node: Node, cluster: Cluster) -> Mapping[str, str]:  # noqa: ARG002 - as below
        """Files that ``node.data`` has before the database is first started, by name: a configuration, say.

        From then on they are the database's own: what it writes into them lasts.
        """
        return {}

    def environment(self, node: Node, cluster: Cluster) -> Mapping[str, str]:  # noqa: ARG002 - for subclasses
        """The environment of the process; nothing is inherited."""
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(node.data)}

    def logs(self, node: Node) -> Sequence[Path]:  # noqa: ARG002 - for subclasses
        """Log files to keep beside the process's output, which is always kept."""
        return ()


@runtime_checkable
class Leader(Protocol):
    """A database with a leader that can be asked for: faults may aim at it."""

    async def leaders(self, cluster: Cluster) -> Sequence[str]:
        """Names of the nodes that say they lead, the most credible first; none if nobody does. Takes at most 2 s."""
        ...


@runtime_checkable
class Membership(Protocol):
    """A database whose members can change while it runs.

    A call may raise OSError, TimeoutError or :class:`~schrodinger.Indeterminate` where the database cannot do it now,
    or nobody knows whether it did; it is repeated until :meth:`members` says that it did, so repeating must do no harm.
    A call that lasts more than 3 s is given up.
    """

    async def members(self, cluster: Cluster) -> Collection[str]:
        """Names of the nodes that are members now, as the members have agreed, and not as one of them believes."""
        ...

    async def join(self, node: Node, cluster: Cluster) -> None:
        """Let the members accept a node, one of ``cluster.absent``, which is started afterwards with nothing stored."""
        ...

    async def leave(self, node: Node, cluster: Cluster) -> None:
        """Let the members do without a node from now on. It may have been killed."""
        ...


@runtime_checkable
class Names(Protocol):
    """A database that can address its nodes by their names: names may then fail, or lie.

    In isolated nodes the name of every node can be looked up.
    """

    def by_name(self, options: Mapping[str, str]) -> bool:
        """Whether it does so with these options."""
        ...


@runtime_checkable
class PowerLoss(Protocol):
    """A database that keeps on the node's disk whatever must survive a loss of power: its disks may fail."""

    def data_directory(self, node: Node) -> Path:
        """Where on the node that is: ``node.data``, or a directory in it."""
        ...
