"""Starting, watching, stopping and reading what runs in a target."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError, ProcessEnd

from tests.integration.agents import (
    DAEMON,
    ENVIRONMENT,
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
    from collections.abc import AsyncIterator, Iterator

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp

    from tests.integration.agents import Agent


@pytest.fixture
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        yield private


@asynccontextmanager
async def cluster(agent: Agent, *, isolated: bool = False) -> AsyncIterator[tuple[AgentClient, ClusterUp]]:
    async with await agent.connect() as client:
        if isolated:
            await require_isolation(client)
        yield client, await client.up("c", ["n1", "n2", "n3"], lease_s=60, isolated=isolated)


def test_a_process_gets_its_arguments_its_environment_its_directory_and_its_output(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            data = up.targets[0].data
            (data / "output").write_text("kept\n")
            await client.spawn(
                "c",
                "n1",
                ["/bin/sh", "-c", 'echo "$@"; env; pwd; echo oops >&2', "sh", "a b", "$HOME", "; c"],
                environment={"ONLY": "this"},
                directory=data,
                output=data / "output",
            )
            wait_until(lambda: "oops" in (data / "output").read_text(), "it has written everything")
            lines = (await client.fetch("c", "n1", "output")).decode().splitlines()
            assert lines[:2] == ["kept", "a b $HOME ; c"]
            assert "ONLY=this" in lines
            assert {line.split("=")[0] for line in lines if "=" in line} <= {"ONLY", "PWD", "_", "SHLVL", "OLDPWD"}
            assert str(data) in lines

    asyncio.run(scenario())


def test_an_isolated_target_sees_only_its_own_processes_and_its_own_link(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=True) as (client, up):
            await spawn(client, up, "n1", "ls /proc | grep -c '^[0-9]'; cat /proc/net/dev; exec sleep 1000")
            output = up.targets[0].data / "output"
            wait_until(lambda: "eth0" in output.read_text(), "it has looked around")
            lines = output.read_text().splitlines()
            assert int(lines[0]) <= 5, "init, the shell, and the pipe's two ends"
            assert {name for line in lines if (name := line.partition(":")[0].strip()) in {"lo", "eth0"}} == {
                "lo",
                "eth0",
            }
            assert len([line for line in lines if ":" in line]) == 2

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of another user")
@pytest.mark.parametrize("isolated", [False, True])
def test_programs_of_another_user_own_their_data_and_open_nothing_else(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=isolated) as (client, up):
            data = up.targets[0].data
            output = data.with_name("output")
            await client.store("c", "n1", "settings", b"kept\n")
            mine = f"id -un; cat {data}/settings; stat --format %U . settings; echo more >> settings"
            others = f"cat {agent.state.journal}; cat {agent.state.log}; ls {agent.state.path}; touch {data.parent}/x"
            await client.spawn(
                "c",
                "n1",
                ["/bin/sh", "-c", f"{mine}; {others}; echo seen; exec sleep 1000"],
                [["/bin/sh", "-c", "id -un > companion; exec sleep 1000"]],
                environment=ENVIRONMENT,
                directory=data,
                output=output,
                user="nobody",
            )
            wait_until(lambda: "seen" in output.read_text(), "it has looked around")
            own, denied = output.read_text().splitlines()[:4], output.read_text().splitlines()[4:-1]
            assert own == ["nobody", "kept", "nobody", "nobody"]
            assert len(denied) == 4
            assert all("Permission denied" in line for line in denied)
            wait_until(lambda: (data / "companion").read_text() == "nobody\n", "the companion is of the same user")
            assert (await client.stop("c", "n1", grace_s=5)).was_running

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of another user")
def test_a_user_whom_nobody_knows_is_refused(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            data = up.targets[0].data
            with pytest.raises(AgentError, match="user is 'no-such-user', whom this machine does not know"):
                await client.spawn(
                    *("c", "n1", ["/bin/true"]),
                    environment={},
                    directory=data,
                    output=data / "output",
                    user="no-such-user",
                )

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["/no/such/program"], "no such file or directory: /no/such/program"),
        (["no-such-program"], "no such file or directory: no-such-program"),
        (["/etc/passwd"], "permission denied: /etc/passwd"),
        ([], "give the program and its arguments"),
    ],
)
def test_a_program_that_cannot_be_executed_is_an_error_of_the_spawn(
    agent: Agent, argv: list[str], complaint: str
) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            data = up.targets[0].data
            with pytest.raises(AgentError, match=re.escape(complaint)) as refused:
                await client.spawn("c", "n1", argv, environment=ENVIRONMENT, directory=data, output=data / "output")
            assert refused.value.code == "INVALID_ARGUMENT"
            await spawn(client, up, "n1", SLEEP)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("argument", "environment", "complaint"),
    [
        ("a\0b", {}, "has a zero byte"),
        ("a", {"A=B": "c"}, "'A=B', which is no variable's name"),
        ("a", {"A": "x" * (1 << 21)}, "too large together"),
    ],
    ids=["zero byte", "name of a variable", "size"],
)
def test_arguments_that_no_program_could_get_are_refused(
    agent: Agent, argument: str, environment: dict[str, str], complaint: str
) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            data = up.targets[0].data
            with pytest.raises(AgentError, match=complaint) as refused:
                await client.spawn(
                    "c", "n1", ["true", argument], environment=environment, directory=data, output=data / "output"
                )
            assert refused.value.code == "INVALID_ARGUMENT"
            await spawn(client, up, "n1", SLEEP)

    asyncio.run(scenario())


def test_a_directory_or_output_that_is_not_there_is_named(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            data = up.targets[0].data
            for directory, output, complaint in [
                (data / "nowhere", data / "output", f"no such file or directory: {data}/nowhere"),
                (data, data / "nowhere" / "output", "output .* cannot be opened"),
                (Path("here"), data / "output", "directory is 'here': give an absolute path"),
            ]:
                with pytest.raises(AgentError, match=complaint):
                    await client.spawn("c", "n1", ["true"], environment=ENVIRONMENT, directory=directory, output=output)

    asyncio.run(scenario())


def test_a_target_runs_one_database_at_a_time(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            first = await spawn(client, up, "n1", SLEEP)
            with pytest.raises(AgentError, match=f"runs process {first.pid} already: stop it first"):
                await spawn(client, up, "n1", SLEEP)

    asyncio.run(scenario())


def test_the_pid_that_a_spawn_returns_is_the_hosts(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            spawned = await spawn(client, up, "n1", SLEEP)
            assert SLEEP in agent.processes()[spawned.pid]

    asyncio.run(scenario())


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "loopback"])
def test_a_stop_is_orderly_where_it_can_be_and_takes_daemons_along(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=isolated) as (client, up):
            await spawn(client, up, "n1", DAEMON)
            grows(up.targets[0].data)
            stopped = await client.stop("c", "n1", grace_s=10)
            assert (stopped.was_running, stopped.killed) == (True, False)
            assert not [line for line in agent.processes().values() if str(up.targets[0].data) in line]
            assert not (await client.stop("c", "n1", grace_s=10)).was_running

    asyncio.run(scenario())


def test_a_stop_kills_what_does_not_end_within_its_grace(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await spawn(client, up, "n1", f"echo up; {STUBBORN}")
            wait_until(lambda: (up.targets[0].data / "output").read_text() == "up\n", "it ignores SIGTERM by now")
            stopped = await client.stop("c", "n1", grace_s=0.2)
            assert (stopped.was_running, stopped.killed) == (True, True)

    asyncio.run(scenario())


def test_the_end_of_a_process_is_told_once_and_says_whether_it_was_expected(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            for name, program in [("n1", "exit 7"), ("n2", "kill -USR2 $$"), ("n3", SLEEP)]:
                await spawn(client, up, name, program)

            async def watch() -> list[ProcessEnd]:
                return [end async for end in client.watch("c")]

            watching = asyncio.create_task(watch())
            await client.set_faults("c", 1, [fault("kill", "n3")])
            await client.set_faults("c", 2, [])
            await spawn(client, up, "n3", SLEEP)
            await client.stop("c", "n3", grace_s=5)
            await spawn(client, up, "n3", SLEEP)
            assert await client.down("c") == ()
            ends = {(end.target, end.incarnation): (end.status, end.expected) for end in await watching}
            assert ends == {
                ("n1", 1): (7, False),
                ("n2", 1): (-signal.SIGUSR2, False),
                ("n3", 1): (-signal.SIGKILL, True),
                ("n3", 2): (-signal.SIGTERM, True),
                ("n3", 3): (-signal.SIGKILL, True),
            }

    asyncio.run(scenario())


def test_fetch_reads_only_what_is_in_the_data_directory(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            data = up.targets[0].data
            (data / "large").write_bytes(bytes(range(256)) * 2000)
            assert await client.fetch("c", "n1", "large") == bytes(range(256)) * 2000
            (data / "way-out").symlink_to("/etc/passwd")
            for path in ("../../n2/data/x", "/etc/passwd", "way-out"):
                with pytest.raises(AgentError, match="leads out of the data directory"):
                    await client.fetch("c", "n1", path)
            with pytest.raises(AgentError, match="cannot be read") as missing:
                await client.fetch("c", "n1", "missing")
            assert missing.value.code == "NOT_FOUND"
            os.mkfifo(data / "pipe")
            with pytest.raises(AgentError, match="is no regular file"):
                await client.fetch("c", "n1", "pipe")

    asyncio.run(scenario())


def test_what_is_stored_in_a_data_directory_is_there_and_nowhere_else(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            await client.store("c", "n1", "configuration", b"first, and longer\n")
            await client.store("c", "n1", "configuration", b"port 1\n")
            assert await client.fetch("c", "n1", "configuration") == b"port 1\n"
            outside = up.targets[0].data / "elsewhere"
            outside.symlink_to("/etc/passwd")
            with pytest.raises(AgentError, match="'elsewhere' of target n1 could not be written"):
                await client.store("c", "n1", "elsewhere", b"x")
            for name in ("../x", "/x", "", "."):
                with pytest.raises(AgentError, match="is no file's: give one without slashes"):
                    await client.store("c", "n1", name, b"x")

    asyncio.run(scenario())


@pytest.mark.parametrize("isolated", [True, False])
def test_a_node_of_several_programs_ends_with_the_first_of_them(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=isolated) as (client, up):
            data = up.targets[0].data
            ends = client.watch("c")
            for number, (database_s, companion_s, status) in enumerate([("1000", "0.2", 7), ("0.2", "1000", 8)], 1):
                await client.spawn(
                    *("c", "n1", ["/bin/sh", "-c", f"sleep {database_s}; exit 8"]),
                    [["/bin/sh", "-c", f"sleep {companion_s}; exit 7"]],
                    environment=ENVIRONMENT,
                    directory=data,
                    output=data / "output",
                )
                end = await anext(ends)
                assert (end.incarnation, end.status, end.expected) == (number, status, False)

    asyncio.run(scenario())


def test_an_orderly_end_leaves_every_program_its_time(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=True) as (client, up):
            data = up.targets[0].data
            slow = "trap 'sleep 0.3; echo done > orderly; exit 0' TERM; echo > ready; while :; do sleep 0.05; done"
            await client.spawn(
                *("c", "n1", ["/bin/sh", "-c", slow], [["/bin/sleep", "1000"]]),
                environment=ENVIRONMENT,
                directory=data,
                output=data / "output",
            )
            wait_until((data / "ready").exists, "it listens for SIGTERM")
            stopped = await client.stop("c", "n1", grace_s=5)
            assert (stopped.was_running, stopped.killed) == (True, False)
            assert (data / "orderly").read_text() == "done\n"

    asyncio.run(scenario())


def test_a_companion_that_cannot_be_executed_is_an_error_of_the_spawn(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent) as (client, up):
            data = up.targets[0].data
            for companion, complaint in ((["/no/such/program"], "/no/such/program"), ([], "give the program")):
                with pytest.raises(AgentError, match=complaint) as refused:
                    await client.spawn(
                        *("c", "n1", ["/bin/sleep", "1000"], [companion]),
                        environment=ENVIRONMENT,
                        directory=data,
                        output=data / "output",
                    )
                assert refused.value.code == "INVALID_ARGUMENT"
            await spawn(client, up, "n1", SLEEP)

    asyncio.run(scenario())
