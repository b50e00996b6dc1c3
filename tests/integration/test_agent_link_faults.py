"""Faults of links through the agent: what is in force, what it says about it, and what cannot be."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from schrodinger_agent.namespaces import enter_network, new_network
from schrodinger_agent.types import AgentError, FaultRequest

from tests.integration.agents import cut, private_agent, require_isolation, spawn, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp

    from tests.integration.agents import Agent

ECHO = """exec python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7))
while True:
    data, address = s.recvfrom(2000)
    s.sendto(data, address)
'"""
"""A database that answers whatever comes."""

BOTH_WAYS = [["clients", "n1"], ["n1", "clients"]]
DELAY: dict[str, Any] = {"delay_ns": 20_000_000, "jitter_ns": 0, "distribution": "uniform", "seed": 1}
KINDS = ("partition", "delay", "loss", "rate", "reset")


class Clients:
    """A thread in the clients' namespace that asks a node for an echo."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._ready = threading.Event()
        self._question: Callable[[], Any] | None = None
        self._answer: Any = None
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        self._ready.wait()
        assert self._thread.native_id is not None
        self.native_id = self._thread.native_id

    def do(self, question: Callable[[], Any] | None) -> Any:
        self._ready.clear()
        self._question = question
        self._asked.set()
        self._ready.wait()
        return self._answer

    def end(self) -> None:
        self.do(None)
        self._thread.join()

    def _live(self) -> None:
        enter_network(new_network())
        while True:
            self._ready.set()
            self._asked.wait()
            self._asked.clear()
            if self._question is None:
                self._ready.set()
                return
            self._answer = self._question()


def echo_ms(address: str, patience_s: float = 5.0) -> float | None:
    """Milliseconds until the node has answered; None if it does not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(patience_s)
        begin = time.monotonic()
        try:
            asking.sendto(b"anybody there?", (address, 7))
            asking.recv(100)
        except (TimeoutError, ConnectionRefusedError):
            return None
        return (time.monotonic() - begin) * 1e3


@pytest.fixture
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        yield private


@contextmanager
def clients() -> Iterator[Clients]:
    asking = Clients()
    try:
        yield asking
    finally:
        asking.end()


@asynccontextmanager
async def cluster(agent: Agent, asking: Clients | None = None) -> AsyncIterator[tuple[AgentClient, ClusterUp]]:
    async with await agent.connect() as client:
        await require_isolation(client)
        thread = asking.native_id if asking else None
        yield (
            client,
            await client.up("c", ["n1", "n2"], lease_s=60, isolated=True, client_thread=thread, kinds=KINDS),
        )


def link_fault(kind: str, identity: str = "", edges: object = None, **parameters: object) -> FaultRequest:
    return FaultRequest(id=identity or kind, kind=kind, parameters={"edges": edges or BOTH_WAYS, **parameters})


def test_a_delay_between_clients_and_a_node_is_in_force_counted_and_lifted(agent: Agent) -> None:
    async def scenario() -> None:
        with clients() as asking:
            async with cluster(agent, asking) as (client, up):
                await spawn(client, up, "n1", ECHO)
                address = up.targets[0].address
                wait_until(lambda: asking.do(lambda: echo_ms(address, 0.1)) is not None, "n1 answers")
                observed = await client.set_faults("c", 1, [link_fault("delay", **DELAY)])
                during = [asking.do(lambda: echo_ms(address)) for _ in range(5)]
                lifted = await client.set_faults("c", 2, [])
                after = [asking.do(lambda: echo_ms(address)) for _ in range(5)]
        (begun,) = observed.observations
        assert begun.in_force, begun
        assert min(during) >= 40
        assert min(after) < 40
        (ended,) = lifted.lifted
        assert (ended.in_force, ended.error) == (False, "")
        assert ended.affected == ended.evidence["packets"] == 12, "five each way, and a probe each way"
        assert ended.evidence["mean_held_ns"] >= 20_000_000
        assert {(edge["source"], edge["packets"]) for edge in ended.evidence["edges"]} == {("clients", 6), ("n1", 6)}

    asyncio.run(scenario())


def test_faults_of_one_kind_are_united_and_lifting_one_leaves_the_other(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, _):
            edges = [["n1", "n2"]]
            one = link_fault("delay", "one", edges, **DELAY)
            same = link_fault("delay", "same", edges, **DELAY)
            other = link_fault("delay", "other", edges, **{**DELAY, "seed": 2})
            await client.set_faults("c", 1, [one, same, other, cut(("n2", "n1"))])
            observed = await client.set_faults("c", 2, [same])
            assert [(o.id, o.in_force, o.error) for o in observed.observations] == [("same", True, "")]
            assert [(o.id, o.in_force, o.error) for o in observed.lifted] == [
                ("one", False, ""),
                ("other", False, ""),
                ("cut", False, ""),
            ]
            assert (await client.observe("c")).observations[0].in_force

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("kind", "parameters", "complaint"),
    [
        ("loss", {"share": 5}, "loss needs 'seed': give the seed of its chance, a whole number from 0"),
        ("loss", {"share": 0, "seed": 1}, "loss: 'share' is 0: give the share of packets in parts per million"),
        ("loss", {"share": True, "seed": 1}, "'share' is True"),
        ("loss", {"share": 1, "seed": 1, "burst": 3}, "loss has no parameter 'burst': it takes share, seed"),
        ("loss", {"share": 1, "seed": 1, "edges": []}, "loss needs 'edges'"),
        ("loss", {"share": 1, "seed": 1, "edges": [["n1", "n9"]]}, "'n9', which is not in the cluster"),
        ("delay", {**DELAY, "distribution": "even"}, "the choice is uniform, normal, pareto"),
        ("delay", {**DELAY, "delay_ns": 0}, "both 0, which is no delay: leave it out"),
        ("rate", {"bits_per_second": 0, "queue_bytes": 1}, "'bits_per_second' is 0: give bits a second"),
        ("burst-loss", {"share": 900_000, "burst": 2, "seed": 1}, "bursts of 2 packets can lose at most 666666"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    shared_cluster: Callable[[FaultRequest], str], kind: str, parameters: dict[str, Any], complaint: str
) -> None:
    assert complaint in shared_cluster(
        FaultRequest(id="x", kind=kind, parameters={"edges": [["n1", "n2"]], **parameters})
    )


def test_packets_that_are_delivered_are_captured_and_the_lost_are_not(agent: Agent, tmp_path: Path) -> None:
    capture = tmp_path / "network.pcap"

    async def scenario() -> None:
        with clients() as asking:
            async with await agent.connect() as client:
                await require_isolation(client)
                up = await client.up(
                    "c", ["n1"], lease_s=60, isolated=True, client_thread=asking.native_id, capture=capture
                )
                await spawn(client, up, "n1", ECHO)
                address = up.targets[0].address
                wait_until(lambda: asking.do(lambda: echo_ms(address, 0.1)) is not None, "n1 answers")
                seen = []  # what was delivered is written a moment later

                def is_written() -> bool:
                    seen.append(capture.read_bytes().count(b"anybody there?"))
                    return len(seen) >= 3 and seen[-1] == seen[-3] >= 2

                wait_until(is_written, "what went there and back is captured")
                before = seen[-1]
                await client.set_faults("c", 1, [cut(("clients", "n1"))])
                assert asking.do(lambda: echo_ms(address, 0.1)) is None
                assert capture.read_bytes().count(b"anybody there?") == before
                with pytest.raises(AgentError, match="exists"):
                    await client.up("d", ["n1"], lease_s=60, isolated=True, capture=capture)

    asyncio.run(scenario())


def test_faults_of_links_end_with_an_agent_that_is_killed(agent: Agent) -> None:
    async def scenario() -> None:
        with clients() as asking:
            async with cluster(agent, asking) as (client, _):
                await client.set_faults("c", 1, [link_fault("delay", **DELAY)])
                assert "eth0" in asking.do(interfaces)
                (pid,) = agent.agents()
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: "eth0" not in asking.do(interfaces), "the clients' end of the switch is gone")

    asyncio.run(scenario())
    asyncio.run(swept(agent))


async def swept(agent: Agent) -> None:
    """A new agent removes what the killed one could not."""
    async with await agent.connect() as client:
        assert (await client.heal()).errors == ()


def interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def test_a_cluster_that_was_prepared_for_partitions_only_cannot_delay(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            await require_isolation(client)
            await client.up("c", ["n1", "n2"], lease_s=60, isolated=True, kinds=["partition"])
            with pytest.raises(AgentError, match="not prepared for it"):
                await client.set_faults("c", 1, [link_fault("delay", edges=[["n1", "n2"]], **DELAY)])
            assert (await client.set_faults("c", 1, [cut(("n1", "n2"))])).observations[0].in_force

    asyncio.run(scenario())


@pytest.fixture(scope="module")
def shared_cluster() -> Iterator[Callable[[FaultRequest], str]]:
    """What the agent says to a fault it must refuse, on one cluster for all of them."""
    with private_agent() as agent, asyncio.Runner() as runner:
        context = cluster(agent)
        client, _ = runner.run(context.__aenter__())

        def refusal(wrong: FaultRequest) -> str:
            with pytest.raises(AgentError) as refused:
                runner.run(client.set_faults("c", 1, [wrong]))
            assert refused.value.code == "INVALID_ARGUMENT"
            return str(refused.value)

        yield refusal
        runner.run(context.__aexit__(None, None, None))
