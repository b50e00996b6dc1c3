"""The keeper of a cluster by hand: a process that holds it up, reconciles its faults, and answers whoever asks.

A cluster belongs to a session with the agent, and ends with it. The command that brings a cluster up is over in
seconds, so somebody else has to hold that session: the keeper. It is the only holder, so there is no way in which the
cluster could outlive it: told to end (by ``cluster down``, by SIGTERM) it takes the cluster down; killed, its session
closes and the agent does the same; stopped, its lease lapses. Its socket is in the cluster's directory, which the agent
removes with the cluster, so none of these leaves anything but the logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from schrodinger.cluster import (
    Cluster,
    Leader,
    LocalProvider,
    ProviderError,
    Suite,
    Unavailable,
    binary_of,
    load_suite,
    why_unfit,
    why_unreachable,
)
from schrodinger.control.control import socket_path
from schrodinger.control.departures import Departures
from schrodinger.control.reconciler import Reconciler
from schrodinger.control.starting import Wanted
from schrodinger.control.states import ClusterState, ControlError, NodeState
from schrodinger.history import NODES_FOLDER
from schrodinger.nemesis import FAULTS
from schrodinger.nemesis.manifests import Roster, read_experiments
from schrodinger.runner import DatabaseNodes, EventLog, NodeEnded, StandingFaults, ThreadPerCall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from schrodinger.cluster import Node
    from schrodinger.control.states import Happening

OUTPUT: Final = 1
LEADER_S: Final = 2.0
ANSWER_S: Final = 5.0
"""How long whoever asked for the end may take to read the answer."""

MOST_REQUEST_BYTES: Final = 16 << 20
EVENTS: Final = "events.jsonl"


def main(wanted: str) -> int:
    """Keep the cluster until it is taken down. One line of JSON on the output says that it is up, or why not."""
    try:
        asyncio.run(Keeper(Wanted.from_json(wanted)).keep())
    except ProviderError as error:
        _report({"broken": str(error)})
        return 1
    except (ControlError, Unavailable, ValueError, OSError) as error:
        _report({"refused": str(error)})
        return 1
    except Exception:
        _report({"broken": traceback.format_exc()})
        raise
    return 0


def _report(said: Mapping[str, Any]) -> None:
    """Say something to the starter, which reads to the end of our output: afterwards that is the log."""
    with contextlib.suppress(BrokenPipeError):
        os.write(OUTPUT, json.dumps(said).encode() + b"\n")
    os.dup2(sys.stderr.fileno(), OUTPUT)


@final
class Keeper:
    """Keeps one cluster."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._suite: Suite = load_suite(wanted.suite)
        self._binary = binary_of(self._suite.database, wanted.options.get("version"))
        self._provider = LocalProvider(
            wanted.name, state=None if wanted.state is None else Path(wanted.state), isolated=wanted.isolated
        )
        self._socket = socket_path(wanted.name, None if wanted.state is None else Path(wanted.state))
        self._events = EventLog(Path(wanted.directory) / EVENTS)
        self._ending = asyncio.Event()
        self._down: asyncio.Future[tuple[str, ...]] | None = None
        self._answering: set[asyncio.Task[Any]] = set()

    async def keep(self) -> None:
        """Bring it up, keep it until somebody ends it, take it down."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPerCall())
        self._down = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._ending.set)
        with contextlib.suppress(PermissionError):  # it is no pipe
            loop.add_reader(OUTPUT, self._ending.set)  # which happens when the starter has gone
        try:
            await self._until_told(self._live())
        finally:
            loop.remove_reader(OUTPUT)
            left = await self._provider.down()
            self._note("down", left=list(left))
            self._events.close()
            self._down.set_result(left)
            if self._answering:
                await asyncio.wait(self._answering, timeout=ANSWER_S)

    async def _until_told(self, life: Awaitable[None]) -> None:
        """Live until life ends by an error, or somebody says that it is over."""
        living, told = asyncio.ensure_future(life), asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait({living, told}, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                await living
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        finally:
            living.cancel()
            told.cancel()
            await asyncio.gather(living, told, return_exceptions=True)

    async def _live(self) -> None:
        kinds = await self._kinds()
        nodes = await self._provider.up(self._wanted.nodes, Path(self._wanted.directory) / NODES_FOLDER, kinds)
        self._cluster = Cluster(nodes, self._wanted.options)
        self._databases = DatabaseNodes(
            self._provider, self._suite.database, self._binary, self._cluster, self._note_node
        )
        self._standing = StandingFaults(self._provider, self._databases, time.monotonic_ns)
        self._reconciler = Reconciler(
            self._standing,
            Departures(self._standing, self._databases, self._note_node),
            Roster(
                nodes=self._wanted.nodes,
                namespace=self._wanted.namespace,
                container=self._suite.name,
                labels=self._wanted.labels,
            ),
            seed=self._wanted.seed,
            kinds=kinds,
            has_leader=isinstance(self._suite.database, Leader),
            now=time.monotonic_ns,
            wall=lambda: datetime.now(UTC),
            log=self._note_happening,
        )
        self._prepared = kinds
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_exits())
            await self._databases.start()
            await self._become_ready()
            server = await asyncio.start_unix_server(self._answer, str(self._socket), limit=MOST_REQUEST_BYTES)
            self._socket.chmod(0o600)
            self._note("up")
            asyncio.get_running_loop().remove_reader(OUTPUT)
            _report({"remarks": [self._provider.degradation] if self._provider.degradation else []})
            try:
                await self._reconciler.run()
            finally:
                server.close()

    async def _kinds(self) -> tuple[str, ...]:
        """The kinds of faults to be prepared for. Raises ControlError for one that was named and can't be had."""
        found = {capability.name: capability for capability in await self._provider.capabilities()}
        database, options = self._suite.database, self._wanted.options
        if why := why_unreachable(database, options, tuple(found.values())):
            raise ControlError(f"with these options suite {self._suite.name} {why}")
        for kind in self._wanted.kinds or ():
            if not found[kind].available:
                raise ControlError(f"no {kind} faults on this machine: {found[kind].reason}; {found[kind].remedy}")
            if why := why_unfit(kind, database, None):
                raise ControlError(f"no {kind} faults for suite {self._suite.name}: it {why}")
        if self._wanted.kinds is not None:
            return self._wanted.kinds
        possible = [kind for kind in FAULTS.kinds if kind in found and found[kind].available]
        return tuple(kind for kind in possible if why_unfit(kind, database, None) is None)

    async def _become_ready(self) -> None:
        within_s = self._suite.database.ready_within_s
        try:
            async with asyncio.timeout(within_s):
                await self._databases.ready()
        except NodeEnded as error:
            raise ControlError(str(error)) from error
        except TimeoutError:
            why = await self._databases.why_not()
            raise ControlError(f"the databases were not ready within {within_s:g} s: {why}") from None

    async def _watch_exits(self) -> None:
        async for exit_ in self._provider.exits():
            self._databases.ended(exit_)
            if not exit_.expected:
                why = await self._standing.ended(exit_.node)
                self._note_node(
                    exit_.node,
                    f"under {why}"
                    if why
                    else "no fault explains it; it is started again with the next change of faults",
                )

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        with contextlib.closing(writer):
            try:
                request = json.loads(await reader.readline())
                done = {"done": await self._do(request)}
            except ProviderError as error:
                done = {"broken": str(error)}
            except (ControlError, ValueError) as error:
                done = {"refused": str(error)}
            except Exception:
                done = {"broken": f"this is a mistake in schrodinger or in the suite:\n{traceback.format_exc()}"}
            with contextlib.suppress(ConnectionError):
                writer.write(json.dumps(done).encode() + b"\n")
                await writer.drain()

    async def _do(self, request: Mapping[str, Any]) -> Any:
        requests: Mapping[str, Callable[[], Awaitable[Any]]] = {
            "status": self._status,
            "apply": lambda: self._reconciler.apply(read_experiments(request["text"], source=request["source"])),
            "list": self._list,
            "describe": lambda: self._describe(request["name"]),
            "pause": lambda: self._reconciler.pause(request["name"]),
            "resume": lambda: self._reconciler.resume(request["name"]),
            "delete": lambda: self._reconciler.delete(request["name"]),
            "down": self._end,
        }
        if request["do"] not in requests:
            raise ControlError(f"the keeper knows no request {request['do']!r}; is it of another version?")
        return await requests[request["do"]]()

    async def _list(self) -> list[dict[str, Any]]:
        return [asdict(state) for state in self._reconciler.states()]

    async def _describe(self, name: str) -> dict[str, Any]:
        return asdict(self._reconciler.state(name))

    async def _end(self) -> tuple[str, ...]:
        assert self._down is not None
        self._ending.set()
        return await asyncio.shield(self._down)

    async def _status(self) -> dict[str, Any]:
        states = await asyncio.gather(*(self._node_state(node) for node in self._cluster.nodes))
        return asdict(
            ClusterState(
                name=self._wanted.name,
                suite=self._wanted.suite,
                options=self._wanted.options,
                seed=self._wanted.seed,
                keeper=os.getpid(),
                degradation=self._provider.degradation,
                namespace=self._wanted.namespace,
                labels=self._wanted.labels,
                kinds=self._prepared,
                directory=self._wanted.directory,
                leaders=tuple(await self._leaders()),
                nodes=tuple(states),
            )
        )

    async def _node_state(self, node: Node) -> NodeState:
        state = "down"
        if self._databases.runs(node.name):
            state = "ready" if await self._databases.is_ready(node) else "not ready"
        elif node.name in self._databases.away:
            state = "no member"
        return NodeState(name=node.name, address=node.address, data=str(node.data), log=str(node.log), state=state)

    async def _leaders(self) -> list[str]:
        if not isinstance(self._suite.database, Leader):
            return []
        with contextlib.suppress(OSError, TimeoutError):  # nobody who can be asked is nobody who leads
            async with asyncio.timeout(LEADER_S):
                return list(await self._databases.leaders())
        return []

    def _note(self, what: str, **more: Any) -> None:
        self._events.append(time.monotonic_ns(), "cluster", what=what, **more)

    def _note_node(self, node: str, what: str) -> None:
        self._events.append(time.monotonic_ns(), "node", node=node, message=what)

    def _note_happening(self, experiment: str, happening: Happening) -> None:
        self._events.append(time.monotonic_ns(), "experiment", experiment=experiment, **asdict(happening))
