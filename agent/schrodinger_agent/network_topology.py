"""Who is on the switch, and by which addresses: pure data, derived from the names alone.

The addresses are the same in every cluster on purpose. Every cluster has namespaces of its own, so they never meet,
and the logs of two runs of one seed can be compared line by line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENTS = "clients"
"""The name of the endpoint where the clients are, wherever a target's name may stand in an edge."""

PREFIX_LENGTH = 24
MOST_TARGETS = 200
"""Fits the /24 with room to spare; links, and pairs of them, grow with its square."""

Edge: TypeAlias = tuple[str, str]
"""A directed link: (source, destination), by the names of endpoints."""


class NetworkError(Exception):
    """A network was asked for something it cannot do."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One plug of the switch: a target, or the clients. ``port`` is the interface at the switch's end of its cable."""

    name: str
    address: str
    hardware_address: str
    port: str


def lay_out(targets: Sequence[str], *, with_clients: bool) -> tuple[Endpoint, ...]:
    """The endpoints for these targets, in order; the clients come last."""
    if CLIENTS in targets:
        raise NetworkError(f"no target may be called {CLIENTS!r}: that is the name of the clients' endpoint")
    if len(set(targets)) != len(targets):
        raise NetworkError(f"targets must have different names, got {', '.join(targets)}")
    if not 1 <= len(targets) <= MOST_TARGETS:
        raise NetworkError(f"a switch takes 1 to {MOST_TARGETS} targets, got {len(targets)}")
    numbered = list(enumerate(targets, start=1))
    if with_clients:
        numbered.append((254, CLIENTS))
    return tuple(_endpoint(number, name) for number, name in numbered)


def _endpoint(number: int, name: str) -> Endpoint:
    return Endpoint(
        name=name,
        address=f"10.77.0.{number}",
        hardware_address=f"02:00:0a:4d:00:{number:02x}",  # locally administered; the rest is the address
        port=f"port{number}",
    )
