"""The switch between nodes on one machine: real namespaces, every mechanism that carries packets, real packets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent import network_effects as effects
from schrodinger_agent.namespaces import inside_network, new_network, open_network
from schrodinger_agent.network import CLIENTS, MECHANISMS, Edge, NetworkError, SwitchedNetwork

from tests.integration.peers import DEADLINE_S, NODES, PORT, Peers, SharedNetwork, possible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schrodinger_agent.network_fabric import Mechanism


@pytest.fixture(scope="module", params=MECHANISMS, ids=lambda mechanism: mechanism.name)
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


@pytest.fixture
def network(peers: Peers) -> SwitchedNetwork:
    return peers.network


def cut(network: SwitchedNetwork, *edges: Edge) -> None:
    report = network.cut(frozenset(edges))
    assert report.failures == {}
    assert report.cut == frozenset(edges)
    assert report.begin_ns < report.end_ns <= time.monotonic_ns()


def both_ways(*pairs: Edge) -> tuple[Edge, ...]:
    return tuple(edge for one, other in pairs for edge in ((one, other), (other, one)))


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds


def test_a_directed_cut_stops_datagrams_one_way_only(peers: Peers) -> None:
    cut(peers.network, ("n1", "n2"))

    peers.send("n1", "n2", b"there")
    peers.send("n2", "n1", b"back")

    assert not peers.received("n2", b"there", sender="n3")
    assert peers.received("n1", b"back", sender="n3")


def test_the_sender_of_what_is_dropped_sees_no_error(peers: Peers) -> None:
    cut(peers.network, *both_ways(("n1", "n2")))

    for _ in range(100):
        peers.send("n1", "n2", b"into the void")

    assert peers.datagrams("n1").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def test_a_cut_covers_broadcasts_as_well(peers: Peers) -> None:
    cut(peers.network, ("n1", "n2"))
    for name in ("n2", "n3"):
        peers.datagrams(name)

    peers.datagrams("n1").sendto(b"to all", ("10.77.0.255", PORT))

    assert peers.received("n3", b"to all", sender="n4")
    assert not peers.received("n2", b"to all", sender="n4")


def test_a_heal_lets_everything_through_again(peers: Peers) -> None:
    cut(peers.network, *both_ways(("n1", "n2"), ("n1", "n3")))
    cut(peers.network)

    peers.send("n1", "n2", b"again")

    assert peers.received("n2", b"again", sender="n3")


def test_what_tcp_sends_during_a_cut_arrives_after_the_heal(peers: Peers) -> None:
    near, far = peers.connect("n1", "n2")
    cut(peers.network, *both_ways(("n1", "n2")))
    near.sendall(b"written while cut off")
    far.settimeout(0.5)
    with pytest.raises(TimeoutError):
        far.recv(100)

    cut(peers.network)

    far.settimeout(DEADLINE_S)
    assert far.recv(100) == b"written while cut off"


def test_nodes_that_are_cut_off_from_each_other_all_answer_the_clients(peers: Peers) -> None:
    cut(peers.network, *((one, other) for one in NODES for other in NODES if one != other))

    for name in NODES:
        peers.send(CLIENTS, name, b"question")
        assert peers.datagrams(name).recv(100) == b"question"
        peers.send(name, CLIENTS, b"answer of " + name.encode())
        assert peers.datagrams(CLIENTS).recv(100) == b"answer of " + name.encode()


def test_the_clients_are_cut_off_where_a_cut_names_them(peers: Peers) -> None:
    cut(peers.network, (CLIENTS, "n1"))

    peers.send(CLIENTS, "n1", b"lost")
    peers.send(CLIENTS, "n2", b"kept")

    assert not peers.received("n1", b"lost", sender="n2")
    assert peers.received("n2", b"kept", sender="n1")


def test_changing_one_cut_never_lets_a_packet_through_another(peers: Peers) -> None:
    lasting = ("n1", "n2")
    cut(peers.network, lasting)
    source, destination = peers.datagrams("n1"), peers.datagrams("n2")
    stop = threading.Event()
    sent = 0

    def flood() -> None:
        nonlocal sent
        while not stop.is_set():
            source.sendto(b"flood", (peers.address("n2"), PORT))
            sent += 1

    flooder = threading.Thread(target=flood)
    flooder.start()
    others = both_ways(("n3", "n4"), ("n1", "n3"), ("n2", "n4"))
    for round_ in range(100):
        cut(peers.network, lasting, *(others if round_ % 2 else others[: 1 + round_ % 5]))
    stop.set()
    flooder.join()

    destination.setblocking(False)
    with pytest.raises(BlockingIOError):
        destination.recv(100)
    dropped = peers.network.observe().tallies[lasting].packets_dropped
    assert 1000 < dropped <= sent


def test_evidence_counts_the_packets_of_others_and_the_probes_apart(peers: Peers) -> None:
    cut(peers.network, ("n1", "n2"))
    for _ in range(7):
        peers.send("n1", "n2", b"lost")

    seen = peers.network.observe().evidence([("n1", "n2")])
    last = peers.network.cut(frozenset()).evidence([("n1", "n2")])

    edge = {"source": "n1", "destination": "n2", "probes_sent": 2, "probes_received": 0, "packets_dropped": 7}
    assert seen == {"probes_sent": 2, "probes_received": 0, "packets_dropped": 7, "edges": [edge]}
    assert last == seen


def test_the_counter_of_a_cut_that_stays_goes_on(peers: Peers) -> None:
    cut(peers.network, ("n1", "n2"), ("n2", "n3"))
    peers.send("n2", "n3", b"lost")

    cut(peers.network, ("n2", "n3"), ("n3", "n4"))

    report = peers.network.observe()
    assert report.tallies[("n2", "n3")].packets_dropped == 1
    assert report.tallies[("n3", "n4")].packets_dropped == 0
    assert ("n1", "n2") not in report.tallies


def test_a_cut_that_went_missing_is_noticed(network: SwitchedNetwork) -> None:
    cut(network, ("n1", "n2"), ("n3", "n4"))
    tamper(network, ("n3", "n4"))

    report = network.observe()

    assert report.cut == {("n3", "n4")}
    assert set(report.failures) == {("n1", "n2")}
    assert report.tallies[("n1", "n2")].probes_received == 1
    cut(network, ("n3", "n4"))


def test_a_foreign_cut_is_removed_by_the_next_change(network: SwitchedNetwork) -> None:
    tamper(network, ("n1", "n2"))
    assert network.observe().failures == {("n1", "n2"): "the switch still holds it cut"}

    cut(network, ("n3", "n4"))


@pytest.mark.parametrize("edge", [("n1", "n9"), ("n9", "n1"), ("n1", "n1")])
def test_a_link_that_does_not_exist_is_refused_and_nothing_changes(network: SwitchedNetwork, edge: Edge) -> None:
    cut(network, ("n1", "n2"))

    with pytest.raises(NetworkError, match=r"n9|itself"):
        network.cut(frozenset({edge, ("n2", "n3")}))

    assert network.observe().cut == {("n1", "n2")}


def test_two_networks_side_by_side_do_not_notice_each_other(peers: Peers, mechanism: Mechanism) -> None:
    namespace = new_network()
    second = Peers(SwitchedNetwork.create(NODES, namespace, mechanism), namespace)
    try:
        cut(peers.network, *both_ways(("n1", "n2")))
        second.send("n1", "n2", b"second network")

        assert second.received("n2", b"second network", sender="n3")
        assert second.network.observe().cut == frozenset()
        assert not peers.received("n2", b"second network", sender="n3")
    finally:
        second.close()
        second.network.close()
        os.close(namespace)


def test_closing_leaves_no_namespace_no_link_no_thread_and_no_descriptor(mechanism: Mechanism) -> None:
    namespace = new_network()
    before = left_over(namespace)
    network = SwitchedNetwork.create(NODES, namespace, mechanism)
    network.cut(frozenset({("n1", "n2")}))
    assert left_over(namespace) != before

    assert network.close() == []
    assert network.close() == []

    assert left_over(namespace) == before
    with pytest.raises(NetworkError, match="closed"):
        network.observe()
    os.close(namespace)


def test_a_network_whose_process_was_killed_is_gone(mechanism: Mechanism) -> None:
    namespace = new_network()
    script = (
        "import sys, time; from schrodinger_agent.network import MECHANISMS, SwitchedNetwork\n"
        "(mechanism,) = (mechanism for mechanism in MECHANISMS if mechanism.name == sys.argv[2])\n"
        "network = SwitchedNetwork.create(['n1', 'n2'], int(sys.argv[1]), mechanism)\n"
        "print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(namespace), mechanism.name], pass_fds=[namespace], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert "eth0" in links(namespace)
        process.send_signal(signal.SIGKILL)

    assert eventually(lambda: "eth0" not in links(namespace))
    os.close(namespace)


def test_the_hosts_namespace_is_refused_as_the_clients(mechanism: Mechanism) -> None:
    host = open_network()

    with pytest.raises(NetworkError, match="which the switch never touches"):
        SwitchedNetwork.create(NODES, host, mechanism)

    os.close(host)


def test_without_permission_the_trial_says_why_and_what_would_help(mechanism: Mechanism) -> None:
    script = (
        "import os, sys; from schrodinger_agent.network import try_network\n"
        "from schrodinger_agent.network import MECHANISMS\n"
        "(mechanism,) = (mechanism for mechanism in MECHANISMS if mechanism.name == sys.argv[1])\n"
        "os.setresuid(65534, 65534, 65534); trial = try_network([mechanism])\n"
        "assert not trial.available; print(trial.reason, '|', trial.remedy)"
    )

    told = subprocess.run(
        [sys.executable, "-c", script, mechanism.name], capture_output=True, text=True, check=True
    ).stdout

    assert "Operation not permitted" in told
    assert "CAP_SYS_ADMIN" in told


def tamper(network: SwitchedNetwork, *edges: Edge) -> None:
    """Let exactly these links be cut, unknown to the network."""
    network._thread.submit(network._switch._fabric.replace, {effects.cut(edge) for edge in edges}).result()


def links(namespace: int) -> list[str]:
    with inside_network(namespace):
        return [name for _, name in socket.if_nameindex()]


def left_over(namespace: int) -> tuple[object, ...]:
    """Everything of this process by which a network could live on."""
    here = open_network()
    host_links = links(here)
    os.close(here)
    namespaces = {path.readlink() for path in Path("/proc/self/task").glob("*/ns/net")}
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return host_links, links(namespace), namespaces, threading.active_count(), descriptors
