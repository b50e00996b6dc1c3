"""A database for faults to meet: it writes and syncs, and says how that went, which measures faults from outside."""

from __future__ import annotations

import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.integration.agents import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp, FaultRequest, Observed

    from tests.integration.agents import Agent

WRITER = r"""
import errno, os, time
i = 0
os.path.exists("read") or open("read", "w").close()
while True:
    i += 1
    begin = time.monotonic()
    try:
        open("read").close()
        file = os.open("file", os.O_WRONLY | os.O_CREAT)
        os.pwrite(file, b"x" * 4096, 4096 * i)
        os.fdatasync(file)
        os.close(file)
        how = "ok"
    except OSError as error:
        how = errno.errorcode[error.errno]
        if error.filename == "read" and error.errno != errno.EMFILE:
            break
    end = time.monotonic()
    print(how, round((end - begin) * 1e6), round(end * 1e9), flush=True)
    time.sleep(0.005)
"""
"""A database that writes and syncs a block, and says how that ended, how many microseconds it took, and when.

It opens another file first, and ends when the disk keeps it from that.
"""

FORKING = """
import errno, os, time
while True:
    try:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.wait()
        how = "ok"
    except OSError as error:
        how = errno.errorcode[error.errno]
    print(how, 0, time.monotonic_ns(), flush=True)
    time.sleep(0.01)
"""
"""A database that makes a process again and again, and says how that went."""


@dataclass(frozen=True, slots=True)
class Try:
    """A thing that a database tried: how it ended, how long it took, and when it ended, by CLOCK_MONOTONIC."""

    how: str
    took_us: int
    end_ns: int

    @property
    def begin_ns(self) -> int:
        return self.end_ns - self.took_us * 1_000


class Writer:
    """The database on one node, as seen from outside: its lines."""

    def __init__(self, client: AgentClient, up: ClusterUp, name: str = "n1") -> None:
        self.client = client
        self.name = name
        self.data = next(target.data for target in up.targets if target.name == name)
        self.output = self.data.with_name(f"said-by-{name}")
        self.generation = 0

    async def start(self, program: str = WRITER) -> None:
        self.output.touch()
        await self.run("python3", "-c", program)
        self.expect("ok")

    async def run(self, *program: str) -> None:
        argv, environment = [*program, str(self.data)], {"PATH": os.environ["PATH"]}
        await self.client.spawn("c", self.name, argv, environment=environment, directory=self.data, output=self.output)

    async def under(self, *faults: FaultRequest) -> Observed:
        """Make exactly these faults be in force."""
        self.generation += 1
        observed = await self.client.set_faults("c", self.generation, faults)
        assert all(o.in_force for o in observed.observations), observed
        assert not any(o.in_force or o.error for o in observed.lifted), observed
        return observed

    def lines(self) -> list[list[str]]:
        """How each thing that it tried ended, and what it says beside that."""
        return [line[:2] for line in self._said()]

    def tries(self) -> list[Try]:
        """Of a program that says when: each thing that it tried."""
        return [Try(how, int(took_us), int(end_ns)) for how, took_us, end_ns in self._said()]

    def _said(self) -> list[list[str]]:
        return [line.split() for line in self.output.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def expect(self, how: str, times: int = 5) -> list[int]:
        """Wait until the next writes all end like this; returns how many microseconds each took."""
        seen = len(self.lines())

        def done() -> bool:
            fresh = [line for line in self.lines()[seen:] if line[0] == how]
            return len(fresh) >= times

        wait_until(done, f"{times} writes end with {how}")
        return [int(line[1]) for line in self.lines()[seen:] if line[0] == how]

    def is_silent(self, for_s: float = 0.3) -> bool:
        """Whether nothing is said any more, but what was on its way."""
        seen = len(self.lines())
        deadline = time.monotonic() + for_s
        while time.monotonic() < deadline:
            if len(self.lines()) > seen + 1:
                return False
            time.sleep(0.01)
        return True

    def per_s(self, count: int = 50) -> float:
        """Writes a second, taken over so many."""
        begin = time.monotonic()
        return len(self.expect("ok", count)) / (time.monotonic() - begin)


@asynccontextmanager
async def writing(
    agent: Agent, *kinds: str, targets: Sequence[str] = ("n1", "n2"), program: str = WRITER
) -> AsyncIterator[Writer]:
    """A cluster that is prepared for these kinds of faults, and a writer, or another program, on its first target."""
    async with await agent.connect() as client:
        found = await client.capabilities()
        for kind in kinds:
            if not found[kind].available:
                pytest.skip(f"{kind}: {found[kind].reason}")
        up = await client.up("c", targets, lease_s=60, isolated=False, kinds=kinds)
        writer = Writer(client, up)
        await writer.start(program)
        yield writer
