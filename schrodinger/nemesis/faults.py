"""Faults as data: what the nemesis does to a cluster, as frozen values that a plan can hold and a machine can replay.

A fault says *what* and *to whom*; a :class:`~schrodinger.nemesis.schedule.Event` says when and for how long. A target is a node's
name, or the role :data:`LEADER`, which is resolved when the fault is injected and recorded as what it resolved to. How a fault is
carried out is the agent's business: :meth:`Fault.request` is all it gets to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

LEADER = "leader"
"""The role of the node that leads now, wherever a node's name may stand."""

CLIENTS = "clients"
"""The far end of the clients' links, where an edge of a partition may end. Cuts spare the clients unless it is named."""

Edge: TypeAlias = tuple[str, str]
"""A directed link: (source, destination)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something done to a cluster. Subclass it with a ``kind``, which is its name in plans, histories and the command line."""

    kind: ClassVar[str]

    @property
    def names(self) -> frozenset[str]:
        """Every node name and role that the fault mentions."""
        raise TypeError(f"{type(self).__name__} must say which nodes it names")

    def resolve(self, resolve: Callable[[str], str]) -> Fault:
        """The same fault with every role replaced by the node that holds it now."""
        raise TypeError(f"{type(self).__name__} must say how it is resolved")

    def request(self) -> dict[str, Any]:
        """The parameters the agent needs, as plain JSON. Only called on resolved faults."""
        raise TypeError(f"{type(self).__name__} must say what the agent is to do")

    def describe(self) -> str:
        """What it does, in words for a person."""
        raise TypeError(f"{type(self).__name__} must describe itself")
