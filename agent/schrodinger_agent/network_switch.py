"""The switch as one thread sees it: make it, change what its links do, prove it, remove it.

Everything in a :class:`Switch` happens in the thread that made it, which has moved into the switch's namespace for
good. See :class:`schrodinger_agent.network.SwitchedNetwork` for what the rest of the agent uses.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from schrodinger_agent.namespaces import (
    enter_network,
    inside_network,
    new_network,
    open_network,
    same_network,
    unshare_network,
)
from schrodinger_agent.network_effects import CUT, HOLDING, cut
from schrodinger_agent.network_links import apply_settings
from schrodinger_agent.network_probes import Probes
from schrodinger_agent.network_report import CutReport, EdgeEvidence, EffectReport
from schrodinger_agent.network_topology import CLIENTS, NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from schrodinger_agent.network_effects import Counters, LinkEffect
    from schrodinger_agent.network_fabric import Mechanism
    from schrodinger_agent.network_topology import Edge, Endpoint

_PROOF_DEADLINE_S = 1.0
"""A probe takes some 20 microseconds. One that has not shown up after this long is a finding, not a busy machine."""

_FORWARDING_S = 5.0
_POLL_S = 0.0005
_RESEND_S = 0.02
"""When a link is probed again: a queue flooded by the database may have dropped the probe, at either end."""


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
    """A fabric with the endpoints plugged in. The constructor moves the calling thread into the switch's namespace."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        client_namespace: int | None,
        mechanism: Mechanism,
        capture: Path | None,
    ) -> None:
        self.namespaces: dict[str, int] = {}
        self.mechanism = mechanism
        self._names = tuple(endpoint.name for endpoint in endpoints)
        self._tallies: dict[Edge, _Tally] = {}
        self._desired: dict[str, frozenset[LinkEffect]] = {}
        self._overflowed: dict[str, int] = {}
        self._undo: list[tuple[str, Callable[[], None]]] = []
        try:
            self._build(endpoints, client_namespace, capture)
        except BaseException:
            self.close()
            raise

    def cut(self, desired: frozenset[Edge]) -> CutReport:
        """Make exactly these links cut."""
        self._check(desired)
        begin_ns = time.monotonic_ns()
        before = self._read_cuts()
        self._replace(CUT, frozenset(cut(edge) for edge in desired))
        healed, added = (before | self._tallies.keys()) - desired, desired - before
        last_tallies = {edge: self._tallies.pop(edge, _Tally()) for edge in healed}
        self._tallies.update({edge: _Tally() for edge in added})
        failures = self._prove_cut(added) | self._prove_healed(self._clear(healed))
        return self._report(begin_ns, failures, last_tallies)

    def observe(self) -> CutReport:
        """Change nothing; probe every link that is supposed to be cut."""
        begin_ns = time.monotonic_ns()
        self._read_cuts()
        return self._report(begin_ns, self._prove_cut(self._tallies.keys()), {})

    def change(self, kind: str, desired: frozenset[LinkEffect]) -> EffectReport:
        """Make exactly these effects of a kind be in force.

        A probe along every link that changed meets what is new on it, and must arrive where nothing is left.
        """
        self._check(effect.edge for effect in desired)
        begin_ns = time.monotonic_ns()
        before = self._read(kind)
        self._replace(kind, desired)
        ended = before.keys() - desired
        for edge in sorted({effect.edge for effect in desired - before.keys()}):
            self._probes.send(edge)
        silent = self._prove_healed(self._clear(effect.edge for effect in ended))
        failures = {effect: silent[effect.edge] for effect in ended if effect.edge in silent}
        last_counters = {effect: before[effect] for effect in ended}
        return self._effect_report(kind, begin_ns, failures, last_counters)

    def observe_effects(self, kind: str) -> EffectReport:
        """Change nothing; read back the effects of a kind."""
        return self._effect_report(kind, time.monotonic_ns(), {}, {})

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

    def _build(self, endpoints: Sequence[Endpoint], client_namespace: int | None, capture: Path | None) -> None:
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
        apply_settings()
        for endpoint in endpoints:
            with inside_network(self.namespaces[endpoint.name]):
                apply_settings()
        self._fabric = self.mechanism.connect(endpoints, self.namespaces, capture)
        self._undo.append(("unplugging the endpoints", self._fabric.close))
        self._probes = Probes(endpoints, self.namespaces)
        self._undo.append(("closing the probes", self._probes.close))
        self._await_forwarding()

    def _await_forwarding(self) -> None:
        """Wait until every endpoint's packets come through, and it gets those of others.

        The kernel hears of a cable that is plugged in at both ends from a work queue, on a busy machine some time
        later; until then a frame vanishes without a trace.
        """
        ring = {*pairwise(self._names), *pairwise(reversed(self._names))}
        if silent := self._prove_healed(ring, within_s=_FORWARDING_S):
            raise NetworkError(f"the switch did not begin to forward: {', '.join(map(' to '.join, sorted(silent)))}")

    def _hold(self, name: str, namespace: int) -> None:
        self.namespaces[name] = namespace
        self._undo.append((f"closing the namespace of {name}", lambda: os.close(namespace)))

    def _check(self, edges: Iterable[Edge]) -> None:
        for edge in sorted(edges):
            for name in edge:
                if name not in self._names:
                    raise NetworkError(f"no {name!r} on this switch, which has {', '.join(self._names)}")
            if edge[0] == edge[1]:
                raise NetworkError(f"the link from {edge[0]} to itself never leaves the node and cannot be cut")

    def _replace(self, kind: str, desired: frozenset[LinkEffect]) -> None:
        """Let these be all effects of the kind, beside those of the other kinds."""
        wanted = {**self._desired, kind: desired}
        self._fabric.replace(frozenset().union(*wanted.values()))
        self._desired = wanted

    def _clear(self, edges: Iterable[Edge]) -> set[Edge]:
        """Those of the links on which nothing is wanted: what is sent along them must arrive, and soon."""
        return set(edges) - {effect.edge for effects in self._desired.values() for effect in effects}

    def _read(self, kind: str) -> dict[LinkEffect, Counters]:
        return {effect: counters for effect, counters in self._fabric.read().items() if effect.kind == kind}

    def _read_cuts(self) -> frozenset[Edge]:
        """The links that are cut, read back; brings the tallies up to date."""
        read = self._read(CUT)
        for effect, counters in read.items():
            if effect.edge in self._tallies:
                self._tallies[effect.edge].all_dropped = counters.dropped
        return frozenset(effect.edge for effect in read)

    def _prove_cut(self, edges: Iterable[Edge]) -> dict[Edge, str]:
        """Probe each cut link until a probe has been counted as dropped. Returns what went wrong."""
        floors = {edge: self._tallies[edge].all_dropped for edge in edges}
        delivered: set[Edge] = set()

        def settled(edge: Edge, nonces: Sequence[int]) -> bool:
            if any(self._probes.arrived(edge, nonce) for nonce in nonces):
                delivered.add(edge)
            return edge in delivered or self._tallies[edge].all_dropped > floors[edge]

        sent, silent = self._probe(floors, settled, refresh=self._read_cuts)
        for edge, nonces in sent.items():
            self._tallies[edge].probes_sent += len(nonces)
            self._tallies[edge].probes_received += sum(self._probes.arrived(edge, nonce) for nonce in nonces)
        return dict.fromkeys(silent, "a probe was neither dropped by the cut nor delivered") | dict.fromkeys(
            delivered, "a probe came through the cut"
        )

    def _prove_healed(self, edges: Iterable[Edge], within_s: float = _PROOF_DEADLINE_S) -> dict[Edge, str]:
        """Probe each link until a probe is delivered. Returns what went wrong."""

        def settled(edge: Edge, nonces: Sequence[int]) -> bool:
            return any(self._probes.arrived(edge, nonce) for nonce in nonces)

        _, silent = self._probe(edges, settled, within_s=within_s)
        return dict.fromkeys(silent, "no probe was delivered after the heal")

    def _probe(
        self,
        edges: Iterable[Edge],
        settled: Callable[[Edge, Sequence[int]], bool],
        refresh: Callable[[], object] = lambda: None,
        within_s: float = _PROOF_DEADLINE_S,
    ) -> tuple[Mapping[Edge, Sequence[int]], Sequence[Edge]]:
        """Probe each link until it is settled, and again now and then: the queue of a busy node may drop a probe.

        Returns the probes that were sent, and the links that were not settled in time.
        """
        sent = {edge: [self._probes.send(edge)] for edge in sorted(edges)}
        begin = time.monotonic()
        resend_at = begin + _RESEND_S
        while True:
            refresh()
            silent = [edge for edge, nonces in sent.items() if not settled(edge, nonces)]
            now = time.monotonic()
            if not silent or now > begin + within_s:
                return sent, silent
            if now >= resend_at:
                resend_at += _RESEND_S
                for edge in silent:
                    sent[edge].append(self._probes.send(edge))
            time.sleep(_POLL_S)

    def _report(self, begin_ns: int, failures: dict[Edge, str], last_tallies: Mapping[Edge, _Tally]) -> CutReport:
        cut_now = self._read_cuts()
        self._probes.forget()
        desired = self._tallies.keys()
        failures |= dict.fromkeys(desired - cut_now, "the switch does not hold it cut")
        failures |= dict.fromkeys(cut_now - desired, "the switch still holds it cut")
        tallies = {edge: tally.evidence() for edge, tally in (*last_tallies.items(), *self._tallies.items())}
        return CutReport(cut_now, begin_ns, time.monotonic_ns(), tallies, failures)

    def _effect_report(
        self,
        kind: str,
        begin_ns: int,
        failures: dict[LinkEffect, str],
        last_counters: Mapping[LinkEffect, Counters],
    ) -> EffectReport:
        now = self._read(kind)
        self._probes.forget()
        desired = self._desired.get(kind, frozenset())
        failures |= dict.fromkeys(desired - now.keys(), "the switch does not have it")
        failures |= dict.fromkeys(now.keys() - desired, "the switch still has it")
        if kind in HOLDING and (overflowed := self._newly_overflowed(kind)):
            why = f"{overflowed} packets were dropped because too many were waiting"
            failures |= dict.fromkeys(desired | last_counters.keys(), why)
        return EffectReport(frozenset(now), begin_ns, time.monotonic_ns(), {**last_counters, **now}, failures)

    def _newly_overflowed(self, kind: str) -> int:
        """Packets that overflowed since this was asked about the kind the last time."""
        before = self._overflowed.get(kind, 0)
        self._overflowed[kind] = self._fabric.overflowed()
        return self._overflowed[kind] - before
