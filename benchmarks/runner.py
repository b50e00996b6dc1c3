"""How many operations a second the runner itself can do: a client that does nothing, as fast as it goes, on one core.

The baseline, in the same run, is the bare loop: the same client awaited as often, nothing drawn, timed or recorded. The
ratio says what the runner costs; a database's client costs a hundred times more.

Run it with ``uv run python -m benchmarks.runner [operations]``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from schrodinger.history import Recorder
from schrodinger.operations import Read
from schrodinger.plan import Plan
from schrodinger.runner import Progress
from schrodinger.runner.workers import Workers
from schrodinger.workloads import Client, Node, register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger.operations import Completion, Operation

CONCURRENCY = 10
OPERATIONS = 500_000


class NoOp(Client):
    """Answers at once."""

    async def open(self, node: Node, options: Mapping[str, str]) -> None:
        """Nothing to open."""

    async def invoke(self, operation: Operation) -> Completion:
        """Every operation succeeds; reads see nil."""
        return operation.ok()


async def through_the_runner(operations: int, directory: Path) -> float:
    """Seconds for so many operations through workers and recorder."""
    plan = Plan(
        suite="none",
        workload="register",
        nodes=1,
        concurrency=CONCURRENCY,
        rate=0,
        time_ns=10**12,
        seed=1,
        operations=operations,
    )
    workload = register(NoOp)
    recorder = Recorder(directory / "history.arrow", list(workload.functions))
    workers = Workers(
        plan, workload, [Node("n1", "127.0.0.1", directory, directory)], recorder, workload.functions, Progress()
    )
    began = time.perf_counter()
    await workers.run()
    recorder.close()
    return time.perf_counter() - began


async def bare(operations: int) -> float:
    """Seconds for as many awaits of the same client by as many tasks."""
    client = NoOp()

    async def loop(count: int) -> None:
        for key in range(count):
            await client.invoke(Read(key))
            await asyncio.sleep(0)

    began = time.perf_counter()
    await asyncio.gather(*(loop(operations // CONCURRENCY) for _ in range(CONCURRENCY)))
    return time.perf_counter() - began


def main() -> None:
    """Print both, and the ratio."""
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as scratch:
        runner_s = asyncio.run(through_the_runner(operations, Path(scratch)))
        event_bytes = (Path(scratch) / "history.arrow").stat().st_size / operations / 2
    bare_s = asyncio.run(bare(operations))
    print(
        f"runner with a no-op client   {operations / runner_s:>10,.0f} operations/s   {event_bytes:.1f} bytes an event"
    )
    print(f"baseline: bare asyncio loop  {operations / bare_s:>10,.0f} operations/s")
    print(f"ratio                        {bare_s / runner_s:>10.2f}")


if __name__ == "__main__":
    main()
