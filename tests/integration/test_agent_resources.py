"""Processes and resources: ends, restarts and shortages of a target, measured from outside."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError

from tests.integration.agents import (
    COUNT,
    DAEMON,
    SLEEP,
    Agent,
    fault,
    grows,
    private_agent,
    says,
    spawn,
    stands_still,
    wait_until,
)
from tests.integration.writer import FORKING, Writer, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.types import ClusterUp

LIMITS = ("cpu-limit", "memory-limit", "memory-pressure", "process-limit", "descriptor-limit")

POLITE = "trap 'echo bye > $0/farewell; exit 3' TERM; echo begun; while :; do sleep 0.02; done"
SPIN = """
import time
while True:
    for _ in range(20000): pass
    print("ok", time.process_time_ns(), flush=True)
"""
GREEDY = """
import time
held = []
while True:
    held.append(bytearray(1 << 20))
    print("ok", len(held), flush=True)
    time.sleep(0.01)
"""
HEIR = """
import errno, os, time
forked = 0
while True:
    try:
        open("/dev/null").close()
        print("ok", forked, flush=True)
    except OSError as error:
        print(errno.errorcode[error.errno], forked, flush=True)
    if os.path.exists("../fork"):
        os.remove("../fork")
        forked = int(os.fork() == 0)
    time.sleep(0.01)
"""
"""It forks when it is told to, once, and both go on."""


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


def said(up: ClusterUp) -> str:
    return up.targets[0].data.with_name("output").read_text()


def share(writer: Writer, for_s: float) -> float:
    """Of one processor, by what the process itself has had of it."""
    begin, (_, before) = time.monotonic(), writer.lines()[-1]
    time.sleep(for_s)
    wait_until(lambda: writer.lines()[-1][1] != before, "it goes on")
    return (int(writer.lines()[-1][1]) - int(before)) / 1e9 / (time.monotonic() - begin)


def test_a_database_that_is_asked_to_end_may_do_so_in_order_and_one_that_does_not_is_killed(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=False)
            await says(client, up, POLITE, "begun")
            observed = await client.set_faults("c", 1, [fault("terminate", "n1")])
            assert observed.observations[0].in_force
            assert observed.observations[0].evidence["n1"]["ended"] == "by itself"
            assert (up.targets[0].data / "farewell").read_text() == "bye\n"
            with pytest.raises(AgentError, match="held down by a terminate"):
                await spawn(client, up, "n1", SLEEP)
            await says(client, up, "trap '' TERM; echo begun; while :; do sleep 0.02; done", "begun", "n2")
            observed = await client.set_faults(
                "c", 2, [fault("terminate", "n1"), fault("terminate", "n2", identity="2")]
            )
            assert observed.observations[1].evidence["n2"]["ended"] == "killed"
            await client.set_faults("c", 3, [])
            await spawn(client, up, "n1", COUNT)
            grows(up.targets[0].data)

    asyncio.run(scenario())


def test_a_crash_loop_starts_the_same_again_and_again_and_leaves_it_running(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            data = up.targets[0].data
            await spawn(client, up, "n1", f"echo begun >> $0/begun; {COUNT}")
            wait_until((data / "begun").exists, "it has begun")
            await client.set_faults("c", 1, [fault("restart-loop", "n1", every_ms=200)])
            wait_until(lambda: (data / "begun").read_text().count("begun") >= 4, "it was started again and again")
            healed = await client.set_faults("c", 2, [])
            assert healed.lifted[0].affected == healed.lifted[0].evidence["n1"]["restarts"] >= 3
            starts = (data / "begun").read_text()
            grows(data)
            assert not stands_still(data)
            assert (data / "begun").read_text() == starts, "and no more"

    asyncio.run(scenario())


def test_one_process_is_killed_and_the_others_live(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await says(client, up, f"sleep 1000 & echo child; wait; echo gone > $0/noticed; {COUNT}", "child")
            observed = await client.set_faults("c", 1, [fault("kill-process", "n1", pick=1)])
            assert observed.observations[0].in_force
            assert observed.observations[0].affected == 1
            grows(up.targets[0].data)
            assert (up.targets[0].data / "noticed").read_text() == "gone\n"

    asyncio.run(scenario())


def test_one_process_stands_still_and_goes_on_again(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent) as writer:
            await writer.under(fault("pause-process", "n1", pick=7))
            assert writer.is_silent()
            await writer.under(fault("pause-process", "n1", pick=7), fault("kill", "n2"))
            assert writer.is_silent(0.1)
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())


def test_a_process_that_two_faults_have_stopped_goes_on_when_both_are_over(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent) as writer:
            both = [fault("pause-process", "n1", identity=str(pick), pick=pick) for pick in (38, 62)]
            await writer.under(*both)
            for one in (both[0], both[1]):
                await writer.under(one)
                assert writer.is_silent(0.1)
                await writer.under(*both)
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())


def test_one_process_of_a_paused_node_stands_still_when_the_pause_is_over(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent) as writer:
            pause, one = fault("pause", "n1"), fault("pause-process", "n1", pick=0)
            await writer.under(pause)
            await writer.under(pause, one)
            await writer.under(one)
            said = writer.lines()
            assert writer.is_silent()
            assert writer.lines() == said
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())


def test_a_processor_is_as_short_as_asked_for(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *LIMITS, program=SPIN) as writer:
            await writer.under(fault("cpu-limit", "n1", percent=10))
            limited = share(writer, 1.0)
            await writer.under(fault("cpu-limit", "n1", percent=1))  # in longer pieces: there are none so small
            await writer.under()
            assert 0.05 < limited < 0.16

    asyncio.run(scenario())


def test_busy_programs_take_their_share_of_a_target_and_end_with_the_fault(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *LIMITS, "cpu-burn", program=SPIN) as writer:
            one = fault("cpu-limit", "n1", percent=50)
            await writer.under(one)
            alone = share(writer, 0.7)
            await writer.under(one, fault("cpu-burn", "n1", programs=3))
            assert len(agent.burdens()) == 3
            shared = share(writer, 0.7)
            await writer.under(one)
            assert agent.burdens() == []
            assert shared < 0.6 * alone, "it is one of four"

    asyncio.run(scenario())


def test_who_needs_more_memory_than_there_is_is_killed(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *LIMITS, program=GREEDY) as writer:
            await writer.under(fault("memory-limit", "n1", headroom_mib=8))
            wait_until(lambda: agent.databases() == [], "it has met the limit")
            healed = await writer.under()
            assert healed.lifted[0].evidence["n1"]["killed"] == 1
            assert healed.lifted[0].evidence["n1"]["limit_met"] >= 1
            end = await anext(writer.client.watch("c"))
            assert (end.status, end.expected) == (-9, False)

    asyncio.run(scenario())


def test_caches_are_taken_again_and_again_under_memory_pressure(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=LIMITS)
            await says(client, up, "dd if=/dev/zero of=$0/file bs=1M count=16; sync $0/file; echo written", "written")
            await client.set_faults("c", 1, [fault("memory-pressure", "n1", every_ms=20)])
            await asyncio.sleep(0.2)
            healed = await client.set_faults("c", 2, [])
            evidence = healed.lifted[0].evidence["n1"]
            assert evidence["squeezes"] >= 3

    asyncio.run(scenario())


def test_no_process_can_be_made_beyond_those_that_there_are(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *LIMITS, program=FORKING) as writer:
            await writer.under(fault("process-limit", "n1"))
            writer.expect("EAGAIN")
            healed = await writer.under()
            assert healed.lifted[0].evidence["n1"]["refused"] >= 5
            writer.expect("ok")

    asyncio.run(scenario())


def test_nothing_can_be_opened_where_descriptors_are_short_also_by_what_is_started_then(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent) as writer:
            short = fault("descriptor-limit", "n1")
            await writer.under(short)
            writer.expect("EMFILE")
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of another user")
def test_descriptors_are_short_for_a_database_of_another_user_as_well(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=LIMITS)
            output = up.targets[0].data / "output"
            # Not a shell, whose own redirections may need a second descriptor for a moment.
            opens = 'print open(my $file, "<", "/dev/null") ? "ok\\n" : "short\\n"'
            await spawn(client, up, "n1", f"exec perl -e '$| = 1; while (1) {{ {opens} }}'", user="nobody")
            wait_until(lambda: output.exists() and output.stat().st_size > 0, "it has opened what it needs to run")
            for number, (faults, expected) in enumerate([([fault("descriptor-limit", "n1")], "short"), ([], "ok")]):
                observed = await client.set_faults("c", number + 1, faults)
                assert [seen.error for seen in observed.observations if not seen.in_force] == []
                grown = output.stat().st_size
                wait_until(lambda: output.stat().st_size > grown + 100, "it goes on trying")  # noqa: B023 - in the loop
                assert set(output.read_text()[grown:].split()[1:-1]) == {expected}
            await client.stop("c", "n1", grace_s=1)

    asyncio.run(scenario())


def test_what_was_forked_under_a_limit_of_descriptors_loses_it_with_the_others(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *LIMITS, program=HEIR) as writer:
            await writer.under(fault("descriptor-limit", "n1"))
            writer.data.with_name("fork").touch()
            writer.expect("EMFILE")
            wait_until(lambda: {pid for _, pid in writer.lines()[-10:]} == {"0", "1"}, "both of them try")
            await writer.under()
            seen = len(writer.lines()) + 2
            writer.expect("ok", 20)
            assert {how for how, _ in writer.lines()[seen:]} == {"ok"}

    asyncio.run(scenario())


def test_an_agent_that_is_killed_takes_busy_programs_and_limits_along(agent: Agent) -> None:
    async def scenario() -> None:
        with private_agent(Path("/dev/shm")) as private:
            client = await private.connect()
            burn = (await client.capabilities())["cpu-burn"]
            if not burn.available:
                await client.close()
                pytest.skip(burn.reason)
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=[*LIMITS, "cpu-burn"])
            await spawn(client, up, "n1", DAEMON)
            faults = [fault("cpu-burn", "n1", programs=1), fault("cpu-limit", "n1", percent=20)]
            await client.set_faults("c", 1, [*faults, fault("restart-loop", "n1", every_ms=50)])
            os.kill(client.agent_pid, 9)
            wait_until(lambda: private.processes() == {} and private.burdens() == [], "nothing of it runs")
            await client.close()
            async with await private.connect():
                assert private.left_behind() == []

    asyncio.run(scenario())
