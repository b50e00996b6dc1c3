"""Nothing outlives its owner: a cluster its session and its lease, a process the agent, leftovers the next sweep."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.heal import heal
from schrodinger_agent.types import AgentError

from tests.integration.agents import (
    COUNT,
    DAEMON,
    SLEEP,
    STUBBORN,
    fault,
    grows,
    private_agent,
    require_isolation,
    spawn,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.agents import Agent

both_modes = pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "loopback"])

CONTROLLER = """
import asyncio, sys
from pathlib import Path
from schrodinger_agent.client import AgentClient
from tests.integration.agents import DAEMON, fault, spawn

async def main(state, isolated):
    client = await AgentClient.connect(Path(state))
    up = await client.up("c", ["n1", "n2"], lease_s=600, isolated=isolated == "isolated")
    await spawn(client, up, "n1", DAEMON)
    await spawn(client, up, "n2", DAEMON)
    await client.set_faults("c", 1, [fault("pause", "n2")])
    print("up", flush=True)
    await asyncio.sleep(1000)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        yield private


@pytest.fixture
def controller(agent: Agent, isolated: bool) -> Iterator[subprocess.Popen[str]]:
    """A controller in a process of its own, with a cluster up, one node running and one paused."""
    mode = "isolated" if isolated else "loopback"
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(agent.state.path), mode], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n", f"this machine offers no {mode} clusters: see the error above"
        yield process
        process.kill()


@both_modes
def test_a_controller_that_is_killed_takes_its_cluster_along(agent: Agent, controller: subprocess.Popen[str]) -> None:
    assert len(agent.databases()) >= 4
    controller.kill()
    wait_until(lambda: agent.left_behind() == [], "processes, cgroups and directories are gone")


@both_modes
def test_an_agent_that_is_killed_leaves_no_process_and_the_next_one_sweeps_the_rest(
    agent: Agent, controller: subprocess.Popen[str]
) -> None:
    (agent_pid,) = agent.agents()
    os.kill(agent_pid, signal.SIGKILL)
    wait_until(lambda: agent.databases() == [], "the kernel ends what the agent started, paused or not")
    assert agent.cgroups()
    assert agent.data_directories()

    async def connect() -> None:
        async with await agent.connect() as client:
            assert client.agent_pid != agent_pid

    asyncio.run(connect())
    assert agent.left_behind() == []


@both_modes
def test_heal_removes_what_a_killed_agent_left_without_starting_one(
    agent: Agent, controller: subprocess.Popen[str]
) -> None:
    (agent_pid,) = agent.agents()
    os.kill(agent_pid, signal.SIGKILL)
    controller.kill()
    report = asyncio.run(heal(agent.state.path))
    assert report.errors == ()
    assert any(entry.startswith("directory ") for entry in report.removed)
    wait_until(lambda: agent.left_behind() == [], "nothing is left")
    assert agent.agents() == []
    assert asyncio.run(heal(agent.state.path)).removed == (), "there is nothing left to heal"


def test_heal_asks_a_running_agent_and_spares_the_clusters_of_living_sessions(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await spawn(client, up, "n1", COUNT)
            stray = agent.state.clusters / "stray"
            (stray / "n1").mkdir(parents=True)
            report = await heal(agent.state.path)
            assert report.removed == (f"directory {stray}",)
            grows(up.targets[0].data)

    asyncio.run(scenario())


def test_a_lease_that_lapses_takes_the_cluster_down_and_the_next_call_is_told_why(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=0.4, isolated=False)
            await spawn(client, up, "n1", DAEMON)
            begin = time.monotonic()
            while time.monotonic() < begin + 1.0:
                assert await client.renew("c") == 0.4
                await asyncio.sleep(0.05)
            grows(up.targets[0].data)
            wait_until(lambda: agent.left_behind() == [], "the cluster is gone, it is not renewed any more")
            with pytest.raises(AgentError, match="its lease lapsed") as refused:
                await client.renew("c")
            assert refused.value.code == "NOT_FOUND"

    asyncio.run(scenario())


def test_a_lease_does_not_lapse_while_the_agent_itself_is_stopped(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            await client.up("c", ["n1"], lease_s=0.5, isolated=False)
            os.kill(client.agent_pid, signal.SIGSTOP)
            await asyncio.sleep(2.5)
            os.kill(client.agent_pid, signal.SIGCONT)
            assert await client.renew("c") == 0.5
            wait_until(lambda: agent.left_behind() == [], "the lease counts again")

    asyncio.run(scenario())


def test_an_agent_that_is_told_to_stop_takes_its_clusters_down_first(agent: Agent) -> None:
    async def scenario() -> None:
        client = await agent.connect()
        up = await client.up("c", ["n1"], lease_s=60, isolated=False)
        await spawn(client, up, "n1", DAEMON)
        grows(up.targets[0].data)
        os.kill(client.agent_pid, signal.SIGTERM)
        wait_until(lambda: not agent.processes(), "the agent has left")
        assert agent.left_behind() == []
        with pytest.raises(AgentError, match="the agent is gone"):
            await client.renew("c")
        await client.close()

    asyncio.run(scenario())


def test_a_session_that_ends_is_gone_with_its_clusters_when_close_returns(agent: Agent) -> None:
    async def scenario() -> None:
        client = await agent.connect()
        up = await client.up("c", ["n1"], lease_s=60, isolated=False)
        await spawn(client, up, "n1", STUBBORN)
        await client.close()
        assert agent.left_behind() == []
        await client.close()

    asyncio.run(scenario())


@both_modes
def test_clusters_of_two_sessions_live_side_by_side(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with await agent.connect() as one, await agent.connect() as two:
            if isolated:
                await require_isolation(one)
            first = await one.up("first", ["n1", "n2"], lease_s=60, isolated=isolated)
            second = await two.up("second", ["n1", "n2"], lease_s=60, isolated=isolated)
            if not isolated:
                assert not {t.address for t in first.targets} & {t.address for t in second.targets}
            await spawn(one, first, "n1", COUNT, cluster="first")
            await spawn(two, second, "n1", COUNT, cluster="second")
            await one.set_faults("first", 1, [fault("kill", "n1")])
            grows(second.targets[0].data)
            with pytest.raises(AgentError, match="belongs to another session") as refused:
                await one.down("second")
            assert refused.value.code == "PERMISSION_DENIED"
            with pytest.raises(AgentError, match="is up already"):
                await one.up("second", ["n1"], lease_s=60, isolated=isolated)
            assert await one.down("first") == ()
            assert await one.down("first") == (), "it may be taken down again"
            grows(second.targets[0].data)

    asyncio.run(scenario())


def test_an_agent_outlives_the_environment_of_the_command_that_started_it(agent: Agent, tmp_path: Path) -> None:
    """As that of `uv run --with` is gone when its command is, while the agent lingers."""
    venv.create(tmp_path / "environment", symlinks=True)
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run(
        [python, "-m", "schrodinger_agent", "serve", "--detach", "--state", agent.state.path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    shutil.rmtree(tmp_path / "environment")

    async def use() -> None:
        async with await agent.connect(start=False) as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False)
            await spawn(client, up, "n1", COUNT)
            grows(up.targets[0].data)
            reasons = [entry.reason for entry in (await client.capabilities()).entries]
            assert not [reason for reason in reasons if "No such file" in reason]

    asyncio.run(use())


def test_two_agents_of_different_directories_do_not_meet(agent: Agent) -> None:
    async def scenario() -> None:
        with private_agent() as other:
            async with await agent.connect() as one, await other.connect() as two:
                first = await one.up("c", ["n1"], lease_s=60, isolated=False)
                second = await two.up("c", ["n1"], lease_s=60, isolated=False)
                assert first.targets[0].address != second.targets[0].address
                await spawn(one, first, "n1", COUNT)
                assert (await two.heal()).removed == ()
                grows(first.targets[0].data)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "targets", "lease_s", "complaint"),
    [
        ("Upper", ["n1"], 1.0, "cluster 'Upper' is not a name"),
        ("../up", ["n1"], 1.0, "is not a name"),
        ("c", [], 1.0, "targets: 0 is not a size"),
        ("c", ["n1", "n1"], 1.0, "'n1' is no name of its own"),
        ("c", ["n/1"], 1.0, "'n/1' is no name"),
        ("c", ["clients"], 1.0, "not 'clients'"),
        ("c", ["n1"], -1.0, "lease_ns is -1000000000: use a positive time"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused(
    agent: Agent, name: str, targets: list[str], lease_s: float, complaint: str
) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            with pytest.raises(AgentError) as refused:
                await client.up(name, targets, lease_s=lease_s, isolated=False)
            assert refused.value.code == "INVALID_ARGUMENT"
            assert complaint in str(refused.value)

    asyncio.run(scenario())
    assert agent.left_behind() == []


@both_modes
def test_what_is_asked_for_while_a_cluster_is_taken_down_is_done_or_refused_and_nothing_is_left(
    agent: Agent, isolated: bool
) -> None:
    allowed = {"FAILED_PRECONDITION", "NOT_FOUND"}

    async def scenario() -> None:
        async with await agent.connect() as client:
            if isolated:
                await require_isolation(client)
            for _ in range(5):
                up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=isolated)
                await spawn(client, up, "n1", DAEMON)
                changes = [
                    client.set_faults("c", generation, [fault("kill", "n1"), fault("pause", "n2")][: generation % 3])
                    for generation in range(1, 7)
                ]
                spawns = [spawn(client, up, name, DAEMON) for name in ("n1", "n2")]
                answers = await asyncio.gather(*changes, client.down("c"), *spawns, return_exceptions=True)
                refused = [answer for answer in answers if isinstance(answer, BaseException)]
                assert all(isinstance(why, AgentError) and why.code in allowed for why in refused), refused
                assert agent.left_behind() == []

    asyncio.run(scenario())


def test_a_cluster_that_fails_to_come_up_leaves_nothing_and_can_be_tried_again(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            agent.state.clusters.write_text("in the way")
            with pytest.raises(AgentError, match="cannot be made"):
                await client.up("c", ["n1", "n2"], lease_s=60, isolated=False)
            assert agent.cgroups() == []
            agent.state.clusters.unlink()
            up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=False)
            await spawn(client, up, "n1", SLEEP)

    asyncio.run(scenario())


def test_the_clients_namespace_must_not_be_the_hosts(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            await require_isolation(client)
            with pytest.raises(AgentError, match="host's network namespace, which is left alone"):
                await client.up("c", ["n1"], lease_s=60, isolated=True, client_thread=os.getpid())

    asyncio.run(scenario())
