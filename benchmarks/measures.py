"""How faults are measured: an instrument runs, a fault comes and goes, and one looks at what became of the tries."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from benchmarks.instruments import (
    CACHING,
    CLOCK,
    GREEDY,
    HEADER_BYTES,
    PACKET_BYTES,
    SPINNING,
    STARTING,
    Packets,
    Streams,
)
from schrodinger.nemesis import CpuLimit, PowerLoss
from tests.integration.agents import wait_until
from tests.integration.writer import WRITER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from benchmarks.instruments import Bench, Instrument
    from schrodinger.nemesis import Fault
    from tests.integration.writer import Try

    Measure = Callable[[Bench, Fault], Awaitable["Seen"]]

HOLD_S = 1.0
"""How long each fault is in force, at least."""

WARM_UP_S = 0.3

SAME_NS = 15_000_000
"""What is taken within so long is taken at once: it takes the kernel some milliseconds."""

NODE = frozenset({"n1"})
"""Who is hit."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One round: what was measured, and the times; ``read_back`` where those are the agent's."""

    value: float
    in_force_ns: int
    healed_ns: int
    read_back: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """When a fault was asked for, and known to be in force; when the heal was, and known to be over."""

    asked_ns: int
    known_ns: int
    lifted_ns: int
    over_ns: int

    def within(self, tries: Sequence[Try]) -> list[Try]:
        """What was tried while it was in force."""
        return [one for one in tries if self.known_ns <= one.begin_ns and one.end_ns <= self.lifted_ns]

    def read_back(self, value: float) -> Seen:
        """What was measured, with the agent's times."""
        return Seen(value, self.known_ns - self.asked_ns, self.over_ns - self.lifted_ns, read_back=True)


async def lasting(bench: Bench, fault: Fault, *also: Fault) -> Times:
    """Put a fault in force for a while, beside others that stay."""
    asked_ns = time.monotonic_ns()
    await bench.make(*also, fault)
    known_ns = time.monotonic_ns()
    await asyncio.sleep(HOLD_S)
    lifted_ns = time.monotonic_ns()
    await bench.make(*also)
    return Times(asked_ns, known_ns, lifted_ns, time.monotonic_ns())


def everything(
    instrument: Instrument, times: Times, is_hit: Callable[[Try], bool], value: Callable[[list[Try]], float]
) -> Seen:
    """Of a fault that lets nothing through unharmed."""

    def unharmed() -> list[int]:
        return [one.end_ns for one in instrument.tries() if not is_hit(one)]

    wait_until(lambda: max(unharmed()) > times.lifted_ns, "something gets through again")
    ends = unharmed()
    last = max((end for end in ends if end <= times.lifted_ns), default=times.asked_ns)
    first = min(end for end in ends if end > times.lifted_ns)
    measured = value(times.within(instrument.tries()))
    return Seen(measured, max(0, last - times.asked_ns), first - times.lifted_ns)


def some(
    instrument: Instrument, times: Times, is_hit: Callable[[Try], bool], value: Callable[[list[Try]], float]
) -> Seen:
    """Of a fault that hits some and not others."""
    begun = [one for one in instrument.tries() if one.end_ns >= times.asked_ns]
    hits = [one.end_ns for one in begun if is_hit(one)]
    measured = value(times.within(begun))
    return Seen(measured, hits[0] - times.asked_ns, max(0, hits[-1] - times.lifted_ns))


def share(how: str) -> Callable[[list[Try]], float]:
    """Percent of the tries that ended like this."""
    return lambda tries: 100 * sum(one.how == how for one in tries) / len(tries)


def median_ms(tries: list[Try]) -> float:
    """How long one took."""
    return statistics.median(one.took_us for one in tries) / 1e3


def per_s(tries: list[Try]) -> float:
    """How many ended well in a second."""
    ends = [one.end_ns for one in tries if one.how == "ok"]
    return (len(ends) - 1) / (ends[-1] - ends[0]) * 1e9


def longest_gap_ms(instrument: Instrument) -> float:
    """How long nothing was done, at most."""
    return max(after.end_ns - before.end_ns for before, after in pairwise(instrument.tries())) / 1e6


def program(text: str, hit: str, *, all_: bool = False) -> Measure:
    """A database's tries that end in some way, all of them or some."""

    async def measure(bench: Bench, fault: Fault) -> Seen:
        writer = await bench.writer("python3", "-c", text)
        writer.expect("ok", 20)
        times = await lasting(bench, fault)
        return (everything if all_ else some)(writer, times, lambda one: one.how == hit, share(hit))

    return measure


async def io_delay(bench: Bench, fault: Fault) -> Seen:
    """How long a write and its sync take."""
    writer = await bench.writer("python3", "-c", WRITER)
    writer.expect("ok", 20)
    times = await lasting(bench, fault)
    return everything(writer, times, lambda one: one.took_us >= 50_000, median_ms)


def clock(number: int, least_us: int, value: Callable[[list[Try]], float], *, all_: bool = True) -> Measure:
    """How far one of a database's clocks is ahead; from ``least_us`` on it is by the fault."""

    async def measure(bench: Bench, fault: Fault) -> Seen:
        writer = await bench.writer("python3", "-c", CLOCK, str(number))
        writer.expect("ok", 20)
        times = await lasting(bench, fault)
        return (everything if all_ else some)(writer, times, lambda one: one.took_us >= least_us, value)

    return measure


def pace(tries: list[Try]) -> float:
    """By how many percent a clock is fast."""
    first, last = tries[0], tries[-1]
    return (last.took_us - first.took_us) * 1e5 / (last.end_ns - first.end_ns)


def ahead(least_us: int) -> Callable[[list[Try]], float]:
    """Percent of the tries that found a clock ahead."""
    return lambda tries: 100 * sum(one.took_us >= least_us for one in tries) / len(tries)


async def slow_disk(bench: Bench, fault: Fault) -> Seen:
    """Writes that get through in a second."""
    writer = await bench.writer("python3", "-c", WRITER)
    writer.expect("ok", 20)
    times = await lasting(bench, fault)
    return some(writer, times, lambda one: one.took_us >= 10_000, per_s)


async def standing(bench: Bench, fault: Fault) -> Seen:
    """Nothing is done any more; afterwards what hung goes on."""
    writer = await bench.writer("python3", "-c", WRITER)
    writer.expect("ok", 20)
    times = await lasting(bench, fault)
    seen = everything(writer, times, lambda _: False, len)
    assert seen.value <= 0, "nothing was done"
    asked_for_ms = (times.lifted_ns - times.known_ns) / 1e6
    return Seen(longest_gap_ms(writer) - asked_for_ms, seen.in_force_ns, seen.healed_ns)


async def ended(bench: Bench, fault: Fault) -> Seen:
    """Nothing runs any more; afterwards it is started again, which takes the time of a start."""
    writer = await bench.writer("python3", "-c", WRITER)
    writer.expect("ok", 20)
    asked_ns = time.monotonic_ns()
    await bench.make(fault)
    left = bench.processes("n1")
    lifted_ns = time.monotonic_ns()
    await bench.make()
    await writer.run("python3", "-c", WRITER)
    wait_until(lambda: writer.tries()[-1].end_ns > lifted_ns, "it runs again")
    ends = [one.end_ns for one in writer.tries()]
    last = max(end for end in ends if end <= lifted_ns)
    return Seen(left, max(0, last - asked_ns), min(end for end in ends if end > lifted_ns) - lifted_ns)


async def power_loss(bench: Bench, fault: Fault, *also: Fault) -> Seen:
    """Files that were not synced, of which none may be left; or that were, on a disk that lies."""
    synced = "sync f$i;" if also else ""
    script = f"for i in 1 2 3; do echo x > f$i; {synced} done; {'sync .;' if also else ''} echo ok 0 0; sleep 1000"
    await bench.make(*also)
    writer = await bench.writer("/bin/sh", "-c", script)
    writer.expect("ok", 0)
    wait_until(lambda: writer.lines() != [], "the files are written")
    asked_ns = time.monotonic_ns()
    await bench.make(*also, fault)
    known_ns = time.monotonic_ns()
    await bench.make(*also)
    over_ns = time.monotonic_ns()
    lost = [name for name in ("f1", "f2", "f3") if await bench.content(name) is None]
    await bench.make()
    return Seen(len(lost), known_ns - asked_ns, over_ns - known_ns, read_back=True)


async def lying_sync(bench: Bench, fault: Fault) -> Seen:
    """What a loss of power takes of what was synced; alone the fault shows nothing."""
    seen = await power_loss(bench, PowerLoss(NODE), fault)
    asked_ns = time.monotonic_ns()
    await bench.make(fault)
    known_ns = time.monotonic_ns()
    await bench.make()
    return Seen(seen.value, known_ns - asked_ns, time.monotonic_ns() - known_ns, read_back=True)


async def restarts(bench: Bench, fault: Fault) -> Seen:
    """How long it is from one start to the next."""
    writer = await bench.writer("python3", "-c", STARTING)
    times = await lasting(bench, fault)
    starts = [one.end_ns for one in writer.tries() if one.end_ns >= times.asked_ns]
    every = statistics.median(after - before for before, after in pairwise(starts)) / 1e6
    return Seen(every, starts[0] - times.asked_ns, max(0, starts[-1] - times.lifted_ns))


async def processor_share(bench: Bench, fault: Fault, *also: Fault) -> Seen:
    """Of a processor, or of what others leave, by how much is computed."""
    writer = await bench.writer("python3", "-c", SPINNING)
    await bench.make(*also)
    writer.expect("ok", 20)
    begin_ns = time.monotonic_ns()
    await asyncio.sleep(HOLD_S)
    alone = sum(begin_ns <= one.end_ns for one in writer.tries()) / (time.monotonic_ns() - begin_ns)
    if not also:
        alone = 1 / (min(one.took_us for one in writer.tries()) * 1e3)
    times = await lasting(bench, fault, *also)
    count = sum(times.known_ns <= one.end_ns <= times.lifted_ns for one in writer.tries())
    await bench.make()
    return times.read_back(100 * count / (times.lifted_ns - times.known_ns) / alone)


async def burning(bench: Bench, fault: Fault) -> Seen:
    """The share that is left to a database of what it had alone."""
    return await processor_share(bench, fault, CpuLimit(NODE, 50))


async def memory_limit(bench: Bench, fault: Fault) -> Seen:
    """How much more can be had until the kernel kills; afterwards it is started again."""
    writer = await bench.writer("python3", "-c", GREEDY)
    writer.expect("ok", 5)
    asked_ns = time.monotonic_ns()
    await bench.make(fault)
    had = int(writer.lines()[-1][1])
    wait_until(lambda: bench.processes("n1") == 0, "it was killed")
    killed_ns = time.monotonic_ns()
    more = int(writer.lines()[-1][1]) - had
    lifted_ns = time.monotonic_ns()
    await bench.make()
    return Seen(more, killed_ns - asked_ns, time.monotonic_ns() - lifted_ns)


async def memory_pressure(bench: Bench, fault: Fault) -> Seen:
    """How long it is from one taking of a cached file to the next."""
    writer = await bench.writer("python3", "-c", CACHING)
    writer.expect("ok", 20)
    times = await lasting(bench, fault)

    def every_ms(tries: list[Try]) -> float:
        taken = [one.end_ns for one in tries if one.how == "taken"]
        first = [after for before, after in pairwise([0, *taken]) if after - before > SAME_NS]
        return statistics.median(after - before for before, after in pairwise(first)) / 1e6

    return some(writer, times, lambda one: one.how == "taken", every_ms)


async def damage(bench: Bench, fault: Fault) -> Seen:
    """Bits of a file that are not as they were written."""
    script = "head -c 65536 /dev/zero > file; sync file; echo ok 0 0; sleep 1000"
    writer = await bench.writer("/bin/sh", "-c", f"rm -f *; {script}")
    wait_until(lambda: writer.lines() != [], "the file is written")
    asked_ns = time.monotonic_ns()
    await bench.make(fault)
    known_ns = time.monotonic_ns()
    found = await bench.content("file")
    assert found is not None
    lifted_ns = time.monotonic_ns()
    await bench.make()
    flipped = sum(byte.bit_count() for byte in found)
    return Seen(flipped, known_ns - asked_ns, time.monotonic_ns() - lifted_ns, read_back=True)


async def roll_back(bench: Bench, fault: Fault) -> Seen:
    """Files that are as they were, of those that were written since."""
    writer = await bench.writer(
        "/bin/sh", "-c", "rm -f *; for i in 1 2 3; do echo old > f$i; done; echo ok 0 0; sleep 1000"
    )
    wait_until(lambda: writer.lines() != [], "the files are written")
    asked_ns = time.monotonic_ns()
    await bench.make(fault)
    known_ns = time.monotonic_ns()
    writer = await bench.writer("/bin/sh", "-c", "for i in 1 2 3; do echo new > f$i; done; echo ok 0 0; sleep 1000")
    wait_until(lambda: writer.lines() != [], "the files are written anew")
    await bench.client.stop("c", "n1", grace_s=0)  # or it would be started again, and write them anew
    lifted_ns = time.monotonic_ns()
    await bench.make()
    over_ns = time.monotonic_ns()
    old = [name for name in ("f1", "f2", "f3") if await bench.content(name) == b"old\n"]
    return Seen(len(old), known_ns - asked_ns, over_ns - lifted_ns, read_back=True)


def packets(hit: str, *, value: Callable[[list[Try]], float], all_: bool = False) -> Measure:
    """Packets of a link that something becomes of, of all or of some."""
    return _packets(lambda one: one.how == hit, value, all_=all_)


async def late_packets(bench: Bench, fault: Fault) -> Seen:
    """How long packets are on their way."""
    return await _packets(lambda one: one.took_us >= 20_000, median_ms, all_=True)(bench, fault)


async def limited_packets(bench: Bench, fault: Fault) -> Seen:
    """How much gets through; the others wait, or are lost."""
    return await _packets(lambda one: one.how == "lost" or one.took_us > 5_000, megabits_per_s, all_=False)(
        bench, fault
    )


def _packets(is_hit: Callable[[Try], bool], value: Callable[[list[Try]], float], *, all_: bool) -> Measure:
    async def measure(bench: Bench, fault: Fault) -> Seen:
        async with ends(bench) as (namespaces, addresses):
            with closing(Packets(namespaces, addresses)) as stream:
                await asyncio.sleep(WARM_UP_S)
                times = await lasting(bench, fault)
                await asyncio.sleep(WARM_UP_S)
                return (everything if all_ else some)(stream, times, is_hit, value)

    return measure


async def reset(bench: Bench, fault: Fault) -> Seen:
    """Ends of connections that a reset has reached, both of one."""
    async with ends(bench) as (namespaces, addresses):
        with closing(Streams(namespaces, addresses)) as streams:
            streams.talk()
            asked_ns = time.monotonic_ns()
            await bench.make(fault)
            reset_ends, reset_ns = streams.until_reset()
            lifted_ns = time.monotonic_ns()
            await bench.make()
            streams.talk()
            return Seen(reset_ends, reset_ns - asked_ns, time.monotonic_ns() - lifted_ns)


@asynccontextmanager
async def ends(bench: Bench) -> AsyncIterator[tuple[list[int], list[str]]]:
    """The first two nodes' networks and addresses."""
    namespaces = await bench.namespaces()
    try:
        yield namespaces, [target.address for target in bench.up.targets]
    finally:
        for namespace in namespaces:
            os.close(namespace)


def burst_length(tries: list[Try]) -> float:
    """How many are lost in a row, on average."""
    runs = [len(list(group)) for how, group in groupby(tries, lambda one: one.how) if how == "lost"]
    return statistics.mean(runs)


def megabits_per_s(tries: list[Try]) -> float:
    """That arrive."""
    return per_s(tries) * (PACKET_BYTES + HEADER_BYTES) * 8 / 1e6
