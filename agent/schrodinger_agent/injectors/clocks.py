"""Clocks that are wrong, in all processes of a target and there alone: moved, at another pace, or to and fro.

Six kinds, three for each of two clocks. The realtime clock is the one that is set from outside on real machines as
well, by operators and by NTP; programs must live with it. The monotonic clock is wrong on no machine that works: what
goes wrong over that is a finding about assumptions (leases, time-outs) rather than a bug, hence other names.

Faults that overlap add up: moves and drifts as they are; of several strobes of one clock the widest is in force.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, final

from schrodinger_agent.clocks import Skew, Skews
from schrodinger_agent.injectors.conditions import Condition, Setting, number, only

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schrodinger_agent.target import Target

_DAY_NS: Final = 86_400 * 10**9
_FARTHEST_NS: Final = 36_500 * _DAY_NS
_LONGEST_NS: Final = _DAY_NS
_SLOWEST_PPM: Final = -1_000_000
_FASTEST_PPM: Final = 100_000_000


class _WrongClock(Condition[Setting], Generic[Setting]):
    """What the six have in common."""

    needs: ClassVar[frozenset[str]] = frozenset({"clocks"})
    mechanism: ClassVar[str] = "the vDSO of each process, rewritten; who asks the kernel itself sees true time"
    counters: ClassVar[tuple[str, ...]] = ("reached",)
    monotonic: ClassVar[bool] = False

    @abstractmethod
    def skews(self, setting: Setting, before: tuple[Skew, ...]) -> tuple[Skew, ...]:
        """What a setting means, from now on, or since what was ``before`` as far as that stays."""

    async def begin(self, target: Target, setting: Setting) -> None:
        """Change every process, and each that comes."""
        before = tuple(self._mine(skews) for skews in target.clocks.share_of(self.kind))
        wanted = self.skews(setting, before)
        target.when_spawned(self.kind, target.clocks.look)
        await target.clocks.set(self.kind, tuple(self._share(skew) for skew in wanted))

    async def end(self, target: Target) -> None:
        """Put right what this kind made wrong."""
        target.when_spawned(self.kind, None)
        await target.clocks.set(self.kind, ())

    async def problem(self, target: Target, setting: Setting) -> str:  # noqa: ARG002 - it may be a part of what is
        """Every process must have the patch, with these parameters."""
        return await target.clocks.problem()

    def measure(self, target: Target) -> dict[str, Any]:
        """How far ahead the clocks are, in how many processes, and how often one was reached."""
        return {**target.clocks.ahead(), "wrong_in": target.clocks.under(), "reached": target.clocks.reached}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Processes that it reached."""
        return int(measured.get("reached", 0))

    def _share(self, skew: Skew) -> Skews:
        return Skews(monotonic=skew) if self.monotonic else Skews(realtime=skew)

    def _mine(self, skews: Skews) -> Skew:
        return skews.monotonic if self.monotonic else skews.realtime


class _Jump(_WrongClock[tuple[int, ...]]):
    """A setting is how far it is moved, in nanoseconds, by each fault."""

    def setting(self, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        """``offset_ns``."""
        only(self.kind, parameters, ("offset_ns",))
        return (number(self.kind, parameters, "offset_ns", -_FARTHEST_NS, _FARTHEST_NS),)

    def combined(self, settings: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """All of them."""
        return tuple(sorted(chain.from_iterable(settings)))

    def skews(self, setting: tuple[int, ...], before: tuple[Skew, ...]) -> tuple[Skew, ...]:  # noqa: ARG002 - no matter
        """One for each."""
        return tuple(Skew(offset_ns=offset_ns) for offset_ns in setting)


class _Drift(_WrongClock[tuple[int, ...]]):
    """A setting is how much faster it is, in millionths, by each fault."""

    def setting(self, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        """``ppm``."""
        only(self.kind, parameters, ("ppm",))
        return (number(self.kind, parameters, "ppm", _SLOWEST_PPM, _FASTEST_PPM),)

    def combined(self, settings: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """All of them."""
        return tuple(sorted(chain.from_iterable(settings)))

    def skews(self, setting: tuple[int, ...], before: tuple[Skew, ...]) -> tuple[Skew, ...]:
        """One for each; what was there goes on from where it is."""
        fresh = (Skew.drift(ppm, time.monotonic_ns()) for ppm in setting)
        known = {skew.rate: skew for skew in before}
        return tuple(known.get(skew.rate, skew) for skew in fresh)


class _Strobe(_WrongClock[tuple[int, int]]):
    """A setting is minus how far it goes, and after how long it goes back, in nanoseconds: the widest is strongest."""

    def setting(self, parameters: Mapping[str, Any]) -> tuple[int, int]:
        """``amplitude_ns`` and ``period_ns``."""
        only(self.kind, parameters, ("amplitude_ns", "period_ns"))
        return (
            -number(self.kind, parameters, "amplitude_ns", 1, _FARTHEST_NS),
            number(self.kind, parameters, "period_ns", 1000, _LONGEST_NS),
        )

    def skews(self, setting: tuple[int, int], before: tuple[Skew, ...]) -> tuple[Skew, ...]:  # noqa: ARG002 - it differs
        """One, which begins ahead."""
        amplitude_ns, period_ns = -setting[0], setting[1]
        return (Skew(base_ns=time.monotonic_ns(), amplitude_ns=amplitude_ns, period_ns=period_ns),)


@final
class ClockJump(_Jump):
    """Realtime clocks that are moved."""

    kind: ClassVar[str] = "clock-jump"


@final
class ClockDrift(_Drift):
    """Realtime clocks at another pace."""

    kind: ClassVar[str] = "clock-drift"


@final
class ClockStrobe(_Strobe):
    """Realtime clocks that go to and fro."""

    kind: ClassVar[str] = "clock-strobe"


@final
class MonotonicJump(_Jump):
    """Monotonic clocks that are moved."""

    kind: ClassVar[str] = "monotonic-jump"
    monotonic: ClassVar[bool] = True


@final
class MonotonicDrift(_Drift):
    """Monotonic clocks at another pace."""

    kind: ClassVar[str] = "monotonic-drift"
    monotonic: ClassVar[bool] = True


@final
class MonotonicStrobe(_Strobe):
    """Monotonic clocks that go to and fro."""

    kind: ClassVar[str] = "monotonic-strobe"
    monotonic: ClassVar[bool] = True


CLOCKS: Final = (ClockJump, ClockDrift, ClockStrobe, MonotonicJump, MonotonicDrift, MonotonicStrobe)
