"""Nodes on this machine: the provider that needs nothing but Linux.

One agent process makes the nodes and carries faults to them; this is its controller's side. The agent lives in the
host's namespaces, the nodes in theirs, and the calling thread moves into the clients' (see
:mod:`schrodinger.cluster.client_namespace`, whose rule about gRPC dictates the order of things here).

Nothing outlives us: the session's end takes the cluster down, a lease that is not renewed does it too, and if the agent
itself was killed, a new one sweeps up what it left.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar, final

from schrodinger_agent.client import AgentClient
from schrodinger_agent.network import try_network
from schrodinger_agent.types import AgentError, FaultRequest

from schrodinger.cluster.client_namespace import ClientNamespace
from schrodinger.cluster.local_offer import Offer, decide, observed
from schrodinger.cluster.protocols import ProcessExit, ProviderError
from schrodinger.workloads import Node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
    from pathlib import Path

    from schrodinger.cluster.protocols import Capability, Observed
    from schrodinger.nemesis import Fault

_Answer = TypeVar("_Answer")

RENEWALS_PER_LEASE: Final = 5
"""Four renewals may be late or lost before a cluster is taken for abandoned."""

CAPTURE: Final = "network.pcap"

DOWN_S: Final = 20.0
"""What taking down, or sweeping up after a dead agent, may last. Either takes well under a second if all is well."""

CLOSE_S: Final = 5.0
"""What the end of the session may last; everything is down by then."""


@final
class LocalProvider:
    """A cluster of nodes on this machine. Use it in one thread, the one that runs the event loop and the clients.

    Args:
        cluster: its name, ``[a-z0-9-]{1,40}``, unique on this machine.
        state: the agent's state directory; by default the user's.
        lease_s: how long the cluster outlives a controller that hangs.
        isolated: whether nodes must (or must not) be isolated; by default they are if it can be had.
        clients: the namespace to move into; by default one of its own. A process that brings up several clusters, one
            after the other, and whose clients use gRPC, passes the same to each.
        capture: every packet that is delivered between the nodes goes to ``network.pcap`` beside their logs.
        debug: an agent that is started here logs every step, to ``agent.log`` in its state directory.
    """

    def __init__(
        self,
        cluster: str,
        *,
        state: Path | None = None,
        lease_s: float = 10.0,
        isolated: bool | None = None,
        clients: ClientNamespace | None = None,
        capture: bool = False,
        debug: bool = False,
    ) -> None:
        self._cluster = cluster
        self._state = state
        self._lease_s = lease_s
        self._wanted = isolated
        self._capture = capture
        self._debug = debug
        self._owns_clients = clients is None
        self._clients = clients or ClientNamespace()
        self._agent: AgentClient | None = None
        self._offer: Offer | None = None
        self._renewals: asyncio.Task[None] | None = None
        self._generation = 0
        self._lost: AgentError | None = None

    @property
    def isolated(self) -> bool:
        """Whether nodes are in namespaces of their own. Known once :meth:`capabilities` or :meth:`up` has returned."""
        return self._decided().isolated

    @property
    def degradation(self) -> str:
        """What is missing here, and why, in words; empty if nothing is. Known as early as :attr:`isolated`."""
        return self._decided().degradation

    async def capabilities(self) -> tuple[Capability, ...]:
        """What can be done here, found by trying. Leaves the calling thread where it is."""
        return (await self._open()).capabilities

    async def up(self, names: Sequence[str], logs: Path, kinds: Collection[str] = ()) -> tuple[Node, ...]:
        """Make the nodes; each one's output goes to ``logs/<name>/node.log``. The calling thread joins the clients."""
        offer = await self._open()
        if self._capture and not offer.isolated:
            raise ProviderError(f"there are no packets to capture, {offer.degradation}")
        if offer.isolated:
            self._clients.enter()
        thread = self._clients.thread if offer.isolated else None
        made = await self._ask(
            self._connected().up(
                self._cluster,
                names,
                lease_s=self._lease_s,
                isolated=offer.isolated,
                client_thread=thread,
                kinds=kinds,
                capture=_capture_file(logs) if self._capture else None,
            )
        )
        self._renewals = asyncio.create_task(self._renew(), name=f"lease of cluster {self._cluster}")
        return tuple(
            Node(name=target.name, address=target.address, data=target.data, log=_log_file(logs, target.name))
            for target in made.targets
        )

    async def down(self) -> tuple[str, ...]:
        """Remove everything and bring the calling thread back; returns what could not be removed. Never raises."""
        problems: list[str] = []
        try:
            problems += await self._take_down()
        except TimeoutError:
            problems.append(f"cluster {self._cluster} was not down within {DOWN_S:g} s: run `schrodinger heal`")
        except Exception as error:  # promised never to raise, and reported
            problems.append(f"taking cluster {self._cluster} down failed: {type(error).__name__}: {error}")
        finally:
            problems += self._return_home()
        return tuple(problems)

    async def spawn(
        self,
        node: Node,
        argv: Sequence[str],
        environment: Mapping[str, str],
        companions: Sequence[Sequence[str]] = (),
        user: str | None = None,
    ) -> None:
        """Start the node's programs in its data directory, with exactly this environment."""
        await self._ask(
            self._connected().spawn(
                *(self._cluster, node.name, argv, companions),
                environment=environment,
                directory=node.data,
                output=node.log,
                user=user or "",
            )
        )

    async def stop(self, node: Node, grace_s: float) -> None:
        """Ask the node's processes to end; kill what is left after ``grace_s``."""
        await self._ask(self._connected().stop(self._cluster, node.name, grace_s=grace_s))

    async def store(self, node: Node, name: str, content: str) -> None:
        """Write a file into the node's data directory, durably."""
        await self._ask(self._connected().store(self._cluster, node.name, name, content.encode()))

    async def fetch(self, node: Node, file: Path, copy: Path) -> None:
        """Copy a file from the node's data directory, which may be on a disk that nobody else sees."""
        name = str(file.relative_to(node.data))
        content = await self._ask(self._connected().fetch(self._cluster, node.name, name))
        await asyncio.to_thread(copy.write_bytes, content)

    async def set_faults(self, faults: Mapping[str, Fault]) -> Observed:
        """Make exactly these faults (id to resolved fault) be in force, and lift every other one."""
        self._generation += 1
        desired = [FaultRequest(id=id_, kind=fault.kind, parameters=fault.request()) for id_, fault in faults.items()]
        return observed(await self._ask(self._connected().set_faults(self._cluster, self._generation, desired)))

    async def exits(self) -> AsyncIterator[ProcessExit]:
        """Ends of database processes since the cluster is up, as they happen, until it is taken down."""
        agent = self._connected()
        try:
            async for end in agent.watch(self._cluster):
                yield ProcessExit(node=end.target, status=end.status, expected=end.expected, time_ns=end.time_ns)
        except AgentError as error:
            if self._agent is agent:
                raise self._agent_error(error) from error
        if self._agent is agent:
            raise ProviderError(f"cluster {self._cluster} was taken down without our asking: see the agent's log")

    async def _open(self) -> Offer:
        """Find or start the agent and decide how the nodes will live.

        The first use of gRPC in the process happens here, in the clients' namespace, so that its threads are there.
        """
        if self._agent is not None and self._offer is not None:
            return self._offer
        self._lost = None
        obstacle = "" if self._wanted is False else self._try_to_enter()
        try:
            if self._agent is None:
                with self._clients.outside():
                    self._agent = await AgentClient.connect(self._state, debug=self._debug)
            found = await self._agent.capabilities()
        except AgentError as error:
            raise ProviderError(str(error)) from error
        finally:
            self._clients.leave()
        self._offer = decide(found, wanted=self._wanted, obstacle=obstacle)
        return self._offer

    def _try_to_enter(self) -> str:
        """Move into the clients' namespace if a switch can be had; otherwise, why not."""
        trial = try_network()
        if not trial.available:
            return f"{trial.reason} (remedy: {trial.remedy})"
        self._clients.enter()
        return ""

    async def _renew(self) -> None:
        """Keep the cluster; the first failure ends it for all later calls, because by then it may be gone."""
        agent = self._connected()
        try:
            while True:
                await asyncio.sleep(self._lease_s / RENEWALS_PER_LEASE)
                await agent.renew(self._cluster)
        except AgentError as error:
            self._lost = error

    async def _take_down(self) -> list[str]:
        if self._renewals is not None:
            self._renewals.cancel()
            await asyncio.wait({self._renewals})
            self._renewals = None
        agent, self._agent = self._agent, None
        if agent is None:
            return []
        try:
            async with asyncio.timeout(DOWN_S):
                return [*await agent.down(self._cluster)]
        except AgentError as error:
            if error.code != "UNAVAILABLE":
                return [str(self._agent_error(error))]
        finally:
            await agent.close(CLOSE_S)
        async with asyncio.timeout(DOWN_S):
            return await self._sweep()

    async def _sweep(self) -> list[str]:
        """Our agent is dead: a new one removes what it left behind."""
        with self._clients.outside():
            agent = await AgentClient.connect(self._state)
        try:
            return [*(await agent.heal()).errors]
        finally:
            await agent.close(CLOSE_S)

    def _return_home(self) -> list[str]:
        try:
            if self._owns_clients:
                self._clients.close()
            else:
                self._clients.leave()
        except (OSError, RuntimeError) as error:
            return [f"the calling thread is still in the clients' namespace: {error}"]
        return []

    def _decided(self) -> Offer:
        if self._offer is None:
            raise ProviderError("how the nodes will live is known after capabilities() or up()")
        return self._offer

    def _connected(self) -> AgentClient:
        """The agent, if it can still be used."""
        if self._agent is None:
            raise ProviderError(f"cluster {self._cluster} is not up")
        if self._lost is not None:
            raise self._agent_error(self._lost) from self._lost
        return self._agent

    async def _ask(self, question: Awaitable[_Answer]) -> _Answer:
        try:
            return await question
        except AgentError as error:
            raise self._agent_error(error) from error

    def _agent_error(self, error: AgentError) -> ProviderError:
        if error.code == "UNAVAILABLE":
            return ProviderError(f"cluster {self._cluster} is lost, its agent died: {error}")
        return ProviderError(f"cluster {self._cluster}: {error}")


def _capture_file(logs: Path) -> Path:
    """Where packets go. Absolute, as below."""
    return logs.absolute() / CAPTURE


def _log_file(logs: Path, name: str) -> Path:
    """Where a node's output goes. Absolute, because the agent has a working directory of its own."""
    folder = (logs / name).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "node.log"
