"""Nodes that have left: nothing of them runs, and nothing that they stored is there when they come back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError

from tests.integration.agents import COUNT, DEADLINE_S, Agent, fault, grows, private_agent, spawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.client import AgentClient

LEAVES = pytest.mark.parametrize("kind", ["member-leave", "member-replace"])
STORES = f'mkdir -p "$0/wal/old"; echo kept > "$0/wal/old/1"; {COUNT}'
"""A database that also has directories; it counts from where it was."""


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


async def has_stored(client: AgentClient, name: str) -> None:
    """Wait for the file of a node, wherever its data is."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        with contextlib.suppress(AgentError):
            assert await client.fetch("c", name, "wal/old/1") == b"kept\n"
            return
        assert time.monotonic() < deadline, f"{name} has stored nothing"
        await asyncio.sleep(0.01)


@LEAVES
def test_a_node_that_left_has_nothing_and_does_not_run_until_it_comes_back(agent: Agent, kind: str) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=False)
            for name in ("n1", "n2"):
                await spawn(client, up, name, STORES)
            here, other = (target.data for target in up.targets)
            grows(here)
            away = fault(kind, "n1", keep=1)
            observed = await client.set_faults("c", 1, [away])
            assert observed.observations[0].in_force, observed
            assert observed.observations[0].evidence["n1"]["erased_files"] == 3, "its output is one"
            assert observed.observations[0].affected >= 3
            assert list(here.iterdir()) == []
            with pytest.raises(AgentError, match=f"held down by a {kind}"):
                await spawn(client, up, "n1", STORES)
            (here / "put back").write_text("by another fault")
            observed = await client.set_faults("c", 2, [])
            assert not observed.lifted[0].in_force
            assert observed.lifted[0].error == ""
            assert list(here.iterdir()) == []
            await spawn(client, up, "n1", STORES)
            grows(here)
            grows(other)

    asyncio.run(scenario())


@LEAVES
def test_the_disk_of_a_node_that_left_is_empty(agent: Agent, kind: str) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            capabilities = {entry.name: entry for entry in (await client.capabilities()).entries}
            if not capabilities["power-loss"].available:
                pytest.skip(capabilities["power-loss"].reason)
            kinds = ["power-loss", "disk-read-only", kind]
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=kinds)
            await spawn(client, up, "n1", STORES)
            await has_stored(client, "n1")
            broken = fault("disk-read-only", "n1")
            observed = await client.set_faults("c", 1, [broken])
            observed = await client.set_faults("c", 2, [broken, fault(kind, "n1", keep=1)])
            assert all(observation.in_force for observation in observed.observations), observed
            with pytest.raises(AgentError, match="wal/old/1"):
                await client.fetch("c", "n1", "wal/old/1")
            observed = await client.set_faults("c", 3, [])
            assert [observation.error for observation in observed.lifted] == ["", ""]
            await spawn(client, up, "n1", STORES)
            await has_stored(client, "n1")

    asyncio.run(scenario())
