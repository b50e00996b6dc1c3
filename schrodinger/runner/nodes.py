"""The databases of a run: started, found ready, restarted once no fault holds their node."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from schrodinger.cluster import Leader
from schrodinger.runner.last_words import last_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from schrodinger.cluster import Cluster, Database, Node, ProcessExit, Provider

READY_POLL_S: Final = 0.05
"""Between two questions whether a node is ready: short beside the second or so that a start takes."""
READY_S: Final = 10.0
"""How long a database may take to say whether it is ready; it is asked again. Where it is stuck it may never answer."""


class NodeEnded(Exception):
    """A database that should become ready ended instead: that of ``node``. The message has its last words besides."""

    def __init__(self, node: Node) -> None:
        super().__init__(f"the database on {node.name} ended: {last_words(node.log)}")
        self.node = node.name


class DatabaseNodes:
    """Which nodes' databases run. A node that a fault killed is started again when no fault holds it any more.

    ``cluster`` is what the database is told of it: with its members as they are now. ``away`` are nodes that have been
    asked to go, and are not to be started until they are back.
    """

    def __init__(
        self, provider: Provider, database: Database, binary: Path, cluster: Cluster, note: Callable[[str, str], None]
    ) -> None:
        self._provider = provider
        self.database = database
        self._binary = binary
        self.cluster = cluster
        self._note = note
        self._down = {node.name for node in cluster.nodes}
        self._wrecked: set[str] = set()
        self._furnished: set[str] = set()
        self._newcomers: set[str] = set()
        self.away: frozenset[str] = frozenset()

    async def start(self, held: Iterable[str] = ()) -> None:
        """Start the database on every node where it does not run, except where a fault holds the node."""
        wanted = sorted(self._down.difference(held))
        for name in wanted:
            self._down.discard(name)
        await asyncio.gather(*(self._start(self.cluster[name]) for name in wanted))

    async def _start(self, node: Node) -> None:
        database, cluster = self.database, self.cluster
        command = database.command(self._binary, node, cluster)
        companions = database.companions(self._binary, node, cluster)
        try:
            await self._furnish(node)
            await self._provider.spawn(node, command, database.environment(node, cluster), companions, database.user)
        except BaseException:
            self._down.add(node.name)
            raise
        self._note(node.name, "started")

    async def _furnish(self, node: Node) -> None:
        """Before its first start: what a node's data directory holds from the beginning."""
        if node.name in self._furnished:
            return
        for name, content in self.database.files(node, self.cluster).items():
            await self._provider.store(node, name, content)
        self._furnished.add(node.name)

    def begins_anew(self, name: str) -> None:
        """A node has nothing stored any more: it will be started as a new one."""
        self._furnished.discard(name)
        self._wrecked.discard(name)
        self._newcomers.add(name)

    def is_newcomer(self, name: str) -> bool:
        """Whether it has begun anew and never been ready since: it may end by itself if nobody lets it in."""
        return name in self._newcomers

    async def welcome(self, name: str) -> None:
        """Wait until a newcomer is ready."""
        await self._ready(self.cluster[name])

    def may_stay_down(self, names: Iterable[str]) -> None:
        """A fault has damaged what these nodes have stored: their databases may refuse to start."""
        self._wrecked.update(names)

    @property
    def lost(self) -> frozenset[str]:
        """Nodes whose databases have refused to go on, and may."""
        return frozenset(self._wrecked & self._down)

    def ended_by_fault(self, names: Iterable[str]) -> None:
        """A fault ended the databases of these nodes."""
        self._down.update(names)

    def ended(self, exit_: ProcessExit) -> None:
        """A database process ended. Expected ends are known already: a fault, or the end of the run, was the cause."""
        if not exit_.expected:
            self._down.add(exit_.node)
        how = f"by signal {-exit_.status}" if exit_.status < 0 else f"with status {exit_.status}"
        self._note(exit_.node, f"ended {how}" + ("" if exit_.expected else " by itself"))

    async def leaders(self) -> Sequence[str]:
        """Names of the nodes that say they lead, the most credible first."""
        assert isinstance(self.database, Leader), "a plan names the leader only if the suite can tell who leads"
        return await self.database.leaders(self.cluster)

    async def ready(self) -> None:
        """Wait until every node serves requests, except those that are lost.

        A deadline is the caller's; :meth:`why_not` tells who missed it.

        Raises:
            NodeEnded: a database ended, and nobody will start it again.
        """
        await asyncio.gather(*(self._ready(node) for node in self.cluster.nodes))

    async def _ready(self, node: Node) -> None:
        while not await self.is_ready(node):
            if node.name in self.lost:
                return
            if node.name in self._down and node.name not in self._newcomers:
                raise NodeEnded(node)
            await asyncio.sleep(READY_POLL_S)
        self._newcomers.discard(node.name)

    def runs(self, name: str) -> bool:
        """Whether the database on this node runs, as far as is known."""
        return name not in self._down

    async def is_ready(self, node: Node) -> bool:
        """Whether a node serves requests now."""
        try:
            return await self._asked(node) and node.name not in self._down
        except Exception:
            return False

    async def why_not(self) -> str:
        """Who is not ready, and what was seen."""
        reasons = await asyncio.gather(*(self._why_not(node) for node in self.cluster.nodes))
        return "; ".join(filter(None, reasons)) or "all nodes are ready now, too late"

    async def _why_not(self, node: Node) -> str:
        """Why this one isn't; nothing if it is."""
        if node.name in self._down:
            why = "does not run"
        else:
            try:
                if await self._asked(node):
                    return ""
                why = "says it is not ready"
            except TimeoutError as error:
                why = f"does not say whether it is ready: {str(error) or 'no answer in time'}"
            except Exception as error:
                why = f"does not say whether it is ready: {type(error).__name__}: {error}"
        return f"{node.name} {why}; it printed: {last_words(node.log)}"

    async def _asked(self, node: Node) -> bool:
        async with asyncio.timeout(READY_S):
            return await self.database.ready(node, self.cluster)
