"""Finding the agent, or starting it; and who gets in."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import schrodinger_agent
from schrodinger_agent import session as session_module
from schrodinger_agent.api import TOKEN_KEY
from schrodinger_agent.api import agent_pb2 as pb
from schrodinger_agent.api.agent_pb2_grpc import AgentStub
from schrodinger_agent.client import AgentClient
from schrodinger_agent.types import AgentError
from schrodinger_agent.version import code_digest

from tests.integration.agents import NOBODY, fault, private_agent, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.integration.agents import Agent

HOLDS_A_SESSION = """
import asyncio, pathlib, sys
from schrodinger_agent.client import AgentClient
async def hold():
    async with await AgentClient.connect(pathlib.Path(sys.argv[1])) as client:
        print(client.agent_pid, flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(hold())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user to be a stranger")
def test_a_stranger_is_refused_at_the_door_and_told_why(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect():
            agent.state.door_socket.chmod(0o666)  # it is closed to others: let the stranger come that far
            visit = await asyncio.create_subprocess_exec(
                "setpriv",
                f"--reuid={NOBODY}",
                f"--regid={NOBODY}",
                "--clear-groups",
                "/usr/bin/python3",
                "-c",
                VISIT,
                str(agent.state.door_socket),
                stdout=subprocess.PIPE,
            )
            said, _ = await visit.communicate()
            assert json.loads(said) == {
                "refused": f"this agent serves user 0 and root, not user {NOBODY}: start one of your own"
            }

    asyncio.run(scenario())


def test_a_call_without_the_token_of_a_living_session_is_refused(agent: Agent) -> None:
    async def call(token: str) -> grpc.StatusCode:
        async with grpc.aio.insecure_channel(f"unix:{agent.state.rpc_socket}") as channel:
            try:
                await AgentStub(channel).Heal(pb.HealRequest(), metadata=((TOKEN_KEY, token),))
            except grpc.aio.AioRpcError as error:
                return error.code()
            return grpc.StatusCode.OK

    async def scenario() -> None:
        async with await agent.connect():
            early = await agent.connect()
            token = early._session.token
            assert await call(token) == grpc.StatusCode.OK
            assert await call("made up") == grpc.StatusCode.UNAUTHENTICATED
            await early.close()
            assert await call(token) == grpc.StatusCode.UNAUTHENTICATED

    asyncio.run(scenario())


def test_a_state_directory_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "open"
    state.mkdir(mode=0o755)
    with pytest.raises(AgentError, match="is open to other users: run `chmod 700"):
        asyncio.run(AgentClient.connect(state))


def test_a_state_directory_whose_sockets_would_have_too_long_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="too long for Unix sockets: choose a shorter one with SCHRODINGER_STATE"):
        asyncio.run(AgentClient.connect(tmp_path / ("x" * 100)))


VISIT = """
import socket, sys
caller = socket.socket(socket.AF_UNIX)
caller.settimeout(10)
caller.connect(sys.argv[1])
sys.stdout.write(caller.makefile().readline())
"""


@pytest.fixture
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        yield private


def test_two_clients_that_come_at_once_start_one_agent(agent: Agent) -> None:
    async def scenario() -> None:
        clients = await asyncio.gather(*(agent.connect() for _ in range(4)))
        pids = sorted({client.agent_pid for client in clients})
        await asyncio.gather(*(client.close() for client in clients))
        assert len(pids) == 1
        wait_until(lambda: agent.agents() == pids, "those that came too late leave again")

    asyncio.run(scenario())


def test_without_leave_to_start_one_a_missing_agent_is_an_error_with_the_remedy(agent: Agent) -> None:
    with pytest.raises(AgentError, match=r"no agent runs for .*: run `schrodinger-agent serve"):
        asyncio.run(agent.connect(start=False))
    assert agent.processes() == {}


def test_an_agent_that_is_stopped_is_an_error_within_the_time_that_one_has(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            os.kill(client.agent_pid, signal.SIGSTOP)
            try:
                with pytest.raises(AgentError, match="is there and does not answer"):
                    await AgentClient.connect(agent.state.path, timeout_s=0.5)
            finally:
                os.kill(client.agent_pid, signal.SIGCONT)

    asyncio.run(scenario())


def test_an_agent_leaves_when_it_is_idle_and_a_client_that_comes_meanwhile_gets_one_all_the_same(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "IDLE_EXIT_S", 0.05)

    async def scenario() -> None:
        pids = set()
        for pause_s in (0.0, 0.045, 0.05, 0.055, 0.06, 0.1):
            async with await agent.connect() as client:
                pids.add(client.agent_pid)
                assert (await client.capabilities()).version
            await asyncio.sleep(pause_s)
        assert len(pids) > 1, "at least one of them left in between"

    asyncio.run(scenario())
    wait_until(lambda: not agent.processes(), "the last one leaves as well")
    assert not agent.state.door_socket.exists()


def test_an_agent_stays_while_a_session_lasts(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "IDLE_EXIT_S", 0.05)

    async def scenario() -> None:
        async with await agent.connect() as client:
            deadline = time.monotonic() + 0.5
            while time.monotonic() < deadline:
                assert agent.agents() == [client.agent_pid]
                await asyncio.sleep(0.02)

    asyncio.run(scenario())


def test_a_debugging_agent_logs_every_step(agent: Agent) -> None:
    async def scenario() -> None:
        async with await AgentClient.connect(agent.state.path, debug=True) as client:
            await client.up("c", ["n1"], lease_s=60, isolated=False)
            await client.set_faults("c", 1, [fault("kill", "n1")])

    asyncio.run(scenario())
    log = agent.state.log.read_text()
    for step in (
        "session of process",
        "cluster c is up",
        "generation 1, kill: Steps(begin=frozenset({'n1'})",
        "is down",
    ):
        assert step in log


def test_an_agent_of_another_version_is_refused_with_the_remedy(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            monkeypatch.setattr(session_module, "__version__", "99.0.0")
            with pytest.raises(AgentError, match=f"this client is 99.0.0: .* `kill {client.agent_pid}`"):
                await agent.connect()

    asyncio.run(scenario())


@pytest.fixture
def other_checkout(tmp_path: Path) -> Mapping[str, str]:
    """The environment in which an agent's code is another than ours, of the same version."""
    copy = shutil.copytree(Path(schrodinger_agent.__file__).parent, tmp_path / "schrodinger_agent")
    assert code_digest(copy) == code_digest(), "the same code elsewhere is the same"
    (copy / "burden.py").write_text((copy / "burden.py").read_text() + "# an edit\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def test_an_agent_of_other_code_makes_way_if_it_serves_nobody(agent: Agent, other_checkout: Mapping[str, str]) -> None:
    serve = ["serve", "--detach", "--idle-exit-s", "60", "--state", str(agent.state.path)]
    subprocess.run([sys.executable, "-m", "schrodinger_agent", *serve], check=True, env=other_checkout)
    (other,) = agent.agents()

    async def scenario() -> None:
        async with await agent.connect() as client:
            assert client.agent_pid != other
            assert agent.agents() == [client.agent_pid]

    asyncio.run(scenario())


def test_an_agent_of_other_code_that_serves_others_is_named_and_left_alone(
    agent: Agent, other_checkout: Mapping[str, str]
) -> None:
    holds = [sys.executable, "-c", HOLDS_A_SESSION, str(agent.state.path)]
    with subprocess.Popen(holds, env=other_checkout, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout
        other = int(client.stdout.readline())
        with pytest.raises(AgentError, match=f"process {other}.* is of other code of the same version.*`kill {other}`"):
            asyncio.run(agent.connect())
        assert agent.agents() == [other]
        assert client.stdin
        client.stdin.close()
