"""When faults happen: a schedule is a tuple of explicit events, each with an anchor, a fault and a duration.

Nothing is left to chance at run time, so a schedule replays, and shrinking it means leaving events out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from schrodinger.nemesis.faults import Fault


@dataclass(frozen=True, slots=True)
class AtTime:
    """So long after the main phase began."""

    after_ns: int


@dataclass(frozen=True, slots=True)
class AtOperation:
    """When this many operations have been invoked in the main phase. If they never are, the event is reported as not reached."""

    count: int


Anchor: TypeAlias = AtTime | AtOperation


@dataclass(frozen=True, slots=True)
class Event:
    """One fault, from its anchor on, for ``duration_ns``."""

    anchor: Anchor
    fault: Fault
    duration_ns: int


Schedule: TypeAlias = tuple[Event, ...]
