"""Datagrams of our own that show whether a link delivers.

Every endpoint has one UDP socket, opened inside its network namespace, where it stays although nobody lives there; so
the probes of all endpoints are sent and received by one thread without ever changing namespace. The port is 9,
"discard" (RFC 863): assigned to datagrams that nobody answers, outside the range of ephemeral ports, and used by no
database.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from schrodinger_agent.namespaces import inside_network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schrodinger_agent.network_topology import Edge, Endpoint

PROBE_PORT = 9
_NONCE = struct.Struct("!8sQ")
_MARK = b"schrprob"


class Probes:
    """The sockets, and which probes have arrived. A probe is known by its nonce, which is never used twice."""

    def __init__(self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int]) -> None:
        self._addresses = {endpoint.name: endpoint.address for endpoint in endpoints}
        self._sockets: dict[str, socket.socket] = {}
        self._next_nonce = 0
        self._arrived: set[tuple[str, int]] = set()
        try:
            for endpoint in endpoints:
                with inside_network(namespaces[endpoint.name]):
                    self._sockets[endpoint.name] = _open(endpoint.address)
        except OSError:
            self.close()
            raise

    def send(self, edge: Edge) -> int:
        """Send one probe along a link; returns its nonce."""
        source, destination = edge
        self._next_nonce += 1
        datagram = _NONCE.pack(_MARK, self._next_nonce)
        self._sockets[source].sendto(datagram, (self._addresses[destination], PROBE_PORT))
        return self._next_nonce

    def arrived(self, edge: Edge, nonce: int) -> bool:
        """Whether that probe has come out at the far end of its link by now."""
        destination = edge[1]
        self._drain(destination)
        return (destination, nonce) in self._arrived

    def forget(self) -> None:
        """Drop the memory of what arrived; for use between changes, when no probe is awaited."""
        self._arrived.clear()

    def close(self) -> None:
        """Close the sockets. May be called again."""
        for opened in self._sockets.values():
            opened.close()

    def _drain(self, name: str) -> None:
        while True:
            try:
                datagram = self._sockets[name].recv(2 * _NONCE.size)
            except BlockingIOError:
                return
            if len(datagram) == _NONCE.size and datagram.startswith(_MARK):
                self._arrived.add((name, _NONCE.unpack(datagram)[1]))


def _open(address: str) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        opened.bind((address, PROBE_PORT))
    except OSError:
        opened.close()
        raise
    return opened
