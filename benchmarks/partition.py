"""How long a partition of five nodes takes to change, from the decision until it is read back and proven.

Every change cuts two nodes off from three, both ways (twelve links), or heals that. Measured in the same run:

- ``nft -f -``, the baseline: a subprocess makes the same change in a namespace of its own, unread and unproven;
- the switch alone: one transaction through libnftables, read back, every changed link probed;
- through the agent: ``AgentClient.set_faults``, from the controller's decision to the agent's proven answer. The
  project promises a median under 10 ms.

Run it with ``uv run python -m benchmarks.partition [changes]``, as root.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from schrodinger_agent.client import AgentClient
from schrodinger_agent.namespaces import inside_network, new_network
from schrodinger_agent.network import SwitchedNetwork
from schrodinger_agent.network_cuts import TABLE_SCRIPT, change_script
from schrodinger_agent.types import FaultRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schrodinger_agent.network import Edge

CHANGES = 200
PROMISE_MS = 10.0
NODES = ("n1", "n2", "n3", "n4", "n5")
LINKS: frozenset[Edge] = frozenset(
    edge for one in NODES[:2] for other in NODES[2:] for edge in ((one, other), (other, one))
)
NOTHING: frozenset[Edge] = frozenset()


def by_subprocess(changes: int) -> list[float]:
    """Seconds of each change by the ``nft`` program."""
    namespace = new_network()

    def change(links: frozenset[Edge], before: frozenset[Edge]) -> None:
        subprocess.run(["nft", "-f", "-"], input=change_script(before, links), text=True, check=True)

    try:
        with inside_network(namespace):
            subprocess.run(["nft", "-f", "-"], input=TABLE_SCRIPT, text=True, check=True)
            return _timed(changes, change)
    finally:
        os.close(namespace)


def by_switch(changes: int) -> list[float]:
    """Seconds of each change by the switch, proof included."""
    network = SwitchedNetwork.create(NODES, client_namespace_fd=None)

    def change(links: frozenset[Edge], _before: frozenset[Edge]) -> None:
        report = network.cut(links)
        assert report.cut == links
        assert not report.failures

    try:
        return _timed(changes, change)
    finally:
        network.close()


async def by_agent(changes: int, state: Path) -> list[float]:
    """Seconds of each change through the agent, from the controller's side."""
    took = []
    with ExitStack() as stack:
        clients = ThreadInItsNamespace()
        stack.callback(clients.end)
        async with await AgentClient.connect(state) as agent:
            await agent.up("benchmark", NODES, lease_s=60, isolated=True, client_thread=clients.native_id)
            for generation in range(1, changes + 1):
                links = LINKS if generation % 2 else NOTHING
                desired = [FaultRequest(id="1", kind="partition", parameters={"edges": sorted(links)})] if links else []
                begin = time.perf_counter()
                observed = await agent.set_faults("benchmark", generation, desired)
                took.append(time.perf_counter() - begin)
                assert all(fault.in_force and not fault.error for fault in observed.observations)
    return took


class ThreadInItsNamespace:
    """A thread that does nothing but give the clients' end of the switch a namespace."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()
        self._entered.wait()
        assert self._thread.native_id is not None
        self.native_id = self._thread.native_id

    def end(self) -> None:
        """Let the thread end, and its namespace with it."""
        self._end.set()
        self._thread.join()

    def _live(self) -> None:
        namespace = new_network()
        with inside_network(namespace):
            self._entered.set()
            self._end.wait()
        os.close(namespace)


def _timed(changes: int, change: Callable[[frozenset[Edge], frozenset[Edge]], None]) -> list[float]:
    took = []
    before = NOTHING
    for _ in range(changes):
        links = NOTHING if before else LINKS
        begin = time.perf_counter()
        change(links, before)
        took.append(time.perf_counter() - begin)
        before = links
    return took


def _line(name: str, took: Sequence[float], baseline: Sequence[float]) -> str:
    median = statistics.median(took)
    slow = statistics.quantiles(took, n=100)[98]
    ratio = statistics.median(baseline) / median
    return f"{name:<22} median {median * 1e3:7.2f} ms   99 % {slow * 1e3:7.2f} ms   {ratio:5.1f} x the baseline's speed"


def main() -> None:
    """Measure and print; fails if the promise is not kept."""
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else CHANGES
    baseline = by_subprocess(changes)
    print(f"{changes} changes of a partition of {len(NODES)} nodes, {len(LINKS)} links each")
    print(_line("nft -f - (baseline)", baseline, baseline))
    print(_line("switch, with proof", by_switch(changes), baseline))
    with tempfile.TemporaryDirectory() as state:
        Path(state).chmod(0o700)
        through_agent = asyncio.run(by_agent(changes, Path(state)))
    print(_line("agent, end to end", through_agent, baseline))
    median_ms = statistics.median(through_agent) * 1e3
    if median_ms >= PROMISE_MS:
        sys.exit(f"a change through the agent takes {median_ms:.1f} ms, more than the promised {PROMISE_MS:g} ms")


if __name__ == "__main__":
    main()
