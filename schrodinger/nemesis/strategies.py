"""How schedules are drawn: swarm style, so that runs differ in character and not only in detail.

A schedule that may always contain everything is always the same mixture, and faults that mask each other (a kill hides
what a pause would have shown) do so every time. So the seed first picks a *character* for the whole run: which families
of faults it uses, how busy it is, how long faults last, whether they overlap, whether there is a quiet period, and
whether they come by the clock or by the count of operations. This is swarm testing (Groce et al., ISSTA 2012); the
quiet periods are those of Jepsen's nats tests.

Every schedule leaves room around its faults: the first tenth of the run is quiet, and everything has ended before the
last seventh of it, so that there are operations before, during and after, without which a run proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schrodinger.nemesis.catalogue import FAULTS, FaultCatalogue
from schrodinger.nemesis.faults import Fault, in_words
from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.schedule import AtOperation, AtTime, Event, Schedule, in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import DrawFn

    from schrodinger.nemesis.schedule import Anchor
    from schrodinger.nemesis.targets import Targets

Family: TypeAlias = SearchStrategy[Fault]

_MS = 1_000_000
_S = 1_000 * _MS

SHORTEST_RUN_NS = _S
"""Below this there is no time for a fault to do anything, nor for operations on both sides of it."""

_MOST_EVENTS = 60
"""Five minutes at a middling pace. Longer runs spread them out: a schedule should stay something to be shrunk."""

_GAPS_S = (3, 4, 5, 7)
"""Mean time from one fault to the next. Electing a leader takes a second or two; slower paces waste a short run."""

_DURATIONS_MS = {
    "short": ((500, 1_500), (500, 3_000)),
    "medium": ((1_000, 3_000), (2_000, 5_000)),
    "long": ((3_000, 6_000), (5_000, 10_000)),
    "mixed": ((500, 1_500), (1_000, 5_000), (5_000, 10_000), (10_000, 30_000)),
}
"""Ranges that durations are drawn from. Below half a second few databases notice; the tail outlasts every lease."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the main phase in which there may be faults."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long the main phase is expected to last, in time and in operations (0 if nobody can tell).

    ``paced`` says that operations come at a known rate, so that the two tell the same.
    """

    time_ns: int
    operations: int
    paced: bool

    @classmethod
    def of(cls, *, time_ns: int, rate: float, operations: int | None) -> Length:
        """The length of a run with this time limit, rate (0: as fast as it goes) and operation budget."""
        if not rate:
            return cls(time_ns=time_ns, operations=operations or 0, paced=False)
        paced = int(rate * time_ns / _S)
        if operations is None or operations >= paced:
            return cls(time_ns=time_ns, operations=paced, paced=True)
        return cls(time_ns=int(operations / rate * _S), operations=operations, paced=True)

    @property
    def window(self) -> Stretch:
        """When there may be faults."""
        warm_up_ns = min(max(self.time_ns // 10, _S), self.time_ns // 4)
        return Stretch(_whole_ms(warm_up_ns + _MS - 1), self.time_ns * 85 // 100)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one fault goes: it begins less than ``leeway_ns`` after ``start_ns`` and has ended by ``latest_ns``."""

    start_ns: int
    leeway_ns: int
    latest_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """What the seed picks once for a whole schedule. A family is the strategy for the faults of one kind."""

    families: tuple[Family, ...]
    gap_s: int
    durations_ms: tuple[tuple[int, int], ...]
    overlapping: bool
    quiet_period: bool
    by_operations: bool


def characters(families: Sequence[Family]) -> SearchStrategy[Character]:
    """Any character that uses at least one of these families, and all of them a little more often than any others."""
    everything = 2 ** len(families) - 1
    masks = st.integers(1, everything + 2).map(lambda mask: min(mask, everything))
    return st.builds(
        Character,
        families=masks.map(lambda mask: tuple(family for index, family in enumerate(families) if mask >> index & 1)),
        gap_s=st.sampled_from(_GAPS_S),
        durations_ms=st.sampled_from(tuple(_DURATIONS_MS.values())),
        overlapping=st.booleans(),
        quiet_period=st.booleans(),
        by_operations=st.integers(0, 2).map(lambda third: third == 2),
    )


@st.composite
def schedules(draw: DrawFn, targets: Targets, length: Length, *, faults: FaultCatalogue = FAULTS) -> Schedule:
    """Schedules of at least one event for a run of this length against these targets."""
    families = [family for family in (fault.strategy(targets) for fault in faults) if family is not None]
    _require_possible(targets, length, faults, families)
    character = draw(characters(families))
    window = length.window
    gap_ns = max(character.gap_s * _S, window.length_ns // _MOST_EVENTS)
    stretches: tuple[Stretch, ...] = (window,)
    if character.quiet_period and window.length_ns >= 4 * gap_ns:
        stretches = around_a_silence(window, draw(st.integers(20, 55)))
    slots = [slot for stretch in stretches for slot in divided(stretch, gap_ns, overlapping=character.overlapping)]
    return in_order(draw(_event(length, character, slot)) for slot in slots)


def around_a_silence(window: Stretch, percent: int) -> tuple[Stretch, Stretch]:
    """What is left of the window before and after a silence of a quarter of it, which begins at ``percent`` of it."""
    silence_ns = window.start_ns + window.length_ns * percent // 100
    return Stretch(window.start_ns, silence_ns), Stretch(silence_ns + window.length_ns // 4, window.end_ns)


def divided(stretch: Stretch, gap_ns: int, *, overlapping: bool) -> list[Slot]:
    """A slot for every ``gap_ns`` of the stretch, and one at least.

    One at a time, faults keep to their slots and leave a tenth of them free. Faults that may overlap last until the end
    of the stretch if they like, and two share each beginning, or short faults would hardly ever meet.
    """
    count = max(1, round(stretch.length_ns / gap_ns))
    step_ns = stretch.length_ns // count
    starts = [stretch.start_ns + index * step_ns for index in range(count)]
    if overlapping:
        return [Slot(start, step_ns // 2, stretch.end_ns) for start in starts[::2] for _ in range(2)][:count]
    return [Slot(start, step_ns // 2, start + step_ns * 9 // 10) for start in starts]


@st.composite
def _event(draw: DrawFn, length: Length, character: Character, slot: Slot) -> Event:
    """One fault that begins and ends within its slot. Families are equally likely, however many variants they have."""
    fault = draw(character.families[draw(st.integers(0, len(character.families) - 1))])
    after_ns = _whole_ms(slot.start_ns + slot.leeway_ns * draw(st.integers(0, 99)) // 100)
    shortest_ms, longest_ms = draw(st.sampled_from(character.durations_ms))
    duration_ns = min(draw(st.integers(shortest_ms, longest_ms)) * _MS, _whole_ms(slot.latest_ns - after_ns))
    return Event(draw(_anchors(after_ns, length, character)), fault, duration_ns)


def _anchors(after_ns: int, length: Length, character: Character) -> SearchStrategy[Anchor]:
    """The time, or the operation that should be invoked about then.

    Faults slow a run down, so its later operations come later than planned or never: only those of the first half are
    counted on. A run of so many operations at no given rate may be over at any time, and has no other clock.
    """
    at_time, at_operation = AtTime(after_ns), AtOperation(length.operations * after_ns // length.time_ns)
    if not length.operations:
        return st.just(at_time)
    if not length.paced:
        return st.just(at_operation)
    if not character.by_operations or after_ns > length.time_ns // 2:
        return st.just(at_time)
    return st.sampled_from((at_time, at_operation))


def _whole_ms(time_ns: int) -> int:
    """Nothing depends on less, and people read plans."""
    return time_ns // _MS * _MS


def _require_possible(targets: Targets, length: Length, faults: FaultCatalogue, families: Sequence[Family]) -> None:
    if length.time_ns < SHORTEST_RUN_NS:
        problem = f"faults need at least {SHORTEST_RUN_NS / _S:g} s to show"
        remedy = "give more time or more operations, or allow no faults"
        raise InvalidValueError("the length of the run", f"{length.time_ns / _S:g} s", problem, remedy)
    if not families:
        problem = f"none of them is possible on {in_words(targets.nodes)}"
        raise InvalidValueError("faults", list(faults.kinds), problem, "give more nodes, or allow other faults")
