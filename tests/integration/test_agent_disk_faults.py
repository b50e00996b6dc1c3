"""Disks that are full, fail, hang or are slow, measured from the database's side, and how they meet other faults."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError

from tests.integration.agents import SLEEP, Agent, fault, private_agent, says, wait_until
from tests.integration.writer import WRITER, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.types import FaultRequest

KINDS = ("power-loss", "disk-full", "disk-read-only", "disk-stall", "disk-slow")


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


def test_on_a_full_disk_writes_fail_until_there_is_space_again(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            await writer.under(fault("disk-full", "n1"))
            writer.expect("ENOSPC")
            await writer.under(fault("disk-full", "n1"), fault("kill", "n2"))
            writer.expect("ENOSPC")
            await writer.under()
            writer.expect("ok")
            assert writer.lines()[-1][0] == "ok"

    asyncio.run(scenario())


def test_a_file_system_that_has_given_up_refuses_writes_and_its_repair_starts_the_database_again(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            await writer.under(fault("disk-read-only", "n1"))
            writer.expect("EROFS")
            await writer.under()
            writer.expect("ok")
            with pytest.raises(AgentError, match="already"):
                await writer.start()

    asyncio.run(scenario())


def test_on_a_disk_that_hangs_writes_wait_for_its_return(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            await writer.under(fault("disk-stall", "n1"))
            begin = asyncio.get_running_loop().time()
            assert writer.is_silent(0.5)
            await writer.under()
            waited_us = (asyncio.get_running_loop().time() - begin) * 1e6
            assert max(writer.expect("ok")) <= waited_us * 2
            assert max(int(line[1]) for line in writer.lines()) >= 450_000, "one write waited all the time"

    asyncio.run(scenario())


def test_a_slow_disk_takes_its_time_for_every_sync_and_the_strongest_limit_holds(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            slow, slower = (fault("disk-slow", "n1", identity=str(per_s), writes_per_s=per_s) for per_s in (50, 10))
            unhindered = writer.per_s(50)
            await writer.under(slow)
            at_50 = writer.per_s(30)
            await writer.under(slow, slower)
            at_10 = writer.per_s(10)
            await writer.under(slow)
            again = writer.per_s(30)
            await writer.under()
            healed = writer.per_s(50)
            assert min(unhindered, healed) > 70
            assert at_10 < 15 < min(at_50, again) < max(at_50, again) < 65

    asyncio.run(scenario())


def test_a_disk_that_hangs_keeps_nobody_from_pausing_killing_or_cutting_the_power_of_its_node(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            stall = fault("disk-stall", "n1")
            await writer.under(stall)
            await writer.under(stall, fault("pause", "n1"))
            await writer.under(stall)
            assert writer.is_silent(), "the disk still hangs"
            await writer.under(stall, fault("kill", "n1"))
            await writer.under(stall)
            await writer.run("/bin/sh", "-c", SLEEP)
            await writer.under(stall, fault("power-loss", "n1"))
            await writer.under(stall)
            await writer.run("python3", "-c", WRITER)
            assert writer.is_silent(), "and so does what is started on it"
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["kill-process", "pause-process", "terminate"])
def test_a_disk_that_hangs_keeps_nobody_from_ending_or_stopping_what_writes_to_it(agent: Agent, kind: str) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            stall = fault("disk-stall", "n1")
            await writer.under(stall)
            assert writer.is_silent()
            other = fault(kind, "n1") if kind == "terminate" else fault(kind, "n1", pick=0)
            await writer.under(stall, other)

    asyncio.run(scenario())


def test_a_disk_is_read_back_between_restarts_for_which_it_is_let_go(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            wrong = [fault("disk-slow", "n1", writes_per_s=50), fault("disk-stall", "n1")]
            await writer.under(*wrong, fault("restart-loop", "n1", every_ms=20))
            for _ in range(100):
                observed = await writer.client.observe("c")
                assert all(o.in_force and not o.error for o in observed.observations), observed
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())


def test_what_is_wrong_with_a_disk_is_still_wrong_after_a_loss_of_power(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            loss = fault("power-loss", "n1")
            for kind, how in (("disk-full", "ENOSPC"), ("disk-read-only", "EROFS")):
                await writer.under(fault(kind, "n1"))
                await writer.under(fault(kind, "n1"), loss)
                await writer.under(fault(kind, "n1"))
                await writer.run("python3", "-c", WRITER)
                writer.expect(how)
                await writer.under()
                writer.expect("ok")

    asyncio.run(scenario())


def test_everything_at_once_is_in_force_and_all_of_it_is_healed(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            slow = fault("disk-slow", "n1", "n2", writes_per_s=50)
            others = [fault(kind, "n1", "n2") for kind in KINDS if kind not in ("disk-slow", "power-loss")]
            faults: list[FaultRequest] = []
            for one in (slow, *others):
                faults.append(one)
                await writer.under(*faults)
            while faults:
                await writer.under(*faults[1:])
                faults = faults[1:]
            writer.expect("ok")

    asyncio.run(scenario())


def test_an_agent_that_is_killed_while_a_disk_hangs_leaves_nothing_that_the_next_one_cannot_sweep(
    agent: Agent,
) -> None:
    async def scenario() -> None:
        client = await agent.connect()
        up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
        await says(client, up, "echo begun; (while :; do echo x >> file; done) & true", "begun")
        await client.set_faults("c", 1, [fault("disk-stall", "n1"), fault("disk-slow", "n1", writes_per_s=5)])
        os.kill(client.agent_pid, signal.SIGKILL)
        wait_until(lambda: agent.agents() == [], "the agent is dead")
        assert agent.disks(), "a frozen file system keeps its device"
        await client.close()
        async with await agent.connect():
            wait_until(lambda: agent.left_behind() == [], "the next agent lets it go")

    asyncio.run(scenario())
