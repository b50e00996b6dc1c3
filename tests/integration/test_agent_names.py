"""Names in nodes: looked up by programs there, failing and lying as wanted, and only where that is wanted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError

from tests.integration.agents import SLEEP, Agent, fault, private_agent, require_isolation, spawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.client import AgentClient

NODES = ("n1", "n2", "n3")
ADDRESSES = {name: f"10.77.0.{number}" for number, name in enumerate(NODES, start=1)}

LOOK_UP = """
import socket, sys
for name in sys.argv[1:]:
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)}
        print(*sorted(found))
    except socket.gaierror as error:
        print(error.errno == socket.EAI_NONAME and "EAI_NONAME" or error.errno == socket.EAI_AGAIN and "EAI_AGAIN")
"""


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        yield private


class Nodes:
    """Nodes in which nothing runs but what looks names up."""

    def __init__(self, client: AgentClient, processes: dict[str, int]) -> None:
        self.client = client
        self._processes = processes

    async def told(self, node: str, *names: str) -> list[str]:
        """What getaddrinfo(3) says in a node."""
        command = [sys.executable, "-m", "schrodinger_native.entering", str(self._processes[node]), "--"]
        command += [sys.executable, "-I", "-S", "-c", LOOK_UP, *names]
        return (await asyncio.to_thread(subprocess.check_output, command, text=True)).splitlines()


async def up(client: AgentClient) -> Nodes:
    await require_isolation(client)
    capabilities = {entry.name: entry for entry in (await client.capabilities()).entries}
    if not capabilities["names"].available:
        pytest.skip(capabilities["names"].reason)
    made = await client.up("c", NODES, lease_s=60, isolated=True, kinds=["dns-failure", "dns-lie"])
    return Nodes(client, {name: (await spawn(client, made, name, SLEEP)).pid for name in NODES})


def test_nodes_know_each_other_by_name_and_nobody_else(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            nodes = await up(client)
            for node in NODES:
                told = await nodes.told(node, *NODES, "N2", "n2.", "n9", "example.org", "localhost")
                assert told == [
                    *ADDRESSES.values(),
                    ADDRESSES["n2"],
                    ADDRESSES["n2"],
                    "EAI_NONAME",
                    "EAI_NONAME",
                    told[-1],
                ]
                assert told[-1] in {"127.0.0.1", "127.0.0.1 ::1", "::1"}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("how", "error", "least_s"),
    [("nxdomain", "EAI_NONAME", 0.0), ("servfail", "EAI_AGAIN", 0.0), ("timeout", "EAI_AGAIN", 1.9)],
)
def test_lookups_fail_as_wanted_and_only_there(agent: Agent, how: str, error: str, least_s: float) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            nodes = await up(client)
            failing = fault("dns-failure", "n1", how=how)
            observed = await client.set_faults("c", 1, [failing])
            assert observed.observations[0].in_force, observed
            begin = time.monotonic()
            assert await nodes.told("n1", "n2") == [error]
            assert time.monotonic() - begin >= least_s
            assert await nodes.told("n2", "n3", "n1") == [ADDRESSES["n3"], ADDRESSES["n1"]]
            observed = await client.set_faults("c", 2, [])
            assert not observed.lifted[0].in_force
            assert observed.lifted[0].affected == observed.lifted[0].evidence["n1"]["failed"] > 0
            assert await nodes.told("n1", "n2") == [ADDRESSES["n2"]]

    asyncio.run(scenario())


def test_a_name_stands_for_the_address_of_another_node(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            nodes = await up(client)
            one = fault("dns-lie", "n1", identity="1", about="n2", instead="n3")
            two = fault("dns-lie", "n1", "n3", identity="2", about="n1", instead="n2")
            observed = await client.set_faults("c", 1, [one])
            assert observed.observations[0].in_force, observed
            assert await nodes.told("n1", *NODES) == [ADDRESSES["n1"], ADDRESSES["n3"], ADDRESSES["n3"]]
            await client.set_faults("c", 2, [one, two])
            assert await nodes.told("n1", *NODES) == [ADDRESSES["n2"], ADDRESSES["n3"], ADDRESSES["n3"]]
            assert await nodes.told("n3", *NODES) == [ADDRESSES["n2"], ADDRESSES["n2"], ADDRESSES["n3"]]
            assert await nodes.told("n2", *NODES) == [*ADDRESSES.values()]
            observed = await client.set_faults("c", 3, [two])
            assert observed.lifted[0].affected >= 2
            assert await nodes.told("n1", *NODES) == [ADDRESSES["n2"], ADDRESSES["n2"], ADDRESSES["n3"]]
            await client.set_faults("c", 4, [])
            assert await nodes.told("n3", *NODES) == [*ADDRESSES.values()]

    asyncio.run(scenario())


def test_a_lookup_that_fails_does_not_lie_and_lies_again_when_it_does_not(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            nodes = await up(client)
            lie, failing = fault("dns-lie", "n1", about="n2", instead="n3"), fault("dns-failure", "n1", how="nxdomain")
            silent = fault("dns-failure", "n1", identity="silent", how="servfail")
            observed = await client.set_faults("c", 1, [lie, failing, silent])
            assert all(one.in_force for one in observed.observations), observed
            assert await nodes.told("n1", "n2") == ["EAI_AGAIN"]
            await client.set_faults("c", 2, [lie])
            assert await nodes.told("n1", "n2") == [ADDRESSES["n3"]]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("dns-failure", {"how": "sometimes"}, "'how' is 'sometimes': use nxdomain, servfail, timeout"),
        ("dns-lie", {"about": "n9", "instead": "n1"}, "'about' names 'n9', which is not in the cluster"),
        ("dns-lie", {"about": "n1", "instead": "n1"}, "'n1' instead of itself is no lie"),
    ],
)
def test_what_is_no_fault_of_names_is_refused(agent: Agent, kind: str, parameters: dict[str, str], words: str) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            await up(client)
            with pytest.raises(AgentError, match=words):
                await client.set_faults("c", 1, [fault(kind, "n1", **parameters)])

    asyncio.run(scenario())
