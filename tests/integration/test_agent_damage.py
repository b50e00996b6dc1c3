"""Files that are damaged or put back while a node is down, read from the database's side."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError

from tests.integration.agents import SLEEP, Agent, fault, private_agent, says, spawn, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp

FULL = b"\xff" * 65536
CREATE = "mkdir -p sub; head -c 65536 /dev/zero | tr '\\0' '\\377' > sub/full; echo keep > spared"
WRITE = f"test -e spared || {{ {CREATE}; }}; echo written"  # a copy starts it again, at what there is

with_disks = pytest.mark.parametrize("kinds", [("power-loss", "disk-full"), ()], ids=["disks", "directories"])


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


async def damaged(client: AgentClient, up: ClusterUp, how: str, spots: int) -> bytes:
    """What is in the file after the damage, once the database runs on it again."""
    await says(client, up, WRITE, "written")
    damage = fault("file-damage", "n1", files="sub/*", seed=7, how=how, spots=spots)
    observed = await client.set_faults("c", 1, [damage])
    (observation,) = observed.observations
    assert observation.in_force, observation
    assert observation.affected == len(observation.evidence["n1"]["damage"]) >= 1
    assert {spot["file"] for spot in observation.evidence["n1"]["damage"]} == {"sub/full"}
    with pytest.raises(AgentError, match="held down by a file-damage"):
        await spawn(client, up, "n1", SLEEP)
    await client.set_faults("c", 2, [])
    await spawn(client, up, "n1", SLEEP)
    assert await client.fetch("c", "n1", "spared") == b"keep\n"
    return await client.fetch("c", "n1", "sub/full")


@with_disks
def test_single_bits_flip(agent: Agent, kinds: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=kinds)
            found = await damaged(client, up, how="flip", spots=3)
            wrong = [byte ^ 0xFF for byte in found if byte != 0xFF]
            assert len(found) == len(FULL)
            assert [bits.bit_count() for bits in wrong] == [1, 1, 1]

    asyncio.run(scenario())


@with_disks
def test_blocks_are_lost_torn_or_missing_at_the_end(agent: Agent, kinds: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            for how in ("lose", "tear", "truncate"):
                up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=kinds)
                found = await damaged(client, up, how=how, spots=1)
                blocks = [found[at : at + 4096] for at in range(0, len(found), 4096)]
                wrong = [block for block in blocks if block != FULL[: len(block)]]
                if how == "truncate":
                    assert found == FULL[: len(found)] != FULL
                else:
                    (block,) = wrong
                    kept = block.count(b"\xff")
                    assert block == b"\xff" * kept + bytes(4096 - kept)
                    assert kept == 0 if how == "lose" else kept % 512 == 0 < kept
                await client.down("c")

    asyncio.run(scenario())


def test_damage_upon_damage_is_in_force(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await says(client, up, WRITE, "written")
            faults = [
                fault("file-damage", "n1", identity=str(seed), files="*", how="truncate", spots=4, seed=seed)
                for seed in range(3)
            ]
            for count in range(1, len(faults) + 1):
                observed = await client.set_faults("c", count, faults[:count])
                assert all(o.in_force for o in observed.observations), observed

    asyncio.run(scenario())


@with_disks
def test_files_that_are_put_back_while_they_are_damaged_are_damaged_again(agent: Agent, kinds: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=kinds)
            await says(client, up, WRITE, "written")
            back = fault("roll-back", "n1", files="*")
            flipped = fault("file-damage", "n1", files="sub/*", seed=7, how="flip", spots=3)
            for generation, faults in enumerate([[back], [back, flipped], [flipped]], 1):
                observed = await client.set_faults("c", generation, faults)
                assert all(o.in_force and not o.error for o in observed.observations), observed
                assert not any(o.in_force or o.error for o in observed.lifted), observed
            found = await client.fetch("c", "n1", "sub/full")
            wrong = sum((one ^ other).bit_count() for one, other in zip(found, FULL, strict=True))
            assert wrong == 3

    asyncio.run(scenario())


def test_what_there_was_to_damage_only_when_files_were_put_back_is_damaged_then(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await says(client, up, WRITE, "written")
            back = fault("roll-back", "n1", files="*")
            await client.set_faults("c", 1, [back])
            (up.targets[0].data / "sub/full").unlink()
            flipped = fault("file-damage", "n1", files="sub/*", seed=7, how="flip", spots=3)
            spots = []
            for generation, faults in enumerate([[flipped, back], [flipped]], 2):
                observed = await client.set_faults("c", generation, faults)
                spots.append(observed.observations[0].affected)
            assert spots == [0, 3]

    asyncio.run(scenario())


def test_the_same_seed_damages_the_same_spots(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            seen = []
            for _ in range(2):
                up = await client.up("c", ["n1"], lease_s=60, isolated=False)
                seen.append(await damaged(client, up, how="flip", spots=5))
                await client.down("c")
            assert seen[0] == seen[1] != FULL

    asyncio.run(scenario())


@with_disks
def test_files_are_put_back_to_what_they_were_and_the_database_runs_again(agent: Agent, kinds: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=kinds)
            writes = "i=0; while :; do i=$((i+1)); echo $i > sub/file.$i; sleep 0.02; done"
            await says(client, up, f"mkdir -p sub; echo start >> sub/starts; ({writes}) & echo begun", "begun")
            back = fault("roll-back", "n1", files="sub/*")
            observed = await client.set_faults("c", 1, [back])
            assert observed.observations[0].in_force, observed
            before = int(observed.observations[0].evidence["n1"]["copied_files"])
            assert (await client.fetch("c", "n1", "sub/starts")).decode().count("start") <= 2
            await asyncio.sleep(0.3)
            healed = await client.set_faults("c", 2, [])
            assert healed.lifted[0].error == ""
            assert healed.lifted[0].evidence["n1"]["put_back_files"] == before
            wait_until(lambda: agent.databases() != [], "it runs again")

            async def starts() -> int:
                return (await client.fetch("c", "n1", "sub/starts")).decode().count("start")

            deadline = asyncio.get_running_loop().time() + 10
            while await starts() != 2:  # the first, and the one after it was put back
                assert asyncio.get_running_loop().time() < deadline
                await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_a_disk_with_which_everything_is_wrong_can_be_damaged_and_rolled_back(agent: Agent) -> None:
    async def scenario() -> None:
        kinds = ("disk-full", "disk-read-only", "disk-stall")
        async with await agent.connect() as client:
            disk = (await client.capabilities())["disk"]
            if not disk.available:
                pytest.skip(disk.reason)
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=kinds)
            await says(client, up, WRITE, "written")
            faults = [fault("roll-back", "n1", files="*")]
            for generation, kind in enumerate(("disk-full", "disk-stall", "disk-read-only"), 1):
                faults.append(fault(kind, "n1"))
                observed = await client.set_faults("c", generation, faults)
                assert all(o.in_force for o in observed.observations), observed
            faults.append(fault("file-damage", "n1", files="*", how="flip", spots=2, seed=1))
            observed = await client.set_faults("c", 10, faults)
            assert all(o.in_force for o in observed.observations), observed
            healed = await client.set_faults("c", 11, [])
            assert not any(o.in_force or o.error for o in healed.lifted), healed
            assert await client.fetch("c", "n1", "sub/full") == FULL

    asyncio.run(scenario())
