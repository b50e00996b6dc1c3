"""Nodes on disks of their own: what a loss of power takes and what it leaves, and that no disk outlives its owner."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.disks import ext4
from schrodinger_agent.disks.disk import IMAGE
from schrodinger_agent.disks.loop import Loop
from schrodinger_agent.types import AgentError

from tests.integration.agents import DAEMON, SLEEP, Agent, fault, private_agent, says, spawn, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp

KINDS = ("power-loss",)

WRITER = r"""
import os, sys
def write(name, text, sync=False):
    with open(name, "a") as file:
        file.write(text)
        file.flush()
        if sync:
            os.fsync(file.fileno())
def sync_directory():
    directory = os.open(".", os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
for name in ("synced", "appended", "renamed", "removed"):
    write(name, "old", sync=True)
sync_directory()
write("appended", " and new")
with open("synced", "r+") as file:
    file.write("OLD")
os.rename("renamed", "elsewhere")
os.remove("removed")
write("created", "never synced")
print("written", flush=True)
"""
"""A database that syncs its first words, and nothing of what it does afterwards."""

LIST = 'for file in $(ls); do echo "$file: $(cat $file)"; done; echo listed'


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    # In memory: what is measured is the file system, not this machine's disk.
    with private_agent(Path("/dev/shm")) as private:
        yield private


@asynccontextmanager
async def cluster(
    agent: Agent, *targets: str, kinds: tuple[str, ...] = KINDS
) -> AsyncIterator[tuple[AgentClient, ClusterUp]]:
    async with await agent.connect() as client:
        disk = (await client.capabilities())["disk"]
        if not disk.available:
            pytest.skip(f"{disk.name}: {disk.reason}")
        yield client, await client.up("c", targets or ("n1", "n2"), lease_s=60, isolated=False, kinds=kinds)


def test_a_power_loss_drops_exactly_what_was_not_synced_directory_entries_included(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await says(client, up, f"python3 -c '{WRITER}'", "written")
            before = await says_again(client, up)
            assert before == [
                "appended: old and new",
                "created: never synced",
                "elsewhere: old",
                "synced: OLD",
            ]
            observed = await client.set_faults("c", 1, [fault("power-loss", "n1")])
            (observation,) = observed.observations
            assert observation.in_force, observation
            assert observation.affected >= 1
            assert observation.evidence["n1"]["unsynced_witness"] == "lost"
            with pytest.raises(AgentError, match="held down by a power-loss"):
                await spawn(client, up, "n1", SLEEP)
            healed = await client.set_faults("c", 2, [])
            assert not healed.lifted[0].in_force
            after = await says(client, up, LIST, "listed")
            assert after == ["appended: old", "removed: old", "renamed: old", "synced: old"]

    async def says_again(client: AgentClient, up: ClusterUp) -> list[str]:
        names = ("appended", "created", "elsewhere", "synced")
        return [f"{name}: {(await client.fetch('c', 'n1', name)).decode()}" for name in names]

    asyncio.run(scenario())


def test_a_kill_loses_nothing_that_was_written(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await says(client, up, f"python3 -c '{WRITER}'", "written")
            await client.set_faults("c", 1, [fault("kill", "n1")])
            await client.set_faults("c", 2, [])
            after = await says(client, up, LIST, "listed")
            assert after == ["appended: old and new", "created: never synced", "elsewhere: old", "synced: OLD"]

    asyncio.run(scenario())


def test_power_that_is_lost_everywhere_is_lost_at_once_and_each_node_keeps_its_own_disk(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, "n1", "n2", "n3") as (client, up):
            names = [target.name for target in up.targets]
            for name in names:
                await says(client, up, f"echo {name} > who; sync who .; echo lost > unsynced; echo done", "done", name)
            observed = await client.set_faults("c", 1, [fault("power-loss", *names)])
            assert observed.observations[0].in_force, observed
            await client.set_faults("c", 2, [])
            for name in names:
                assert await says(client, up, LIST, "listed", name) == [f"who: {name}"]

    asyncio.run(scenario())


def test_a_power_loss_joins_a_pause_and_a_kill_of_the_same_node(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await says(client, up, "echo lost > unsynced; echo done", "done")
            pause, kill, loss = (fault(kind, "n1") for kind in ("pause", "kill", "power-loss"))
            await client.set_faults("c", 1, [pause])
            observed = await client.set_faults("c", 2, [pause, loss])
            assert all(observation.in_force for observation in observed.observations), observed
            observed = await client.set_faults("c", 3, [loss, kill])
            assert all(observation.in_force for observation in observed.observations), observed
            await client.set_faults("c", 4, [kill])
            with pytest.raises(AgentError, match="held down by a kill"):
                await spawn(client, up, "n1", SLEEP)
            await client.set_faults("c", 5, [])
            assert await says(client, up, LIST, "listed") == []

    asyncio.run(scenario())


def test_what_was_acknowledged_after_its_sync_survives_every_one_of_ten_losses(agent: Agent) -> None:
    async def scenario() -> None:
        step = "echo $i > new; sync new && mv new n && sync . && echo $i"
        program = f"i=$(cat n || echo 0); while :; do i=$((i+1)); {step}; done"
        async with cluster(agent) as (client, up):
            output = up.targets[0].data.with_name("output")
            for generation in range(1, 21, 2):
                await says(client, up, f"echo begun; ({program}) 2>/dev/null & true", "begun")
                wait_until(lambda: len(output.read_text().split()) > 5, "some are acknowledged")
                await client.set_faults("c", generation, [fault("power-loss", "n1")])
                told = int(output.read_text().splitlines()[-1])
                await client.set_faults("c", generation + 1, [])
                assert int(await client.fetch("c", "n1", "n")) >= told

    asyncio.run(scenario())


def test_a_file_of_a_disk_can_be_fetched_and_nothing_outside_of_it(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await says(
                client, up, "mkdir s; echo hello > s/file; ln -s /etc/passwd out; mkfifo pipe; echo done", "done"
            )
            assert await client.fetch("c", "n1", "s/file") == b"hello\n"
            for path, complaint in (
                ("../witness", "leads out of the data directory"),
                ("out", "leads out of the data directory"),
                ("pipe", "is no regular file"),
                ("s", "is no regular file"),
                ("none", "cannot be read: No such file"),
            ):
                with pytest.raises(AgentError, match=complaint):
                    await client.fetch("c", "n1", path)

    asyncio.run(scenario())


def test_a_file_that_was_stored_on_a_disk_survives_a_loss_of_power(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await client.store("c", "n1", "configuration", b"port 1\n")
            await client.set_faults("c", 1, [fault("power-loss", "n1")])
            await client.set_faults("c", 2, [])
            assert await says(client, up, LIST, "listed") == ["configuration: port 1"]

    asyncio.run(scenario())


def test_a_power_loss_that_a_cluster_is_not_prepared_for_is_refused(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, kinds=()) as (client, _):
            with pytest.raises(AgentError, match="not prepared for it"):
                await client.set_faults("c", 1, [fault("power-loss", "n1")])
        async with await agent.connect() as client:
            with pytest.raises(AgentError, match="'earthquake' is no kind of fault: use partition"):
                await client.up("d", ["n1"], lease_s=60, isolated=False, kinds=["earthquake"])

    asyncio.run(scenario())


def test_disks_are_gone_with_their_cluster(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await spawn(client, up, "n1", DAEMON)
            assert len(agent.disks()) == 2
            assert await client.down("c") == ()
            assert agent.left_behind() == []

    asyncio.run(scenario())


def test_an_agent_that_is_killed_leaves_images_and_the_next_one_sweeps_them(agent: Agent) -> None:
    async def scenario() -> None:
        client = await agent.connect()
        up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=False, kinds=KINDS)
        await spawn(client, up, "n1", DAEMON)
        await client.set_faults("c", 1, [fault("power-loss", "n2")])
        os.kill(client.agent_pid, signal.SIGKILL)
        wait_until(lambda: agent.databases() == [] and agent.disks() == [], "the kernel lets go of all of it")
        assert agent.data_directories()
        await client.close()
        async with await agent.connect():
            assert agent.left_behind() == []

    asyncio.run(scenario())


def test_a_disk_is_claimed_as_long_as_a_file_system_has_not_wholly_let_go_of_it(tmp_path: Path) -> None:
    image = tmp_path / IMAGE
    ext4.make(image, 16 << 20)
    loop = Loop.attach(image)
    try:
        assert not loop.is_claimed()
        mounted = ext4.mount(loop.path)
        assert loop.is_claimed()
        os.close(mounted)
        wait_until(lambda: not loop.is_claimed(), "it is let go")
        ext4.check(loop.path)
        on_its_way_out = os.open(loop.path, os.O_RDONLY | os.O_EXCL)
        assert not ext4.is_mounted(loop.number)
        assert loop.is_claimed()
        with pytest.raises(OSError, match=r"/dev/loop\d+ is in use"):
            ext4.check(loop.path)
        os.close(on_its_way_out)
    finally:
        loop.close()
