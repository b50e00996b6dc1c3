"""When faults happen: a schedule is a tuple of explicit events, each with an anchor, a fault and a duration.

Nothing is left to chance at run time, so a schedule replays, and shrinking it means leaving events out. Which faults
are in force at a moment is for the runner to know: an anchor may be reached late or never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from schrodinger.nemesis.faults import Fault
from schrodinger.nemesis.invalid import InvalidValueError, require_integer

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class AtTime:
    """So long after the main phase began."""

    kind: ClassVar[str] = "time"

    after_ns: int

    def __post_init__(self) -> None:
        require_integer("after_ns", self.after_ns, at_least=0, remedy="give nanoseconds since the main phase began")

    @property
    def position(self) -> int:
        """Where it stands among the anchors of its kind."""
        return self.after_ns

    def describe(self) -> str:
        """``at 1.5 s``."""
        return f"at {self.after_ns / 1e9:g} s"


@dataclass(frozen=True, slots=True)
class AtOperation:
    """When so many operations have been invoked in the main phase; if they never are, the event is not reached."""

    kind: ClassVar[str] = "operation"

    count: int

    def __post_init__(self) -> None:
        require_integer("count", self.count, at_least=0, remedy="give a number of operations")

    @property
    def position(self) -> int:
        """Where it stands among the anchors of its kind."""
        return self.count

    def describe(self) -> str:
        """``after 1200 operations``."""
        return f"after {self.count} operations"


Anchor: TypeAlias = AtTime | AtOperation
ANCHORS: tuple[type[AtTime] | type[AtOperation], ...] = (AtTime, AtOperation)
"""Every kind of anchor, in the order that they have in a schedule."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fault, from its anchor on, for ``duration_ns``."""

    anchor: Anchor
    fault: Fault
    duration_ns: int

    def __post_init__(self) -> None:
        if not isinstance(self.anchor, ANCHORS):
            kinds = ", ".join(anchor.__name__ for anchor in ANCHORS)
            raise InvalidValueError("anchor", self.anchor, "not an anchor", f"give one of {kinds}")
        if not isinstance(self.fault, Fault):
            raise InvalidValueError("fault", self.fault, "not a fault", "give an instance of a subclass of Fault")
        require_integer("duration_ns", self.duration_ns, at_least=1, remedy="give how many nanoseconds the fault lasts")

    def describe(self) -> str:
        """``at 1.5 s for 3 s: kill: n1``."""
        return f"{self.anchor.describe()} for {self.duration_ns / 1e9:g} s: {self.fault.describe()}"


Schedule: TypeAlias = tuple[Event, ...]


def in_order(events: Iterable[Event]) -> Schedule:
    """The normal form of a schedule: by kind of anchor, then by position, so that equal plans are equal bytes.

    Anchors of different kinds cannot be compared before the run: nobody knows yet when the thousandth operation will
    be.
    """
    kinds = [anchor.kind for anchor in ANCHORS]
    return tuple(
        sorted(
            events,
            key=lambda event: (
                kinds.index(event.anchor.kind),
                event.anchor.position,
                event.duration_ns,
                event.fault.kind,
                sorted(event.fault.names),
            ),
        )
    )
