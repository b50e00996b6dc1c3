"""The nemesis: carries out a plan's fault schedule, and records when each fault really was in force.

Each event waits for its anchor, resolves its roles, joins the desired state, stays for its duration, and leaves. The
desired state goes to the agents whole; what they read back goes into the history, with the interval that each change
took.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from schrodinger.history import NEMESIS, FaultEdge
from schrodinger.nemesis import LEADER, AtTime, EmptyFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from schrodinger.cluster import FaultObservation, Observed, Provider
    from schrodinger.history import Recorder
    from schrodinger.nemesis import Event, Fault, Schedule
    from schrodinger.runner.nodes import DatabaseNodes
    from schrodinger.runner.progress import Progress
    from schrodinger.runner.workers import Workers

LEADER_TIMEOUT_S: Final = 2.0
AFTERMATH_NS: Final = 3_000_000_000
"""How long after a fault a database may still end because of it: it has seen the error, and is on its way out."""


class Unresolved(Exception):
    """A role could not be resolved to a node."""


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
        self._provider = provider
        self._databases = databases
        self._recorder = recorder
        self._codes = codes
        self._progress = progress
        self._report = report
        self._active: dict[str, _Active] = {}
        self._upset_until: dict[str, int] = {}
        self._changing = asyncio.Lock()

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
            fault = await self._resolve(event.fault)
        except Unresolved as reason:
            self._report(f"{event.fault.describe()}: {reason}; it was left out")
            return
        await self._change(added={position: _Active(event, fault, requested_ns)})
        await asyncio.sleep(event.duration_ns / 1e9)
        await self._change(removed=(position,))

    async def heal(self) -> None:
        """End every fault, whatever its event says, and start what they had stopped."""
        await self._change(removed=tuple(self._active))

    async def _resolve(self, fault: Fault) -> Fault:
        if LEADER not in fault.names:
            return fault
        try:
            async with asyncio.timeout(LEADER_TIMEOUT_S):
                leaders = await self._databases.leaders()
        except (OSError, TimeoutError) as error:
            raise Unresolved(f"nobody could say who leads ({type(error).__name__})") from error
        if not leaders:
            raise Unresolved("no node says that it leads")
        try:
            return fault.resolve({LEADER: leaders[0]}.__getitem__)
        except EmptyFaultError as error:
            raise Unresolved(str(error)) from error

    async def _change(self, *, added: Mapping[str, _Active] | None = None, removed: tuple[str, ...] = ()) -> None:
        """One step to another desired state, then restart what no fault holds. Never stops half-way when cancelled."""
        await asyncio.shield(self._apply(added or {}, removed))

    async def _apply(self, added: Mapping[str, _Active], removed: tuple[str, ...]) -> None:
        async with self._changing:
            ending = {position: self._active[position] for position in removed if position in self._active}
            self._active = {**{k: v for k, v in self._active.items() if k not in ending}, **added}
            self._expect_aftermath(ending.values())
            asked_ns = self._recorder.now()
            observed = await self._provider.set_faults(
                {position: active.fault for position, active in self._active.items()}
            )
            in_force = {observation.id: observation for observation in observed.in_force}
            lifted = {observation.id: observation for observation in observed.lifted}
            for position, active in added.items():
                self._record("inject", position, active, observed, in_force.get(position))
                self._progress.faults[position] = active.fault.describe()
                self._databases.ended_by_fault(active.fault.ends)
                self._databases.may_stay_down(active.fault.wrecks)
            for position, active in ending.items():
                active.requested_ns = asked_ns
                self._record("heal", position, active, observed, lifted.get(position))
                self._progress.faults.pop(position, None)
            self._expect_aftermath(ending.values())
            await self._databases.start(self._held())

    def _expect_aftermath(self, ending: Iterable[_Active]) -> None:
        until_ns = self._recorder.now() + AFTERMATH_NS
        for active in ending:
            self._upset_until.update(dict.fromkeys(active.fault.upsets, until_ns))

    def _held(self) -> set[str]:
        """Nodes on which a database cannot be started now, or would only end again."""
        return {name for active in self._active.values() for name in active.fault.holds | active.fault.upsets}

    async def ended(self, node: str) -> str:
        """A database ended by itself. Returns what may have upset it; it is started again when that is over.

        Empty if no fault explains it.
        """
        upsetting = [active.fault for active in self._active.values() if node in active.fault.upsets]
        if upsetting:
            return upsetting[0].describe()
        if node in self._databases.lost:
            return "damage to what it has stored"
        if self._recorder.now() > self._upset_until.get(node, -1):
            return ""
        async with self._changing:
            await self._databases.start(self._held())
        return "a fault that was just over"

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
