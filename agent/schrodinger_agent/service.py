"""gRPC in front of the host: messages to values and back. No decisions are made here."""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from schrodinger_agent.api import agent_pb2 as pb
from schrodinger_agent.api.agent_pb2_grpc import AgentServicer
from schrodinger_agent.cluster import ClusterRequest
from schrodinger_agent.converge import WireFault
from schrodinger_agent.disks.mounts import open_beneath
from schrodinger_agent.errors import Failed, InvalidRequest, NotFound
from schrodinger_agent.gate import session_of
from schrodinger_agent.incarnation import User
from schrodinger_agent.namespaces import open_network, open_network_of, outer_user, same_network
from schrodinger_agent.version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import grpc.aio

    from schrodinger_agent.cluster import Cluster
    from schrodinger_agent.host import Host, Session
    from schrodinger_agent.target import Place
    from schrodinger_agent.types import Observation, Observed

_CHUNK_BYTES: Final = 1 << 16


@final
class Service(AgentServicer):
    """The methods of ``agent.proto``. Every call has passed the gate."""

    # The signatures are gRPC's, also where a method has no use for all of it.
    # ruff: noqa: ARG002, N802

    def __init__(self, host: Host) -> None:
        self._host = host

    async def Capabilities(self, request: pb.CapabilitiesRequest, context: Any) -> pb.CapabilitiesReply:
        """What this host can do."""
        abilities = await self._host.abilities()
        entries = [
            pb.Capability(
                name=entry.name,
                fault=entry.is_fault,
                available=entry.available,
                mechanism=entry.mechanism,
                reason=entry.reason,
                remedy=entry.remedy,
            )
            for entry in abilities.entries
        ]
        return pb.CapabilitiesReply(version=__version__, capabilities=entries, isolated=abilities.isolated)

    async def Up(self, request: pb.UpRequest, context: Any) -> pb.UpReply:
        """Make a cluster."""
        wanted = ClusterRequest(
            name=request.cluster,
            targets=tuple(request.targets),
            lease_ns=request.lease_ns,
            isolated=request.isolated,
            kinds=frozenset(request.kinds),
            capture=Path(request.capture) if request.capture else None,
        )
        session = self._session(context)
        client_namespace = _client_namespace(request, session)
        try:
            cluster = await self._host.up(session, wanted, client_namespace)
        finally:
            if client_namespace is not None:
                os.close(client_namespace)
        places = [target.place for target in cluster.targets.values()]
        return pb.UpReply(
            targets=[pb.Target(name=place.name, address=place.address, data=str(place.data)) for place in places],
            client_address=(cluster.network.client_address or "") if cluster.network is not None else "",
        )

    async def Down(self, request: pb.DownRequest, context: Any) -> pb.DownReply:
        """Remove a cluster."""
        return pb.DownReply(errors=await self._host.down(self._session(context), request.cluster))

    async def Spawn(self, request: pb.SpawnRequest, context: Any) -> pb.SpawnReply:
        """Start a database."""
        target = self._cluster(context, request.cluster).target(request.target)
        _check_spawn(request)
        spawned = await target.spawn(
            tuple(request.argv),
            tuple(tuple(companion.argv) for companion in request.companions),
            environment=dict(request.environment),
            directory=request.directory,
            output=request.output,
            user=_user(request.user),
        )
        return pb.SpawnReply(incarnation=spawned.incarnation, pid=spawned.pid, time_ns=spawned.time_ns)

    async def Stop(self, request: pb.StopRequest, context: Any) -> pb.StopReply:
        """End a database in an orderly way."""
        if request.grace_ns < 0:
            raise InvalidRequest(f"grace_ns is {request.grace_ns}: give a time, or 0 for none")
        target = self._cluster(context, request.cluster).target(request.target)
        stopped = await target.stop(request.grace_ns / 1e9)
        return pb.StopReply(was_running=stopped.was_running, killed=stopped.killed)

    async def SetFaults(self, request: pb.SetFaultsRequest, context: Any) -> pb.Observed:
        """Make exactly these faults be in force."""
        desired = [WireFault(fault.id, fault.kind, fault.parameters) for fault in request.desired]
        return _observed(await self._cluster(context, request.cluster).set_faults(request.generation, desired))

    async def Observe(self, request: pb.ObserveRequest, context: Any) -> pb.Observed:
        """Read the faults back."""
        return _observed(await self._cluster(context, request.cluster).observe())

    async def Watch(self, request: pb.WatchRequest, context: Any) -> AsyncIterator[pb.Edge]:
        """Ends of processes, from the beginning."""
        async for end in self._cluster(context, request.cluster).edges.watch():
            yield pb.Edge(
                kind="exit",
                target=end.target,
                incarnation=end.incarnation,
                status=end.status,
                expected=end.expected,
                time_ns=end.time_ns,
            )

    async def Renew(self, request: pb.RenewRequest, context: Any) -> pb.RenewReply:
        """Let a lease begin anew."""
        return pb.RenewReply(lease_ns=self._host.renew(self._session(context), request.cluster))

    async def Fetch(self, request: pb.FetchRequest, context: Any) -> AsyncIterator[pb.Chunk]:
        """A file of a target's data directory, piece by piece."""
        place = self._cluster(context, request.cluster).target(request.target).place
        with os.fdopen(_open_file(place, request.path), "rb") as file:
            while piece := await asyncio.to_thread(file.read, _CHUNK_BYTES):
                yield pb.Chunk(data=piece)

    async def Store(self, request: pb.StoreRequest, context: Any) -> pb.StoreReply:
        """A file into a target's data directory, to stay there."""
        place = self._cluster(context, request.cluster).target(request.target).place
        await asyncio.to_thread(_store_file, place, request.name, request.content)
        return pb.StoreReply()

    async def Heal(self, request: pb.HealRequest, context: Any) -> pb.HealReply:
        """Remove what belongs to no cluster."""
        report = await self._host.heal()
        return pb.HealReply(removed=report.removed, errors=report.errors)

    def _session(self, context: grpc.aio.ServicerContext[Any, Any]) -> Session:
        session = session_of(self._host, context)
        assert session is not None, "the gate let the call pass"
        return session

    def _cluster(self, context: grpc.aio.ServicerContext[Any, Any], name: str) -> Cluster:
        return self._host.cluster(self._session(context), name)


def _open_file(place: Place, path: str) -> int:
    """Open a regular file of a data directory for reading."""
    data = place.open_data()
    try:
        # Not to wait for the other end of a pipe.
        descriptor = open_beneath(data, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise InvalidRequest(f"path {path!r} leads out of the data directory: name a file inside it") from None
        raise NotFound(f"path {path!r} of target {place.name} cannot be read: {error.strerror}") from None
    finally:
        os.close(data)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidRequest(f"path {path!r} of target {place.name} is no regular file")
    return descriptor


def _store_file(place: Place, name: str, content: bytes) -> None:
    """Write a file of a data directory, and sync both."""
    if "/" in name or "\0" in name or name in ("", ".", ".."):
        raise InvalidRequest(f"name {name!r} is no file's: give one without slashes")
    data = place.open_data()
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=data), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.fsync(data)
    except OSError as error:
        raise Failed(f"file {name!r} of target {place.name} could not be written: {error.strerror}") from None
    finally:
        os.close(data)


def _check_spawn(request: pb.SpawnRequest) -> None:
    """Everything that execve(2) could not even be asked."""
    programs = [list(request.argv), *(list(companion.argv) for companion in request.companions)]
    for argv in programs:
        if not argv or not argv[0]:
            raise InvalidRequest(f"argv is {argv}: give the program and its arguments")
    for field in ("directory", "output"):
        if not os.path.isabs(getattr(request, field)):  # noqa: PTH117 - text from the wire, not yet a path
            raise InvalidRequest(f"{field} is {getattr(request, field)!r}: give an absolute path")
    for name in request.environment:
        if not name or "=" in name:
            raise InvalidRequest(f"environment has {name!r}, which is no variable's name: use one without '='")
    environment = (*request.environment, *request.environment.values())
    for text in (*itertools.chain(*programs), *environment, request.directory, request.output):
        if "\0" in text:
            raise InvalidRequest(f"{text!r} has a zero byte, which ends a string in the kernel: leave it out")


def _user(name: str) -> User | None:
    """Who is to run a target's programs, if it is not who the agent is. Only root can be another."""
    if not name or os.geteuid() != 0 or outer_user() != 0:
        return None
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise InvalidRequest(f"user is {name!r}, whom this machine does not know: name another, or add it") from None
    return User(found.pw_uid, found.pw_gid, tuple(os.getgrouplist(name, found.pw_gid)))


def _client_namespace(request: pb.UpRequest, session: Session) -> int | None:
    """A descriptor of the network namespace that the request names, if it names one and may."""
    if not request.client_tid:
        return None
    if request.client_pid != session.pid:
        raise InvalidRequest(
            f"client_pid is {request.client_pid}: only a thread of process {session.pid}, the caller, will do"
        )
    if not request.isolated:
        raise InvalidRequest("client_tid is for isolated clusters: leave it out")
    try:
        namespace = open_network_of(request.client_pid, request.client_tid)
    except OSError as error:
        raise InvalidRequest(f"client_tid {request.client_tid} is no thread of the caller: {error.strerror}") from None
    ours = open_network()
    try:
        if same_network(ours, namespace):
            os.close(namespace)
            raise InvalidRequest(
                f"thread {request.client_tid} is in the host's network namespace, which is left alone: "
                "let it call unshare(CLONE_NEWNET) first"
            )
    finally:
        os.close(ours)
    return namespace


def _observed(observed: Observed) -> pb.Observed:
    return pb.Observed(
        generation=observed.generation,
        begin_ns=observed.begin_ns,
        end_ns=observed.end_ns,
        observations=_observations(observed.observations),
        lifted=_observations(observed.lifted),
    )


def _observations(observations: Sequence[Observation]) -> list[pb.Observation]:
    return [
        pb.Observation(
            id=entry.id,
            kind=entry.kind,
            in_force=entry.in_force,
            evidence=json.dumps(entry.evidence),
            affected=entry.affected,
            error=entry.error,
        )
        for entry in observations
    ]
