"""An experiment: faults that are wanted of a cluster under one name, once or again and again.

That is what every manifest is read as, whoever wrote it. It knows no cluster yet: each *occurrence* of an experiment
picks its nodes from a :class:`Roster`, from a seed, the experiment's name and the number of the occurrence. So the same
manifest, seed and cluster give the same faults, whether by hand or in a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeAlias

from schrodinger.nemesis import shapes
from schrodinger.nemesis.faults import CLIENTS, ROLES, Edge, Fault
from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.manifests.durations import in_words
from schrodinger.nemesis.schedule import AtTime, Event, Schedule, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from schrodinger.nemesis.manifests.recurrence import Recurrence
    from schrodinger.nemesis.manifests.selectors import Roster, Selection
    from schrodinger.nemesis.strategies import Stretch

OnNodes: TypeAlias = Callable[[frozenset[str]], Fault]
OnLinks: TypeAlias = Callable[[frozenset[Edge], int], Fault]
"""What makes a fault of the nodes, or of the links and a seed, that were picked."""

MOMENT_NS = 1_000_000
"""How long something lasts that is over at once, as a kill after which the database is started again."""


class Template(Protocol):
    """What makes the faults of one occurrence."""

    def faults(self, roster: Roster, random: Random) -> tuple[Fault, ...]:
        """The faults, aimed at nodes of the roster. Raises InvalidValueError where there is nobody to aim at."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """Faults that say themselves whom they hit."""

    given: tuple[Fault, ...]

    def faults(self, roster: Roster, random: Random) -> tuple[Fault, ...]:  # noqa: ARG002 - nothing is left to chance
        """The faults, once every node that they name is known to be there."""
        for index, fault in enumerate(self.given):
            strangers = sorted(fault.names - {*roster.nodes, *ROLES, CLIENTS})
            if strangers:
                remedy = f"the nodes are {', '.join(roster.nodes)}"
                raise InvalidValueError(f"faults[{index}]", strangers[0], "no such node", remedy)
        return self.given


@dataclass(frozen=True, slots=True)
class OfNodes:
    """Faults of the nodes that are picked."""

    selection: Selection
    make: tuple[OnNodes, ...]

    def faults(self, roster: Roster, random: Random) -> tuple[Fault, ...]:
        """All of them hit the same nodes."""
        nodes = self.selection.pick(roster, random)
        return tuple(make(nodes) for make in self.make)


@dataclass(frozen=True, slots=True)
class OfLinks:
    """Faults of the links between two groups of nodes, or, without a target, from one group to everybody.

    ``direction``: ``to`` the target, ``from`` it, or ``both``.
    """

    source: Selection
    target: Selection | None
    direction: str
    make: tuple[OnLinks, ...]

    def faults(self, roster: Roster, random: Random) -> tuple[Fault, ...]:
        """All of them hit the same links; each has a seed of its own."""
        here = self.source.pick(roster, random)
        there = frozenset({*roster.nodes, CLIENTS}) if self.target is None else self.target.pick(roster, random)
        edges: frozenset[Edge] = frozenset()
        if self.direction != "from":
            edges |= shapes.one_way(sorted(here), sorted(there))
        if self.direction != "to":
            edges |= shapes.one_way(sorted(there), sorted(here))
        if not edges:
            problem = f"the target is {next(iter(here))} as well, and a node has no link to itself"
            raise InvalidValueError(f"{self.source.path}.target", sorted(there), problem, "select another target")
        return tuple(make(edges, random.getrandbits(32)) for make in self.make)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Faults under a name.

    Attributes:
        name: unique in a cluster.
        kind: what it is in its own words: ``NetworkChaos``, or ``faults`` in our form.
        template: what makes the faults of an occurrence.
        duration_ns: how long each occurrence lasts; ``None`` until it is deleted.
        recurrence: when it occurs again; ``None`` for once, at once.
        overlapping: whether an occurrence may begin while one before it goes on; otherwise it is left out.
        paused: it is not to begin until somebody says so.
        remarks: what a reader of the manifest should know about what it does here.
        written: the document that it was read from, as JSON, by which a changed one is told from the same.
    """

    name: str
    kind: str
    template: Template
    duration_ns: int | None = None
    recurrence: Recurrence | None = None
    overlapping: bool = False
    paused: bool = False
    remarks: tuple[str, ...] = ()
    written: str = ""

    def faults(self, roster: Roster, seed: int, occurrence: int) -> tuple[Fault, ...]:
        """The faults of an occurrence, counted from 0. Raises InvalidValueError where there is nobody to hit."""
        try:
            return self.template.faults(roster, Random(f"{seed}/{self.name}/{occurrence}"))
        except InvalidValueError as error:
            raise InvalidValueError(f"{self.name}: {error.field}", error.value, error.problem, error.remedy) from error

    def first_ns(self, zero: datetime) -> int | None:
        """When it begins; ``None`` for never."""
        return 0 if self.recurrence is None else self.recurrence.after(-1, zero)

    def next_ns(self, previous_ns: int, busy_until_ns: int | None, zero: datetime) -> int | None:
        """When it begins again after it did at ``previous_ns``; ``None`` for never.

        ``busy_until_ns`` is when the last occurrence ends (``None``: it does not).
        """
        if self.recurrence is None:
            return None
        next_ns = self.recurrence.after(previous_ns, zero)
        if self.overlapping:
            return next_ns
        if busy_until_ns is None:
            return None
        while next_ns is not None and next_ns < busy_until_ns:
            next_ns = self.recurrence.after(next_ns, zero)
        return next_ns

    def describe(self) -> str:
        """``once, for 10s``, or ``@every 15s, for 10s each time``."""
        lasts = "until it is deleted" if self.duration_ns is None else f"for {in_words(self.duration_ns)}"
        if self.duration_ns == MOMENT_NS:
            lasts = "over at once"
        return f"once, {lasts}" if self.recurrence is None else f"{self.recurrence.describe()}, {lasts} each time"


def timeline(
    experiments: Iterable[Experiment], roster: Roster, seed: int, stretch: Stretch, *, zero: datetime
) -> Schedule:
    """The experiments, applied when the stretch begins and deleted when it ends: every occurrence an event a fault.

    Raises:
        InvalidValueError: one has nobody to hit, or is paused, or does not begin within the stretch.
    """
    events: list[Event] = []
    for experiment in experiments:
        if experiment.paused:
            raise InvalidValueError(
                experiment.name, "paused", "in a run nobody can let it begin", "remove the annotation that pauses it"
            )
        before = len(events)
        for occurrence, begin_ns in enumerate(_beginnings(experiment, stretch.length_ns, zero)):
            left_ns = stretch.length_ns - begin_ns
            lasts_ns = left_ns if experiment.duration_ns is None else min(experiment.duration_ns, left_ns)
            faults = experiment.faults(roster, seed, occurrence)
            events.extend(Event(AtTime(stretch.start_ns + begin_ns), fault, lasts_ns) for fault in faults)
        if len(events) == before:
            problem = f"it begins only after the {in_words(stretch.length_ns)} in which faults are injected"
            when = experiment.describe()
            raise InvalidValueError(experiment.name, when, problem, "give a longer --time, or a shorter period")
    return in_order(events)


def _beginnings(experiment: Experiment, length_ns: int, zero: datetime) -> Iterator[int]:
    begin_ns = experiment.first_ns(zero)
    while begin_ns is not None and begin_ns < length_ns:
        yield begin_ns
        until_ns = None if experiment.duration_ns is None else begin_ns + experiment.duration_ns
        begin_ns = experiment.next_ns(begin_ns, until_ns, zero)
