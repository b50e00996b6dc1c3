"""All clusters of the agent, who they belong to, and for how long.

A cluster lives as long as its session, and no longer than its lease. A session ends when the controller closes its
connection to the door, which the kernel does for a controller that was killed; the lease is for the controller that
hangs. Either way the cluster is taken down, as by Down.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.capabilities import probe
from schrodinger_agent.cluster import Cluster
from schrodinger_agent.errors import NotFound, NotNow, NotYours
from schrodinger_agent.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger_agent.capabilities import Abilities
    from schrodinger_agent.cluster import ClusterRequest
    from schrodinger_agent.journal import Journal
    from schrodinger_agent.state import StateDirectory
    from schrodinger_agent.types import HealReport

_log = logging.getLogger(__name__)

_LATE_S: Final = 1.0
"""An agent that notices a lapse so late was itself stopped or starved, and may not have heard the controller."""

_EPITAPHS_AT_MOST: Final = 1000
"""Why a cluster is gone is remembered for those who ask next; old ones are forgotten."""


@dataclass(frozen=True, slots=True)
class Session:
    """A controller at the door: the token that its calls carry, and its process as the kernel told us."""

    token: str
    pid: int
    uid: int


@dataclass(slots=True)
class _Tenancy:
    """Whose a cluster is, and until when.

    ``arriving`` brings the cluster up and is never cancelled: something half-made would have no owner. ``leaving``
    waits for it, and takes the cluster down.
    """

    session: Session
    lease_ns: int
    arriving: asyncio.Task[Cluster]
    lapse: asyncio.TimerHandle | None = None
    leaving: asyncio.Task[list[str]] | None = None


@final
class Host:
    """The agent's clusters and sessions. Everything happens on the event loop of the main thread."""

    def __init__(
        self, state: StateDirectory, journal: Journal, *, idle_exit_s: float | None, on_idle: Callable[[], None]
    ) -> None:
        self._state = state
        self._journal = journal
        self._idle_exit_s = idle_exit_s
        self._on_idle = on_idle
        self._idle: asyncio.TimerHandle | None = None
        self._sessions: dict[str, Session] = {}
        self._tenancies: dict[str, _Tenancy] = {}
        self._epitaphs: dict[str, str] = {}
        self._housekeeping = asyncio.Lock()  # a sweep must not meet what is just being made
        self._abilities: Abilities | None = None
        self._watch_idleness()

    async def abilities(self) -> Abilities:
        """What this host can do; tried once."""
        async with self._housekeeping:
            if self._abilities is None:
                self._abilities = await probe(self._state)
            return self._abilities

    def open_session(self, pid: int, uid: int) -> Session:
        """Begin a session for a controller that may have one."""
        session = Session(secrets.token_urlsafe(), pid, uid)
        self._sessions[session.token] = session
        self._watch_idleness()
        _log.debug("session of process %d begins", pid)
        return session

    def session(self, token: str) -> Session | None:
        """The session with this token, if there is one."""
        return self._sessions.get(token)

    async def close_session(self, session: Session) -> None:
        """End a session, and with it its clusters."""
        self._sessions.pop(session.token, None)
        names = [name for name, tenancy in self._tenancies.items() if tenancy.session == session]
        _log.debug("session of process %d ends, with clusters %s", session.pid, names)
        await asyncio.gather(*(self._take_down(name, f"the session of process {session.pid} ended") for name in names))
        self._watch_idleness()

    def make_way(self, session: Session) -> bool:
        """Leave, if this agent was started on demand and serves nobody but this session, which has no cluster."""
        if self._idle_exit_s is None or self._tenancies or self._sessions.keys() != {session.token}:
            return False
        _log.info("this agent makes way for one of other code, which process %d wants", session.pid)
        self._on_idle()
        return True

    async def up(self, session: Session, request: ClusterRequest, client_namespace: int | None) -> Cluster:
        """Bring a cluster up for a session."""
        name = request.name
        abilities = await self.abilities()
        async with self._housekeeping:
            await self._make_room(name)
            if session.token not in self._sessions:
                raise NotNow(f"cluster {name!r} does not come up: its session has ended")
            arriving = asyncio.create_task(
                Cluster.up(
                    request,
                    abilities=abilities,
                    state=self._state,
                    journal=self._journal,
                    client_namespace=client_namespace,
                )
            )
            tenancy = self._tenancies[name] = _Tenancy(session, request.lease_ns, arriving)
        try:
            cluster = await asyncio.shield(arriving)
        except BaseException:  # it could not be made, or whoever wanted it has gone
            await self._take_down(name, "it did not come up")
            raise
        if tenancy.leaving is not None:
            raise NotNow(f"cluster {name!r} is taken down: its session ended while it came up")
        self._extend(name, tenancy)
        return cluster

    def cluster(self, session: Session, name: str) -> Cluster:
        """A cluster of this session that is up."""
        tenancy = self._tenancy(session, name)
        if tenancy.leaving is not None or not tenancy.arriving.done() or tenancy.arriving.exception() is not None:
            raise NotNow(f"cluster {name!r} is {'coming up' if tenancy.leaving is None else 'being taken down'}")
        return tenancy.arriving.result()

    def renew(self, session: Session, name: str) -> int:
        """Let the lease begin anew; returns its length."""
        self.cluster(session, name)
        tenancy = self._tenancies[name]
        self._extend(name, tenancy)
        return tenancy.lease_ns

    async def down(self, session: Session, name: str) -> list[str]:
        """Take a cluster of this session down. One that is not there is down already."""
        if name not in self._tenancies:
            return []
        self._tenancy(session, name)
        return await self._take_down(name, "it was taken down by its controller")

    async def heal(self) -> HealReport:
        """Remove what belongs to no cluster."""
        async with self._housekeeping:
            return await asyncio.to_thread(sweep, self._state, self._journal, keep=frozenset(self._tenancies))

    async def shut_down(self) -> None:
        """Take everything down."""
        self._sessions.clear()
        await asyncio.gather(*(self._take_down(name, "the agent was stopped") for name in list(self._tenancies)))

    async def _make_room(self, name: str) -> None:
        """Make the name free, or refuse. A cluster of this name may be leaving, or may have left something behind."""
        if (tenancy := self._tenancies.get(name)) is not None:
            if tenancy.leaving is None:
                raise NotNow(f"cluster {name!r} is up already, for process {tenancy.session.pid}: choose another name")
            await tenancy.leaving
        if (self._state.clusters / name).exists():
            others = frozenset(self._tenancies) | {
                path.name for path in self._state.clusters.iterdir() if path.name != name
            }
            report = await asyncio.to_thread(sweep, self._state, self._journal, keep=others)
            if report.errors:
                raise NotNow(f"an earlier cluster {name!r} left something behind: {'; '.join(report.errors)}")

    def _tenancy(self, session: Session, name: str) -> _Tenancy:
        tenancy = self._tenancies.get(name)
        if tenancy is None:
            epitaph = self._epitaphs.get(name)
            raise NotFound(f"there is no cluster {name!r}" + (f": {epitaph}" if epitaph else ", bring it up first"))
        if tenancy.session != session:
            raise NotYours(f"cluster {name!r} belongs to another session, of process {tenancy.session.pid}")
        return tenancy

    def _extend(self, name: str, tenancy: _Tenancy) -> None:
        if tenancy.lapse is not None:
            tenancy.lapse.cancel()
        lease_s = tenancy.lease_ns / 1e9
        loop = asyncio.get_running_loop()
        due = loop.time() + lease_s
        tenancy.lapse = loop.call_at(due, self._lapsed, name, tenancy, lease_s, due)

    def _lapsed(self, name: str, tenancy: _Tenancy, lease_s: float, due: float) -> None:
        late_s = asyncio.get_running_loop().time() - due
        if late_s > _LATE_S:
            _log.warning("this agent did not run for %.1f s: the lease of cluster %s begins anew", late_s, name)
            self._extend(name, tenancy)
            return
        _log.warning("the lease of cluster %s lapsed", name)
        self._leave(name, f"its lease lapsed, it was not renewed for {lease_s:g} s")

    async def _take_down(self, name: str, why: str) -> list[str]:
        leaving = self._leave(name, why)
        # Shielded: a controller that goes away while it waits must not stop the removal.
        return await asyncio.shield(leaving) if leaving is not None else []

    def _leave(self, name: str, why: str) -> asyncio.Task[list[str]] | None:
        """Begin to take a cluster down, unless that has begun."""
        tenancy = self._tenancies.get(name)
        if tenancy is None:
            return None
        if tenancy.leaving is None:
            tenancy.leaving = asyncio.create_task(self._end(name, tenancy, why))
        return tenancy.leaving

    async def _end(self, name: str, tenancy: _Tenancy, why: str) -> list[str]:
        try:
            await asyncio.wait([tenancy.arriving])
            if tenancy.arriving.exception() is not None:
                return []  # it has undone what it made, and its caller knows
            return await tenancy.arriving.result().down()
        finally:
            self._forget(name, why)

    def _forget(self, name: str, why: str) -> None:
        tenancy = self._tenancies.pop(name)
        if tenancy.lapse is not None:
            tenancy.lapse.cancel()
        self._epitaphs.pop(name, None)
        self._epitaphs[name] = why
        while len(self._epitaphs) > _EPITAPHS_AT_MOST:
            del self._epitaphs[next(iter(self._epitaphs))]
        self._watch_idleness()

    def _watch_idleness(self) -> None:
        """Called whenever a session or a cluster comes or goes."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._idle_exit_s is not None and not self._sessions and not self._tenancies:
            self._idle = asyncio.get_running_loop().call_later(self._idle_exit_s, self._on_idle)
