"""Durations as Go writes them (``time.ParseDuration``): ``1h15m30.918s``, ``-1.5h``, ``300ms``."""

from __future__ import annotations

import re
from decimal import Decimal

from schrodinger.nemesis.invalid import InvalidValueError

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = r"(\d{1,19}(?:\.\d{0,9})?|\.\d{1,9})(ns|us|µs|μs|ms|s|m|h)"
_WRITTEN = re.compile(rf"([+-]?)((?:{_PART})+)", re.ASCII)
_MOST_NS = 2**63 - 1
"""What Go's durations hold: 292 years."""


def parse_duration(text: str, *, at_least: int = 0) -> int:
    """Nanoseconds; a fraction of one is dropped, as in Go.

    Raises:
        InvalidValueError: it is no duration, or a shorter one than ``at_least`` nanoseconds.
    """
    found = _WRITTEN.fullmatch(text)
    if text in ("0", "+0", "-0"):
        total = 0
    elif found is None:
        raise InvalidValueError("", text, "not a duration", "write 10s, 1m30s or 200ms; the units are ns us ms s m h")
    else:
        parts = re.findall(_PART, found[2], re.ASCII)
        total = sum(int(Decimal(number) * _UNITS_NS[unit]) for number, unit in parts)
        total = -total if found[1] == "-" else total
    if abs(total) > _MOST_NS:
        raise InvalidValueError("", text, "longer than 292 years", "write a shorter duration, such as 10s")
    if total < at_least:
        raise InvalidValueError("", text, f"shorter than {in_words(at_least)}", "write a longer duration, such as 10s")
    return total


def in_words(duration_ns: int) -> str:
    """A duration for a person: ``1.5s``, ``200ms``, ``15m``; what was written so is read as the same."""
    for unit in ("h", "m", "s", "ms", "us"):
        if duration_ns and duration_ns % _UNITS_NS[unit] == 0:
            return f"{duration_ns // _UNITS_NS[unit]}{unit}"
    if abs(duration_ns) >= _UNITS_NS["s"]:
        return f"{(Decimal(duration_ns) / _UNITS_NS['s']).normalize():f}s"
    return f"{duration_ns}ns"
