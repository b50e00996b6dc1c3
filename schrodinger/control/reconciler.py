"""What is wanted of a cluster, and its reconciliation: experiments come and go, and the faults that stand follow.

Nothing here is a command that injects or heals. Experiments are applied, paused, resumed and deleted, which changes
what is wanted; a *step* computes from that and the time which faults should stand, makes the difference, and reads back
what came of it. A step is taken whenever something is asked for, whenever an occurrence begins or ends, and every
:data:`RECHECK_NS`, so a fault that fell out of force is noticed and asked for again.

The life of an experiment: it is *waiting* for an occurrence, *running* while one goes on, *paused*, or *finished* when
none will come any more. A pause lifts its faults. What would begin meanwhile is left out, except the one occurrence of
an experiment that does not recur; what had begun goes on after it if its time is not over, on the same nodes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, final

from schrodinger.cluster import ProviderError
from schrodinger.control.states import ControlError, ExperimentState, Happening
from schrodinger.nemesis import LEADER
from schrodinger.runner import Roll, TooFewMembers, Unresolved

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from schrodinger.cluster import FaultObservation, Observed
    from schrodinger.control.departures import Departures
    from schrodinger.nemesis import Fault
    from schrodinger.nemesis.manifests import Experiment, Roster
    from schrodinger.runner import StandingFaults

RECHECK_NS: Final = 5_000_000_000
"""Between two looks at faults that nobody changes."""

MOST_HAPPENINGS: Final = 200
"""So much of its past is kept of each experiment. The whole of it is in the cluster's log."""

Change: TypeAlias = Literal["created", "configured", "unchanged"]
Log: TypeAlias = "Callable[[str, Happening], None]"


@dataclass(slots=True)
class _Occurrence:
    """One that has begun. ``faults`` are resolved, by id."""

    until_ns: int | None
    faults: Mapping[str, Fault]


@dataclass(slots=True)
class _Entry:
    """An applied experiment. Times are nanoseconds since ``applied_ns``, when the clock on the wall showed ``zero``."""

    experiment: Experiment
    serial: int
    applied_ns: int
    zero: datetime
    paused: bool
    next_ns: int | None
    begun: int = 0
    occurrences: list[_Occurrence] = field(default_factory=list)
    happenings: deque[Happening] = field(default_factory=lambda: deque(maxlen=MOST_HAPPENINGS))
    failures: list[str] = field(default_factory=list)

    def wanted(self) -> Iterator[tuple[str, Fault]]:
        """The faults that should stand now."""
        for occurrence in () if self.paused else self.occurrences:
            yield from occurrence.faults.items()

    def leave_out(self, id_: str) -> None:
        """Do without one fault of what goes on."""
        left = ({k: v for k, v in one.faults.items() if k != id_} for one in self.occurrences)
        untils = [one.until_ns for one in self.occurrences]
        self.occurrences = [_Occurrence(until, faults) for until, faults in zip(untils, left, strict=True) if faults]

    def following_ns(self, due_ns: int) -> int | None:
        """When the occurrence after the one that was due then begins."""
        lasts_ns = self.experiment.duration_ns
        return self.experiment.next_ns(due_ns, None if lasts_ns is None else due_ns + lasts_ns, self.zero)

    @property
    def waits_for_the_last(self) -> bool:
        """Whether nothing may begin because something goes on."""
        return bool(self.occurrences) and not self.experiment.overlapping

    @property
    def phase(self) -> str:
        """In one word."""
        if self.paused:
            return "paused"
        if self.occurrences:
            return "running"
        return "finished" if self.next_ns is None else "waiting"


@final
class Reconciler:
    """The experiments of one cluster.

    Args:
        standing: where faults are made to stand.
        departures: where members are sent away, for the faults that do.
        roster: the cluster's nodes as selectors see them.
        seed: what every choice of nodes is drawn from.
        kinds: the kinds of faults that the cluster is prepared for; others are refused.
        has_leader: whether the database can tell who leads.
        now: a monotonic clock, in nanoseconds.
        wall: the clock on the wall, which calendars of cron are read by.
        log: hears of everything that happens, with the experiment's name.
    """

    def __init__(
        self,
        standing: StandingFaults,
        departures: Departures,
        roster: Roster,
        *,
        seed: int,
        kinds: Collection[str],
        has_leader: bool,
        now: Callable[[], int],
        wall: Callable[[], datetime],
        log: Log = lambda name, happening: None,  # noqa: ARG005 - nobody listens
    ) -> None:
        self._standing = standing
        self._departures = departures
        self._roster = roster
        self._seed = seed
        self._kinds = frozenset(kinds)
        self._has_leader = has_leader
        self._now = now
        self._wall = wall
        self._log = log
        self._entries: dict[str, _Entry] = {}
        self._applied = 0
        self._owners: dict[str, tuple[_Entry, Fault]] = {}
        self._observed: dict[str, FaultObservation] = {}
        self._troubled: set[str] = set()
        self._stepping = asyncio.Lock()
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Take a step whenever time makes one due; until cancelled."""
        while True:
            await self.step()
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._until_due_ns() / 1e9)

    async def apply(self, experiments: Iterable[Experiment]) -> dict[str, Change]:
        """Want these, all of them or, when one can't be had, none. One of a known name takes the other's place.

        Raises:
            ControlError, InvalidValueError: one has nobody to hit, or needs what this cluster can't do.
            ProviderError: all are wanted now, and some fault is not in force. It is asked for again.
        """
        wanted = list(experiments)
        for experiment in wanted:
            self._require_possible(experiment)
        self._require_members([experiment for experiment in wanted if not self._is_known(experiment)])
        changes: dict[str, Change] = {}
        for experiment in wanted:
            known = self._entries.get(experiment.name)
            if self._is_known(experiment):
                changes[experiment.name] = "unchanged"
                continue
            changes[experiment.name] = "created" if known is None else "configured"
            zero = self._wall()
            self._applied += 1
            entry = _Entry(experiment, self._applied, self._now(), zero, experiment.paused, experiment.first_ns(zero))
            if known is not None:
                entry.happenings = known.happenings
            self._entries[experiment.name] = entry
            self._tell(entry, "applied", experiment.describe())
        await self._step_for(*(self._entries[name] for name in changes))
        return changes

    async def pause(self, name: str) -> None:
        """Lift its faults, and let none begin. Raises ProviderError where one could not be lifted."""
        await self._set_paused(name, paused=True)

    async def resume(self, name: str) -> None:
        """Let it go on. Raises ProviderError where a fault is not in force."""
        await self._set_paused(name, paused=False)

    async def delete(self, name: str) -> None:
        """Want it no more; when this returns, its faults are lifted. Raises ProviderError where one could not be."""
        entry = self._entry(name)
        self._tell(entry, "deleted", "")
        del self._entries[name]
        await self._step_for(entry)

    def states(self) -> tuple[ExperimentState, ...]:
        """All experiments, in the order they were applied in."""
        return tuple(self._state(entry) for entry in self._entries.values())

    def state(self, name: str) -> ExperimentState:
        """One of them."""
        return self._state(self._entry(name))

    async def step(self) -> None:
        """Make what stands what should stand now."""
        async with self._stepping:
            for entry in list(self._entries.values()):
                self._end_what_is_over(entry)
                await self._begin_what_is_due(entry)
            wanted = {id_: (entry, fault) for entry in self._entries.values() for id_, fault in entry.wanted()}
            standing = self._standing.faults
            plain = {id_: fault for id_, (_, fault) in wanted.items() if fault.departure is None}
            added = {id_: fault for id_, fault in plain.items() if id_ not in standing}
            removed = [id_ for id_ in standing if id_ not in wanted and id_ not in self._departures.begun]
            self._owners.update(wanted)
            if added or removed or wanted:
                await self._change(added, removed)
            for id_ in removed:
                self._forget(id_)
            await self._change_members({id_: fault for id_, (_, fault) in wanted.items() if id_ not in plain})
        self._woken.set()

    def _forget(self, id_: str) -> None:
        self._owners.pop(id_, None)
        self._observed.pop(id_, None)
        self._troubled.discard(id_)

    async def _step_for(self, *entries: _Entry) -> None:
        """Take a step that somebody waits for, who is to hear what has failed."""
        for entry in entries:
            entry.failures.clear()
        await self.step()
        failures = [failure for entry in entries for failure in entry.failures]
        if failures:
            raise ProviderError("; ".join(failures))

    async def _change(self, added: Mapping[str, Fault], removed: Collection[str]) -> None:
        """Make the difference. What the provider refuses is given up, and told to who wanted it."""
        told = self._reader(*added)
        try:
            await self._standing.change(added, removed, told)
        except ProviderError as error:
            if not added:
                raise
            for entry in {id(self._owners[id_][0]): self._owners[id_][0] for id_ in added}.values():
                self._tell(entry, "failed", str(error))
                entry.occurrences = [one for one in entry.occurrences if not one.faults.keys() & added.keys()]
            await self._standing.change({}, tuple(added), told)

    def _require_possible(self, experiment: Experiment) -> None:
        for fault in experiment.faults(self._roster, self._seed, 0):
            if fault.kind not in self._kinds:
                raise ControlError(
                    f"{experiment.name} needs {fault.kind} faults, and this cluster is not prepared for them; "
                    "`schrodinger doctor` says what this machine can do, and `cluster up --faults` what a cluster can"
                )
            if LEADER in fault.names and not self._has_leader:
                raise ControlError(
                    f"{experiment.name} aims at the leader, and this suite can't tell who leads; name a node instead"
                )

    def _require_members(self, experiments: Collection[Experiment]) -> None:
        """As many members as each wants to keep must remain: of those there are now, if it begins now."""
        names = {experiment.name for experiment in experiments}
        now = self._departures.roll([id_ for id_, (entry, _) in self._owners.items() if entry.experiment.name in names])
        for experiment in experiments:
            at_once = experiment.first_ns(self._wall()) == 0 and not experiment.paused
            roll = now if at_once else Roll(frozenset(self._roster.nodes))
            for fault in experiment.faults(self._roster, self._seed, 0):
                if fault.departure is None or LEADER in fault.names:  # who leads is seen when it begins
                    continue
                try:
                    roll = roll.without(fault.departure)
                except TooFewMembers as reason:
                    raise ControlError(
                        f"{experiment.name} has {fault.describe()}: {reason}; wait for others to be back "
                        "(`schrodinger fault list`), or keep fewer"
                    ) from reason
            now = roll if at_once else now

    def _is_known(self, experiment: Experiment) -> bool:
        """Whether it is applied already, just as it is, and goes on."""
        known = self._entries.get(experiment.name)
        return known is not None and known.experiment.written == experiment.written and known.phase != "finished"

    async def _set_paused(self, name: str, *, paused: bool) -> None:
        entry = self._entry(name)
        if entry.paused == paused:
            return
        entry.paused = paused
        self._tell(entry, "paused" if paused else "resumed", "")
        await self._step_for(entry)

    def _end_what_is_over(self, entry: _Entry) -> None:
        elapsed_ns = self._now() - entry.applied_ns
        entry.occurrences = [
            occurrence
            for occurrence in entry.occurrences
            if occurrence.until_ns is None or occurrence.until_ns > elapsed_ns
        ]

    async def _begin_what_is_due(self, entry: _Entry) -> None:
        """Of several occurrences that are due, as after a machine has slept, the last; the others are left out.

        One that may not overlap begins once the one before it has ended. However late it begins it lasts its time.
        """
        experiment, elapsed_ns, due_ns = entry.experiment, self._now() - entry.applied_ns, entry.next_ns
        if due_ns is None or due_ns > elapsed_ns or entry.waits_for_the_last:
            return
        if entry.paused and experiment.recurrence is None:
            return
        following_ns = entry.following_ns(due_ns)
        while following_ns is not None and following_ns <= elapsed_ns:
            due_ns, following_ns = following_ns, entry.following_ns(following_ns)
        entry.next_ns = following_ns
        if entry.paused:
            self._tell(entry, "left out", "an occurrence, because it is paused")
            return
        number, entry.begun = entry.begun, entry.begun + 1
        until_ns = None if experiment.duration_ns is None else elapsed_ns + experiment.duration_ns
        await self._begin(entry, number, until_ns)

    async def _begin(self, entry: _Entry, number: int, until_ns: int | None) -> None:
        faults: dict[str, Fault] = {}
        for index, fault in enumerate(entry.experiment.faults(self._roster, self._seed, number)):
            id_ = f"{entry.experiment.name}/{entry.serial}/{number}/{index}"
            try:
                faults[id_] = await self._standing.resolve(fault)
            except Unresolved as reason:
                self._tell(entry, "failed", f"{fault.describe()}: {reason}; it was left out")
        if faults:
            entry.occurrences.append(_Occurrence(until_ns, faults))

    async def _change_members(self, wanted: Mapping[str, Fault]) -> None:
        """Try to have these members be away and all others be there; first those that come, for others to go."""
        for id_ in [id_ for id_ in self._departures.begun if id_ not in wanted]:
            problem = await self._departures.bring_back(id_, self._reader())
            self._tell_trouble(id_, "failed to heal", problem)
            if not problem:
                self._forget(id_)
        for id_, fault in wanted.items():
            if id_ in self._departures.settled:
                continue
            try:
                problem = await self._departures.send_away(id_, fault, self._reader(id_))
            except TooFewMembers as reason:
                entry, _ = self._owners[id_]
                self._tell(entry, "failed", f"{fault.describe()}: {reason}; it was left out")
                entry.leave_out(id_)
                self._forget(id_)
            else:
                self._tell_trouble(id_, "failed", problem)

    def _tell_trouble(self, id_: str, what: str, problem: str) -> None:
        """Tell once what does not succeed and is tried again; whoever waits for it is told each time."""
        entry, fault = self._owners[id_]
        if not problem:
            self._troubled.discard(id_)
        elif id_ in self._troubled:
            entry.failures.append(f"{entry.experiment.name} {what}: {problem}")
        else:
            self._troubled.add(id_)
            self._tell(entry, what, f"{fault.describe()}: {problem}; it is tried again")

    def _reader(self, *added: str) -> Callable[[int, Observed], None]:
        """Reads what is observed of a change that adds these."""
        return lambda _, observed: self._read(added, observed)

    def _read(self, added: Collection[str], observed: Observed) -> None:
        """Tell what the agent has read back, if it is news."""
        for observation in observed.in_force:
            before = self._observed.get(observation.id)
            self._observed[observation.id] = observation
            if observation.id not in self._owners:
                continue
            entry, fault = self._owners[observation.id]
            was, is_new = before is not None and before.in_force, observation.id in added
            if observation.in_force and (is_new or not was):
                self._tell(entry, "in force", fault.describe(), observation.evidence)
            elif not observation.in_force and (is_new or was):
                why = observation.error or "it was not in force when it was read back"
                self._tell(entry, "failed", f"{fault.describe()}: {why}")
        for observation in observed.lifted:
            if observation.id not in self._owners:
                continue
            entry, fault = self._owners[observation.id]
            if observation.error:
                self._tell(entry, "failed to heal", f"{fault.describe()}: {observation.error}", observation.evidence)
            else:
                unmet = "" if observation.affected else " (nothing met it)"
                self._tell(entry, "healed", f"{fault.describe()}{unmet}", observation.evidence)

    def _until_due_ns(self) -> int:
        """How long nothing needs doing."""
        moments = [RECHECK_NS]
        for entry in self._entries.values():
            due = [occurrence.until_ns for occurrence in entry.occurrences]
            if not entry.waits_for_the_last and not (entry.paused and entry.experiment.recurrence is None):
                due.append(entry.next_ns)
            elapsed_ns = self._now() - entry.applied_ns
            moments += [max(0, moment_ns - elapsed_ns) for moment_ns in due if moment_ns is not None]
        return min(moments)

    def _entry(self, name: str) -> _Entry:
        if name not in self._entries:
            known = f"there are {', '.join(self._entries)}" if self._entries else "none is applied"
            raise ControlError(f"there is no experiment {name!r}; {known}")
        return self._entries[name]

    def _state(self, entry: _Entry) -> ExperimentState:
        ends = [occurrence.until_ns for occurrence in entry.occurrences]
        known_ends = [end_ns for end_ns in ends if end_ns is not None]
        wanted = dict(entry.wanted())
        return ExperimentState(
            name=entry.experiment.name,
            kind=entry.experiment.kind,
            phase=entry.phase,
            recurrence=entry.experiment.describe(),
            faults=tuple(fault.describe() for fault in wanted.values()),
            in_force=all(id_ in self._observed and self._observed[id_].in_force for id_ in wanted),
            next_start=self._shown(entry, None if entry.paused else entry.next_ns),
            next_recover=self._shown(entry, min(known_ends) if known_ends and not entry.paused else None),
            remarks=entry.experiment.remarks,
            happenings=tuple(entry.happenings),
        )

    def _shown(self, entry: _Entry, moment_ns: int | None) -> str | None:
        return None if moment_ns is None else _written(entry.zero + timedelta(microseconds=moment_ns // 1000))

    def _tell(self, entry: _Entry, what: str, message: str, evidence: Mapping[str, Any] | None = None) -> None:
        happening = Happening(time=_written(self._wall()), what=what, message=message, evidence=dict(evidence or {}))
        entry.happenings.append(happening)
        if what.startswith("failed"):
            entry.failures.append(f"{entry.experiment.name} {what}: {message}")
        self._log(entry.experiment.name, happening)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
