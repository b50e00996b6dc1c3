"""What is done to a clock: it is moved, runs at another pace, or goes to and fro. Several such things add up.

Everything is a function of the host's monotonic clock, so every process of a node sees the same wrong time, and one
that is started later sees what it would have seen had it been there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_PPM: Final = 1_000_000
_WHOLE: Final = 1 << 32
"""What a rate is counted in."""
_FARTHEST_NS: Final = 1 << 62
"""Where several moves together end: what the payload adds up has 64 bits, and the date takes some of them."""


@dataclass(frozen=True, slots=True)
class Skew:
    """How far a clock is ahead.

    By ``offset_ns``; by ``rate`` / 2^32 of what has passed since ``base_ns``; and by ``amplitude_ns`` in the first,
    third, fifth ``period_ns`` since then, and so on. Without anything it is right.
    """

    offset_ns: int = 0
    base_ns: int = 0
    rate: int = 0
    amplitude_ns: int = 0
    period_ns: int = 0

    @classmethod
    def drift(cls, ppm: int, base_ns: int) -> Skew:
        """So many millionths faster, or slower."""
        return cls(base_ns=base_ns, rate=ppm * _WHOLE // _PPM)

    def at(self, now_ns: int) -> int:
        """How far ahead it is when the host's monotonic clock says ``now_ns``."""
        passed_ns = now_ns - self.base_ns
        ahead_ns = self.offset_ns + (passed_ns * self.rate >> 32)
        if self.period_ns and passed_ns // self.period_ns % 2 == 0:
            ahead_ns += self.amplitude_ns
        return ahead_ns


NOTHING: Final = Skew()


def total(skews: Iterable[Skew]) -> Skew:
    """All of them at once. At most one may go to and fro: two square waves are none."""
    given = list(skews)
    waves = [skew for skew in given if skew.period_ns]
    assert len(waves) <= 1, "two of them go to and fro"
    if not given:
        return NOTHING
    base_ns = (waves or given)[0].base_ns
    offset_ns = sum(skew.offset_ns - (skew.rate * (skew.base_ns - base_ns) >> 32) for skew in given)
    return Skew(
        offset_ns=max(-_FARTHEST_NS, min(offset_ns, _FARTHEST_NS)),
        base_ns=base_ns,
        rate=sum(skew.rate for skew in given),
        amplitude_ns=sum(skew.amplitude_ns for skew in waves),
        period_ns=sum(skew.period_ns for skew in waves),
    )


@dataclass(frozen=True, slots=True)
class Skews:
    """What is done to both clocks of a node."""

    realtime: Skew = NOTHING
    monotonic: Skew = NOTHING

    def __bool__(self) -> bool:
        return self != RIGHT


RIGHT: Final = Skews()
