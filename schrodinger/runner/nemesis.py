"""The nemesis: carries out a plan's fault schedule, and records when each fault really was in force.

Each event waits for its anchor, resolves its roles, joins the desired state, stays for its duration, and leaves. The
desired state goes to the agents whole; what they read back goes into the history, with the interval that each change
took.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from schrodinger.history import NEMESIS, FaultEdge
from schrodinger.nemesis import AtTime
from schrodinger.runner.standing import StandingFaults, Unresolved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schrodinger.cluster import FaultObservation, Observed, Provider
    from schrodinger.history import Recorder
    from schrodinger.nemesis import Event, Fault, Schedule
    from schrodinger.runner.nodes import DatabaseNodes
    from schrodinger.runner.progress import Progress
    from schrodinger.runner.workers import Workers


@dataclass(slots=True)
class _Active:
    """An event whose fault is desired now."""

    event: Event
    fault: Fault
    requested_ns: int


class Nemesis:
    """Carries out one schedule. ``report`` is told what went wrong, in words."""

    def __init__(
        self,
        schedule: Schedule,
        provider: Provider,
        databases: DatabaseNodes,
        recorder: Recorder,
        codes: Mapping[str, int],
        progress: Progress,
        report: Callable[[str], None],
    ) -> None:
        self._schedule = schedule
        self._standing = StandingFaults(provider, databases, recorder.now)
        self._recorder = recorder
        self._codes = codes
        self._progress = progress
        self._report = report
        self._active: dict[str, _Active] = {}

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
        await self._change(added={position: _Active(event, fault, requested_ns)})
        await asyncio.sleep(event.duration_ns / 1e9)
        await self._change(removed=(position,))

    async def heal(self) -> None:
        """End every fault, whatever its event says, and start what they had stopped."""
        await self._change(removed=tuple(self._active))

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
            evidence=observation.evidence if observation else {},
            error=error,
        )
        self._recorder.record(edge, NEMESIS, self._codes[kind], int(position), None, fault_edge.to_json())
