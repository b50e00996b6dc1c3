"""Programs of this machine inside a node, from its Python side: where the node lives, its signals, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.agents import SLEEP, Agent, private_agent, require_isolation, spawn

if TYPE_CHECKING:
    from collections.abc import Iterator

HELPER = [sys.executable, "-m", "schrodinger_native.entering"]


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        yield private


async def output(command: list[str]) -> str:
    return await asyncio.to_thread(subprocess.check_output, command, text=True)


def test_a_program_inside_a_node_sees_its_network_and_its_processes(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            await require_isolation(client)
            up = await client.up("c", ["n1", "n2"], lease_s=60, isolated=True)
            spawned = await spawn(client, up, "n1", SLEEP)
            look = [*HELPER, str(spawned.pid), "--", "sh", "-c"]
            addresses = await output([*look, "cat /proc/net/fib_trie"])
            assert up.targets[0].address in addresses.split()
            assert up.targets[1].address not in addresses.split()
            numbers = await output([*look, "cd /proc; echo [0-9]*"])
            assert len(numbers.split()) < 10, "only the node's processes, and ours"

    asyncio.run(scenario())


def test_a_program_inside_ends_with_its_helper_and_the_helper_as_it_does() -> None:
    inside = [*HELPER, str(os.getpid()), "--", "sh", "-c"]
    assert subprocess.run([*inside, "exit 9"], check=False).returncode == 9
    with subprocess.Popen([*inside, "echo $$; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as helper:
        assert helper.stdout
        assert helper.stdout.readline()
        helper.send_signal(signal.SIGTERM)
        assert helper.stdout.read() == b"", "the program, which held it open, is gone"
        assert helper.wait() == -signal.SIGTERM


def test_what_is_wrong_is_said_in_one_line() -> None:
    ended = subprocess.run([*HELPER, "1"], capture_output=True, text=True, check=False)
    assert ended.returncode == 125
    assert ended.stderr.startswith("schrodinger-enter: a program, behind --, is missing; use: schrodinger-enter TARGET")
    assert ended.stderr.count("\n") == 1
