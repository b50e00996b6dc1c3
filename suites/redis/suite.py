"""Redis: registers, a set, lists, a queue, logs and counters; alone, or a primary with replicas and Sentinels.

Redis promises little, and says so; each of these is a setting in which a checker must find something, or must not:

- ``--appendfsync``: a write is acknowledged once its log is synced (``always``), up to two seconds earlier
  (``everysec``, the default), or without any sync (``no``). What was not synced a loss of power takes back.
  https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
- Replication is asynchronous. With ``--failover yes`` a Sentinel beside each node promotes a replica when most of them
  miss the primary, and what only the old one had is gone: "there is always a window for losing acknowledged writes".
  https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
- ``--reads nearest`` asks the client's own node, a replica perhaps, which may be behind.

A client finds the primary as Sentinel's guidelines have it: it asks the Sentinel of its node (without Sentinels, the
node itself), and then the node that it was told whether it is one. It never retries. A request is ``fail`` only when
Redis says that it was refused; a connection that breaks leaves its end unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import hiredis

from schrodinger import Client, Cluster, Database, Indeterminate, Node, OnPath, Suite, checkers, workloads
from schrodinger.operations import (
    Add,
    Append,
    Assign,
    Cas,
    Completion,
    Dequeue,
    Drain,
    Enqueue,
    Generate,
    Increment,
    Operation,
    Poll,
    PollAll,
    Read,
    ReadAll,
    ReadKey,
    Send,
    Transaction,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

PORT, SENTINEL_PORT = 6379, 26379
PRIMARY = "primary"
"""The name by which Sentinels know the primary, whichever node that is."""

DOWN_MS, FAILOVER_MS = 1000, 2000
"""When a Sentinel takes the primary for lost, and how long it tries to replace it: several times in a short run."""

ROLE_S = 1.0
"""A node that does not say within this who leads is not waited for."""

REFUSALS = ("READONLY", "NOREPLICAS", "LOADING", "MASTERDOWN", "MISCONF", "OOM")
"""Errors with which a command is turned away before any of it is done."""

BROKEN = "=== REDIS BUG REPORT"
"""What Redis logs when it crashes."""

SWAP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0"


class Redis(Database):
    """``n1`` begins as the primary. What replaces it later is in the files that Redis and Sentinel rewrite."""

    sources = (OnPath("redis-server", package="redis-server"),)
    options = {
        "appendfsync": ("everysec", "always", "no"),
        "failover": ("yes", "no"),
        "reads": ("primary", "nearest"),
    }

    def command(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[str]:
        return [str(binary), str(node.data / "redis.conf")]

    def companions(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[Sequence[str]]:
        return [[str(binary), str(node.data / "sentinel.conf"), "--sentinel"]] if _has_sentinels(cluster) else []

    def files(self, node: Node, cluster: Cluster) -> Mapping[str, str]:
        files = {"redis.conf": self._redis(node, cluster)}
        if _has_sentinels(cluster):
            files["sentinel.conf"] = self._sentinel(node, cluster)
        return {name: "\n".join([*lines, ""]) for name, lines in files.items()}

    def _redis(self, node: Node, cluster: Cluster) -> Sequence[str]:
        first = cluster.nodes[0]
        return [
            f"bind {node.address}",
            f"port {PORT}",
            f"dir {node.data}",
            "protected-mode no",
            "appendonly yes",
            'save ""',
            f"appendfsync {cluster.options['appendfsync']}",
            "repl-diskless-sync-delay 0",
            "repl-ping-replica-period 1",
            "repl-timeout 5",
            *([] if node == first else [f"replicaof {first.address} {PORT}"]),
        ]

    def _sentinel(self, node: Node, cluster: Cluster) -> Sequence[str]:
        """It knows all others from the beginning; by itself it would find replicas only after ten seconds."""
        first, *replicas = cluster.nodes
        ids = {member: f"{number:040x}" for number, member in enumerate(cluster.nodes, start=1)}
        return [
            f"bind {node.address}",
            f"port {SENTINEL_PORT}",
            f"dir {node.data}",
            "protected-mode no",
            f"sentinel myid {ids[node]}",
            f"sentinel monitor {PRIMARY} {first.address} {PORT} {len(cluster.nodes) // 2 + 1}",
            f"sentinel down-after-milliseconds {PRIMARY} {DOWN_MS}",
            f"sentinel failover-timeout {PRIMARY} {FAILOVER_MS}",
            f"sentinel parallel-syncs {PRIMARY} {len(cluster.nodes)}",
            *(f"sentinel known-replica {PRIMARY} {replica.address} {PORT}" for replica in replicas),
            *(
                f"sentinel known-sentinel {PRIMARY} {member.address} {SENTINEL_PORT} {ids[member]}"
                for member in cluster.nodes
                if member != node
            ),
        ]

    def data_directory(self, node: Node) -> Path:
        return node.data

    async def ready(self, node: Node, cluster: Cluster) -> bool:
        """It has all data, and its Sentinel agrees with it who is the primary, and could replace it."""
        role = await _role(node)
        if not role.linked or not _has_sentinels(cluster):
            return role.linked
        async with asyncio.timeout(ROLE_S), _connected(node.address, SENTINEL_PORT) as sentinel:
            named = await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY)
            await sentinel.ask("SENTINEL", "CKQUORUM", PRIMARY)
        return bool(named[0] == (role.primary or node.address))

    async def leaders(self, cluster: Cluster) -> Sequence[str]:
        """Nodes that say they are the primary: first the one that most others replicate."""
        roles = await asyncio.gather(*(_role(node) for node in cluster.nodes), return_exceptions=True)
        known = [(node, role) for node, role in zip(cluster.nodes, roles, strict=True) if isinstance(role, Role)]
        followed = [role.primary for _, role in known]
        primaries = [node for node, role in known if role.primary is None]
        return [node.name for node in sorted(primaries, key=lambda node: -followed.count(node.address))]


class Role(NamedTuple):
    """What a node says it is: a replica of ``primary``, linked to it or not; the primary where that is ``None``."""

    primary: str | None
    linked: bool


class Refused(Exception):
    """Redis turned a command away: it did not happen."""


class RedisClient(Client):
    """Keeps one connection to the primary, and one to its own node where that answers reads."""

    certain_failures = (Refused,)
    expected_errors = (hiredis.ProtocolError,)  # an answer that was corrupted on its way

    async def open(self, node: Node, options: Mapping[str, str]) -> None:
        self.connections = contextlib.AsyncExitStack()
        if options["failover"] == "yes":
            async with _connected(node.address, SENTINEL_PORT) as sentinel:
                primary = (await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY))[0]
        else:
            primary = (await _role(node)).primary or node.address
        self.primary = await self.connections.enter_async_context(_connected(primary, PORT))
        if (await self.primary.ask("ROLE"))[0] != "master":
            raise ConnectionError(f"{primary} is not the primary")
        self.reader = self.primary
        self.positions: dict[int, int] = {}
        if options["reads"] == "nearest":
            self.reader = await self.connections.enter_async_context(_connected(node.address, PORT))

    async def close(self) -> None:
        await self.connections.aclose()

    async def invoke(self, operation: Operation) -> Completion:
        ask = self.primary.ask
        match operation:
            case Read(key):
                return operation.ok(_number(await self.reader.ask("GET", f"r/{key}")))
            case Write(key, value):
                await ask("SET", f"r/{key}", value)
                return operation.ok()
            case Cas(key, old, new):
                is_swapped = await ask("EVAL", SWAP, 1, f"r/{key}", old, new)
                return operation.ok() if is_swapped else operation.fail("not equal")
            case Add(element):
                await ask("SADD", "set", element)
                return operation.ok()
            case ReadAll():
                return operation.ok(tuple(int(element) for element in await self.reader.ask("SMEMBERS", "set")))
            case Transaction():
                return await self._transact(operation)
            case Increment(key):
                return operation.ok(await ask("INCR", f"r/{key}"))
            case Generate():
                return operation.ok(await ask("INCR", "ids"))
            case Enqueue(element):
                await ask("RPUSH", "queue", element)
                return operation.ok()
            case Dequeue():
                return operation.ok(_number(await ask("LPOP", "queue")))
            case Drain():
                left, _ = await self.primary.at_once(("LRANGE", "queue", 0, -1), ("DEL", "queue"))
                return operation.ok(tuple(int(element) for element in left))
            case Assign(logs):
                self.positions = dict.fromkeys(logs, 0)
                return operation.ok()
            case Send(log, element):
                return operation.sent(await ask("RPUSH", f"log/{log}", element) - 1)
            case Poll():
                return operation.polled(await self._poll()) if self.positions else operation.fail("nothing assigned")
            case PollAll(logs):
                self.positions = dict.fromkeys(logs, 0)
                return operation.polled(await self._poll())
        raise TypeError(f"redis has no {operation}")

    async def _poll(self) -> dict[int, list[tuple[int, int]]]:
        """What follows in each log; an element's place in its list is its offset."""
        messages = {}
        for log, position in self.positions.items():
            elements = await self.reader.ask("LRANGE", f"log/{log}", position, -1)
            messages[log] = list(enumerate(map(int, elements), start=position))
            self.positions[log] = position + len(elements)
        return messages

    async def _transact(self, transaction: Transaction) -> Completion:
        """All steps between MULTI and EXEC, on the primary."""
        commands: list[tuple[str | int, ...]] = []
        for step in transaction.steps:
            match step:
                case ReadKey(key):
                    commands.append(("LRANGE", f"l/{key}", 0, -1))
                case Append(key, element):
                    commands.append(("RPUSH", f"l/{key}", element))
                case _:
                    raise TypeError(f"redis has no {step}")
        answers = await self.primary.at_once(*commands)
        return transaction.done(
            [
                tuple(int(element) for element in answer)
                for step, answer in zip(transaction.steps, answers, strict=True)
                if isinstance(step, ReadKey)
            ]
        )


class Connection:
    """A connection to one server: a command, its answer, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._answers = hiredis.Reader(encoding="utf-8", replyError=_error)

    async def ask(self, *command: str | int) -> Any:
        """The answer to a command. Raises what an error of the server means."""
        return (await self._ask(command))[0]

    async def at_once(self, *commands: tuple[str | int, ...]) -> Any:
        """The answers to commands that are done together or not at all.

        What is refused before EXEC makes EXEC do nothing; but where MULTI was refused the others would be done at once.
        """
        await self.ask("MULTI")
        *_, answers = await self._ask(*commands, ("EXEC",))
        if failed := [answer for answer in answers if isinstance(answer, Exception)]:
            raise Indeterminate(f"within EXEC: {failed[0]}")
        return answers

    async def _ask(self, *commands: tuple[str | int, ...]) -> list[Any]:
        for command in commands:
            self._writer.write(hiredis.pack_command(command))  # type: ignore[arg-type] # it takes tuples of any length
        answers = [await self._answer() for _ in commands]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _answer(self) -> Any:
        while (answer := self._answers.gets()) is False:
            received = await self._reader.read(1 << 16)
            if not received:
                raise ConnectionError("the server closed the connection")
            self._answers.feed(received)
        return answer

    def close(self) -> None:
        """At once, whatever is under way."""
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def _connected(address: str, port: int) -> AsyncIterator[Connection]:
    connection = Connection(*await asyncio.open_connection(address, port))
    try:
        yield connection
    finally:
        connection.close()


async def _role(node: Node) -> Role:
    async with asyncio.timeout(ROLE_S), _connected(node.address, PORT) as connection:
        what, *more = await connection.ask("ROLE")
    return Role(None, linked=True) if what == "master" else Role(more[0], linked=more[2] == "connected")


def _error(message: str) -> Exception:
    """What an error of the server says about the command."""
    return (Refused if message.split(" ")[0] in REFUSALS else Indeterminate)(message)


def _number(answer: str | None) -> int | None:
    return None if answer is None else int(answer)


def _has_sentinels(cluster: Cluster) -> bool:
    return cluster.options["failover"] == "yes"


suite = Suite(
    "redis",
    Redis(),
    workloads=[
        workloads.register(RedisClient),
        workloads.set(RedisClient),
        workloads.append(RedisClient),
        workloads.queue(RedisClient),
        workloads.log(RedisClient),
        workloads.unique_ids(RedisClient),
        workloads.monotonic(RedisClient),
    ],
    checkers=[checkers.LogPattern(BROKEN)],
)
