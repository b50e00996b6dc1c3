"""What a fault kind has to provide.

A fault of a kind is a set of *units*, the smallest things that the kind can do: an edge that is cut, a target that
is frozen. Faults of one kind that overlap add up to the union of their units. Changing faults is then set arithmetic,
the same for every kind; a kind only says how units are read from parameters, begun, ended, and read back. To clear a
kind is to carry out ``plan(wanted=frozenset(), ...)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

Unit = TypeVar("Unit")


@dataclass(frozen=True, slots=True)
class Steps(Generic[Unit]):
    """How to get from what is to what shall be. Units in neither are not touched, so a lasting fault never blinks."""

    begin: frozenset[Unit]
    end: frozenset[Unit]

    def __bool__(self) -> bool:
        return bool(self.begin or self.end)


def plan(wanted: frozenset[Unit], actual: frozenset[Unit]) -> Steps[Unit]:
    """The steps from ``actual`` to ``wanted``."""
    return Steps(begin=wanted - actual, end=actual - wanted)


@dataclass(frozen=True, slots=True)
class Reading(Generic[Unit]):
    """What was read back: the units in force, and the units that are not as they should be, with what was seen."""

    in_force: frozenset[Unit]
    failures: Mapping[Unit, str] = field(default_factory=dict)


class Injector(Protocol[Unit]):
    """One kind of fault, on one cluster."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[Unit]:
        """The units of a fault with these parameters. Changes nothing.

        Raises:
            InvalidRequest: a field is missing, unknown, or names something that is not there.
        """
        ...

    def actual(self) -> frozenset[Unit]:
        """What is in force, for planning: cheap, without proof."""
        ...

    async def apply(self, steps: Steps[Unit]) -> Reading[Unit]:
        """Carry out the steps and read back. A unit that resists is a failure in the reading, not an exception."""
        ...

    async def observe(self) -> Reading[Unit]:
        """Read back, changing nothing."""
        ...

    def affected(self, units: frozenset[Unit]) -> int:
        """How many processes or packets these units touched while they were in force; 0 is a fault without effect."""
        ...

    def evidence(self, units: frozenset[Unit]) -> dict[str, Any]:
        """What was measured about these units while they were in force, as JSON. Kept until they are begun again."""
        ...
