"""The client of the Redis suite, against real servers: what certainly did not happen is a failure, nothing else is."""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from schrodinger.cluster import Cluster, Node, Unavailable, find_binary, load_suite
from schrodinger.operations import (
    Add,
    Append,
    Cas,
    Dequeue,
    Drain,
    Enqueue,
    Increment,
    Outcome,
    Read,
    ReadAll,
    ReadKey,
    Transaction,
    Write,
)
from schrodinger.workloads import Indeterminate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from schrodinger.operations import Operation
    from schrodinger.workloads import Client

SUITE = load_suite("suites/redis")
OPTIONS = {"appendfsync": "everysec", "failover": "no", "reads": "primary"}
READY_S = 20.0


class Servers:
    """A primary, and a replica, on loopback addresses of their own."""

    def __init__(self, home: Path, count: int) -> None:
        names = [f"n{number}" for number in range(1, count + 1)]
        nodes = tuple(Node(name, f"127.63.79.{name[1:]}", home / name, home / f"{name}.log") for name in names)
        self.cluster = Cluster(nodes, OPTIONS)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self.binary = find_binary(SUITE.database.sources, None)
        except Unavailable as reason:
            pytest.skip(str(reason))

    def start(self, name: str, stack: ExitStack) -> None:
        node, database = self.cluster[name], SUITE.database
        node.data.mkdir()
        for file, content in database.files(node, self.cluster).items():
            (node.data / file).write_text(content)
        with node.log.open("wb") as log:
            command = database.command(self.binary, node, self.cluster)
            self.processes[name] = stack.enter_context(subprocess.Popen(command, stdout=log))
        stack.callback(self.processes[name].kill)

    async def ready(self) -> None:
        deadline = time.monotonic() + READY_S
        for node in self.cluster.nodes:
            while not await self._is_ready(node):
                assert time.monotonic() < deadline, node.log.read_text()
                await asyncio.sleep(0.02)

    async def _is_ready(self, node: Node) -> bool:
        try:
            return await SUITE.database.ready(node, self.cluster)
        except (OSError, Indeterminate):
            return False

    async def client(self, name: str, **options: str) -> Client:
        client = SUITE.workloads[0].client()
        await client.open(self.cluster[name], OPTIONS | options)
        return client


@asynccontextmanager
async def servers(home: Path, count: int = 1) -> AsyncIterator[Servers]:
    """So many servers, ready."""
    with ExitStack() as stack:
        made = Servers(home, count)
        for node in made.cluster.nodes:
            made.start(node.name, stack)
        await made.ready()
        yield made


def test_operations_do_and_see_what_they_say(tmp_path: Path) -> None:
    script: list[tuple[Operation, Outcome, object]] = [
        (Read(1), Outcome.OK, None),
        (Write(1, 5), Outcome.OK, 5),
        (Cas(1, 6, 7), Outcome.FAIL, None),
        (Cas(1, 5, 7), Outcome.OK, None),
        (Read(1), Outcome.OK, 7),
        (Increment(2), Outcome.OK, 1),
        (Increment(2), Outcome.OK, 2),
        (Add(3), Outcome.OK, 3),
        (ReadAll(), Outcome.OK, (3,)),
        (Dequeue(), Outcome.OK, None),
        (Enqueue(8), Outcome.OK, 8),
        (Enqueue(9), Outcome.OK, 9),
        (Dequeue(), Outcome.OK, 8),
        (Drain(), Outcome.OK, (9,)),
        (Drain(), Outcome.OK, ()),
    ]

    async def scenario() -> None:
        async with servers(tmp_path) as made:
            client = await made.client("n1")
            for operation, outcome, value in script:
                completion = await client.invoke(operation)
                assert completion.outcome is outcome, operation
                assert operation.f in ("write", "cas", "add", "enqueue") or completion.value == value, operation
            transaction = Transaction((Append(1, 4), ReadKey(1), Append(1, 5), ReadKey(2)))
            done = await client.invoke(transaction)
            assert done == transaction.done([(4,), ()])
            await client.close()

    asyncio.run(scenario())


def test_what_a_replica_refuses_has_certainly_not_happened(tmp_path: Path) -> None:
    refused: list[Operation] = [
        Write(1, 6),
        Cas(1, 5, 6),
        Add(6),
        Increment(2),
        Enqueue(6),
        Drain(),
        Transaction((Append(1, 6), ReadKey(1))),
    ]

    async def scenario() -> None:
        async with servers(tmp_path, 2) as made:
            client, reader = await made.client("n2"), await made.client("n1")
            await client.invoke(Write(1, 5))
            await demote(client, made)
            for operation in refused:
                with pytest.raises(client.certain_failures, match="READONLY"):
                    await client.invoke(operation)
            for operation, value in ((Read(1), 5), (ReadAll(), ()), (Read(2), None)):
                assert (await reader.invoke(operation)).value == value
            await client.close()
            await reader.close()

    async def demote(client: Client, made: Servers) -> None:
        """Behind the client's back the primary becomes a replica, as after a failover."""
        await client.primary.ask("REPLICAOF", made.cluster["n2"].address, 6379)  # type: ignore[attr-defined]

    asyncio.run(scenario())


def test_a_client_goes_to_the_primary_wherever_it_is_opened_and_reads_where_it_was_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with servers(tmp_path, 2) as made:
            assert await SUITE.database.leaders(made.cluster) == ["n1"]  # type: ignore[attr-defined]
            writer, nearest = await made.client("n2"), await made.client("n2", reads="nearest")
            assert (await writer.invoke(Write(1, 5))).outcome is Outcome.OK
            assert await writer.primary.ask("WAIT", 1, 0) == 1, "it is at the replica"  # type: ignore[attr-defined]
            made.processes["n1"].kill()
            made.processes["n1"].wait()
            assert (await nearest.invoke(Read(1))).value == 5
            with pytest.raises(ConnectionError):
                await writer.invoke(Read(1))
            with pytest.raises(ConnectionError):
                await made.client("n2")
            await writer.close()
            await nearest.close()

    asyncio.run(scenario())


def test_a_connection_that_breaks_leaves_the_end_of_a_write_unknown(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with servers(tmp_path) as made:
            client = await made.client("n1")
            made.processes["n1"].kill()
            made.processes["n1"].wait()
            with pytest.raises(ConnectionError) as broken:
                await client.invoke(Write(1, 6))
            assert not isinstance(broken.value, client.certain_failures)
            await client.close()

    asyncio.run(scenario())
