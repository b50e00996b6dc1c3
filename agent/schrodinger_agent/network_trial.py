"""Whether links do what they are told, seen from outside: each kind of effect once, by datagrams between two targets.

A kernel that takes an order has not carried it out yet: before 2025, one netem within another held packets until the
next one came. So what a mechanism can be wrong about is tried before it is offered.
"""

from __future__ import annotations

import socket
import struct
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network_effects import ALL, CUT, PARAMETERS, LinkEffect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from schrodinger_agent.network import SwitchedNetwork
    from schrodinger_agent.network_topology import Edge

_HOLD_NS: Final = 20_000_000
_ARRIVE_S: Final = 1.0
"""Until when all must have come that are to come."""
_STAY_AWAY_S: Final = 0.05
"""How long one waits for what is not to come."""
_DATAGRAM: Final = struct.Struct("!QQ1000s")
"""Its number, when it was sent, and something to be damaged."""
_FILLING: Final = bytes(1000)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A datagram that came, whole or not."""

    number: int
    took_ns: int
    whole: bool


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is asked of a link, how many datagrams are sent, how many must come, and whether it is as it should be."""

    parameters: Mapping[str, Any]
    sent: int
    awaited: int
    holds: Callable[[Sequence[_Arrival]], bool]


def _all_held(arrivals: Sequence[_Arrival]) -> bool:
    return len(arrivals) == 5 and all(arrival.took_ns >= _HOLD_NS for arrival in arrivals)


def _one_by_one(arrivals: Sequence[_Arrival]) -> bool:
    """Ten kilobytes, of which three may pass at once, at a hundred kilobytes a second."""
    return len(arrivals) == 10 and arrivals[-1].took_ns - arrivals[0].took_ns > 40_000_000


_TRIALS: Final[Mapping[str, _Trial]] = {
    "loss": _Trial({"share": ALL}, 5, 0, lambda arrivals: not arrivals),
    "burst-loss": _Trial({"share": 900_000, "burst": 20}, 100, 0, lambda arrivals: 0 < len(arrivals) < 100),
    "duplication": _Trial(
        {"share": ALL}, 5, 10, lambda arrivals: [arrival.number for arrival in arrivals] == [*map(int, "0011223344")]
    ),
    # A bit in the Ethernet header does no harm, or makes a datagram one of somebody else.
    "corruption": _Trial(
        {"share": ALL}, 50, 0, lambda arrivals: len(arrivals) < 10 and all(arrival.whole for arrival in arrivals)
    ),
    "delay": _Trial({"delay_ns": _HOLD_NS, "jitter_ns": 0, "distribution": "uniform"}, 5, 5, _all_held),
    "reordering": _Trial({"share": ALL, "hold_ns": _HOLD_NS}, 5, 5, _all_held),
    "rate": _Trial({"bits_per_second": 800_000, "queue_bytes": 100_000}, 10, 10, _one_by_one),
}


def disproved(network: SwitchedNetwork, edge: Edge) -> list[str]:
    """What a link of a network does not do as it is told, one kind of effect after the other."""
    problems: list[str] = []
    with _ends(network, edge) as ends:
        for kind in sorted(network.kinds - {CUT}):
            trial = _TRIALS[kind]
            values = tuple((name, trial.parameters.get(name, 0)) for name in PARAMETERS[kind])
            problems += network.change(kind, frozenset({LinkEffect(*edge, kind, values)})).failures.values()
            arrivals = _sent_through(ends, trial)
            if not trial.holds(arrivals):
                took_ms = [arrival.took_ns // 1_000_000 for arrival in arrivals]
                problems.append(f"{kind} {dict(values)}: of {trial.sent} datagrams came some after {took_ms} ms")
            problems += network.change(kind, frozenset()).failures.values()
    return problems


@contextmanager
def _ends(network: SwitchedNetwork, edge: Edge) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket at either end of a link; what is sent into the one comes out of the other."""
    opened: list[socket.socket] = []
    try:
        for name in edge:
            with inside_network(network.namespace_fd(name)):
                opened.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            opened[-1].bind((network.addresses[name], 0))
        near, far = opened
        near.connect(far.getsockname())
        yield near, far
    finally:
        for each in opened:
            each.close()


def _sent_through(ends: tuple[socket.socket, socket.socket], trial: _Trial) -> list[_Arrival]:
    near, far = ends
    for number in range(trial.sent):
        near.send(_DATAGRAM.pack(number, time.monotonic_ns(), _FILLING))
    arrivals: list[_Arrival] = []
    until = time.monotonic() + (_ARRIVE_S if trial.awaited else _STAY_AWAY_S)
    while (left_s := until - time.monotonic()) > 0 and (not trial.awaited or len(arrivals) < trial.awaited):
        far.settimeout(left_s)
        try:
            number, sent_ns, filling = _DATAGRAM.unpack(far.recv(2 * _DATAGRAM.size))
        except TimeoutError:
            break
        arrivals.append(_Arrival(number, time.monotonic_ns() - sent_ns, filling == _FILLING))
    return arrivals
