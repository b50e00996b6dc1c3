"""The name server of one node: two sockets in the node's network namespace, served by the agent.

It listens on a loopback address there, so no fault of links comes between, and it ends with the agent. The second
socket is the agent's own client, through which a fault proves what the node's programs are told.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final, final

import dns.message
import dns.rcode
import dns.rdatatype

from schrodinger_agent.names.answers import Rules, answer
from schrodinger_agent.namespaces import inside_network, raise_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS: Final = "127.0.0.53"
"""Where it listens, on port 53. Not 127.0.0.1, which a database may want."""

_PORT: Final = 53
_LONGEST: Final = 4096
"""Bytes of a datagram: questions are short, and longer ones are not understood."""

_BATCH: Final = 64
"""Questions answered before the event loop has its turn again."""

PROBE_S: Final = 0.25
"""After so long nobody answers. An answer takes a fraction of a millisecond."""

_PROBES: Final = 4
"""Questions that are asked before silence is believed where an answer was expected."""


@final
class NameServer:
    """Answers for ``addresses``, by name, in the network namespace that a descriptor refers to. Raises OSError.

    ``rules`` may be replaced at any time. ``lookups``, ``failed`` and ``lied`` count what the node's programs asked and
    how that went.
    """

    def __init__(self, namespace: int, addresses: Mapping[str, str]) -> None:
        self._addresses = {name.lower(): address for name, address in addresses.items()}
        self.rules = Rules()
        self.lookups = self.failed = self.lied = 0
        self._asking = asyncio.Lock()
        with inside_network(namespace):
            raise_loopback()
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind((ADDRESS, _PORT))
            self._client.connect((ADDRESS, _PORT))
        except OSError:
            self._close()
            raise
        asyncio.get_running_loop().add_reader(self._socket, self._serve)

    def close(self) -> None:
        """Answer nobody any more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._close()

    async def ask(self, name: str) -> tuple[str, str | None]:
        """What a program in the node is told about a name: the answer's code, and the address if there is one.

        ``("timeout", None)`` where nobody answers.
        """
        async with self._asking:
            expects_silence = self.rules.failure == "timeout"
            for _ in range(1 if expects_silence else _PROBES):
                reply = await self._reply(dns.message.make_query(name, dns.rdatatype.A))
                if reply is not None:
                    addresses = [item.to_text() for found in reply.answer for item in found]
                    return dns.rcode.to_text(reply.rcode()).lower(), addresses[0] if addresses else None
            return "timeout", None

    async def _reply(self, query: dns.message.Message) -> dns.message.Message | None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._client, query.to_wire())
        try:
            async with asyncio.timeout(PROBE_S):
                while True:
                    reply = dns.message.from_wire(await loop.sock_recv(self._client, _LONGEST))
                    if reply.id == query.id:  # not a late one to an earlier question
                        return reply
        except TimeoutError:
            return None

    def _serve(self) -> None:
        for _ in range(_BATCH):
            try:
                question, sender = self._socket.recvfrom(_LONGEST)
            except BlockingIOError:
                return
            except OSError:  # of an answer before: its asker has gone
                continue
            found = answer(question, self._addresses, self.rules)
            if found is None:
                continue
            if sender != self._client.getsockname():
                self.lookups += 1
                self.failed += found.failed
                self.lied += found.lied
            if found.wire is not None:
                try:
                    self._socket.sendto(found.wire, sender)
                except OSError:  # its queue is full, as on a network
                    continue

    def _close(self) -> None:
        self._socket.close()
        self._client.close()
