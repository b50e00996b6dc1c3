"""A program in Go, etcd, whose clocks are wrong: it tells the date in every answer, and measures leases."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schrodinger.cluster import load_suite
from schrodinger.cluster.versions import find_binary
from tests.fakes.command import REPOSITORY
from tests.integration.agents import ENVIRONMENT, fault, private_agent, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import FaultRequest

S = 1_000_000_000
LEASE_S = 40
KINDS = ("clock-jump", "clock-drift", "monotonic-jump", "monotonic-drift")


class Etcd:
    """One node, asked over HTTP."""

    def __init__(self, client: AgentClient, address: str) -> None:
        self._client = client
        self._url = f"http://{address}:2379"
        self._generation = 0

    async def under(self, *faults: FaultRequest) -> None:
        self._generation += 1
        observed = await self._client.set_faults("c", self._generation, faults)
        assert all(one.in_force and one.evidence["n1"]["wrong_in"] >= 1 for one in observed.observations), observed
        assert not any(one.in_force or one.error for one in observed.lifted), observed

    def ask(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._answer(path, question)[0])
        return answer

    def ahead_s(self) -> float:
        """How far the date of an answer is ahead. Dates have whole seconds."""
        _, date = self._answer("version", None)
        return parsedate_to_datetime(date).timestamp() - time.time()

    def left_s(self, lease: str) -> int:
        """How long a lease lasts yet, by etcd's clock; -1 when it has ended."""
        return int(self.ask("v3/lease/timetolive", {"ID": lease}).get("TTL", 0))

    def _answer(self, path: str, question: dict[str, Any] | None) -> tuple[bytes, str]:
        data = None if question is None else json.dumps(question).encode()
        with urllib.request.urlopen(f"{self._url}/{path}", data, timeout=5) as response:
            return response.read(), response.headers["Date"]


@asynccontextmanager
async def etcd() -> AsyncIterator[Etcd]:
    sources = load_suite(str(REPOSITORY / "suites" / "etcd")).database.sources
    binary = find_binary(sources, None)
    with private_agent(Path("/dev/shm")) as agent:
        async with await agent.connect() as client:
            found = await client.capabilities()
            for kind in KINDS:
                if not found[kind].available:
                    pytest.skip(f"{kind}: {found[kind].reason}")
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
            (node,) = up.targets
            await client.spawn(
                "c",
                "n1",
                _command(binary, node.address),
                environment=ENVIRONMENT,
                directory=node.data,
                output=node.data.with_name("output"),
            )
            asked = Etcd(client, node.address)
            wait_until(lambda: _is_ready(asked), "etcd is ready")
            yield asked


def _command(binary: Path, address: str) -> Sequence[str]:
    clients, peers = f"http://{address}:2379", f"http://{address}:2380"
    urls = [f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}", f"--listen-peer-urls={peers}"]
    return [str(binary), *urls, f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=default={peers}"]


def _is_ready(asked: Etcd) -> bool:
    try:
        return asked.ask("v3/maintenance/status", {}).get("leader") not in (None, "0")
    except OSError:
        return False


def test_the_date_that_etcd_tells_is_wrong_as_asked_for_and_its_leases_are_not() -> None:
    async def scenario() -> None:
        async with etcd() as asked:
            lease = asked.ask("v3/lease/grant", {"TTL": LEASE_S})["ID"]
            for offset_s in (3600, -86_400):
                await asked.under(fault("clock-jump", "n1", offset_ns=offset_s * S))
                assert abs(asked.ahead_s() - offset_s) < 2
            await asked.under(fault("clock-drift", "n1", ppm=9_000_000))
            await asyncio.sleep(1)
            assert 7 < asked.ahead_s() < 60
            assert asked.left_s(lease) > LEASE_S / 2
            await asked.under()
            assert abs(asked.ahead_s()) < 2

    asyncio.run(scenario())


def test_leases_end_early_by_a_fast_monotonic_clock_and_the_date_is_right() -> None:
    async def scenario() -> None:
        async with etcd() as asked:
            lease = asked.ask("v3/lease/grant", {"TTL": LEASE_S})["ID"]
            began = time.monotonic()
            await asked.under(fault("monotonic-drift", "n1", ppm=19_000_000))
            wait_until(lambda: asked.left_s(lease) == -1, "the lease has ended")
            assert time.monotonic() - began < LEASE_S / 2
            assert abs(asked.ahead_s()) < 2
            await asked.under()
            lease = asked.ask("v3/lease/grant", {"TTL": LEASE_S})["ID"]
            await asked.under(fault("monotonic-jump", "n1", offset_ns=LEASE_S * S // 2))
            assert asked.left_s(lease) <= LEASE_S / 2

    asyncio.run(scenario())
