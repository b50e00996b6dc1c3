"""Faults of clocks: a node's clock is moved, runs at another pace, or goes to and fro, while all others are right.

The realtime clock is set from outside on real machines as well, by NTP and by operators, and drifts until it is; a
database must live with that. The monotonic clock is what leases and time-outs are measured by, and no machine that
works shows what is done to it here (a virtual machine that was suspended comes close). So those faults have names of
their own: what they find is how far a database trusts a clock, which may be known and documented.

When a fault ends the clock is right again at once, which is a jump of its own, backwards after a clock was ahead:
whatever was to happen by a fast monotonic clock then comes later by as much. What is drawn stays within seconds there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis.invalid import InvalidValueError, require_integer
from schrodinger.nemesis.node_fault import NodeFault
from schrodinger.nemesis.quantities import Duration, Offset
from schrodinger.nemesis.targets import node_sets

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.quantities import Quantity
    from schrodinger.nemesis.targets import Targets

_MS = 1_000_000
_S = 1_000 * _MS
_H = 3_600 * _S

_STANDING = -1_000_000
_FASTEST = 100_000_000
_SHORTEST_NS = 1_000
"""Below a microsecond a program that reads its clock again has missed it."""


@dataclass(frozen=True, slots=True, repr=False)
class _Jump(NodeFault):
    """A clock that is moved, ahead or, with a minus, back."""

    usual_ms: ClassVar[tuple[int, ...]]

    offset: Offset

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        _require(Offset, offset=self.offset)

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader; ahead as often as back."""
        offsets = st.sampled_from([sign * ms for ms in cls.usual_ms for sign in (1, -1)])
        return st.builds(cls, node_sets(targets), offsets.map(lambda ms: Offset(ms * _MS)))

    @property
    def measure(self) -> str:
        """``+1h``."""
        return str(self.offset)


@dataclass(frozen=True, slots=True, repr=False)
class _Drift(NodeFault):
    """A clock that is faster by so many millionths, or with a minus slower: -1,000,000 stands still."""

    usual: ClassVar[tuple[int, ...]]

    ppm: int

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        remedy = "give millionths, such as 500000 for half as fast again, or -500000 for half as fast"
        require_integer("ppm", self.ppm, at_least=_STANDING, remedy=remedy)
        if not self.ppm or self.ppm > _FASTEST:
            problem = "no drift" if not self.ppm else f"more than {_FASTEST}"
            raise InvalidValueError("ppm", self.ppm, problem, remedy)

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader."""
        return st.builds(cls, node_sets(targets), st.sampled_from(cls.usual))

    @property
    def measure(self) -> str:
        """``+50% pace``."""
        return f"{self.ppm / 10_000:+g}% pace"


@dataclass(frozen=True, slots=True, repr=False)
class _Strobe(NodeFault):
    """A clock that is ahead by ``amplitude`` for ``period``, right for as long, ahead again, and so on."""

    usual_amplitudes_ms: ClassVar[tuple[int, ...]]

    amplitude: Duration
    period: Duration

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        _require(Duration, amplitude=self.amplitude, period=self.period)
        if self.period.value < _SHORTEST_NS:
            raise InvalidValueError("period", str(self.period), "less than a microsecond", "give 10ms, say")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader."""
        amplitudes = st.sampled_from(cls.usual_amplitudes_ms).map(lambda ms: Duration(ms * _MS))
        periods = st.sampled_from((1, 10, 100, 1_000)).map(lambda ms: Duration(ms * _MS))
        return st.builds(cls, node_sets(targets), amplitudes, periods)

    @property
    def measure(self) -> str:
        """``200ms to and fro, every 10ms``."""
        return f"{self.amplitude} to and fro, every {self.period}"


@dataclass(frozen=True, slots=True, repr=False)
class ClockJump(_Jump):
    """The realtime clock of each target is moved: by less than anybody notices up to days, which expire everything."""

    kind: ClassVar[str] = "clock-jump"
    usual_ms: ClassVar[tuple[int, ...]] = (50, 500, 5_000, 60_000, 3_600_000, 30 * 86_400_000)


@dataclass(frozen=True, slots=True, repr=False)
class ClockDrift(_Drift):
    """The realtime clock of each target runs at another pace: from a bad oscillator to five times as fast."""

    kind: ClassVar[str] = "clock-drift"
    usual: ClassVar[tuple[int, ...]] = (1_000, -1_000, 50_000, -50_000, 500_000, -500_000, 4_000_000, -1_000_000)


@dataclass(frozen=True, slots=True, repr=False)
class ClockStrobe(_Strobe):
    """The realtime clock of each target goes to and fro, as in Jepsen's strobe: time goes back again and again."""

    kind: ClassVar[str] = "clock-strobe"
    usual_amplitudes_ms: ClassVar[tuple[int, ...]] = (5, 200, 2_000, 60_000)


@dataclass(frozen=True, slots=True, repr=False)
class _Illegal(NodeFault):
    """A fault of the monotonic clock, over which a runtime that believes what it was promised may end."""

    @property
    def upsets(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class MonotonicJump(_Jump, _Illegal):
    """The monotonic clock of each target is moved, by time-outs or by leases."""

    kind: ClassVar[str] = "monotonic-jump"
    usual_ms: ClassVar[tuple[int, ...]] = (50, 500, 2_000, 5_000)


@dataclass(frozen=True, slots=True, repr=False)
class MonotonicDrift(_Drift, _Illegal):
    """The monotonic clock of each target runs at another pace, so that its leases end too early or too late."""

    kind: ClassVar[str] = "monotonic-drift"
    usual: ClassVar[tuple[int, ...]] = (10_000, -10_000, 200_000, -200_000, 1_000_000, -500_000)


@dataclass(frozen=True, slots=True, repr=False)
class MonotonicStrobe(_Strobe, _Illegal):
    """The monotonic clock of each target goes to and fro, and with that back, which it never does."""

    kind: ClassVar[str] = "monotonic-strobe"
    usual_amplitudes_ms: ClassVar[tuple[int, ...]] = (1, 20, 200)


def _require(quantity: type[Quantity], **fields: object) -> None:
    """Each of these is such a quantity, and is not nothing."""
    for field, value in fields.items():
        remedy = f"give {quantity.__name__}.parse({quantity.EXAMPLE!r}), say"
        if not isinstance(value, quantity):
            raise InvalidValueError(field, value, f"not a {quantity.__name__}", remedy)
        if not value:
            raise InvalidValueError(field, str(value), "nothing", remedy)
