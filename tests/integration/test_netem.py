"""What is particular about netem: its stages change where they are, and what it holds goes when its fault ends.

What netem has in common with the switch in user space is in ``test_link_faults.py``, with the rest of the kernel in
``test_network_shaping.py``. ``make netem`` runs all of it under a kernel that has netem.
"""

from __future__ import annotations

import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from schrodinger_agent import network_queues
from schrodinger_agent.network import NetworkError, try_network
from schrodinger_agent.network_effects import KINDS
from schrodinger_agent.network_shaping import KernelNetem

from tests.integration.peers import Peers, SharedNetwork, possible
from tests.integration.test_link_faults import (
    MS,
    ONE_WAY,
    delays,
    drained,
    effects,
    numbers,
    put,
    round_trips,
    seen,
    sent_through,
)
from tests.integration.test_network_shaping import left_over

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedNetwork]:
    with SharedNetwork.up(possible(KernelNetem())) as network:
        yield network


@pytest.fixture
def peers(shared: SharedNetwork) -> Iterator[Peers]:
    with shared.peers() as peers:
        yield peers
        for kind in sorted(peers.network.kinds - {"cut"}):
            peers.network.change(kind, frozenset())
        assert left_over(peers) == []


def bursts(share: int, burst: int) -> Any:
    return effects("burst-loss", (ONE_WAY,), share=share, burst=burst, seed=1)


def corruption(share: int) -> Any:
    return effects("corruption", (ONE_WAY,), share=share, seed=1)


def test_it_is_offered_after_a_trial_of_all_that_it_does(shared: SharedNetwork) -> None:
    trial = try_network([KernelNetem()], enough=KINDS)

    assert trial.kinds == set(KINDS) - {"silent-corruption", "reset"}


def test_losses_in_bursts_are_counted_by_whom_they_befell(peers: Peers) -> None:
    put(peers, "burst-loss", bursts(300_000, 5))
    put(peers, "loss", effects("loss", (ONE_WAY,), share=200_000, seed=1))

    arrived = len(sent_through(peers, 2_000))

    in_bursts, single = seen(peers, "burst-loss"), seen(peers, "loss")
    assert 0 <= in_bursts["dropped"] + single["dropped"] - (2_000 - arrived) <= 2
    assert in_bursts["packets"] == 2_002 - single["dropped"], "our own probe for each of them"


def test_what_begins_on_a_link_does_no_harm_to_what_waits_there(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 2_000))
    peers.datagrams("n2")
    for number in range(100):
        peers.send("n1", "n2", number.to_bytes(8))

    put(peers, "burst-loss", bursts(900_000, 20))
    put(peers, "corruption", corruption(1_000_000))
    put(peers, "reordering", effects("reordering", (ONE_WAY,), share=500_000, hold_ns=20 * MS, seed=1))
    put(peers, "rate", effects("rate", (ONE_WAY,), bits_per_second=10**9, queue_bytes=10**6))

    assert numbers(drained(peers, "n2", 3)) == list(range(100))


def test_a_delay_that_is_lifted_is_gone_at_once_with_what_it_held_while_the_rest_goes_on(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 3_000))
    put(peers, "burst-loss", bursts(500_000, 5))
    assert sent(peers, 400) == []
    before = seen(peers, "burst-loss")["dropped"]
    assert 50 < before < 350

    put(peers, "delay")

    begin = time.monotonic()
    arrived = numbers(sent_through(peers, 1_000))
    assert time.monotonic() - begin < 3, "the delay that was"
    arrived += numbers(drained(peers, "n2", 0.1))
    assert 300 < len(arrived) < 700
    now = seen(peers, "burst-loss")["dropped"]
    assert 0 <= now - before - (1_000 - len(arrived)) <= 1, "its counter goes on"


def sent(peers: Peers, count: int) -> list[bytes]:
    """What arrives at once of so many datagrams."""
    peers.datagrams("n2")
    for number in range(count):
        peers.send("n1", "n2", number.to_bytes(8))
    return drained(peers, "n2", 0.2)


def test_changes_on_the_same_link_never_heal_a_delay_or_a_loss_for_a_moment(peers: Peers) -> None:
    lasting, other_way = delays((ONE_WAY,), 15), effects("loss", (("n3", "n2"),), share=1_000_000, seed=1)
    put(peers, "delay", lasting)
    put(peers, "loss", other_way)
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            edges = (ONE_WAY, ("n3", "n2"))
            put(peers, "delay", lasting, delays(edges, 1 + number % 3) if number % 2 else frozenset())
            put(peers, "corruption", effects("corruption", edges, share=number, seed=1))
            held = effects("reordering", edges, share=1_000, hold_ns=MS, seed=number)
            put(peers, "reordering", held if number % 3 else frozenset())
            put(peers, "rate", effects("rate", edges, bits_per_second=10**9 + number, queue_bytes=10**6))

    changing = threading.Thread(target=change)
    changing.start()
    took, through = [], []
    far = peers.datagrams("n2")
    begin = time.monotonic()
    while time.monotonic() - begin < 5:
        peers.send("n3", "n2", b"never")
        sent_at = time.monotonic()
        peers.send("n1", "n2", b"late")
        far.settimeout(0.5)
        try:
            while (datagram := far.recv(100)) != b"late":
                through.append(datagram)
            took.append((time.monotonic() - sent_at) * 1e3)
        except TimeoutError:  # a delay of another fault ended, and took along what waited
            continue
    stop.set()
    changing.join()

    assert len(took) > 10
    assert min(took) >= 15
    assert b"never" not in through


def test_times_of_several_faults_add_up_as_they_do_in_a_row(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 20, 5, "normal"), delays((ONE_WAY,), 20, 10, "uniform"))

    took = round_trips(peers, 100)

    assert 38 < statistics.mean(took) < 60
    assert statistics.stdev(took) > 4
    assert min(took) > 10


def test_what_netem_can_not_hold_is_an_error_and_not_less(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_queues, "WAITING_PACKETS", 50)
    (delay,) = wanted = delays((ONE_WAY,), 60_000)
    put(peers, "delay", wanted)
    for _ in range(100):
        peers.send("n1", "n2", b"held")

    report = peers.network.observe_effects("delay")

    assert report.failures == {delay: "51 packets were dropped because too many were waiting"}
    assert peers.network.observe_effects("delay").failures == {}


def test_what_a_rate_drops_is_its_own_and_no_overflow(peers: Peers) -> None:
    put(peers, "delay", delays((ONE_WAY,), 10))
    put(peers, "rate", effects("rate", (ONE_WAY,), bits_per_second=80_000, queue_bytes=5_000))
    peers.datagrams("n2")
    for number in range(100):
        peers.send("n1", "n2", number.to_bytes(8) + bytes(1_000))

    arrived = drained(peers, "n2", 0.5)

    assert 0 <= seen(peers, "rate")["dropped"] - (100 - len(arrived)) <= 1
    assert seen(peers, "delay")["dropped"] == 0


def test_times_that_netem_can_not_tell_apart_are_refused(peers: Peers) -> None:
    with pytest.raises(NetworkError, match=r"netem can tell 17 s at most"):
        peers.network.change("delay", delays((ONE_WAY,), 20_000, 20_000))

    assert min(round_trips(peers, 5)) < 20
