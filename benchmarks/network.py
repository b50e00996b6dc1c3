"""What a switched network costs: every mechanism beside a plain veth pair, in one run.

Between two nodes, one process each: the round trip of 100 bytes over TCP, datagrams of 64 bytes received in a second,
and the throughput of one TCP connection. Then five etcd nodes that do not sync to disk, and clients that put: one after
the other, and ten at once; and how long it takes until all their links are cut, or healed, and that is proven. There a
plain veth cannot serve, which has two ends; the kernel's bridge is the baseline.

Memory is the peak of the process in which the switch is, beyond what it held before.

Run it with ``uv run python -m benchmarks.network``, as root, on a machine that is otherwise idle.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyroute2 import IPRoute
from schrodinger_agent.namespaces import enter_network, inside_network, new_network
from schrodinger_agent.network import MECHANISMS, Edge, SwitchedNetwork, try_network

from schrodinger.cluster import find_binary, load_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from schrodinger_agent.network_fabric import Mechanism

PORT = 4000
ROUND_TRIPS = 20_000
SECONDS = 2.0
ETCD_NODES = tuple(f"n{number}" for number in range(1, 6))
PUTS = 500
CHANGES = 100
CLIENTS_AT_ONCE = 10

_FORK = multiprocessing.get_context("fork")  # a child inherits descriptors of namespaces


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace, and its address on the network that is measured."""

    namespace: int
    address: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one network, by name, and the memory of the switch's process."""

    values: Mapping[str, float]
    extra_mb: float


@contextmanager
def plain_veth() -> Iterator[tuple[Place, Place]]:
    """Two namespaces at the ends of one cable, and nothing in between."""
    near, far = Place(new_network(), "10.78.0.1"), Place(new_network(), "10.78.0.2")
    try:
        with inside_network(near.namespace), IPRoute() as route:
            route.link("add", ifname="eth0", kind="veth", peer={"ifname": "eth0", "net_ns_fd": far.namespace})
        for place in (near, far):
            with inside_network(place.namespace), IPRoute() as route:
                (interface,) = route.link_lookup(ifname="eth0")
                route.addr("add", index=interface, address=place.address, prefixlen=24)
                route.link("set", index=interface, state="up")
        yield near, far
    finally:
        os.close(near.namespace)
        os.close(far.namespace)


@contextmanager
def switched(mechanism: Mechanism) -> Iterator[tuple[Place, Place]]:
    """Two nodes of a switched network."""
    network = SwitchedNetwork.create(["n1", "n2"], None, mechanism)
    try:
        near, far = (Place(network.namespace_fd(name), network.addresses[name]) for name in ("n1", "n2"))
        yield near, far
    finally:
        network.close()


def between(near: Place, far: Place) -> dict[str, float]:
    """All figures between two places."""
    round_trips = asked(near, far, answer_round_trips, ask_round_trips)
    return {
        "round trip p50 (us)": statistics.median(round_trips) * 1e6,
        "round trip p99 (us)": statistics.quantiles(round_trips, n=100)[98] * 1e6,
        "datagrams received (k/s)": asked(near, far, count_datagrams, flood, answer_counts=True) / SECONDS / 1e3,
        "TCP (Gbit/s)": asked(near, far, count_bytes, stream, answer_counts=True) * 8 / SECONDS / 1e9,
    }


def asked(
    near: Place,
    far: Place,
    answer: Callable[[str, Any], Any],
    ask: Callable[[str], Any],
    *,
    answer_counts: bool = False,
) -> Any:
    """Let two processes, one in each place, do something; returns the result of the one that counts."""
    results, ready = _FORK.SimpleQueue(), _FORK.Event()

    def serve() -> None:
        enter_network(far.namespace)
        result = answer(far.address, ready)
        if answer_counts:
            results.put(result)

    def drive() -> None:
        enter_network(near.namespace)
        ready.wait()
        result = ask(far.address)
        if not answer_counts:
            results.put(result)

    processes = [_FORK.Process(target=serve), _FORK.Process(target=drive)]
    for process in processes:
        process.start()
    result = results.get()
    for process in processes:
        process.join()
    return result


def answer_round_trips(address: str, ready: Any) -> None:
    """Send back whatever comes."""
    with _accepted(address, ready) as connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def ask_round_trips(address: str) -> list[float]:
    """Seconds of each round trip of 100 bytes."""
    took = []
    with socket.create_connection((address, PORT)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(ROUND_TRIPS):
            begin = time.perf_counter()
            connection.sendall(bytes(100))
            connection.recv(4096)
            took.append(time.perf_counter() - begin)
    return took


def count_datagrams(address: str, ready: Any) -> int:
    """How many datagrams come from the first on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        receiving.bind((address, PORT))
        ready.set()
        receiving.recv(100)
        receiving.settimeout(0.5)
        count = 1
        try:
            while True:
                receiving.recv(100)
                count += 1
        except TimeoutError:
            return count


def flood(address: str) -> None:
    """Send datagrams as fast as it goes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.connect((address, PORT))
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            for _ in range(32):
                sending.send(bytes(64))


def count_bytes(address: str, ready: Any) -> int:
    """How many bytes come through a connection."""
    count = 0
    with _accepted(address, ready) as connection:
        buffer = bytearray(1 << 20)
        while length := connection.recv_into(buffer):
            count += length
    return count


def stream(address: str) -> None:
    """Send bytes as fast as it goes."""
    with socket.create_connection((address, PORT)) as connection:
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            connection.sendall(bytes(1 << 18))


@contextmanager
def _accepted(address: str, ready: Any) -> Iterator[socket.socket]:
    with socket.create_server((address, PORT)) as listener:
        ready.set()
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield connection


def changes(mechanism: Mechanism) -> dict[str, float]:
    """Until all twenty links of five nodes are cut, or healed, and each is proven."""
    links = frozenset(permutations(ETCD_NODES, 2))
    network = SwitchedNetwork.create(ETCD_NODES, None, mechanism)
    took: dict[str, list[float]] = {"cut 20 links p50 (ms)": [], "heal 20 links p50 (ms)": []}
    try:
        for _ in range(CHANGES):
            for figure, edges in zip(took, (links, frozenset[Edge]()), strict=True):
                report = network.cut(edges)
                assert not report.failures, report.failures
                took[figure].append(report.end_ns - report.begin_ns)
    finally:
        network.close()
    return {figure: statistics.median(times) / 1e6 for figure, times in took.items()}


def puts_to_etcd(mechanism: Mechanism) -> dict[str, float]:
    """Puts to five nodes: one client after another, and ten at once."""
    namespace = new_network()
    network = SwitchedNetwork.create(ETCD_NODES, namespace, mechanism)
    figures: dict[str, float] = {}

    def measure() -> None:
        enter_network(namespace)
        addresses = list(network.addresses.values())
        _await_puts(addresses)
        one = _puts(addresses[:1], PUTS)
        begin = time.perf_counter()
        many = _puts([addresses[number % len(addresses)] for number in range(CLIENTS_AT_ONCE)], PUTS)
        figures["etcd put p50 (ms)"] = statistics.median(one) * 1e3
        figures["etcd puts, 10 at once (1/s)"] = len(many) / (time.perf_counter() - begin)

    try:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as data, _etcd(network, Path(data)):
            thread = threading.Thread(target=measure)  # only the thread moves
            thread.start()
            thread.join()
    finally:
        network.close()
        os.close(namespace)
    return figures


@contextmanager
def _etcd(network: SwitchedNetwork, data: Path) -> Iterator[None]:
    binary = str(find_binary(load_suite("suites/etcd").database.sources, None))
    peers = ",".join(f"{name}=http://{address}:2380" for name, address in network.addresses.items())
    with ExitStack() as running:
        for name, address in network.addresses.items():
            urls = [f"http://{address}:2379", f"http://{address}:2380"]
            command = [binary, f"--name={name}", f"--data-dir={data / name}", f"--initial-cluster={peers}"]
            command += [f"--listen-client-urls={urls[0]}", f"--advertise-client-urls={urls[0]}"]
            command += [f"--listen-peer-urls={urls[1]}", f"--initial-advertise-peer-urls={urls[1]}"]
            command += ["--unsafe-no-fsync", "--log-level=error"]
            with inside_network(network.namespace_fd(name)):
                process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.kill)
        yield


def _await_puts(addresses: Sequence[str]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _puts(addresses, 1)
        except (OSError, RuntimeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _puts(addresses: Sequence[str], count: int) -> list[float]:
    """Seconds of each put of one client an address, all at once."""
    took: list[float] = []
    failures: list[BaseException] = []

    def client(address: str) -> None:
        try:
            connection = http.client.HTTPConnection(address, 2379, timeout=10)
            for number in range(count):
                body = json.dumps({"key": "a2V5", "value": f"{number:08d}"})
                begin = time.perf_counter()
                connection.request("POST", "/v3/kv/put", body)
                response = connection.getresponse()
                response.read()
                if response.status != 200:
                    raise RuntimeError(f"etcd answered {response.status}")
                took.append(time.perf_counter() - begin)
            connection.close()
        except (OSError, RuntimeError) as error:
            failures.append(error)

    threads = [threading.Thread(target=client, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return took


def in_a_process(work: Callable[[], dict[str, float]]) -> Figures:
    """Do it in a process of its own, whose memory is that of the switch."""
    results = _FORK.SimpleQueue()

    def child() -> None:
        before = _resident_mb()
        values = work()
        results.put(Figures(values, _peak_mb() - before))

    process = _FORK.Process(target=child)
    process.start()
    figures: Figures = results.get()
    process.join()
    return figures


def _resident_mb() -> float:
    return _status_kib("VmRSS:") * 1024 / 1e6


def _peak_mb() -> float:
    return _status_kib("VmHWM:") * 1024 / 1e6


def _status_kib(name: str) -> int:
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if name in line)


def between_ends_of(network: Callable[[], Any]) -> Callable[[], dict[str, float]]:
    """The figures between the two places of a network that is made for it."""

    def work() -> dict[str, float]:
        with network() as (near, far):
            return between(near, far)

    return work


def show(title: str, measured: Mapping[str, Figures]) -> None:
    """One line a figure, one column a network, each beside its ratio to the first."""
    names = list(measured)
    baseline = measured[names[0]].values
    print(f"\n{title:<30}" + "".join(f"{name:>20}" for name in names))
    for figure, reference in baseline.items():
        cells = (measured[name].values[figure] for name in names)
        print(f"{figure:<30}" + "".join(f"{value:>12,.2f} {value / reference:>5.2f} x" for value in cells))
    print(f"{'memory (MB)':<30}" + "".join(f"{measured[name].extra_mb:>20.0f}" for name in names))


def main() -> None:
    """Measure and print."""
    mechanisms = {mechanism.name: mechanism for mechanism in MECHANISMS if try_network([mechanism]).available}
    if not mechanisms:
        sys.exit("no switched network is to be had here: run `schrodinger doctor`")
    networks: dict[str, Callable[[], Any]] = {"plain veth": plain_veth}
    networks |= {name: partial(switched, mechanism) for name, mechanism in mechanisms.items()}
    show("two nodes", {name: in_a_process(between_ends_of(network)) for name, network in networks.items()})
    show(
        "five etcd nodes",
        {name: in_a_process(partial(puts_to_etcd, mechanism)) for name, mechanism in mechanisms.items()},
    )
    show("changes", {name: in_a_process(partial(changes, mechanism)) for name, mechanism in mechanisms.items()})


if __name__ == "__main__":
    main()
