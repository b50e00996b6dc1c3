"""What a directed link can do to packets: the kinds, their parameters, and what is counted about each. Pure data.

Shares are whole parts per million, times whole nanoseconds, so that what was asked for and what is read back compare
exactly. An effect on a link is a value; two that differ in any parameter are two, and both are in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.network_topology import Edge

CUT: Final = "cut"
ALL: Final = 1_000_000
"""All packets, in parts per million."""

DISTRIBUTIONS: Final = ("uniform", "normal", "pareto")

_SEEDS: Final = 2**64


@dataclass(frozen=True, slots=True)
class Whole:
    """A parameter that is a whole number from ``least`` to ``most``, with what it is in words."""

    least: int
    most: int
    unit: str

    def problem(self, value: object) -> str:
        """Why the value is none; empty if it is one."""
        if isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most:
            return ""
        return f"give {self.unit}, a whole number from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A parameter that is one of some names."""

    names: tuple[str, ...]

    def problem(self, value: object) -> str:
        """Why the value is none; empty if it is one."""
        return "" if value in self.names else f"the choice is {', '.join(self.names)}"


Parameter: TypeAlias = Whole | OneOf

_SHARE: Final = Whole(1, ALL, "the share of packets in parts per million")
_SEED: Final = Whole(0, _SEEDS - 1, "the seed of its chance")
_TIME_NS: Final = Whole(0, 600_000_000_000, "nanoseconds")

_CHANCE: Final[Mapping[str, Parameter]] = {"share": _SHARE, "seed": _SEED}

PARAMETERS: Final[Mapping[str, Mapping[str, Parameter]]] = {
    # Every packet is held for some time; the order stays.
    "delay": {
        "delay_ns": _TIME_NS,
        "jitter_ns": _TIME_NS,
        "distribution": OneOf(DISTRIBUTIONS),
        "seed": _SEED,
    },
    # A share is lost, each independently of all others.
    "loss": _CHANCE,
    # A share is lost, several in a row.
    "burst-loss": {"share": _SHARE, "burst": Whole(1, ALL, "packets that a burst loses on average"), "seed": _SEED},
    # A share arrives twice.
    "duplication": _CHANCE,
    # A share is overtaken by those behind.
    "reordering": {"share": _SHARE, "hold_ns": Whole(1, _TIME_NS.most, "nanoseconds"), "seed": _SEED},
    # A share is damaged, which the receiver's checksum finds.
    "corruption": _CHANCE,
    # A share of the payloads is damaged, which no checksum of the network finds.
    "silent-corruption": _CHANCE,
    # So many bits a second pass; the others wait, or are lost.
    "rate": {
        "bits_per_second": Whole(1, 10**12, "bits a second"),
        "queue_bytes": Whole(0, 2**40, "bytes that may wait"),
    },
    # A share of the segments of TCP connections ends them.
    "reset": _CHANCE,
}
"""The kinds of effects with parameters, and what each takes. A cut takes none."""

KINDS: Final = (CUT, *PARAMETERS)
HOLDING: Final = frozenset({"delay", "reordering", "rate"})
"""Those because of which packets wait."""


@dataclass(frozen=True, slots=True, order=True)
class LinkEffect:
    """One effect on one directed link. ``parameters`` are names with values, in the order of :data:`PARAMETERS`."""

    source: str
    destination: str
    kind: str
    parameters: tuple[tuple[str, Any], ...] = ()

    @property
    def edge(self) -> Edge:
        """The link."""
        return self.source, self.destination

    def __str__(self) -> str:
        return f"{self.source} to {self.destination}"


@dataclass(frozen=True, slots=True)
class Counters:
    """What an effect has done since it began: packets that met it, that it hit, and that did not get past it.

    ``hits`` is None where that is not counted.
    ``held_ns`` is the time that it added to packets, summed up; ``longest_ns`` the most it added to one.
    """

    packets: int = 0
    hits: int | None = 0
    dropped: int = 0
    held_ns: int = 0
    longest_ns: int = 0


def cut(edge: Edge) -> LinkEffect:
    """The cut of a link."""
    return LinkEffect(*edge, CUT)


def problem_of(kind: str, parameters: Mapping[str, Any]) -> str:
    """The first thing that is wrong with an effect's parameters, with field, value and remedy; empty if all is well."""
    known = PARAMETERS[kind]
    for name in parameters:
        if name not in known:
            return f"{kind} has no parameter {name!r}: it takes {', '.join(known)}"
    for name, parameter in known.items():
        if name not in parameters:
            return f"{kind} needs {name!r}: {parameter.problem(None)}"
        if problem := parameter.problem(parameters[name]):
            return f"{kind}: {name!r} is {parameters[name]!r}: {problem}"
    return _together(kind, parameters)


def _together(kind: str, parameters: Mapping[str, Any]) -> str:
    """What is wrong with values that are each right."""
    if kind == "delay" and not parameters["delay_ns"] and not parameters["jitter_ns"]:
        return "delay: 'delay_ns' and 'jitter_ns' are both 0, which is no delay: leave it out"
    if kind == "burst-loss":
        share, burst = parameters["share"], parameters["burst"]
        if share > (ALL - share) * burst:  # a burst is followed by at least one packet that passes
            most = ALL * burst // (burst + 1)
            return (
                f"burst-loss: 'share' is {share}: bursts of {burst} packets can lose at most {most} parts per million"
            )
    return ""
