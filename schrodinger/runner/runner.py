"""Runs a plan: a cluster comes up, clients and nemesis are let loose, all is healed, read once more and taken down.

Phases follow each other, each with a deadline; the history is written from the first to the last. Whatever happens,
the cluster is taken down and the history closed. What went wrong with the machinery is an ``error`` event, never an
exception to the caller, so that what was recorded until then is still judged.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

from schrodinger.checkers import Validity
from schrodinger.checkers.strength import FINAL_FAILED
from schrodinger.cluster import Cluster, ProviderError
from schrodinger.history import FINAL_OPERATIONS, MAIN_PHASE, NEMESIS, PHASE, Recorder
from schrodinger.runner.client_log import client_log
from schrodinger.runner.files import EventLog, RunFiles
from schrodinger.runner.last_words import last_words
from schrodinger.runner.members import Members
from schrodinger.runner.nemesis import Nemesis
from schrodinger.runner.nodes import DatabaseNodes, NodeEnded
from schrodinger.runner.progress import Progress
from schrodinger.runner.stalls import StallWatch
from schrodinger.runner.threads import ThreadPerCall
from schrodinger.runner.watch import ViolationWatch
from schrodinger.runner.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from schrodinger.checkers import Online, Verdict
    from schrodinger.cluster import Provider, Suite
    from schrodinger.plan import Plan
    from schrodinger.workloads import Node, Workload

UP_S: Final = 30.0
HEAL_S: Final = 30.0
FINAL_S: Final = 120.0
LOGS_S: Final = 30.0
DOWN_S: Final = 30.0
DRAIN_S: Final = 5.0
"""Beyond a client's own time-out, for operations that are under way when the main phase ends."""
MAIN_GRACE_S: Final = 30.0
"""Beyond the plan's time, before the main phase counts as hung."""


class PhaseFailed(Exception):
    """A phase did not do what it is for; the message says why, ``validity`` what that makes of the run."""

    def __init__(self, message: str, validity: Validity) -> None:
        super().__init__(message)
        self.validity = validity


@final
@dataclass(slots=True)
class Run:
    """One run of one plan. ``watch`` judges while the run goes on, and ends it at the first violation."""

    plan: Plan
    suite: Suite
    binary: Path
    provider: Provider
    files: RunFiles
    progress: Progress = field(default_factory=Progress)
    watch: Online | None = None
    _events: EventLog = field(init=False)
    _recorder: Recorder = field(init=False)
    _functions: list[str] = field(init=False)
    _told: set[str] = field(init=False, default_factory=set)
    """Nodes whose database ended by itself, and whose last words were told then."""

    async def execute(self) -> None:
        """All phases. Raises only what cancels it (after everything was taken down); failures are ``error`` events.

        From now on the event loop has a thread for each blocking call, since clients may leave some that never end.
        """
        asyncio.get_running_loop().set_default_executor(ThreadPerCall())
        workload = self.suite.workload(self.plan.workload)
        self._functions = [*workload.functions, *self._kinds(), PHASE]
        self._recorder = Recorder(self.files.history, self._functions)
        self._events = EventLog(self.files.events)
        self.progress.main_total_s = self.plan.time_ns / 1e9
        try:
            with client_log(self.files.client_log), StallWatch(self.files.stacks, self._stalled):
                await self._phases(workload)
        except PhaseFailed as failure:
            self._error(str(failure), failure.validity)
        except asyncio.CancelledError:
            self._error("the run was interrupted", Validity.UNKNOWN)
            raise
        except Exception:
            self._error(f"between its phases:\n{traceback.format_exc()}")
        finally:
            await asyncio.shield(self._end())

    def _kinds(self) -> list[str]:
        """The kinds of faults in the plan."""
        return sorted({event.fault.kind for event in self.plan.schedule})

    async def _phases(self, workload: Workload) -> None:
        async with self._phase("up", UP_S):
            nodes = await self.provider.up(self.plan.node_names, self.files.nodes, self._kinds())
        cluster = Cluster(nodes, self.plan.options)
        databases = DatabaseNodes(self.provider, self.suite.database, self.binary, cluster, self._note_node)
        workers = Workers(self.plan, workload, nodes, self._recorder, self._functions, self.progress)
        nemesis = Nemesis(
            self.plan.schedule,
            self.provider,
            databases,
            Members(databases, self._note_node),
            self._recorder,
            {name: code for code, name in enumerate(self._functions)},
            self.progress,
            self._note,
        )
        exits = asyncio.create_task(self._watch_exits(databases, nemesis))
        try:
            async with self._phase("setup", self.suite.database.ready_within_s, databases):
                await databases.start()
                await databases.ready()
            async with self._phase(MAIN_PHASE, self.plan.time_ns / 1e9 + MAIN_GRACE_S):
                violation = await self._main(workers, nemesis, exits)
            async with self._phase("heal", HEAL_S):
                await nemesis.heal()
            if violation is not None:
                self._note(f"stopped at the first violation: {violation.reasons[0]}")
                return
            async with self._phase("settle", self.suite.database.ready_within_s, databases, Validity.UNKNOWN):
                await databases.ready()
            async with self._phase(FINAL_OPERATIONS, FINAL_S, blame=Validity.UNKNOWN):
                final = workload.final(self.plan.parameters, workers.most_invoked, self.plan.concurrency)
                workers.leave(databases.lost)
                if failed := await workers.final(final):
                    of_key = "" if failed[0].partition_key is None else f" of key {failed[0].partition_key}"
                    first = f"the first a {failed[0].f}{of_key}"
                    self._error(f"{len(failed)} of {len(final)} {FINAL_FAILED}, {first}", Validity.UNKNOWN)
        finally:
            exits.cancel()
            await asyncio.gather(exits, return_exceptions=True)
            for trace, times in workers.mistakes.values():
                self._error(
                    f"the client raised what it does not expect ({times} times); "
                    f"if faults bring it about, name its class in expected_errors:\n{trace}"
                )
            await workers.close()
            await self._phase_collect(nodes)

    async def _main(self, workers: Workers, nemesis: Nemesis, exits: asyncio.Task[None]) -> Verdict | None:
        """Workers and nemesis together until the time or the budget is spent; ``exits`` ends if the cluster is lost.

        Returns the violation that was watched for and ended it, if one did.
        """
        main_ns = self._recorder.now()
        clients = asyncio.create_task(workers.run())
        faults = asyncio.create_task(nemesis.run(workers, main_ns))
        budget = asyncio.create_task(workers.budget_spent.wait())
        clock = asyncio.create_task(self._count_down(main_ns))
        watch = asyncio.create_task(self._violation())
        try:
            ends: set[asyncio.Task[Any]] = {clients, budget, clock, exits, watch}
            await asyncio.wait({*ends, faults}, return_when=asyncio.FIRST_COMPLETED)
            if faults.done():  # all faults are over, or it failed, and then the rest would prove nothing
                await _result_of(faults)
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if exits.done():
                await _result_of(exits)
            workers.stop()
            _, late = await asyncio.wait({clients}, timeout=workers.timeout_s + DRAIN_S)
            if late:
                clients.cancel()
            await _result_of(clients)
            return watch.result() if watch.done() else None
        finally:
            for task in (clients, faults, budget, clock, watch):
                task.cancel()
            await asyncio.gather(clients, budget, clock, watch, return_exceptions=True)
            await _result_of(faults)

    async def _violation(self) -> Verdict:
        """The first violation, while the run goes on; waits for ever when nobody watches."""
        if self.watch is None:
            await asyncio.Event().wait()
        assert self.watch is not None
        return await ViolationWatch(self.watch, self.files.history, self._recorder.flush, self.progress).run()

    async def _count_down(self, main_ns: int) -> None:
        while (elapsed_s := (self._recorder.now() - main_ns) / 1e9) < self.progress.main_total_s:
            self.progress.main_elapsed_s = elapsed_s
            await asyncio.sleep(min(0.1, self.progress.main_total_s - elapsed_s))
        self.progress.main_elapsed_s = self.progress.main_total_s

    async def _watch_exits(self, databases: DatabaseNodes, nemesis: Nemesis) -> None:
        async for exit_ in self.provider.exits():
            databases.ended(exit_)
            if exit_.expected:
                continue
            if upset := await nemesis.ended(exit_.node):
                self._note(f"the database on {exit_.node} ended by itself with status {exit_.status}, under {upset}")
            else:
                said = last_words(databases.cluster[exit_.node].log)
                self._told.add(exit_.node)
                self._error(
                    f"the database on {exit_.node} ended by itself with status {exit_.status}: {said}", Validity.UNKNOWN
                )

    @contextlib.asynccontextmanager
    async def _phase(
        self,
        name: str,
        deadline_s: float,
        databases: DatabaseNodes | None = None,
        blame: Validity = Validity.INFRASTRUCTURE_ERROR,
    ) -> AsyncIterator[None]:
        """Mark a phase in history and events, and bound it.

        On time-out ``databases`` are asked what they wait for. ``blame`` is what a failure makes of the run: where the
        database may be what failed, nothing is known of it, and the machinery is not to blame.
        """
        self.progress.phase = name
        self._recorder.record("info", NEMESIS, self._functions.index(PHASE), None, None, name)
        self._events.append(self._recorder.now(), "phase", phase=name)
        try:
            async with asyncio.timeout(deadline_s):
                yield
        except NodeEnded as error:
            what = f"the database on {error.node} ended" if error.node in self._told else str(error)
            raise PhaseFailed(f"phase {name}: {what}", blame) from error
        except TimeoutError as error:
            why = f": {await databases.why_not()}" if databases else ""
            raise PhaseFailed(f"phase {name} did not end within {deadline_s:g} s{why}", blame) from error
        except ProviderError as error:
            raise PhaseFailed(f"while in phase {name}: {error}", Validity.INFRASTRUCTURE_ERROR) from error
        except Exception as error:
            told = f"while in phase {name}:\n{traceback.format_exc()}"
            raise PhaseFailed(told, Validity.INFRASTRUCTURE_ERROR) from error

    async def _phase_collect(self, nodes: tuple[Node, ...]) -> None:
        """Keep the log files that the database wrote itself; its output is in the run directory already."""
        async with self._phase("collect logs", LOGS_S):
            for node in nodes:
                for log in self.suite.database.logs(node):
                    await self._keep_log(node, log)

    async def _keep_log(self, node: Node, log: Path) -> None:
        try:
            await self.provider.fetch(node, log, self.files.nodes / node.name / log.name)
        except (OSError, ProviderError, ValueError) as error:
            self._note(f"log {log} of {node.name} could not be kept: {error}")

    async def _end(self) -> None:
        """Take the cluster down and close the history, whatever happened before."""
        self.progress.phase = "down"
        self._events.append(self._recorder.now(), "phase", phase="down")
        try:
            async with asyncio.timeout(DOWN_S):
                left = await self.provider.down()
        except TimeoutError:
            left = (f"taking the cluster down did not end within {DOWN_S:g} s; run `schrodinger heal`",)
        for error in left:
            self._error(f"could not be removed: {error}")
        self.progress.phase = "done"
        try:
            self._recorder.close()
        except OSError as error:
            self._error(f"the history could not be written: {error}")
        self._events.append(self._recorder.now(), "phase", phase="done")
        self._events.close()

    def _stalled(self, lag_s: float) -> None:
        self._error(
            f"the runner's event loop stood still for {lag_s:.1f} s, so times and time-outs can't be trusted; "
            f"a client that blocks? See {self.files.stacks.name}",
            Validity.UNKNOWN,
        )

    def _note_node(self, node: str, what: str) -> None:
        self._events.append(self._recorder.now(), "node", node=node, message=what)

    def _note(self, message: str) -> None:
        self.progress.notes.append(message)
        self._events.append(self._recorder.now(), "note", message=message)

    def _error(self, message: str, validity: Validity = Validity.INFRASTRUCTURE_ERROR) -> None:
        self.progress.notes.append(message)
        self._events.append(self._recorder.now(), "error", validity=str(validity), message=message)


async def _result_of(task: asyncio.Task[None]) -> None:
    """Raise what the task raised, unless it was only cancelled; of a group its first, which the others follow from."""
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():  # it is we who are cancelled
            raise
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
