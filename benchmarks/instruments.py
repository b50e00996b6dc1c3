"""What measures faults from outside: databases that say how each thing went that they tried, and packets on a link.

A *try* is a write, a fork, a packet, with its end in time. An instrument runs on, and is asked for all tries so far.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.types import AgentError, FaultRequest

from tests.integration.writer import Try, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp, Observed

    from schrodinger.nemesis import Fault

SPINNING = """
import time
while True:
    begin = time.monotonic_ns()
    for _ in range(20_000): pass
    end = time.monotonic_ns()
    print("ok", (end - begin) // 1000, end, flush=True)
"""
"""A database that computes, the same amount again and again."""

GREEDY = """
import time
held = [bytearray(1 << 20) for _ in range(48)]
while True:
    held.append(bytearray(1 << 20))
    print("ok", len(held), time.monotonic_ns(), flush=True)
    time.sleep(0.01)
"""
"""A database that takes one MiB after the other; in the place of microseconds it says how many it has.

It begins with more than the least that a limit leaves to a node.
"""

CACHING = """
import ctypes, mmap, os, time
pages, page = 1024, mmap.PAGESIZE
with open("cached", "wb") as file:
    file.write(os.urandom(pages * page))
    os.fsync(file.fileno())
libc = ctypes.CDLL(None)
with open("cached", "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)
address, present = ctypes.addressof(ctypes.c_char.from_buffer(mapped)), (ctypes.c_ubyte * pages)()
while True:
    for number in range(pages):
        mapped[number * page]
    time.sleep(0.002)
    libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(pages * page), present)
    print("ok" if all(one & 1 for one in present) else "taken", 0, time.monotonic_ns(), flush=True)
"""
"""A database that reads a file again and again, and says whether all of it was in memory still. See mincore(2)."""

CLOCK = """
import ctypes, os, select, sys, time
number, clock = {"x86_64": 228, "aarch64": 113}[os.uname().machine], int(sys.argv[1])
libc, told = ctypes.CDLL(None), (ctypes.c_long * 2)()
def kernel(clock):
    libc.syscall(ctypes.c_long(number), ctypes.c_long(clock), told)
    return told[0] * 10**9 + told[1]
while True:
    ahead = time.clock_gettime_ns(clock) - kernel(clock)
    print("ok", ahead // 1000, kernel(time.CLOCK_MONOTONIC), flush=True)
    select.select([], [], [], 0.001)
"""
"""A database that says, in the place of how long it took, how far ahead one of its clocks is of the kernel's."""

LOOKING_UP = """
import socket, time
first = socket.gethostbyname("n2")
while True:
    begin = time.monotonic_ns()
    try:
        how = "ok" if socket.gethostbyname("n2") == first else "another"
    except OSError:
        how = "none"
    end = time.monotonic_ns()
    print(how, (end - begin) // 1000, end, flush=True)
    time.sleep(0.005)
"""
"""A database that looks up another node's name again and again, and says whether the answer is what it was first."""

STARTING = """
import time
print("begun", 0, time.monotonic_ns(), flush=True)
time.sleep(1000)
"""
"""A database that says when it was started."""

PORT = 4000
PACKET_BYTES = 1_000
HEADER_BYTES = 42
"""Of Ethernet, IP and UDP."""

PACE_S = 0.001
_PATIENCE_S = 10.0


class Instrument(Protocol):
    """Something that tries, over and over."""

    def tries(self) -> list[Try]:
        """Everything that it has tried up to now."""
        ...


@dataclass
class Bench:
    """A small cluster, its faults, and how to run something on its nodes."""

    client: AgentClient
    up: ClusterUp
    generation: int = 0

    async def make(self, *faults: Fault) -> Observed:
        """Let exactly these faults be in force.

        Raises:
            RuntimeError: one is not, or was not lifted.
        """
        self.generation += 1
        requests = [
            FaultRequest(id=str(n), kind=fault.kind, parameters=fault.request()) for n, fault in enumerate(faults)
        ]
        observed = await self.client.set_faults("c", self.generation, requests)
        wrong = [one for one in observed.observations if not one.in_force or one.error]
        wrong += [one for one in observed.lifted if one.in_force or one.error]
        if wrong:
            raise RuntimeError(f"not as it was asked for: {wrong}")
        return observed

    async def writer(self, *program: str, name: str = "n1") -> Writer:
        """A program that runs on a node from now on, instead of what ran there before."""
        await self.client.stop("c", name, grace_s=0)
        writer = Writer(self.client, self.up, name)
        writer.output.write_text("")
        await writer.run(*program)
        return writer

    def processes(self, name: str) -> int:
        """How many there are of a node's database, by what their command lines name. Its launcher is none of it."""
        data = next(str(target.data) for target in self.up.targets if target.name == name)
        count = 0
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(FileNotFoundError, ProcessLookupError):
                words = entry.read_text().split("\0")
                count += data in words
        return count

    async def content(self, file: str) -> bytes | None:
        """Of a file of the first node; None if it is not there."""
        try:
            return await self.client.fetch("c", self.up.targets[0].name, file)
        except AgentError as error:
            if "No such file" not in str(error):
                raise
            return None

    async def namespaces(self) -> list[int]:
        """A descriptor of each node's network. On each something runs from now on that does nothing."""
        found = []
        for target in self.up.targets:
            await self.client.stop("c", target.name, grace_s=0)
            spawned = await self.client.spawn(
                "c",
                target.name,
                ["sleep", "1000"],
                environment={"PATH": os.environ["PATH"]},
                directory=target.data,
                output=target.data.with_name("output"),
            )
            found.append(os.open(f"/proc/{spawned.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        return found


class Packets:
    """Numbered datagrams from the first node to the second, a thousand a second, and what became of each."""

    def __init__(self, namespaces: Sequence[int], addresses: Sequence[str]) -> None:
        self._sent: list[int] = []
        self._arrived: list[tuple[int, int, bool]] = []
        self._stop = threading.Event()
        self._sockets = []
        for namespace, address in zip(namespaces, addresses, strict=True):
            with inside_network(namespace):
                opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.bind((address, PORT))
            opened.settimeout(0.1)
            self._sockets.append(opened)
        self._to = (addresses[1], PORT)
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._receive)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Send no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for opened in self._sockets:
            opened.close()

    def tries(self) -> list[Try]:
        """Each packet: ``ok``, ``lost``, ``changed``, ``twice`` or ``overtaken``; a lost one ended when it was sent."""
        arrived, sent = list(self._arrived), list(self._sent)
        highest = [0, *accumulate((number for number, _, _ in arrived), max)]
        how: dict[int, tuple[str, int]] = {}
        for before, (number, time_ns, intact) in zip(highest, arrived, strict=False):
            if number in how:
                how[number] = ("twice", how[number][1])
            else:
                how[number] = ("changed" if not intact else "overtaken" if number < before else "ok", time_ns)
        tries = []
        for number, sent_ns in enumerate(sent):
            end, end_ns = how.get(number, ("lost", sent_ns))
            tries.append(Try(end, (end_ns - sent_ns) // 1_000, end_ns))
        return tries

    def _send(self) -> None:
        while not self._stop.is_set():
            self._sent.append(time.monotonic_ns())
            self._sockets[0].sendto((len(self._sent) - 1).to_bytes(8).ljust(PACKET_BYTES, b"."), self._to)
            time.sleep(PACE_S)

    def _receive(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                payload = self._sockets[1].recv(2_000)
                intact = payload[8:] == b"." * (PACKET_BYTES - 8)
                self._arrived.append((int.from_bytes(payload[:8]), time.monotonic_ns(), intact))


class Streams:
    """TCP connections from the first node to the second, one after the other."""

    def __init__(self, namespaces: Sequence[int], addresses: Sequence[str]) -> None:
        self._near = namespaces[0]
        with inside_network(namespaces[1]):
            self._listener = socket.create_server((addresses[1], PORT))
        self._listener.settimeout(_PATIENCE_S)
        self._ends: list[socket.socket] = []

    def close(self) -> None:
        """End all."""
        for opened in (self._listener, *self._ends):
            opened.close()

    def talk(self) -> None:
        """Make a connection, and send something through it."""
        with inside_network(self._near):
            near = socket.create_connection(self._listener.getsockname(), _PATIENCE_S)
        far, _ = self._listener.accept()
        far.settimeout(_PATIENCE_S)
        self._ends += [near, far]
        near.sendall(b"x")
        far.recv(1)

    def until_reset(self) -> tuple[int, int]:
        """Send through the last connection until it is reset: how many of its ends are, and when the first was."""
        near, far = self._ends[-2:]
        reset_ns = 0
        count = 0
        while not reset_ns:
            try:
                near.sendall(b"x")
                time.sleep(PACE_S)
            except (ConnectionResetError, BrokenPipeError):
                reset_ns = time.monotonic_ns()
                count += 1
        try:
            while far.recv(100):
                pass
        except ConnectionResetError:
            count += 1
        return count, reset_ns
