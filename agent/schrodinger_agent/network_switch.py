"""The switch as one thread sees it: make it, change which links are cut, prove it, remove it.

Everything in a :class:`Switch` happens in the thread that made it, which has moved into the switch's namespace for
good. See :class:`schrodinger_agent.network.SwitchedNetwork` for what the rest of the agent uses.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schrodinger_agent import network_links
from schrodinger_agent.namespaces import enter_network, new_network, open_network, same_network, unshare_network
from schrodinger_agent.network_cuts import LIST_COMMAND, TABLE_SCRIPT, change_script, parse_drops
from schrodinger_agent.network_probes import Probes
from schrodinger_agent.network_report import CutReport, EdgeEvidence
from schrodinger_agent.network_topology import CLIENTS, NetworkError
from schrodinger_agent.nft import Nft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from schrodinger_agent.network_cuts import PortPair
    from schrodinger_agent.network_topology import Edge, Endpoint

_PROOF_DEADLINE_S = 1.0
"""A probe takes some 20 microseconds. One that has not shown up after this long is a finding, not a busy machine."""

_POLL_S = 0.0005
_RESEND_S = 0.02
"""When the probe of a healed link is sent again: a receive queue flooded by the database may drop it."""


@dataclass(slots=True)
class _Tally:
    """What has happened on a link since it was cut. ``all_dropped`` is the kernel's counter, our probes included."""

    probes_sent: int = 0
    probes_received: int = 0
    all_dropped: int = 0

    def evidence(self) -> EdgeEvidence:
        probes_dropped = self.probes_sent - self.probes_received
        return EdgeEvidence(self.probes_sent, self.probes_received, max(0, self.all_dropped - probes_dropped))


class Switch:
    """A bridge with the endpoints plugged in. The constructor moves the calling thread into the switch's namespace."""

    def __init__(self, endpoints: Sequence[Endpoint], client_namespace: int | None) -> None:
        self.namespaces: dict[str, int] = {}
        self._ports = {endpoint.name: endpoint.port for endpoint in endpoints}
        self._names = {endpoint.port: endpoint.name for endpoint in endpoints}
        self._tallies: dict[Edge, _Tally] = {}
        self._undo: list[tuple[str, Callable[[], None]]] = []
        try:
            self._build(endpoints, client_namespace)
        except BaseException:
            self.close()
            raise

    def cut(self, desired: frozenset[Edge]) -> CutReport:
        """Make exactly these links cut."""
        self._check(desired)
        begin_ns = time.monotonic_ns()
        before = self._read()
        if script := change_script(self._port_pairs(before), self._port_pairs(desired)):
            self._nft.run(script)
        healed, added = (before | self._tallies.keys()) - desired, desired - before
        last_tallies = {edge: self._tallies.pop(edge, _Tally()) for edge in healed}
        self._tallies.update({edge: _Tally() for edge in added})
        failures = self._prove_cut(added) | self._prove_healed(healed)
        return self._report(begin_ns, failures, last_tallies)

    def observe(self) -> CutReport:
        """Change nothing; probe every link that is supposed to be cut."""
        begin_ns = time.monotonic_ns()
        self._read()
        return self._report(begin_ns, self._prove_cut(self._tallies.keys()), {})

    def close(self) -> list[str]:
        """Unplug everything and move the thread back; returns what went wrong on the way. May be called again."""
        problems = []
        while self._undo:
            what, undo = self._undo.pop()
            try:
                undo()
            except Exception as error:  # whatever it is, the rest must still be undone
                problems.append(f"{what}: {error}")
        return problems

    def _build(self, endpoints: Sequence[Endpoint], client_namespace: int | None) -> None:
        home = open_network()
        self._undo.append(("closing the host's namespace", lambda: os.close(home)))
        if client_namespace is not None:
            if same_network(client_namespace, home):
                raise NetworkError(
                    "the clients' namespace is the agent's own, which the switch never touches; unshare it first"
                )
            self._hold(CLIENTS, os.dup(client_namespace))
        for endpoint in endpoints:
            if endpoint.name != CLIENTS:
                self._hold(endpoint.name, new_network())
        unshare_network()
        self._undo.append(("leaving the switch's namespace", lambda: enter_network(home)))
        self._undo.append(("removing the cables", lambda: network_links.remove(endpoints)))
        network_links.build(endpoints, self.namespaces)
        self._nft = Nft()
        self._undo.append(("closing nftables", self._nft.close))
        self._nft.run(TABLE_SCRIPT)
        self._probes = Probes(endpoints, self.namespaces)
        self._undo.append(("closing the probes", self._probes.close))

    def _hold(self, name: str, namespace: int) -> None:
        self.namespaces[name] = namespace
        self._undo.append((f"closing the namespace of {name}", lambda: os.close(namespace)))

    def _check(self, edges: Iterable[Edge]) -> None:
        for edge in sorted(edges):
            for name in edge:
                if name not in self._ports:
                    raise NetworkError(f"no {name!r} on this switch, which has {', '.join(self._ports)}")
            if edge[0] == edge[1]:
                raise NetworkError(f"the link from {edge[0]} to itself never leaves the node and cannot be cut")

    def _port_pairs(self, edges: Iterable[Edge]) -> frozenset[PortPair]:
        return frozenset((self._ports[source], self._ports[destination]) for source, destination in edges)

    def _read(self) -> frozenset[Edge]:
        """The links that the kernel holds cut; brings the tallies up to date."""
        cut = set()
        for (ingress, egress), packets in parse_drops(self._nft.read(LIST_COMMAND)).items():
            edge = (self._names[ingress], self._names[egress])
            cut.add(edge)
            if edge in self._tallies:
                self._tallies[edge].all_dropped = packets
        return frozenset(cut)

    def _prove_cut(self, edges: Iterable[Edge]) -> dict[Edge, str]:
        """Probe each cut link and wait until the kernel has counted the probe as dropped. Returns what went wrong."""
        nonces: dict[Edge, int] = {}
        floors: dict[Edge, int] = {}
        for edge in sorted(edges):
            tally = self._tallies[edge]
            tally.probes_sent += 1
            floors[edge] = tally.all_dropped + 1
            nonces[edge] = self._probes.send(edge)
        delivered: set[Edge] = set()

        def waiting() -> list[Edge]:
            self._read()
            delivered.update(edge for edge in nonces if self._probes.arrived(edge, nonces[edge]))
            return [edge for edge in nonces if edge not in delivered and self._tallies[edge].all_dropped < floors[edge]]

        silent = _poll(waiting) if nonces else []
        for edge in delivered:
            self._tallies[edge].probes_received += 1
        return dict.fromkeys(silent, "a probe was neither dropped by the cut nor delivered") | dict.fromkeys(
            delivered, "a probe came through the cut"
        )

    def _prove_healed(self, edges: Iterable[Edge]) -> dict[Edge, str]:
        """Probe each healed link until a probe is delivered. Returns what went wrong."""
        nonces = {edge: [self._probes.send(edge)] for edge in sorted(edges)}
        resend_at = time.monotonic() + _RESEND_S

        def waiting() -> list[Edge]:
            nonlocal resend_at
            silent = [e for e, sent in nonces.items() if not any(self._probes.arrived(e, nonce) for nonce in sent)]
            if silent and time.monotonic() >= resend_at:
                resend_at += _RESEND_S
                for edge in silent:
                    nonces[edge].append(self._probes.send(edge))
            return silent

        return dict.fromkeys(_poll(waiting), "no probe was delivered after the heal")

    def _report(self, begin_ns: int, failures: dict[Edge, str], last_tallies: Mapping[Edge, _Tally]) -> CutReport:
        cut = self._read()
        self._probes.forget()
        desired = self._tallies.keys()
        failures |= dict.fromkeys(desired - cut, "the kernel does not hold it cut")
        failures |= dict.fromkeys(cut - desired, "the kernel still holds it cut")
        tallies = {edge: tally.evidence() for edge, tally in (*last_tallies.items(), *self._tallies.items())}
        return CutReport(cut, begin_ns, time.monotonic_ns(), tallies, failures)


def _poll(waiting: Callable[[], list[Edge]]) -> list[Edge]:
    """Ask again until nothing is waited for; returns what is still waited for at the deadline."""
    deadline = time.monotonic() + _PROOF_DEADLINE_S
    while (rest := waiting()) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return rest
