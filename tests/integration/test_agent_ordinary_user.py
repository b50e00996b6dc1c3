"""The agent of a user who may make no namespace and no cgroup: kill and pause by signals, and the same promises."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError

from tests.integration.agents import (
    COUNT,
    DAEMON,
    NOBODY,
    SLEEP,
    fault,
    grows,
    private_agent,
    spawn,
    stands_still,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.agents import Agent

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user and watch it")


@pytest.fixture
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        private.start_as(NOBODY)
        yield private


def test_what_is_not_available_has_a_reason_and_a_remedy(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect(start=False) as client:
            capabilities = await client.capabilities()
            assert not capabilities.isolated
            for name in ("partition", "network-namespaces", "switch", "pid-namespaces", "cgroup-freeze"):
                assert not capabilities[name].available
                assert capabilities[name].reason
                assert capabilities[name].remedy.startswith("run as root")
            assert capabilities["kill"].mechanism == "SIGKILL to every process of the tree"
            assert capabilities["pause"].mechanism == "SIGSTOP to every process"

    asyncio.run(scenario())


def test_an_isolated_cluster_is_refused_with_the_reasons(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect(start=False) as client:
            with pytest.raises(AgentError, match=r"not permitted.*use isolated=false") as refused:
                await client.up("c", ["n1"], lease_s=60, isolated=True)
            assert refused.value.code == "FAILED_PRECONDITION"

    asyncio.run(scenario())


def test_a_pause_stops_the_whole_tree_and_a_kill_ends_it_even_while_it_is_stopped(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect(start=False) as client:
            up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=False)
            data = up.targets[0].data
            await spawn(client, up, "n1", DAEMON)
            grows(data)
            paused = await client.set_faults("c", 1, [fault("pause", "n1")])
            assert paused.observations[0].in_force
            assert paused.observations[0].evidence["n1"]["processes"] >= 3
            assert stands_still(data)
            healed = await client.set_faults("c", 2, [])
            assert not healed.lifted[0].in_force
            grows(data)
            await client.set_faults("c", 3, [fault("pause", "n1")])
            killed = await client.set_faults("c", 4, [fault("pause", "n1"), fault("kill", "n1")])
            assert [o.in_force for o in killed.observations] == [True, True]
            assert killed.observations[1].evidence["n1"]["left"] == 0
            assert agent.databases() == []
            await client.set_faults("c", 5, [])
            await spawn(client, up, "n1", COUNT)
            grows(data)

    asyncio.run(scenario())


def test_a_pause_catches_a_tree_that_forks_all_the_time_and_lets_all_of_it_go_on(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect(start=False) as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            data = up.targets[0].data
            await spawn(client, up, "n1", 'while :; do /bin/true; echo tick >> "$0/count"; done')
            for generation in range(1, 41, 2):
                grows(data)
                paused = await client.set_faults("c", generation, [fault("pause", "n1")])
                assert paused.observations[0].in_force, paused
                assert stands_still(data, 0.03)
                healed = await client.set_faults("c", generation + 1, [])
                assert not healed.lifted[0].in_force, healed
            grows(data)

    asyncio.run(scenario())


def test_a_kill_ends_a_tree_of_hundreds_of_processes_in_time(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect(start=False) as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await spawn(client, up, "n1", f"for i in $(seq 500); do (setsid sh -c '{SLEEP}' \"$0\" &); done; {SLEEP}")
            wait_until(lambda: len(agent.databases()) > 500, "all of them run")
            killed = await client.set_faults("c", 1, [fault("kill", "n1")])
            assert killed.observations[0].in_force, killed.observations[0].error
            assert agent.databases() == []

    asyncio.run(scenario())


def test_an_agent_that_is_killed_leaves_no_process_not_even_a_stopped_or_a_daemonised_one(agent: Agent) -> None:
    async def scenario() -> None:
        client = await agent.connect(start=False)
        up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=False)
        await spawn(client, up, "n1", DAEMON)
        await spawn(client, up, "n2", DAEMON)
        grows(up.targets[0].data)
        await client.set_faults("c", 1, [fault("pause", "n2")])
        os.kill(client.agent_pid, signal.SIGKILL)
        wait_until(lambda: agent.databases() == [], "the launchers end their trees")
        await client.close()

    asyncio.run(scenario())
    agent.start_as(NOBODY)
    assert agent.data_directories() == [], "the next agent sweeps"


def test_a_stop_is_orderly_and_takes_daemons_along(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect(start=False) as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await spawn(client, up, "n1", DAEMON)
            grows(up.targets[0].data)
            stopped = await client.stop("c", "n1", grace_s=10)
            assert (stopped.was_running, stopped.killed) == (True, False)
            assert agent.databases() == []

    asyncio.run(scenario())


def test_a_session_that_ends_takes_its_cluster_along(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect(start=False) as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await spawn(client, up, "n1", DAEMON)
            grows(up.targets[0].data)

    asyncio.run(scenario())
    assert agent.left_behind() == []
