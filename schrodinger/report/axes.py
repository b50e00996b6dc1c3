"""Axes: from nanoseconds to a fraction of the width, from a value to a height, and where the ticks go."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_BUCKETS = 300
"""More would be narrower than two pixels on a wide screen, and twice the bytes."""

FEWEST_BUCKETS = 40
"""Fewer hide what a fault of a second did to a run of a minute."""

_PER_BUCKET = 50
"""Operations in a bucket below which its upper percentiles are noise; short runs get wider buckets instead."""

_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of the history's clock that a chart shows."""

    begin_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        assert self.begin_ns < self.end_ns, "a chart needs some time to show"

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return self.end_ns - self.begin_ns

    def fraction(self, at_ns: int) -> float:
        """Where an instant is, from 0 (begin) to 1 (end); instants outside are at the nearer edge."""
        return min(max((at_ns - self.begin_ns) / self.length_ns, 0.0), 1.0)

    def ticks(self, most: int = 8) -> tuple[tuple[float, str], ...]:
        """Round instants as (fraction, label), at most ``most`` of them."""
        step = nice(self.length_ns / most)
        first = math.ceil(self.begin_ns / step)
        last = math.floor(self.end_ns / step)
        digits = max(0, -math.floor(math.log10(step / 1e9))) if step < 1e9 else 0
        return tuple((self.fraction(k * step), f"{k * step / 1e9:,.{digits}f} s") for k in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class Grid:
    """Equal buckets of time. The first begins on a multiple of the width, so that buckets begin at round instants."""

    first_ns: int
    width_ns: int
    buckets: int

    @classmethod
    def over(cls, span: Span, operations: int) -> Grid:
        """Buckets of a round width over a span, as many as that many operations can fill sensibly."""
        wanted = min(max(operations // _PER_BUCKET, FEWEST_BUCKETS), MOST_BUCKETS - 2)
        width = nice(span.length_ns / wanted)
        first = span.begin_ns // width * width
        return cls(first, width, -(-(span.end_ns - first) // width))

    @property
    def span(self) -> Span:
        """The whole of it."""
        return Span(self.first_ns, self.first_ns + self.width_ns * self.buckets)


def nice(value: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, ... that is not below ``value``."""
    scale = 1
    while True:
        for step in _STEPS:
            if step * scale >= value:
                return step * scale
        scale *= 10


@dataclass(frozen=True, slots=True)
class Linear:
    """Heights from zero at the bottom to a round top."""

    top: float
    height: float

    @classmethod
    def up_to(cls, largest: float, height: float) -> Linear:
        """A scale that holds ``largest`` and ends on a tick."""
        step = nice(max(largest, 1) / 3)
        return cls(float(step * max(1, math.ceil(largest / step))), height)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return self.height * (1 - min(value / self.top, 1.0))

    def ticks(self) -> tuple[float, ...]:
        """Values worth a line: none at zero, which is the frame."""
        step = nice(self.top / 3)
        return tuple(float(step * k) for k in range(1, int(self.top // step) + 1))


@dataclass(frozen=True, slots=True)
class Decades:
    """Heights on a logarithmic scale. Latencies of a stalled cluster span five powers of ten."""

    low: float
    high: float
    height: float

    @classmethod
    def between(cls, smallest: float, largest: float, height: float) -> Decades:
        """A scale with a little room around both values, and at least one decade."""
        low = math.log10(max(smallest, 1) / 1.5)
        return cls(low, max(math.log10(max(largest, 1) * 1.5), low + 1), height)

    def y(self, value: float) -> float:
        """Pixels from the top; values outside are at the nearer edge."""
        position = (math.log10(max(value, 1)) - self.low) / (self.high - self.low)
        return self.height * (1 - min(max(position, 0.0), 1.0))

    def ticks(self) -> tuple[float, ...]:
        """The powers of ten in between, thinned to at most four."""
        powers = range(math.ceil(self.low), math.floor(self.high) + 1)
        return tuple(float(10**power) for power in powers[:: max(1, -(-len(powers) // 4))])
