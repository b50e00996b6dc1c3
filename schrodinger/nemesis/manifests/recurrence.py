"""When something that recurs begins again: after a period, or by the calendar of cron.

Times are nanoseconds after a zero, the moment at which the manifest was applied or the run's main phase began. A
calendar needs to know what the clock showed at zero. A run, which must replay, pretends that it was
:data:`MIDNIGHT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cronsim import CronSim, CronSimError

from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.manifests.durations import in_words, parse_duration

MIDNIGHT = datetime(2024, 1, 1, tzinfo=UTC)
"""The beginning of a Monday, a month and a year."""

SHORTEST_NS = 1_000_000_000
"""The shortest period; robfig's cron, which Chaos Mesh uses, has none below a second either."""

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_REMEDY = 'write "@every 15s", or five fields of cron such as "*/5 * * * *" (six with seconds before them)'


class Recurrence(Protocol):
    """Times of beginnings, one after the other."""

    def after(self, previous_ns: int, zero: datetime) -> int | None:
        """The first one later than ``previous_ns``, which is -1 before the first; ``None`` if there is none."""
        ...

    def describe(self) -> str:
        """As it is written in a manifest."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Once every period, the first time when one has passed, or at once."""

    period_ns: int
    at_once: bool = False

    def after(self, previous_ns: int, zero: datetime) -> int | None:  # noqa: ARG002 - of a calendar's interest
        """Whole periods after zero."""
        if previous_ns < 0:
            return 0 if self.at_once else self.period_ns
        return (previous_ns // self.period_ns + 1) * self.period_ns

    def describe(self) -> str:
        """``@every 15s``."""
        return f"{_EVERY}{in_words(self.period_ns)}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Whenever the clock, in UTC, shows a time that the fields of cron stand for."""

    written: str
    fields: str

    def after(self, previous_ns: int, zero: datetime) -> int | None:
        """The next time that matches; zero itself has begun already."""
        previous_ns = max(previous_ns, 0)
        previous = zero + timedelta(microseconds=previous_ns // 1000)
        found = next(CronSim(self.fields, previous), None)
        while found is not None and (after_ns := (found - zero) // timedelta(microseconds=1) * 1000) <= previous_ns:
            found = next(CronSim(self.fields, found), None)
        return None if found is None else after_ns

    def describe(self) -> str:
        """As it was written."""
        return self.written


def parse_recurrence(text: str, *, at_once: bool = False) -> Recurrence:
    """What the text of a schedule stands for. ``at_once``: a period begins with an occurrence.

    Raises:
        InvalidValueError: it is no schedule, or one that never comes round.
    """
    if text.startswith(_EVERY):
        return Every(parse_duration(text.removeprefix(_EVERY).strip(), at_least=SHORTEST_NS), at_once)
    fields = _NAMED.get(text, text).replace("?", "*").upper()
    if "TZ=" in fields:
        raise InvalidValueError("", text, "a time zone, and calendars are read in UTC", "leave the time zone out")
    try:
        first = next(CronSim(fields, MIDNIGHT), None)
    except CronSimError as error:
        raise InvalidValueError("", text, f"no schedule ({error})", _REMEDY) from error
    if first is None:
        raise InvalidValueError("", text, "a time that never comes round", _REMEDY)
    return Calendar(text, fields)
