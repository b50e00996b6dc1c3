"""The nemesis: carries out a plan's fault schedule, and records when each fault really was in force.

Each event waits for its anchor, resolves its roles, joins the desired state, stays for its duration, and leaves. The
desired state goes to the agents whole; what they read back goes into the history, with the interval that each change
took.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from schrodinger.history import NEMESIS, FaultEdge
from schrodinger.nemesis import AtTime
from schrodinger.runner.members import Members, TooFewMembers
from schrodinger.runner.standing import StandingFaults, Unresolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schrodinger.cluster import FaultObservation, Observed, Provider
    from schrodinger.history import Recorder
    from schrodinger.nemesis import Departure, Event, Fault, Schedule
    from schrodinger.runner.nodes import DatabaseNodes
    from schrodinger.runner.progress import Progress
    from schrodinger.runner.workers import Workers


REJOIN_S: Final = 20.0
"""What members that are away may take to come back when nothing is wrong any more."""


@dataclass(slots=True)
class _Active:
    """An event whose fault is desired now. ``told`` is what the database said about it."""

    event: Event
    fault: Fault
    requested_ns: int
    told: dict[str, Any] = field(default_factory=dict)


class Nemesis:
    """Carries out one schedule. ``report`` is told what went wrong, in words."""

    def __init__(
        self,
        schedule: Schedule,
        provider: Provider,
        databases: DatabaseNodes,
        members: Members,
        recorder: Recorder,
        codes: Mapping[str, int],
        progress: Progress,
        report: Callable[[str], None],
    ) -> None:
        self._schedule = schedule
        self._standing = StandingFaults(provider, databases, recorder.now)
        self._databases = databases
        self._members = members
        self._recorder = recorder
        self._codes = codes
        self._progress = progress
        self._report = report
        self._active: dict[str, _Active] = {}
        self._departed: dict[str, _Active] = {}

    async def run(self, workers: Workers, main_ns: int) -> None:
        """Every event of the plan at its anchor; ``main_ns`` is when the main phase began, on the history's clock."""
        async with asyncio.TaskGroup() as group:
            for position, event in enumerate(self._schedule):
                group.create_task(self._carry_out(str(position), event, workers, main_ns))

    async def _carry_out(self, position: str, event: Event, workers: Workers, main_ns: int) -> None:
        if isinstance(event.anchor, AtTime):
            await asyncio.sleep((main_ns + event.anchor.after_ns - self._recorder.now()) / 1e9)
        else:
            await workers.reached(event.anchor.count).wait()
        requested_ns = self._recorder.now()
        try:
            fault = await self._standing.resolve(event.fault)
        except Unresolved as reason:
            self._report(f"{event.fault.describe()}: {reason}; it was left out")
            return
        active = _Active(event, fault, requested_ns)
        if fault.departure is not None:
            await self._change_members(position, active, fault.departure)
            return
        await self._change(added={position: active})
        await asyncio.sleep(event.duration_ns / 1e9)
        await self._change(removed=(position,))

    async def heal(self) -> None:
        """End every fault, whatever its event says, and start what they had stopped.

        Members come back last: only then is there a quorum for sure that can let them in.
        """
        await self._change(removed=tuple(self._active.keys() - self._departed.keys()))
        try:
            async with asyncio.timeout(REJOIN_S):
                for position, active in list(self._departed.items()):
                    await self._send_away(position, active)
                    await self._bring_back(position, active)
        except TimeoutError:
            missing = ", ".join(sorted(self._databases.away))
            self._report(f"{missing} could not join again within {REJOIN_S:g} s: {self._members.problem}")
            await self._change(removed=tuple(self._active))

    async def _change_members(self, position: str, active: _Active, departure: Departure) -> None:
        """One event that changes members. What it has begun when it is cancelled, :meth:`heal` brings to its end."""
        try:
            self._members.let_go(departure)
        except TooFewMembers as reason:
            self._report(f"{active.fault.describe()}: {reason}; it was left out")
            return
        self._departed[position] = active
        await self._send_away(position, active)
        await asyncio.sleep(active.event.duration_ns / 1e9)
        await self._bring_back(position, active)
        await self._databases.welcome(departure.node)

    async def _send_away(self, position: str, active: _Active) -> None:
        """Off the list of members, and then the node itself; nothing where that has been done."""
        departure = active.fault.departure
        assert departure is not None, "it changes members"
        if position not in self._active:
            active.told["remaining"] = await self._members.leave(departure.node)
            self._databases.begins_anew(departure.node)
            await self._change(added={position: active})
        if departure.returns_at_once:
            await self._members.join(departure.node)

    async def _bring_back(self, position: str, active: _Active) -> None:
        """On the list of members, and then the node itself."""
        departure = active.fault.departure
        assert departure is not None, "it changes members"
        active.told["members"] = await self._members.join(departure.node)
        self._members.take_back(departure.node)
        del self._departed[position]
        await self._change(removed=(position,))

    async def ended(self, node: str) -> str:
        """A database ended by itself. Returns what explains it, empty if nothing does."""
        return await self._standing.ended(node)

    async def _change(self, *, added: Mapping[str, _Active] | None = None, removed: tuple[str, ...] = ()) -> None:
        """One step to another desired state, recorded as it was read back."""
        joining = added or {}
        ending = {position: self._active.pop(position) for position in removed if position in self._active}
        self._active.update(joining)

        def record(asked_ns: int, observed: Observed) -> None:
            in_force = {observation.id: observation for observation in observed.in_force}
            lifted = {observation.id: observation for observation in observed.lifted}
            for position, active in joining.items():
                self._record("inject", position, active, observed, in_force.get(position))
                self._progress.faults[position] = active.fault.describe()
            for position, active in ending.items():
                active.requested_ns = asked_ns
                self._record("heal", position, active, observed, lifted.get(position))
                self._progress.faults.pop(position, None)

        await self._standing.change({id_: active.fault for id_, active in joining.items()}, tuple(ending), record)

    def _record(
        self,
        edge: Literal["inject", "heal"],
        position: str,
        active: _Active,
        observed: Observed,
        observation: FaultObservation | None,
    ) -> None:
        kind, origin_ns = active.fault.kind, self._recorder.origin_ns
        error = "" if observation else "the agent did not mention it"
        if observation is not None:
            error = observation.error
            if edge == "inject" and not observation.in_force and not error:
                error = "it was not in force when it was read back"
        if error:
            self._report(f"{edge} {active.fault.describe()}: {error}")
        fault_edge = FaultEdge(
            requested_ns=active.requested_ns,
            begin_ns=observed.begin_ns - origin_ns,
            end_ns=observed.end_ns - origin_ns,
            description=active.fault.describe(),
            planned=active.event.fault.describe(),
            nodes=tuple(sorted(active.fault.names)),
            affected=observation.affected if observation else 0,
            evidence={**active.told, **(observation.evidence if observation else {})},
            error=error,
        )
        self._recorder.record(edge, NEMESIS, self._codes[kind], int(position), None, fault_edge.to_json())
