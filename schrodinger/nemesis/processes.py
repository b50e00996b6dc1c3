"""Faults of processes: a node's database is killed, or stopped in its tracks.

Both end with their event: a killed database is started again on what its disk has kept, a paused one goes on without
having noticed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from schrodinger.nemesis.faults import CLIENTS, ROLES, Fault, in_words
from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.targets import node_sets

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.targets import Targets

_REMEDY = 'give a list of nodes, such as ["n1", "leader"]'


@dataclass(frozen=True, slots=True, repr=False)
class _ProcessFault(Fault):
    """What :class:`Kill` and :class:`Pause` share: whom they hit."""

    targets: frozenset[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", _nodes(self.targets))

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader."""
        return node_sets(targets).map(cls)

    @property
    def names(self) -> frozenset[str]:
        """The targets."""
        return self.targets

    def resolve(self, resolve: Callable[[str], str]) -> Self:
        """Name the leader; it may turn out to be a target already."""
        return type(self)(frozenset(resolve(target) if target in ROLES else target for target in self.targets))

    def request(self) -> dict[str, Any]:
        """The nodes, sorted."""
        return {"targets": sorted(self.targets)}

    def describe(self) -> str:
        """``kill: {n1, n2}``."""
        return f"{self.kind}: {in_words(self.targets)}"


def _nodes(given: object) -> frozenset[str]:
    if not isinstance(given, Collection) or isinstance(given, str) or not given:
        raise InvalidValueError("targets", given, "not a group of nodes", _REMEDY)
    for name in given:
        if not isinstance(name, str) or not name:
            raise InvalidValueError("targets", name, "not the name of a node", _REMEDY)
        if name == CLIENTS:
            raise InvalidValueError("targets", name, "clients run no database process", _REMEDY)
    return frozenset(given)


@dataclass(frozen=True, slots=True, repr=False)
class Kill(_ProcessFault):
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
class Pause(_ProcessFault):
    """Every process of the targets stands still until the event ends, as in a long collection of garbage.

    Connections stay open and leases run out unnoticed: a paused leader wakes up believing that it still leads.
    """

    kind: ClassVar[str] = "pause"

    @property
    def holds(self) -> frozenset[str]:
        """The targets: a process started there would stand still as well."""
        return self.targets
