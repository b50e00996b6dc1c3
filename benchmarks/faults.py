"""Every fault of the catalogue on a small cluster of this machine: what was asked for, and what was seen from outside.

*Measured* is by databases and packets that meet the fault (``instruments.py``), never by what the agent says of it. *In
force* is how long after the request nothing got through unharmed any more, or, of faults that hit only some, the first
was hit. *Healed* is how long after the request to lift it something got through unharmed, or, likewise, the last was
hit. Where neither can be seen from outside it is the time until the agent had read it back, in brackets. All are
medians of a few rounds; one thing is tried every millisecond (of a link) to ten (by a database), which is in the times.

Run it with ``uv run python -m benchmarks.faults``, as root, on a machine that is otherwise idle; kinds as arguments
measure only these.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measures as by
from benchmarks.instruments import LOOKING_UP, Bench
from benchmarks.measures import NODE
from schrodinger.nemesis import FAULTS, Duration, Offset, Percent, Rate
from tests.integration.agents import private_agent
from tests.integration.writer import FORKING, WRITER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.measures import Seen
    from schrodinger.nemesis import Fault
    from tests.integration.agents import Agent

ROUNDS = 3
LINK = frozenset({("n1", "n2")})
MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, how it is measured, and how what was asked for is written in the same unit."""

    fault: Fault
    by: str
    asked: str
    unit: str
    measure: Callable[[Bench, Fault], Awaitable[Seen]]


def rows() -> list[Row]:
    """One for every kind that can be measured here."""
    return [*links(), *disks(), *processes(), *names(), *resources(), *clocks()]


def links() -> list[Row]:
    """Packets from one node to another."""

    def row(kind: str, *parameters: Any, what: str, asked: str, unit: str, measure: Any) -> Row:
        return Row(_fault(kind, LINK, *parameters), what, asked, unit, measure)

    def percent(kind: str, number: int, *parameters: Any, what: str, how: str) -> Row:
        measure = by.packets(how, value=by.share(how))
        share = Percent(number * 10_000)
        return row(kind, share, 1, *parameters, what=what, asked=f"{number}", unit="%", measure=measure)

    cut = by.packets("lost", all_=True, value=by.share("lost"))
    bursts = by.packets("lost", value=by.burst_length)
    delay = (Duration(20 * MS), Duration(0), "uniform", 1)
    rate, every = (Rate(2_000_000), Duration(100 * MS)), Percent(1_000_000)
    return [
        row("partition", what="packets that do not arrive", asked="100", unit="%", measure=cut),
        row("delay", *delay, what="time on the way", asked="20", unit="ms", measure=by.late_packets),
        percent("loss", 30, what="packets that do not arrive", how="lost"),
        row("burst-loss", Percent(300_000), 1, 20, what="packets lost in a row", asked="20", unit="", measure=bursts),
        percent("duplication", 25, what="packets that arrive twice", how="twice"),
        percent("reordering", 20, Duration(20 * MS), what="packets that are overtaken", how="overtaken"),
        percent("corruption", 20, what="packets that a checksum refuses", how="lost"),
        percent("silent-corruption", 20, what="payloads that are changed", how="changed"),
        row("rate", *rate, what="what arrives of 8 Mbit/s", asked="2", unit="Mbit/s", measure=by.limited_packets),
        row("reset", every, 1, what="ends that see a reset, of 2", asked="2", unit="", measure=by.reset),
    ]


def disks() -> list[Row]:
    """Files and what becomes of them."""

    def row(kind: str, *parameters: Any, what: str, asked: str, unit: str = "", measure: Any) -> Row:
        return Row(_fault(kind, NODE, *parameters), what, asked, unit, measure)

    def all_writes(kind: str, how: str) -> Row:
        measure = by.program(WRITER, how, all_=True)
        return row(kind, what=f"writes that end with {how}", asked="100", unit="%", measure=measure)

    syncs = frozenset({"sync"})
    third = by.program(WRITER, "EIO")
    return [
        row("power-loss", what="unsynced files that are lost, of 3", asked="3", measure=by.power_loss),
        all_writes("disk-full", "ENOSPC"),
        all_writes("disk-read-only", "EROFS"),
        row("disk-stall", what="standstill longer than asked for", asked="0", unit="ms", measure=by.standing),
        row("disk-slow", 50, what="writes in a second", asked="50", measure=by.slow_disk),
        row("io-error", syncs, "EIO", 3, what="syncs that end with EIO", asked="33.3", unit="%", measure=third),
        row("io-delay", syncs, 50, what="time of a write and its sync", asked="50", unit="ms", measure=by.io_delay),
        row("lying-sync", what="synced files that a loss of power takes, of 3", asked="3", measure=by.lying_sync),
        row("file-damage", "file", "flip", 3, 7, what="bits that are changed", asked="3", measure=by.damage),
        row("roll-back", "*", what="files that are put back, of 3", asked="3", measure=by.roll_back),
    ]


def processes() -> list[Row]:
    """A database that works, and ends or stands still."""
    left, still = "processes that are left", "standstill longer than asked for"
    every = "time from one start to the next, with a restart"
    return [
        Row(_fault("kill", NODE), left, "0", "", by.ended),
        Row(_fault("terminate", NODE), left, "0", "", by.ended),
        Row(_fault("kill-process", NODE, 0), left, "0", "", by.ended),
        Row(_fault("restart-loop", NODE, 300), every, "300", "ms", by.restarts),
        Row(_fault("pause", NODE), still, "0", "ms", by.standing),
        Row(_fault("pause-process", NODE, 0), still, "0", "ms", by.standing),
    ]


def names() -> list[Row]:
    """What a database is told that looks up another node."""
    none, another = (by.program(LOOKING_UP, how, all_=True) for how in ("none", "another"))
    failing, lying = _fault("dns-failure", NODE, "nxdomain"), _fault("dns-lie", NODE, "n2", "n1")
    return [
        Row(failing, "lookups that find nothing", "100", "%", none),
        Row(lying, "lookups that find another node", "100", "%", another),
    ]


def resources() -> list[Row]:
    """What a database has of them, or does not get."""
    forks, opens = by.program(FORKING, "EAGAIN", all_=True), by.program(WRITER, "EMFILE", all_=True)
    every = "time from one taking of a cached file to the next"
    return [
        Row(_fault("cpu-limit", NODE, 10), "of a processor", "10", "%", by.processor_share),
        Row(_fault("cpu-burn", NODE, 3), "of the time that it had alone", "25", "%", by.burning),
        Row(_fault("memory-limit", NODE, 8), "what it gets until it is killed", "8", "MiB", by.memory_limit),
        Row(_fault("memory-pressure", NODE, 50), every, "50", "ms", by.memory_pressure),
        Row(_fault("process-limit", NODE), "forks that end with EAGAIN", "100", "%", forks),
        Row(_fault("descriptor-limit", NODE), "opens that end with EMFILE", "100", "%", opens),
    ]


def clocks() -> list[Row]:
    """What a database's clocks say, beside what the kernel says."""
    rows = []
    for name, number in (("clock", time.CLOCK_REALTIME), ("monotonic", time.CLOCK_MONOTONIC)):
        jump = by.clock(number, 50_000, by.median_ms)
        drift = by.clock(number, 200, by.pace)
        strobe = by.clock(number, 25_000, by.ahead(25_000), all_=False)
        to_and_fro = (Duration(50 * MS), Duration(100 * MS))
        rows += [
            Row(_fault(f"{name}-jump", NODE, Offset(100 * MS)), "how far it is ahead", "100", "ms", jump),
            Row(_fault(f"{name}-drift", NODE, 500_000), "how much faster it is", "50", "%", drift),
            Row(_fault(f"{name}-strobe", NODE, *to_and_fro), "reads that are ahead", "50", "%", strobe),
        ]
    return rows


def _fault(kind: str, hit: Any, *parameters: Any) -> Fault:
    return FAULTS[kind](hit, *parameters)  # type: ignore[call-arg]  # each kind has fields of its own


async def measured(agent: Agent, row: Row) -> str:
    """A line of the table."""
    seen = []
    async with await agent.connect() as client:
        found = await client.capabilities()
        if not found[row.fault.kind].available:
            return f"not to be had here: {found[row.fault.kind].reason}"
        kinds = tuple(kind for kind in FAULTS.kinds if found[kind].available)
        for _ in range(ROUNDS):
            up = await client.up("c", ["n1", "n2"], lease_s=120, isolated=found.isolated, kinds=kinds)
            seen.append(await row.measure(Bench(client, up), row.fault))
            await client.down("c")
    value = statistics.median(one.value for one in seen)
    times = [statistics.median(one.in_force_ns for one in seen), statistics.median(one.healed_ns for one in seen)]
    written = [f"({ns / 1e6:.1f})" if seen[0].read_back else f"{ns / 1e6:.1f}" for ns in times]
    unit = f" {row.unit}" if row.unit else ""
    return f"{row.by} | {row.asked}{unit} | {value:.3g}{unit} | {written[0]} | {written[1]}"


def main() -> None:
    """Measure and print a table of Markdown."""
    by_kind = {row.fault.kind: row for row in rows()}
    chosen = sys.argv[1:] or sorted(FAULTS.kinds, key=[*by_kind, *FAULTS.kinds].index)
    print("| fault | measured from outside | asked for | measured | in force after (ms) | healed after (ms) |")
    print("| --- | --- | --- | --- | --- | --- |")
    with private_agent(Path("/dev/shm")) as agent:
        for kind in chosen:
            told = asyncio.run(measured(agent, by_kind[kind])) if kind in by_kind else "not measured here | | | |"
            print(f"| `{kind}` | {told} |", flush=True)


if __name__ == "__main__":
    main()
