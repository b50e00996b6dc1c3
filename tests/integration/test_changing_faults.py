"""What lasts, lasts without a gap while everything else changes: seen by databases that never stop trying.

Each node is under one fault that lasts, and says what became of every single thing that it tried. Changes of other
faults on the same nodes, and beside them, come as fast as they can be made. (Of links see ``test_network.py``,
``test_link_faults.py`` and ``test_network_shaping.py``.)
"""

from __future__ import annotations

import asyncio
import time
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.agents import Agent, fault, private_agent
from tests.integration.clocks import ahead_program
from tests.integration.writer import FORKING, WRITER, Writer, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.types import FaultRequest

DELAY_MS = 15

LASTING = {
    "failing": fault("io-error", "failing", calls=["sync"], error="EIO", every=1),
    "late": fault("io-delay", "late", calls=["sync"], delay_ms=DELAY_MS),
    "full": fault("disk-full", "full"),
    "broken": fault("disk-read-only", "broken"),
    "hanging": fault("disk-stall", "hanging"),
    "paused": fault("pause", "paused"),
    "stopped": fault("pause-process", "stopped", pick=0),
    "down": fault("kill", "down"),
    "open-nothing": fault("descriptor-limit", "open-nothing"),
    "fork-nothing": fault("process-limit", "fork-nothing"),
    "ahead": fault("clock-jump", "ahead", offset_ns=3_600_000_000_000),
}
"""By node."""

ANSWER = {
    "failing": "EIO",
    "late": "ok",
    "full": "ENOSPC",
    "broken": "EROFS",
    "open-nothing": "EMFILE",
    "fork-nothing": "EAGAIN",
    "ahead": "ahead",
}
"""What each try gets. On the other nodes there is no answer at all."""

THREE_WRITERS = f"import os\nos.fork(), os.fork() and os.fork()\n{WRITER}"

PROGRAM = {"fork-nothing": FORKING, "ahead": ahead_program()}
"""What runs on a node, if it is not what writes and syncs."""

STOPS: dict[str, dict[str, Any]] = {
    "pause": {},
    "pause-process": {"pick": 1},
    "kill-process": {"pick": 1},
    "kill": {},
    "terminate": {},
    "restart-loop": {"every_ms": 50},
    "disk-full": {},
}
"""Every way to stop or end processes, and to let them go on or be started; and what changes a disk in another way."""

TWO_MORE = ("by-the-way", "beside")


def changing() -> list[list[FaultRequest]]:
    """Sets of other faults, each of which takes some of the one before away and adds some."""
    on_disks = ["failing", "late", "hanging", "paused", "stopped", "down"]
    everywhere = list(LASTING)
    others = [
        fault("io-delay", *on_disks, calls=["sync"], delay_ms=1),
        fault("io-error", *on_disks, "full", calls=["rename"], error="EDQUOT", every=1),
        fault("lying-sync", "full", "hanging"),
        fault("disk-slow", *everywhere, writes_per_s=500),
        fault("disk-full", "hanging", "paused", "down"),
        fault("disk-stall", "paused", "stopped", "down"),
        fault("cpu-limit", *everywhere, percent=90),
        fault("memory-pressure", *everywhere, every_ms=50),
        fault("process-limit", "failing", "hanging", "paused"),
        fault("clock-drift", "ahead", ppm=10_000),
        fault("clock-strobe", *on_disks, "ahead", amplitude_ns=1_000_000, period_ns=1_000_000),
        fault("monotonic-jump", "ahead", offset_ns=1_000_000_000),
        fault("kill", "by-the-way"),
        fault("pause", "beside"),
        fault("power-loss", "by-the-way", "down"),
    ]
    return [list(pair) for pair in combinations(others, 2)][::3]


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


def test_no_change_heals_what_lasts_even_for_a_moment(agent: Agent) -> None:
    async def scenario() -> None:
        kinds = {one.kind for one in (*LASTING.values(), *(one for others in changing() for one in others))}
        async with await agent.connect() as client:
            found = await client.capabilities()
            for kind in sorted(kinds):
                if not found[kind].available:
                    pytest.skip(f"{kind}: {found[kind].reason}")
            up = await client.up("c", [*LASTING, *TWO_MORE], lease_s=60, isolated=False, kinds=kinds)
            writers = {name: Writer(client, up, name) for name in LASTING}
            for name, writer in writers.items():
                writer.output.touch()
                await writer.run("python3", "-c", PROGRAM.get(name, WRITER))
            for writer in writers.values():
                writer.expect("ok", 2)
            director = writers["failing"]
            await director.under(*LASTING.values())
            for name in ANSWER:
                writers[name].expect(ANSWER[name], 2)
            began = {name: len(writer.lines()) for name, writer in writers.items()}
            for others in changing():
                await director.under(*LASTING.values(), *others)
            for name in ANSWER:
                writers[name].expect(ANSWER[name], 1)
            said = {name: writer.lines()[began[name] :] for name, writer in writers.items()}
            for name, lines in said.items():
                assert {how for how, _ in lines} == ({ANSWER[name]} if name in ANSWER else set()), (name, lines)
            assert min(int(took_us) for _, took_us in said["late"]) >= DELAY_MS * 1000
            await director.under()
            for name in sorted(set(LASTING) - {"down"}):
                writers[name].expect("ok", 1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("disk", "at_most_per_s"), [(fault("disk-stall", "n1"), 0), (fault("disk-slow", "n1", writes_per_s=2), 2)], ids=str
)
def test_a_disk_that_hangs_or_is_slow_remains_so_while_its_node_is_stopped_and_ended(
    agent: Agent, disk: FaultRequest, at_most_per_s: int
) -> None:
    async def scenario() -> None:
        async with writing(agent, disk.kind, *STOPS, targets=["n1"], program=THREE_WRITERS) as writer:
            await writer.under(disk)
            assert writer.is_silent() or at_most_per_s
            said, begin = len(writer.lines()), time.monotonic()
            for _ in range(4):
                for kind, parameters in STOPS.items():
                    await writer.under(disk, fault(kind, "n1", **parameters))
                    await writer.under(disk)
                    if kind in ("kill", "terminate"):
                        await writer.run("python3", "-c", THREE_WRITERS)
            lasted_s = time.monotonic() - begin
            answered = [line for line in writer.lines()[said:] if line[0] == "ok"]
            assert len(answered) <= lasted_s * at_most_per_s + at_most_per_s, (lasted_s, answered)
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())
