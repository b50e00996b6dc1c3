"""What faults of nodes share: whom they hit, as a set of names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from schrodinger.nemesis.faults import CLIENTS, ROLES, Fault, in_words
from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.quantities import Duration, Offset
from schrodinger.nemesis.targets import node_sets

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.targets import Targets

_REMEDY = 'give a list of nodes, such as ["n1", "leader"]'


@dataclass(frozen=True, slots=True, repr=False)
class NodeFault(Fault):
    """A fault that hits nodes, each by itself."""

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
        resolved = frozenset(resolve(target) if target in ROLES else target for target in self.targets)
        return replace(self, targets=resolved)

    def request(self) -> dict[str, Any]:
        """The nodes, sorted, and what else the fault has. Times are in nanoseconds, and their names say so."""
        return dict(_parameter(field.name, getattr(self, field.name)) for field in fields(self))

    @property
    def measure(self) -> str:
        """How strong it is, in words; empty where it has no strength."""
        return ""

    def describe(self) -> str:
        """``kill: {n1, n2}``, or ``disk-slow (20 writes/s): n1``."""
        measure = f" ({self.measure})" if self.measure else ""
        return f"{self.kind}{measure}: {in_words(self.targets)}"


def _parameter(name: str, value: object) -> tuple[str, Any]:
    if isinstance(value, Duration | Offset):
        return f"{name}_ns", value.value
    return name, sorted(value) if isinstance(value, frozenset) else value


def _nodes(given: object) -> frozenset[str]:
    if not isinstance(given, Collection) or isinstance(given, str) or not given:
        raise InvalidValueError("targets", given, "not a group of nodes", _REMEDY)
    for name in given:
        if not isinstance(name, str) or not name:
            raise InvalidValueError("targets", name, "not the name of a node", _REMEDY)
        if name == CLIENTS:
            raise InvalidValueError("targets", name, "clients run no database process", _REMEDY)
    return frozenset(given)
