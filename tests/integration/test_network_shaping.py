"""Faults of links by the kernel alone, as on a machine without the native switch, measured by sockets of the nodes.

Where the kernel has netem, all that is here holds with it as well. What netem does by itself is in ``test_netem.py``.

Its chance has no seed: tolerances are six standard deviations.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from schrodinger_agent.network import try_network
from schrodinger_agent.network_effects import KINDS
from schrodinger_agent.network_queues import Queues
from schrodinger_agent.network_shaping import KernelNetem, KernelShaping
from schrodinger_agent.network_topology import NetworkError
from schrodinger_agent.nft import NftError

from tests.integration.peers import Peers, SharedNetwork, possible
from tests.integration.test_link_faults import ONE_WAY, drained, effects, numbers, put, seen, sent_through, transferred

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module", params=[KernelShaping(), KernelNetem()], ids=lambda mechanism: mechanism.name)
def shared(request: pytest.FixtureRequest) -> Iterator[SharedNetwork]:
    with SharedNetwork.up(possible(request.param)) as network:
        yield network


@pytest.fixture
def peers(shared: SharedNetwork) -> Iterator[Peers]:
    with shared.peers() as peers:
        yield peers
        for kind in sorted(peers.network.kinds - {"cut"}):
            peers.network.change(kind, frozenset())
        assert left_over(peers) == []


def left_over(peers: Peers) -> list[Any]:
    """Chains, counters, elements of maps and queues that are still there."""
    fabric = peers.network._switch._fabric
    nft = peers.network._switch._fabric._bridge.nft  # type: ignore[attr-defined]
    listing = peers.network._thread.submit(nft.read, "list table bridge schrodinger").result()
    chains = [entry for entry in listing if "chain" in entry and entry["chain"]["name"] != "forward"]
    counters = [entry for entry in listing if "counter" in entry]
    elements = [entry["map"]["elem"] for entry in listing if "map" in entry and "elem" in entry["map"]]
    with_queues = peers.network._thread.submit(queues_of, fabric).result()
    return [*chains, *counters, *elements, *with_queues]


def queues_of(fabric: Any) -> list[Any]:
    """Queueing disciplines of ports, but for the root of each."""
    with Queues(fabric._indices) as kernel:
        return [handle for handle in kernel.found() if handle[1] != 1]


def loss(share: int, seed: int = 1) -> Any:
    return effects("loss", (ONE_WAY,), share=share, seed=seed)


def test_loss_takes_its_share_and_is_counted(peers: Peers) -> None:
    put(peers, "loss", loss(500_000))

    arrived = len(sent_through(peers, 1_000))

    assert 400 < arrived < 600
    evidence = seen(peers, "loss")
    assert evidence["packets"] == 1_001, "our own probe is one of them"
    assert 0 <= evidence["dropped"] - (1_000 - arrived) <= 1
    put(peers, "loss")
    assert numbers(sent_through(peers, 200)) == list(range(200))


def test_duplicates_are_seen_twice_behind_each_other_and_are_counted(peers: Peers) -> None:
    put(peers, "duplication", effects("duplication", (ONE_WAY,), share=250_000, seed=1))

    arrived = numbers(sent_through(peers, 1_000))

    assert arrived == sorted(arrived)
    assert set(arrived) == set(range(1_000))
    assert 165 < len(arrived) - 1_000 < 335
    assert 0 <= seen(peers, "duplication")["hits"] - (len(arrived) - 1_000) <= 1


def test_copies_are_lost_or_wait_like_what_they_are_copies_of(peers: Peers) -> None:
    put(peers, "duplication", effects("duplication", (ONE_WAY,), share=1_000_000, seed=1))
    put(peers, "rate", effects("rate", (ONE_WAY,), bits_per_second=800_000, queue_bytes=1_000_000))
    peers.datagrams("n2")

    begin = time.monotonic()
    for number in range(10):
        peers.send("n1", "n2", number.to_bytes(8) + bytes(1_400))

    assert numbers(drained(peers, "n2", 0.5)) == [number for number in range(10) for _ in range(2)]
    assert time.monotonic() - begin - 0.5 > 0.25, "twenty packets take 290 ms, of which two pass at once"


def test_losses_of_two_faults_add_up_and_the_counters_of_the_one_that_stays_go_on(peers: Peers) -> None:
    put(peers, "loss", loss(500_000, seed=1), loss(500_000, seed=2))
    assert 150 < len(sent_through(peers, 1_000)) < 350

    put(peers, "loss", loss(500_000, seed=1))
    before = seen(peers, "loss")["packets"]
    assert 400 < len(sent_through(peers, 1_000)) < 600

    assert before > 1_000
    assert seen(peers, "loss")["packets"] == before + 1_000


def test_a_rate_is_what_a_stream_gets_and_other_links_are_not_limited(peers: Peers) -> None:
    put(peers, "rate", effects("rate", (ONE_WAY,), bits_per_second=8_000_000, queue_bytes=100_000))
    near, far = peers.connect("n1", "n2")
    payload = bytes(1_000_000)
    begin = time.monotonic()
    assert transferred(near, far, payload) == payload
    limited_s = time.monotonic() - begin

    near, far = peers.connect("n3", "n2")
    begin = time.monotonic()
    assert transferred(near, far, payload) == payload

    assert 5 < 8 / limited_s < 8.5
    assert time.monotonic() - begin < limited_s
    assert seen(peers, "rate")["packets"] > 600


def test_the_lowest_of_two_rates_counts_and_the_other_is_in_force_when_it_ends(peers: Peers) -> None:
    fast = effects("rate", (ONE_WAY,), bits_per_second=80_000_000, queue_bytes=100_000)
    slow = effects("rate", (ONE_WAY,), bits_per_second=8_000_000, queue_bytes=100_000)
    payload = bytes(500_000)

    def megabits_a_second() -> float:
        near, far = peers.connect("n1", "n2")
        begin = time.monotonic()
        assert transferred(near, far, payload) == payload
        return 8 * len(payload) / (time.monotonic() - begin) / 1e6

    put(peers, "rate", fast, slow)
    assert megabits_a_second() < 9
    put(peers, "rate", fast)
    assert megabits_a_second() > 9


def test_a_queue_whose_chain_is_refused_is_taken_back_and_can_be_asked_for_again(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    nft = peers.network._switch._fabric._bridge.nft  # type: ignore[attr-defined]
    rate = effects("rate", (ONE_WAY,), bits_per_second=80_000_000, queue_bytes=100_000)
    with monkeypatch.context() as refusing:
        refusing.setattr(nft, "run", raising(NftError("refused")))
        with pytest.raises(NetworkError, match="refused"):
            peers.network.change("rate", rate)
    assert left_over(peers) == []
    put(peers, "rate", rate)
    assert peers.network.observe_effects("rate").in_force == rate


def raising(error: Exception) -> Callable[[str], None]:
    """A function that fails."""

    def fail(_: str) -> None:
        raise error

    return fail


def test_loss_rate_and_cut_act_together(peers: Peers) -> None:
    put(peers, "loss", loss(500_000))
    put(peers, "rate", effects("rate", (ONE_WAY,), bits_per_second=100_000_000, queue_bytes=1_000_000))
    peers.network.cut(frozenset({("n2", "n1")}))

    assert 400 < len(sent_through(peers, 1_000)) < 600
    peers.send("n2", "n1", b"back")
    assert not peers.received("n1", b"back", sender="n3")


def test_changing_one_fault_never_heals_another_for_a_moment(peers: Peers) -> None:
    near, far = peers.datagrams("n1"), peers.datagrams("n2")
    lasting = loss(1_000_000)
    peers.network.change("duplication", effects("duplication", (ONE_WAY,), share=1_000_000, seed=1))
    slow = effects("rate", (("n3", "n4"),), bits_per_second=8_000, queue_bytes=1_000)
    put(peers, "loss", lasting)
    put(peers, "rate", slow)
    stop, sent = threading.Event(), 0

    def flood() -> None:
        nonlocal sent
        while not stop.is_set():
            near.sendto(b"flood", (peers.address("n2"), near.getsockname()[1]))
            sent += 1

    flooder = threading.Thread(target=flood)
    flooder.start()
    for round_ in range(30):
        other = effects("loss", (("n3", "n2"), ("n2", "n1")), share=1 + round_, seed=round_)
        put(peers, "loss", lasting, other if round_ % 2 else frozenset())
        faster = effects("rate", (("n1", "n4"),), bits_per_second=1_000_000 + round_, queue_bytes=100_000)
        put(peers, "rate", slow, faster if round_ % 3 else frozenset())
        peers.network.cut(frozenset({("n4", "n5")} if round_ % 2 else {("n5", "n1")}))
    stop.set()
    flooder.join()

    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        far.recv(100)
    assert seen(peers, "loss")["dropped"] > 1_000
    assert sent >= 1_000


def test_without_the_native_package_the_kernel_does_what_it_can_and_the_reason_is_said(
    shared: SharedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "schrodinger_native", None)

    trial = try_network(enough=KINDS)

    names = [mechanism.name for mechanism in trial.possible]
    assert names in (["kernel", "kernel-shaping"], ["kernel", "kernel-shaping", "kernel-netem"])
    assert trial.choose({"loss", "rate"}) is trial.possible[1]
    assert (trial.choose({"delay"}) is not None) == ("kernel-netem" in names)
    assert trial.choose({"delay", "silent-corruption"}) is None
    assert trial.choose(captures=True) is None
    assert "schrodinger-native cannot be imported" in trial.reason
    assert trial.remedy.startswith("install the package schrodinger-native")
