"""The controller's side of the agent: its calls, with plain Python values, deadlines, and errors that say what to do.

A client holds one *session* (:mod:`schrodinger_agent.session`): the clusters it brings up belong to it, and the agent
takes them down when the session ends, be it by :meth:`AgentClient.close` or because the process was killed. A lease on
each cluster covers the controller that hangs instead of dying.
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc
import grpc.aio

from schrodinger_agent.api import TOKEN_KEY
from schrodinger_agent.api import agent_pb2 as pb
from schrodinger_agent.api.agent_pb2_grpc import AgentStub
from schrodinger_agent.session import OpenSession, open_session
from schrodinger_agent.types import (
    AgentError,
    Capabilities,
    Capability,
    ClusterUp,
    FaultRequest,
    HealReport,
    Observation,
    Observed,
    ProcessEnd,
    Spawned,
    Stopped,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from schrodinger_agent.api.agent_pb2_grpc import AgentAsyncStub

_T = TypeVar("_T")

_RPC_S: Final = 10.0
"""Deadline of a call that only touches the kernel. They take milliseconds; this is for a machine in trouble."""

_SLOW_RPC_S: Final = 60.0
"""Deadline of a call that starts processes or removes directories of any size."""


class AgentClient:
    """One session with the agent of this host. Use it as ``async with await AgentClient.connect() as agent``."""

    def __init__(self, session: OpenSession) -> None:
        self._session = session
        self._metadata = ((TOKEN_KEY, session.token),)

    @classmethod
    async def connect(
        cls, state: Path | None = None, *, start: bool = True, debug: bool = False, timeout_s: float = 20.0
    ) -> Self:
        """Open a session with the agent of the state directory (default: this user's), starting one when none answers.

        Call it before the thread leaves the host's network namespace: an agent that is started inherits the thread's
        namespaces.

        Args:
            state: the state directory; ``None`` for ``$SCHRODINGER_STATE`` or the user's default.
            start: whether to start an agent; without, a missing agent is an error.
            debug: an agent that is started logs every step.
            timeout_s: how long to wait for the agent's answer, its start included.

        Raises:
            AgentError: no agent answered in time, it refused us, or it is of another version.
        """
        return cls(await open_session(state, start=start, debug=debug, timeout_s=timeout_s))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def agent_pid(self) -> int:
        """The agent's process."""
        return self._session.agent_pid

    async def close(self, timeout_s: float = 30.0) -> None:
        """End the session and wait until its clusters are gone, up to ``timeout_s``. May be called again."""
        await self._channel.close()
        await self._session.close(timeout_s)

    async def capabilities(self) -> Capabilities:
        """What this host can do, found by trying."""
        reply = await self._call(self._stub.Capabilities(pb.CapabilitiesRequest(), **self._options(_SLOW_RPC_S)))
        return Capabilities(
            version=reply.version,
            isolated=reply.isolated,
            entries=tuple(
                Capability(
                    name=entry.name,
                    is_fault=entry.fault,
                    available=entry.available,
                    mechanism=entry.mechanism,
                    reason=entry.reason,
                    remedy=entry.remedy,
                )
                for entry in reply.capabilities
            ),
        )

    async def up(
        self,
        cluster: str,
        targets: Sequence[str],
        *,
        lease_s: float,
        isolated: bool,
        client_thread: int | None = None,
        kinds: Collection[str] = (),
        capture: Path | None = None,
    ) -> ClusterUp:
        """Make a cluster of targets. When it fails, nothing of it is left.

        Args:
            cluster: its name, ``[a-z0-9-]{1,40}``, unique on the host.
            targets: node names, in order.
            lease_s: the cluster is taken down when it was not renewed for so long.
            isolated: network and PID namespaces for each target; otherwise processes on loopback addresses.
            client_thread: isolated only: the native id of a thread of this process that has unshared its network
                namespace; that namespace becomes the clients' end of the switch.
            kinds: kinds of faults that may be asked for, for what they need to be prepared.
            capture: isolated only: a file, not there yet, that gets every packet that is delivered, for tcpdump and
                Wireshark.
        """
        request = pb.UpRequest(
            cluster=cluster,
            targets=targets,
            lease_ns=_nanoseconds(lease_s),
            isolated=isolated,
            client_pid=0 if client_thread is None else os.getpid(),
            client_tid=client_thread or 0,
            kinds=sorted(kinds),
            capture="" if capture is None else str(capture),
        )
        reply = await self._call(self._stub.Up(request, **self._options(_SLOW_RPC_S)))
        return ClusterUp(
            targets=tuple(Target(name=t.name, address=t.address, data=Path(t.data)) for t in reply.targets),
            client_address=reply.client_address or None,
        )

    async def down(self, cluster: str) -> tuple[str, ...]:
        """Remove everything the cluster owns; returns what could not be removed. One that is gone is no error."""
        reply = await self._call(self._stub.Down(pb.DownRequest(cluster=cluster), **self._options(_SLOW_RPC_S)))
        return tuple(reply.errors)

    async def spawn(
        self,
        cluster: str,
        target: str,
        argv: Sequence[str],
        companions: Sequence[Sequence[str]] = (),
        *,
        environment: Mapping[str, str],
        directory: Path,
        output: Path,
        user: str = "",
    ) -> Spawned:
        """Start a process inside a target; returns when it has been executed.

        Refused while a fault holds the target down or frozen.

        Args:
            cluster: the cluster.
            target: the target, in which nothing may be running.
            argv: the program and its arguments.
            companions: programs beside it, likewise. The first of them all that ends by itself ends the others.
            environment: the whole environment.
            directory: the working directory.
            output: the file that stdout and stderr are appended to.
            user: who runs it where the agent is root; all that is root's in the directory becomes theirs.
        """
        request = pb.SpawnRequest(
            cluster=cluster,
            target=target,
            argv=argv,
            companions=[pb.Program(argv=companion) for companion in companions],
            environment=environment,
            directory=str(directory),
            output=str(output),
            user=user,
        )
        reply = await self._call(self._stub.Spawn(request, **self._options(_SLOW_RPC_S)))
        return Spawned(incarnation=reply.incarnation, pid=reply.pid, time_ns=reply.time_ns)

    async def stop(self, cluster: str, target: str, *, grace_s: float) -> Stopped:
        """End the target's processes: SIGTERM to the database, SIGKILL to whatever is left after ``grace_s``."""
        request = pb.StopRequest(cluster=cluster, target=target, grace_ns=_nanoseconds(grace_s))
        reply = await self._call(self._stub.Stop(request, **self._options(grace_s + _RPC_S)))
        return Stopped(was_running=reply.was_running, killed=reply.killed)

    async def set_faults(self, cluster: str, generation: int, faults: Sequence[FaultRequest]) -> Observed:
        """Make exactly these faults be in force, and read them back. A generation older than the last is refused."""
        request = pb.SetFaultsRequest(
            cluster=cluster,
            generation=generation,
            desired=[pb.Fault(id=f.id, kind=f.kind, parameters=json.dumps(f.parameters)) for f in faults],
        )
        return _observed(await self._call(self._stub.SetFaults(request, **self._options(_RPC_S))))

    async def observe(self, cluster: str) -> Observed:
        """Read back the faults that were last asked for."""
        return _observed(
            await self._call(self._stub.Observe(pb.ObserveRequest(cluster=cluster), **self._options(_RPC_S)))
        )

    async def watch(self, cluster: str) -> AsyncIterator[ProcessEnd]:
        """The ends of the cluster's processes since it is up, as they happen; ends when the cluster is taken down."""
        try:
            async for edge in self._stub.Watch(pb.WatchRequest(cluster=cluster), metadata=self._metadata):
                yield ProcessEnd(
                    target=edge.target,
                    incarnation=edge.incarnation,
                    status=edge.status,
                    expected=edge.expected,
                    time_ns=edge.time_ns,
                )
        except grpc.aio.AioRpcError as error:
            raise _agent_error(error) from None

    async def renew(self, cluster: str) -> float:
        """Keep the cluster for another lease; returns its length in seconds."""
        reply = await self._call(self._stub.Renew(pb.RenewRequest(cluster=cluster), **self._options(_RPC_S)))
        return reply.lease_ns / 1e9

    async def fetch(self, cluster: str, target: str, path: str) -> bytes:
        """The content of a file, named relative to the target's data directory."""
        request = pb.FetchRequest(cluster=cluster, target=target, path=path)
        content = bytearray()
        try:
            async for chunk in self._stub.Fetch(request, **self._options(_SLOW_RPC_S)):
                content += chunk.data
        except grpc.aio.AioRpcError as error:
            raise _agent_error(error) from None
        return bytes(content)

    async def store(self, cluster: str, target: str, name: str, content: bytes) -> None:
        """Write a file into the target's data directory, in place of one of that name, and sync it."""
        request = pb.StoreRequest(cluster=cluster, target=target, name=name, content=content)
        await self._call(self._stub.Store(request, **self._options(_SLOW_RPC_S)))

    async def heal(self) -> HealReport:
        """Remove what clusters without a living session left behind."""
        reply = await self._call(self._stub.Heal(pb.HealRequest(), **self._options(_SLOW_RPC_S)))
        return HealReport(removed=tuple(reply.removed), errors=tuple(reply.errors))

    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        """Opened by the first call: gRPC's threads stay in the namespaces of the thread that first needs them."""
        return grpc.aio.insecure_channel(
            f"unix:{self._session.state.rpc_socket}",
            # Each client has a channel of its own: a shared one would outlive the agent it was made for.
            options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)],
        )

    @cached_property
    def _stub(self) -> AgentAsyncStub:
        return AgentStub(self._channel)

    def _options(self, timeout_s: float) -> dict[str, Any]:
        return {"metadata": self._metadata, "timeout": timeout_s}

    async def _call(self, call: Awaitable[_T]) -> _T:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise _agent_error(error) from None


def _observed(reply: pb.Observed) -> Observed:
    return Observed(
        generation=reply.generation,
        begin_ns=reply.begin_ns,
        end_ns=reply.end_ns,
        observations=tuple(_observation(entry) for entry in reply.observations),
        lifted=tuple(_observation(entry) for entry in reply.lifted),
    )


def _observation(entry: pb.Observation) -> Observation:
    return Observation(
        id=entry.id,
        kind=entry.kind,
        in_force=entry.in_force,
        evidence=json.loads(entry.evidence),
        affected=entry.affected,
        error=entry.error,
    )


def _agent_error(error: grpc.aio.AioRpcError) -> AgentError:
    code = error.code().name
    if code == "DEADLINE_EXCEEDED":
        return AgentError(
            "the agent did not answer in time: the machine is overloaded, or the agent hangs (see its agent.log)", code
        )
    if code == "UNAVAILABLE":
        return AgentError(f"the agent is gone ({error.details()}): see its agent.log", code)
    return AgentError(error.details() or code, code)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
