"""Faults as data: what the nemesis does to a cluster, as frozen values that a plan can hold and a machine can replay.

A fault says *what* and *to whom*; a :class:`~schrodinger.nemesis.schedule.Event` says when and for how long. A target
is a node's name, or the role :data:`LEADER`, which is resolved when the fault is injected and recorded as what it
resolved to. How a fault is carried out is the agent's business: :meth:`Fault.request` is all it gets to see.

A fault of your own is a frozen dataclass with a ``kind``, these methods, and a place in a
:class:`~schrodinger.nemesis.catalogue.FaultCatalogue`; its fields travel in plans as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.targets import Targets

LEADER = "leader"
"""The role of the node that leads now, wherever a node's name may stand."""

CLIENTS = "clients"
"""The far end of the clients' links, where an edge may end. Partitions spare the clients unless they name it."""

ROLES = frozenset({LEADER})
"""Every name that stands for a node and is resolved only when the fault is injected."""

Edge: TypeAlias = tuple[str, str]
"""A directed link: (source, destination)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A node that stops being a member of the database's cluster; ``keep`` other members must remain.

    It becomes one again when the fault ends, or ``returns_at_once``, with nothing that it had stored, and is started
    when the fault ends.
    """

    node: str
    keep: int
    returns_at_once: bool


@dataclass(frozen=True, slots=True, repr=False)
class Fault:
    """Something done to a cluster. Its ``kind`` is its name in plans, in histories and on the command line."""

    kind: ClassVar[str]
    needs_disks: ClassVar[bool] = False
    """Whether it is only drawn for databases that say where their data is, and that it must survive there."""

    needs_names: ClassVar[bool] = False
    """Whether it is only drawn for databases that address their nodes by names."""
    needs_membership: ClassVar[bool] = False
    """Whether it is only drawn for databases whose members can change."""

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:  # noqa: ARG003 - part of the interface
        """Faults of this kind against these targets; ``None`` where there are none, as partitions of a single node."""
        raise TypeError(f"{cls.__name__} must say how it is drawn, or stay out of the faults that plans may draw")

    @property
    def names(self) -> frozenset[str]:
        """Every node name and role that the fault mentions."""
        raise TypeError(f"{type(self).__name__} must say which nodes it names")

    @property
    def ends(self) -> frozenset[str]:
        """Nodes whose database it ends, to be started again afterwards. Only asked of resolved faults."""
        return frozenset()

    @property
    def holds(self) -> frozenset[str]:
        """Nodes on which no database can be started while it is in force. Only asked of resolved faults."""
        return self.ends

    @property
    def upsets(self) -> frozenset[str]:
        """Nodes whose database may end by itself because of it, and is then started again once the fault is over.

        Only asked of resolved faults.
        """
        return frozenset()

    @property
    def wrecks(self) -> frozenset[str]:
        """Nodes whose database may refuse to start ever again because of it, and need not. Only of resolved faults."""
        return frozenset()

    @property
    def departure(self) -> Departure | None:
        """The change of members that it begins with, if it does. Only of resolved faults."""
        return None

    def resolve(self, resolve: Callable[[str], str]) -> Fault:  # noqa: ARG002 - part of the interface
        """The same fault with every role replaced by the node that holds it now. ``resolve`` is asked about roles only.

        Raises:
            EmptyFaultError: nothing would be left to do.
        """
        raise TypeError(f"{type(self).__name__} must say how it is resolved")

    def request(self) -> dict[str, Any]:
        """The parameters the agent needs, as plain JSON. Only sent for resolved faults."""
        raise TypeError(f"{type(self).__name__} must say what the agent is to do")

    def describe(self) -> str:
        """What it does, in words for a person."""
        raise TypeError(f"{type(self).__name__} must describe itself")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.request()})"


def in_words(names: Iterable[str]) -> str:
    """A group of nodes as people write it: ``n1`` alone, ``{n2, n10}`` in natural order, the role in words."""
    ordered = ["the leader" if name == LEADER else name for name in sorted(names, key=lambda name: (len(name), name))]
    return ordered[0] if len(ordered) == 1 else "{" + ", ".join(ordered) + "}"
