"""Nodes of this machine through the local provider: real processes, faults measured from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from schrodinger_agent.injectors.registry import LINK_KINDS
from schrodinger_agent.network import try_network

from schrodinger.cluster import LocalProvider, Node, ProcessExit, ProviderError
from schrodinger.nemesis import Kill, Partition, Pause

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

NAMES = ("n1", "n2", "n3", "n4", "n5")
PORT = 7000
ANSWER_S = 1.0
DEADLINE_S = 10.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "GREETING": "hello"}

GRPC_CLIENTS = Path(__file__).parent / "scenarios" / "grpc_clients.py"

SERVER = """
import asyncio, os, sys
address, port = sys.argv[1], int(sys.argv[2])

async def reach(peer):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(peer, port), 0.5)
    except (OSError, TimeoutError):
        return "unreachable"
    writer.close()
    return "reached"

async def serve(reader, writer):
    while words := (await reader.readline()).decode().split():
        match words:
            case ["greet"]: answer = os.environ["GREETING"]
            case ["environment"]: answer = ",".join(sorted(os.environ))
            case ["directory"]: answer = os.getcwd()
            case ["reach", peer]: answer = await reach(peer)
            case ["exit", status]: os._exit(int(status))
        writer.write(answer.encode() + b"\\n")

async def main():
    async with await asyncio.start_server(serve, address, port) as server:
        print("serving", flush=True)
        await server.serve_forever()

asyncio.run(main())
"""


class Running:
    """A cluster that is up, with a server on every node."""

    def __init__(self, provider: LocalProvider, nodes: tuple[Node, ...]) -> None:
        self.provider = provider
        self.nodes = {node.name: node for node in nodes}

    async def start(self, *names: str) -> None:
        for name in names:
            node = self.nodes[name]
            command = [sys.executable, "-c", SERVER, node.address, str(PORT)]
            await self.provider.spawn(node, command, ENVIRONMENT)
        for name in names:
            await self._serves(name)

    async def ask(self, name: str, question: str) -> str | None:
        """What a node's server answers to this process; ``None`` if it does not."""
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(self.nodes[name].address, PORT)
                with contextlib.closing(writer):
                    writer.write(question.encode() + b"\n")
                    return (await reader.readline()).decode().strip() or None
        except (OSError, TimeoutError):
            return None

    async def _serves(self, name: str) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                if await self.ask(name, "greet") == "hello":
                    return
                await asyncio.sleep(0.02)

    async def reaches(self, source: str, destination: str) -> bool:
        return await self.ask(source, f"reach {self.nodes[destination].address}") == "reached"


@pytest.fixture
def state() -> Iterator[Path]:
    """A short path, because a Unix socket's must be; and an agent for this test alone."""
    path = Path(tempfile.mkdtemp(prefix="schrodinger-"))
    yield path
    shutil.rmtree(path)


@contextlib.asynccontextmanager
async def running(state: Path, *names: str, **options: Any) -> AsyncIterator[Running]:
    provider = LocalProvider("test", state=state, **options)
    try:
        nodes = await provider.up(names, state / "logs")
        cluster = Running(provider, nodes)
        await cluster.start(*names)
        yield cluster
    finally:
        assert await provider.down() == ()


def require_isolation(provider: LocalProvider) -> None:
    if not provider.isolated:
        pytest.skip(f"needs isolated nodes: {provider.degradation}")


def test_five_nodes_come_up_and_the_test_process_reaches_them(state: Path) -> None:
    async def scenario() -> None:
        begin = time.monotonic()
        async with running(state, *NAMES) as cluster:
            print(f"five nodes up and serving after {time.monotonic() - begin:.2f} s", cluster.provider.degradation)
            assert [await cluster.ask(name, "greet") for name in NAMES] == ["hello"] * len(NAMES)
            begin = time.monotonic()
        print(f"down after {time.monotonic() - begin:.2f} s")

    asyncio.run(scenario())


def test_a_process_has_its_nodes_directory_exactly_its_environment_and_its_log(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1") as cluster:
            node = cluster.nodes["n1"]
            assert await cluster.ask("n1", "directory") == str(node.data)
            environment = await cluster.ask("n1", "environment")
            assert environment is not None
            assert set(environment.split(",")) - {"LC_CTYPE"} == set(ENVIRONMENT)
            assert node.log == state / "logs" / "n1" / "node.log"
            assert node.log.read_text() == "serving\n"

    asyncio.run(scenario())


def test_a_partition_cuts_nodes_off_from_each_other_but_not_from_the_clients(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", "n2", "n3") as cluster:
            require_isolation(cluster.provider)
            fault = Partition(frozenset({("n1", "n2"), ("n2", "n1")}))

            observed = await cluster.provider.set_faults({"0": fault})

            assert [(entry.id, entry.in_force, entry.error) for entry in observed.in_force] == [("0", True, "")]
            assert not await cluster.reaches("n1", "n2")
            assert not await cluster.reaches("n2", "n1")
            assert await cluster.reaches("n1", "n3")
            assert await cluster.ask("n2", "greet") == "hello"

            lifted = (await cluster.provider.set_faults({})).lifted

            assert await cluster.reaches("n1", "n2")
            assert lifted[0].evidence["packets_dropped"] > 0

    asyncio.run(scenario())


def test_a_killed_node_is_silent_and_cannot_be_started_until_the_fault_is_lifted(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", "n2") as cluster:
            await cluster.provider.set_faults({"0": Kill(frozenset({"n1"}))})

            exit_ = await anext(cluster.provider.exits())
            assert (exit_.node, exit_.status, exit_.expected) == ("n1", -signal.SIGKILL, True)
            assert await cluster.ask("n1", "greet") is None
            assert await cluster.ask("n2", "greet") == "hello"
            with pytest.raises(ProviderError, match="lift the fault first"):
                await cluster.start("n1")

            await cluster.provider.set_faults({})
            await cluster.start("n1")

    asyncio.run(scenario())


def test_a_paused_node_does_not_answer_and_goes_on_afterwards(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", "n2") as cluster:
            await cluster.provider.set_faults({"0": Pause(frozenset({"n1"}))})
            assert await cluster.ask("n1", "greet") is None
            assert await cluster.ask("n2", "greet") == "hello"

            await cluster.provider.set_faults({})
            assert await cluster.ask("n1", "greet") == "hello"

    asyncio.run(scenario())


def test_overlapping_faults_end_one_at_a_time(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", "n2") as cluster:
            long, short = Pause(frozenset({"n1"})), Pause(frozenset({"n1", "n2"}))
            await cluster.provider.set_faults({"long": long, "short": short})

            observed = await cluster.provider.set_faults({"long": long})

            assert [entry.id for entry in observed.lifted] == ["short"]
            assert await cluster.ask("n1", "greet") is None
            assert await cluster.ask("n2", "greet") == "hello"

    asyncio.run(scenario())


def test_a_process_that_ends_by_itself_is_reported_as_unexpected(state: Path) -> None:
    async def scenario() -> ProcessExit:
        async with running(state, "n1") as cluster:
            await cluster.ask("n1", "exit 3")
            return await anext(cluster.provider.exits())

    exit_ = asyncio.run(scenario())

    assert (exit_.node, exit_.status, exit_.expected) == ("n1", 3, False)


def test_an_orderly_stop_is_expected(state: Path) -> None:
    async def scenario() -> ProcessExit:
        async with running(state, "n1") as cluster:
            await cluster.provider.stop(cluster.nodes["n1"], grace_s=5)
            return await anext(cluster.provider.exits())

    exit_ = asyncio.run(scenario())

    assert (exit_.node, exit_.expected) == ("n1", True)


def test_without_isolation_nodes_are_on_loopback_and_partitions_are_refused(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", "n2", isolated=False) as cluster:
            provider = cluster.provider
            assert not provider.isolated
            assert "isolation was turned off" in provider.degradation
            available = {entry.name: entry.available for entry in await provider.capabilities() if entry.is_fault}
            assert available["kill"]
            assert available["pause"]
            assert not any(available[kind] for kind in ("partition", *LINK_KINDS))
            assert len({node.address for node in cluster.nodes.values()}) == 2
            assert all(node.address.startswith("127.") for node in cluster.nodes.values())

            with pytest.raises(ProviderError, match="partition"):
                await provider.set_faults({"0": Partition(frozenset({("n1", "n2")}))})
            await provider.set_faults({"0": Kill(frozenset({"n1"}))})
            assert await cluster.ask("n1", "greet") is None
            assert await cluster.ask("n2", "greet") == "hello"

    asyncio.run(scenario())


def test_two_clusters_live_side_by_side(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", isolated=False) as first:
            second = LocalProvider("second", state=state, isolated=False)
            (node,) = await second.up(["n1"], state / "second")
            assert node.address != first.nodes["n1"].address
            assert await second.down() == ()
            assert await first.ask("n1", "greet") == "hello"

    asyncio.run(scenario())


def test_the_lease_is_renewed_for_as_long_as_the_cluster_is_wanted(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", lease_s=0.5) as cluster:
            end = time.monotonic() + 2
            while time.monotonic() < end:
                assert await cluster.ask("n1", "greet") == "hello"
                await asyncio.sleep(0.1)

    asyncio.run(scenario())


def test_a_lease_that_lapsed_ends_the_cluster_with_a_clear_error(state: Path) -> None:
    async def scenario() -> None:
        async with running(state, "n1", lease_s=0.5) as cluster:
            exits = cluster.provider.exits()
            time.sleep(1.5)  # noqa: ASYNC251 - a controller that hangs

            with pytest.raises(ProviderError, match="cluster test"):
                await drain(exits)
            with pytest.raises(ProviderError, match="lease lapsed"):
                await cluster.provider.set_faults({})

    asyncio.run(scenario())


def test_when_the_agent_is_killed_everyone_learns_it_and_nothing_is_left(state: Path) -> None:
    home = Path("/proc/thread-self/ns/net").readlink()

    async def scenario() -> None:
        async with running(state, "n1", "n2") as cluster:
            provider = cluster.provider
            waiting = asyncio.create_task(drain(provider.exits()))
            assert provider._agent is not None
            os.kill(provider._agent.agent_pid, signal.SIGKILL)

            with pytest.raises(ProviderError, match="its agent died"):
                await asyncio.wait_for(waiting, DEADLINE_S)
            with pytest.raises(ProviderError, match="its agent died"):
                await provider.set_faults({"0": Kill(frozenset({"n1"}))})

    asyncio.run(scenario())

    assert Path("/proc/thread-self/ns/net").readlink() == home
    assert processes_that_mention(str(state / "clusters")) == []
    assert list((state / "clusters").iterdir()) == []


def test_down_may_come_before_up_and_more_than_once(state: Path) -> None:
    async def scenario() -> None:
        provider = LocalProvider("test", state=state)
        assert await provider.down() == ()
        with pytest.raises(ProviderError, match="not up"):
            await provider.set_faults({})
        await provider.up(["n1"], state / "logs")
        assert await provider.down() == ()
        assert await provider.down() == ()

    asyncio.run(scenario())


def test_what_the_agent_refuses_is_said_in_its_words(state: Path) -> None:
    async def scenario() -> None:
        provider = LocalProvider("Not A Name", state=state)
        with pytest.raises(ProviderError, match="is not a name"):
            await provider.up(["n1"], state / "logs")
        assert await provider.down() == ()

    asyncio.run(scenario())


def test_grpc_clients_reach_the_nodes_of_one_run_and_of_the_next(state: Path) -> None:
    trial = try_network()
    if not trial.available:
        pytest.skip(f"needs isolated nodes: {trial.reason}; {trial.remedy}")

    run = subprocess.run([sys.executable, GRPC_CLIENTS, str(state)], capture_output=True, text=True, check=False)

    assert run.stdout == "run 1\nrun 2\n", run.stderr


def test_without_privileges_nodes_are_on_loopback_and_kill_and_pause_still_bite() -> None:
    selected = "five_nodes or killed_node or paused_node or by_itself"
    pytest_again = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", "-k", selected, __file__]
    unprivileged = ["setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-sys_admin,-net_admin"]

    run = subprocess.run(
        [*(unprivileged if os.geteuid() == 0 else []), *pytest_again], capture_output=True, text=True, check=False
    )

    assert "4 passed" in run.stdout, run.stdout
    assert "without partitions and other faults of the network" in run.stdout
    assert "Operation not permitted" in run.stdout


async def drain(exits: AsyncIterator[ProcessExit]) -> None:
    async for _ in exits:
        pass


def processes_that_mention(text: str) -> list[str]:
    """Processes whose working directory is below a path: a node's processes begin there."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith(text):
                found.append(str(link))
    return found
