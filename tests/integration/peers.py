"""Sockets of nodes on a switched network of a test, and the network itself, made once for a whole module."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.namespaces import inside_network, new_network
from schrodinger_agent.network import CLIENTS, SwitchedNetwork, try_network
from schrodinger_agent.network_shaping import NO_NETEM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_agent.network_fabric import Mechanism

PORT = 4000
NODES = ("n1", "n2", "n3", "n4", "n5")
DEADLINE_S = 5.0

_SO_RCVBUFFORCE = 33  # of asm/socket.h
_RECEIVE_BYTES = 8 << 20
"""A thousand datagrams that come at once must not be lost in the receiver."""


def possible(mechanism: Mechanism) -> Mechanism:
    """The mechanism, if it is to be had here; else the test is skipped, and says why.

    That a kernel has no netem is expected of some, and no failure of continuous integration. ``make netem`` brings one
    that has it, and there nothing is expected to fail (``--runxfail``).
    """
    trial = try_network([mechanism])
    if not trial.available:
        reason = f"no {mechanism.words} here: {trial.reason}; {trial.remedy}"
        if trial.reason == NO_NETEM:
            pytest.xfail(f"{trial.reason}; make netem runs this under one that has")
        pytest.skip(reason)
    return mechanism


@dataclass(frozen=True)
class SharedNetwork:
    """A network that the tests of a module use one after the other: making one takes a third of a second."""

    network: SwitchedNetwork
    client_namespace: int

    @classmethod
    @contextmanager
    def up(cls, mechanism: Mechanism) -> Iterator[SharedNetwork]:
        namespace = new_network()
        network = SwitchedNetwork.create(NODES, namespace, mechanism)
        try:
            yield cls(network, namespace)
        finally:
            assert network.close() == []
            os.close(namespace)

    @contextmanager
    def peers(self) -> Iterator[Peers]:
        """Sockets for one test, after which nothing is wrong with any link."""
        peers = Peers(self.network, self.client_namespace)
        try:
            yield peers
        finally:
            peers.close()
            for kind in sorted(self.network.kinds - {"cut"}):
                assert self.network.change(kind, frozenset()).failures == {}
            assert self.network.cut(frozenset()).failures == {}


class Peers:
    """Sockets of the nodes. A socket stays in the namespace that it was opened in, so one thread can play all nodes."""

    def __init__(self, network: SwitchedNetwork, client_namespace: int) -> None:
        self.network = network
        self._client_namespace = client_namespace
        self._opened: list[socket.socket] = []
        self._datagram_sockets: dict[str, socket.socket] = {}

    def address(self, name: str) -> str:
        if name == CLIENTS:
            assert self.network.client_address is not None
            return self.network.client_address
        return self.network.addresses[name]

    def open(self, name: str, kind: socket.SocketKind) -> socket.socket:
        namespace = self._client_namespace if name == CLIENTS else self.network.namespace_fd(name)
        with inside_network(namespace):
            opened = socket.socket(socket.AF_INET, kind)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.settimeout(DEADLINE_S)
        self._opened.append(opened)
        return opened

    def datagrams(self, name: str) -> socket.socket:
        if name not in self._datagram_sockets:
            opened = self.open(name, socket.SOCK_DGRAM)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
            opened.bind(("", PORT))
            self._datagram_sockets[name] = opened
        return self._datagram_sockets[name]

    def send(self, source: str, destination: str, payload: bytes) -> None:
        self.datagrams(destination)
        self.datagrams(source).sendto(payload, (self.address(destination), PORT))

    def received(self, name: str, payload: bytes, *, sender: str) -> bool:
        """Whether a datagram came. A second one, sent over a link that works, shows that the wait was long enough."""
        marker = b"marker after " + payload
        self.send(sender, name, marker)
        came = False
        while (datagram := self.datagrams(name).recv(100)) != marker:
            came = came or datagram == payload
        return came

    def connect(self, source: str, destination: str) -> tuple[socket.socket, socket.socket]:
        """A TCP connection: both ends."""
        listener = self.open(destination, socket.SOCK_STREAM)
        listener.bind((self.address(destination), 0))
        listener.listen()
        near = self.open(source, socket.SOCK_STREAM)
        near.connect(listener.getsockname())
        far, _ = listener.accept()
        far.settimeout(DEADLINE_S)
        self._opened.append(far)
        return near, far

    def close(self) -> None:
        for opened in self._opened:
            opened.close()
