"""What a fault of a link does to packets, measured from outside by sockets of the nodes, beside what was asked for.

Chance is from a seed, so shares are the same in every run in which the same packets are sent; the tolerances allow for
our own probes, which count as packets.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import threading
import time
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pytest
from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network import MECHANISMS, LinkEffect
from schrodinger_agent.network_effects import PARAMETERS

from tests.integration.peers import DEADLINE_S, Peers, SharedNetwork, possible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.network import Edge, EffectReport
    from schrodinger_agent.network_fabric import Mechanism

MS = 1_000_000
ONE_WAY: Edge = ("n1", "n2")
BOTH_WAYS: tuple[Edge, ...] = (ONE_WAY, ("n2", "n1"))
DELAYING = [mechanism for mechanism in MECHANISMS if "delay" in mechanism.kinds]
COMPLETE = [mechanism for mechanism in DELAYING if "reset" in mechanism.kinds]


def named(mechanism: Mechanism) -> str:
    return mechanism.name


in_user_space = pytest.mark.parametrize("mechanism", COMPLETE, ids=named, indirect=True)
"""For what the kernel does not do: a seed, what only a look into packets can, and counting all that it does."""


@pytest.fixture(scope="module", params=DELAYING, ids=named)
def mechanism(request: pytest.FixtureRequest) -> Mechanism:
    return possible(request.param)


@pytest.fixture(scope="module")
def shared(mechanism: Mechanism) -> Iterator[SharedNetwork]:
    with SharedNetwork.up(mechanism) as network:
        yield network


@pytest.fixture
def peers(shared: SharedNetwork) -> Iterator[Peers]:
    with shared.peers() as peers:
        yield peers


def effects(kind: str, edges: tuple[Edge, ...], **parameters: int | str) -> frozenset[LinkEffect]:
    values = tuple((name, parameters[name]) for name in PARAMETERS[kind])
    return frozenset(LinkEffect(*edge, kind, values) for edge in edges)


def delays(edges: tuple[Edge, ...], ms: int, jitter_ms: int = 0, distribution: str = "uniform") -> Any:
    return effects(
        "delay", edges, delay_ns=ms * MS, jitter_ns=jitter_ms * MS, distribution=distribution, seed=ms + jitter_ms
    )


def put(peers: Peers, kind: str, *wanted: frozenset[LinkEffect]) -> EffectReport:
    report = peers.network.change(kind, frozenset[LinkEffect]().union(*wanted))
    assert report.failures == {}
    return report


def seen(peers: Peers, kind: str) -> dict[str, Any]:
    report = peers.network.observe_effects(kind)
    assert report.failures == {}
    return report.evidence(report.in_force)


def round_trips(peers: Peers, count: int, source: str = "n1", destination: str = "n2") -> list[float]:
    """Milliseconds that datagrams take there and back."""
    near, far = peers.datagrams(source), peers.datagrams(destination)
    took = []
    for number in range(count):
        begin = time.monotonic()
        near.sendto(number.to_bytes(8), (peers.address(destination), near.getsockname()[1]))
        far.sendto(far.recv(100), (peers.address(source), near.getsockname()[1]))
        near.recv(100)
        took.append((time.monotonic() - begin) * 1e3)
    return took


def sent_through(peers: Peers, count: int, payload: bytes = b"", window: int = 50) -> list[bytes]:
    """What comes out of the link from n1 to n2 when so many numbered datagrams are sent into it.

    After each window the switch has carried everything when a datagram on links without faults has come by; what is
    held on purpose must be shorter than the receiver's patience.
    """
    peers.datagrams("n2")
    arrived: list[bytes] = []
    for first in range(0, count, window):
        for number in range(first, min(first + window, count)):
            peers.send("n1", "n2", number.to_bytes(8) + payload)
        marker = b"marker %d" % first
        peers.send("n3", "n2", marker)
        while (datagram := peers.datagrams("n2").recv(2_000)) != marker:
            arrived.append(datagram)
    return arrived


def drained(peers: Peers, name: str, quiet_s: float) -> list[bytes]:
    """What still comes until nothing has come for so long."""
    receiver = peers.datagrams(name)
    receiver.settimeout(quiet_s)
    late = []
    try:
        while True:
            late.append(receiver.recv(2_000))
    except TimeoutError:
        receiver.settimeout(DEADLINE_S)
        return late


def numbers(datagrams: list[bytes]) -> list[int]:
    return [int.from_bytes(datagram[:8]) for datagram in datagrams]


def test_a_delay_is_added_to_every_round_trip_and_gone_when_it_is_lifted(peers: Peers) -> None:
    before = min(round_trips(peers, 20))
    put(peers, "delay", delays(BOTH_WAYS, 20))
    during = round_trips(peers, 25)
    put(peers, "delay")
    after = min(round_trips(peers, 20))

    assert before < 20
    assert 40 <= min(during) < 60
    assert after < 20


def test_a_delay_acts_on_its_link_and_in_its_direction_only(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 30))

    assert 30 <= min(round_trips(peers, 10)) < 60
    assert min(round_trips(peers, 10, "n1", "n3")) < 30
    assert min(round_trips(peers, 10, "n3", "n2")) < 30


@pytest.mark.parametrize(("distribution", "least"), [("uniform", 10), ("normal", 0), ("pareto", 15)])
def test_jitter_spreads_round_trips_as_its_distribution_says(peers: Peers, distribution: str, least: float) -> None:
    put(peers, "delay", delays((ONE_WAY,), 15, 5, distribution))

    took = round_trips(peers, 40)

    assert min(took) >= least
    assert min(took) < 20, "the machine may be busy, but not all the time"
    assert statistics.mean(took) > 13
    assert statistics.stdev(took) > 1


def test_late_packets_hold_up_those_behind_them(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 15, 15))

    for number in range(200):
        peers.send("n1", "n2", number.to_bytes(8))

    assert numbers(drained(peers, "n2", 0.3)) == list(range(200))


@in_user_space
@pytest.mark.parametrize(("distribution", "most"), [("uniform", 20), ("normal", 40), ("pareto", 115)])
def test_the_time_that_packets_are_held_is_counted(peers: Peers, distribution: str, most: float) -> None:
    put(peers, "delay", delays((ONE_WAY,), 15, 5, distribution))

    round_trips(peers, 40)

    evidence = seen(peers, "delay")
    assert 10 < evidence["mean_held_ns"] / MS < 25
    assert evidence["longest_held_ns"] <= most * MS


def test_delays_of_two_faults_add_up_and_lifting_one_leaves_the_other(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 30), delays((ONE_WAY,), 40))
    assert min(round_trips(peers, 5)) >= 70

    put(peers, "delay", delays((ONE_WAY,), 40))

    assert 40 <= min(round_trips(peers, 5)) < 70


def test_loss_takes_its_share_in_its_direction_and_nothing_after_the_heal(peers: Peers) -> None:
    put(peers, "loss", effects("loss", (ONE_WAY,), share=300_000, seed=5))

    arrived = sent_through(peers, 2_000)

    assert 0.27 < 1 - len(arrived) / 2_000 < 0.33
    evidence = seen(peers, "loss")
    assert evidence["packets"] == 2_001, "our own probe is one of them"
    assert 0 <= evidence["dropped"] - (2_000 - len(arrived)) <= 1
    put(peers, "loss")
    assert numbers(sent_through(peers, 500)) == list(range(500))


@in_user_space
def test_the_same_seed_loses_the_same_packets_and_another_seed_others(peers: Peers) -> None:
    def lost_with(seed: int) -> list[int]:
        put(peers, "loss", effects("loss", (ONE_WAY,), share=300_000, seed=seed))
        arrived = numbers(sent_through(peers, 300))
        put(peers, "loss")
        return sorted(set(range(300)) - set(arrived))

    first = lost_with(5)

    assert lost_with(5) == first
    assert lost_with(6) != first


def test_lost_packets_come_in_bursts_where_that_was_asked_for(peers: Peers) -> None:
    put(peers, "burst-loss", effects("burst-loss", (ONE_WAY,), share=300_000, burst=20, seed=3))

    arrived = set(numbers(sent_through(peers, 4_000)))

    lost = [number not in arrived for number in range(4_000)]
    bursts = sum(now and not before for before, now in zip([False, *lost], lost, strict=False))
    assert 0.2 < sum(lost) / 4_000 < 0.4
    assert 12 < sum(lost) / bursts < 30


def test_duplicates_are_seen_twice_and_nothing_is_lost(peers: Peers) -> None:
    put(peers, "duplication", effects("duplication", (ONE_WAY,), share=250_000, seed=1))

    arrived = numbers(sent_through(peers, 1_000))

    assert set(arrived) == set(range(1_000))
    assert 200 < len(arrived) - 1_000 < 300


def test_reordered_packets_are_overtaken_and_all_arrive(peers: Peers) -> None:
    put(peers, "reordering", effects("reordering", (ONE_WAY,), share=200_000, hold_ns=20 * MS, seed=1))

    arrived = numbers(sent_through(peers, 1_000) + drained(peers, "n2", 0.2))

    assert sorted(arrived) == list(range(1_000))
    overtaken = sum(number < latest for number, latest in zip(arrived, accumulate(arrived, max), strict=True))
    assert 150 < overtaken < 250
    hits = seen(peers, "reordering")["hits"]
    assert hits is None or overtaken <= hits < 250, "netem does not count them"


def test_corruption_is_found_by_the_receivers_checksum(peers: Peers) -> None:
    errors_before = checksum_errors(peers, "n2")
    put(peers, "corruption", effects("corruption", (ONE_WAY,), share=200_000, seed=1))

    arrived = sent_through(peers, 1_000, payload=bytes(1_000))

    assert 150 < 1_000 - len(arrived) < 250
    assert all(datagram[8:] == bytes(1_000) for datagram in arrived), "what arrives is whole"
    found = checksum_errors(peers, "n2") - errors_before
    # Where no seed decides, one in thirty hits a header, which is found, or lost, before the checksum of the datagram.
    assert found >= 0.9 * (1_000 - len(arrived))


@in_user_space
def test_silent_corruption_reaches_the_application_and_no_checksum_finds_it(peers: Peers) -> None:
    errors_before = checksum_errors(peers, "n2")
    put(peers, "silent-corruption", effects("silent-corruption", (ONE_WAY,), share=200_000, seed=1))

    arrived = sent_through(peers, 1_000, payload=bytes(1_000))

    assert len(arrived) == 1_000
    changed = sum(datagram != number.to_bytes(8) + bytes(1_000) for number, datagram in enumerate(arrived))
    assert 150 < changed < 250
    assert checksum_errors(peers, "n2") == errors_before


def test_a_stream_survives_corruption_whole(peers: Peers) -> None:
    assert through_corruption(peers, "corruption", bytes(400_000)) == bytes(400_000)


@in_user_space
def test_a_stream_is_changed_by_silent_corruption(peers: Peers) -> None:
    received = through_corruption(peers, "silent-corruption", bytes(400_000))

    assert len(received) == 400_000
    assert received != bytes(400_000)


def through_corruption(peers: Peers, kind: str, payload: bytes) -> bytes:
    near, far = peers.connect("n1", "n2")
    put(peers, kind, effects(kind, (ONE_WAY,), share=100_000, seed=9))
    return transferred(near, far, payload)


def test_a_rate_is_what_a_stream_gets(peers: Peers) -> None:
    near, far = peers.connect("n1", "n2")
    put(peers, "rate", effects("rate", (ONE_WAY,), bits_per_second=8_000_000, queue_bytes=100_000))
    payload = bytes(1_000_000)

    begin = time.monotonic()
    assert transferred(near, far, payload) == payload

    megabits_a_second = 8 * len(payload) / (time.monotonic() - begin) / 1e6
    assert 5 < megabits_a_second < 8
    assert seen(peers, "rate")["longest_held_ns"] <= 110 * MS


@in_user_space
def test_a_reset_is_seen_by_both_ends_of_a_connection_and_new_ones_can_be_made(peers: Peers) -> None:
    near, far = peers.connect("n1", "n2")
    put(peers, "reset", effects("reset", (ONE_WAY,), share=1_000_000, seed=1))

    near.sendall(b"into the reset")

    with pytest.raises(ConnectionResetError):
        far.recv(100)
    with pytest.raises(ConnectionResetError):
        near.recv(100)
    assert seen(peers, "reset")["hits"] == 1
    put(peers, "reset")
    near, far = peers.connect("n1", "n2")
    near.sendall(b"through")
    assert far.recv(100) == b"through"


@in_user_space
def test_connections_of_other_links_are_not_reset(peers: Peers) -> None:
    near, far = peers.connect("n1", "n3")
    put(peers, "reset", effects("reset", (ONE_WAY,), share=1_000_000, seed=1))

    near.sendall(b"spared")

    assert far.recv(100) == b"spared"


def test_everything_together_gives_the_effect_of_each(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 20))
    put(peers, "loss", effects("loss", (ONE_WAY,), share=200_000, seed=1))
    put(peers, "duplication", effects("duplication", (ONE_WAY,), share=500_000, seed=1))
    put(peers, "rate", effects("rate", (ONE_WAY,), bits_per_second=100_000_000, queue_bytes=10_000_000))
    peers.network.cut(frozenset({("n2", "n1")}))

    begin = time.monotonic()
    for number in range(1_000):
        peers.send("n1", "n2", number.to_bytes(8))
    first = peers.datagrams("n2").recv(100)
    assert time.monotonic() - begin >= 0.02
    arrived = numbers([first, *drained(peers, "n2", 0.2)])

    assert 750 < len(set(arrived)) < 850
    assert 0.4 < len(arrived) / len(set(arrived)) - 1 < 0.6
    peers.send("n2", "n1", b"back")
    assert not peers.received("n1", b"back", sender="n3")


def test_changing_one_fault_never_heals_another_for_a_moment(peers: Peers) -> None:
    lasting = delays((ONE_WAY,), 15)
    put(peers, "delay", lasting)
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            other = delays((("n1", "n3"), ("n2", "n1")), 1 + number % 3)
            put(peers, "delay", lasting, other if number % 2 else frozenset())
            put(peers, "loss", effects("loss", (("n3", "n2"),), share=1 + number, seed=number))
            peers.network.cut(frozenset({("n4", "n5")}) if number % 2 else frozenset())

    changing = threading.Thread(target=change)
    changing.start()
    took = round_trips(peers, 100)
    stop.set()
    changing.join()

    assert min(took) >= 15


@in_user_space
def test_a_delay_that_is_lifted_lets_go_of_what_it_held_at_once_and_in_order(peers: Peers) -> None:
    peers.datagrams("n2")
    put(peers, "delay", delays((ONE_WAY,), 60_000))
    for number in range(100):
        peers.send("n1", "n2", number.to_bytes(8))

    begin = time.monotonic()
    put(peers, "delay")

    assert numbers([peers.datagrams("n2").recv(100) for _ in range(100)]) == list(range(100))
    assert time.monotonic() - begin < DEADLINE_S


def test_packets_that_nobody_wanted_dropped_are_an_error_of_what_holds_packets(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabric = peers.network._switch._fabric
    (delay,) = wanted = delays((ONE_WAY,), 20)
    put(peers, "delay", wanted)
    put(peers, "loss", effects("loss", (ONE_WAY,), share=1, seed=1))
    monkeypatch.setattr(type(fabric), "overflowed", lambda self: 3)

    assert peers.network.observe_effects("loss").failures == {}
    report = peers.network.change("delay", frozenset())

    assert report.failures == {delay: "3 packets were dropped because too many were waiting"}
    assert peers.network.observe_effects("delay").failures == {}


def test_an_effect_that_went_missing_is_noticed(peers: Peers) -> None:
    (effect,) = wanted = delays((ONE_WAY,), 20)
    put(peers, "delay", wanted)
    peers.network._thread.submit(peers.network._switch._fabric.replace, frozenset()).result()

    report = peers.network.observe_effects("delay")

    assert report.in_force == frozenset()
    assert report.failures == {effect: "the switch does not have it"}


def checksum_errors(peers: Peers, name: str) -> int:
    """UDP datagrams that the node's kernel found damaged, by snmp of proc(5)."""
    read = "lines = [line.split() for line in open('/proc/net/snmp') if line.startswith('Udp:')]; "
    read += "print(dict(zip(*lines))['InCsumErrors'])"
    with inside_network(peers.network.namespace_fd(name)):
        return int(subprocess.run([sys.executable, "-c", read], capture_output=True, check=True).stdout)


def transferred(near: socket.socket, far: socket.socket, payload: bytes) -> bytes:
    """What comes out of a connection when so much is sent into it and it is closed."""
    near.settimeout(60)
    far.settimeout(60)

    def send() -> None:
        near.sendall(payload)
        near.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    received = bytearray()
    while chunk := far.recv(65_536):
        received += chunk
    sender.join()
    return bytes(received)
