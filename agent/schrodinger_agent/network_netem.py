"""What netem is asked for: a stage for each kind of effect, as the bytes of a netlink message. Pure; nobody is called.

One netem is one queue with one chance of each sort, so a link has a chain of them: packets are lost in bursts, then
damaged, then held back so that others overtake them, then delayed (tc-netem(8), the kernel's net/sched/sch_netem.c).
Several effects of one kind are one stage:

- the times of delays, and those of reorderings, add up, by a table of their sum;
- shares of corruptions are independent, so theirs is the share that either hits;
- of bursts the stage has the share and the mean length that all of them have together.

Times are drawn from a table of ours and not from those of tc, whose distributions are others than ours. A late packet
delays those behind it where the netem has a rate as well, however high that is; otherwise they overtake it, which is
what reordering needs and a delay must not have.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from schrodinger_agent.network_effects import ALL
from schrodinger_agent.network_topology import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

Parameters: TypeAlias = "tuple[tuple[str, Any], ...]"
"""As a :class:`LinkEffect` has them."""

STAGES: Final = ("burst-loss", "corruption", "reordering", "delay")
"""The kinds that netem does, in the order in which a packet meets them."""

WAITING_PACKETS: Final = 100_000
"""That one stage of one link may hold; a few hundred megabytes at worst."""

STEPS: Final = 16_384
"""Entries of a table, the most that netem takes: shares of reordering come in steps of 61 parts per million."""

PARETO_AT_MOST: Final = 20.0
"""The farthest deviation, in jitters, as in the native switch."""

_CERTAIN: Final = 2**32 - 1
"""A probability of one, as netem has it."""
_SCALE: Final = 8_192
"""What stands for one jitter in a table, whose entries have 16 bits: four jitters are the farthest."""
_FARTHEST: Final = 2**15 - 1
_MOST_JITTER_NS: Final = 2**31 - 1
_NO_LIMIT: Final = 2**32 - 1
"""Bytes a second: a packet takes a third of a microsecond."""

# Of linux/pkt_sched.h.
_QDISC: Final = struct.Struct("=6I")
"""``struct tc_netem_qopt``: latency, limit, loss, gap, duplicate, jitter; times are among the attributes, too."""
_ATTRIBUTE: Final = struct.Struct("=HH")
_TABLE, _CORRUPT, _LOSS, _RATE, _LATENCY, _JITTER = 2, 4, 5, 6, 10, 11
_GILBERT: Final = 2
_NESTED: Final = 0x8000


@dataclass(frozen=True, slots=True)
class Netem:
    """The parameters of one netem; probabilities are of 2**32 - 1. By default it does nothing.

    ``begin`` and ``end`` are the chances that a burst of losses begins and ends at a packet. What a table says is in
    units of ``jitter_ns``, beside ``latency_ns``; the kernel does not tell it again.
    """

    begin: int = 0
    end: int = _CERTAIN
    corrupt: int = 0
    latency_ns: int = 0
    jitter_ns: int = 0
    table: tuple[int, ...] = ()
    in_order: bool = False

    def options(self, waiting_packets: int = WAITING_PACKETS) -> bytes:
        """As the kernel takes them, with how many packets may wait. All: what a message leaves out may stay or not."""
        attributes = [
            (_CORRUPT, struct.pack("=2I", self.corrupt, 0)),
            (_LOSS | _NESTED, _attribute(_GILBERT, struct.pack("=4I", self.begin, self.end, 0, 0))),
            (_RATE, struct.pack("=IiIi", _NO_LIMIT if self.in_order else 0, 0, 0, 0)),
            (_LATENCY, struct.pack("=q", self.latency_ns)),
            (_JITTER, struct.pack("=q", self.jitter_ns)),
        ]
        if self.table:
            attributes.append((_TABLE, struct.pack(f"={len(self.table)}h", *self.table)))
        return _QDISC.pack(0, waiting_packets, 0, 0, 0, 0) + b"".join(_attribute(*each) for each in attributes)

    @classmethod
    def read(cls, options: bytes) -> Netem:
        """What the kernel says that it has, without the table."""
        found = dict(_attributes(options[_QDISC.size :]))
        loss = dict(_attributes(found.get(_LOSS, b"")))
        begin, end, *_ = struct.unpack("=4I", loss.get(_GILBERT, bytes(16)))
        return cls(
            begin=begin,
            end=end,
            corrupt=struct.unpack_from("=I", found.get(_CORRUPT, bytes(4)))[0],
            latency_ns=struct.unpack("=q", found[_LATENCY])[0],
            jitter_ns=struct.unpack("=q", found[_JITTER])[0],
            in_order=struct.unpack_from("=I", found.get(_RATE, bytes(4)))[0] == _NO_LIMIT,
        )

    def without_table(self) -> Netem:
        """As it is read back."""
        return replace(self, table=())


@lru_cache(maxsize=64)
def stage(kind: str, effects: tuple[Parameters, ...]) -> Netem:
    """What does all effects of one kind on a link, given by their parameters; nothing, if there are none.

    Raises:
        NetworkError: the times differ by more than netem can tell.
    """
    return _MAKERS[kind]([dict(parameters) for parameters in effects])


def _bursts(effects: Sequence[Mapping[str, Any]]) -> Netem:
    """Of one: Gilbert's chain. Of several: the one with the same share and the same mean length."""
    if not effects:
        return Netem()
    passing, quiet = 1.0, 1.0  # shares: of packets that pass all, and of those after which no burst begins
    for effect in effects:
        share = effect["share"] / ALL
        passing *= 1 - share
        quiet *= 1 - share / (1 - share) / effect["burst"]
    begin = 1 - quiet
    return Netem(begin=max(1, round(begin * _CERTAIN)), end=round(begin * passing / (1 - passing) * _CERTAIN))


def _corruptions(effects: Sequence[Mapping[str, Any]]) -> Netem:
    spared = 1.0
    for effect in effects:
        spared *= 1 - effect["share"] / ALL
    return Netem(corrupt=round((1 - spared) * _CERTAIN))


def _reorderings(effects: Sequence[Mapping[str, Any]]) -> Netem:
    return _held([_some_held(effect["share"], effect["hold_ns"]) for effect in effects], in_order=False)


def _delays(effects: Sequence[Mapping[str, Any]]) -> Netem:
    tables = [_all_held(each["delay_ns"], each["jitter_ns"], each["distribution"]) for each in effects]
    return _held(tables, in_order=True)


_MAKERS: Final[Mapping[str, Callable[[Sequence[Mapping[str, Any]]], Netem]]] = {
    "burst-loss": _bursts,
    "corruption": _corruptions,
    "reordering": _reorderings,
    "delay": _delays,
}


def _some_held(share: int, hold_ns: int) -> list[float]:
    """Times of a share of the packets; at least of one entry."""
    held = max(1, round(share * STEPS / ALL))
    return [0.0] * (STEPS - held) + [float(hold_ns)] * held


def _all_held(delay_ns: int, jitter_ns: int, distribution: str) -> list[float]:
    """Times of a delay, from the shortest to the longest. None is less than nothing."""
    if not jitter_ns:
        return [float(delay_ns)] * STEPS
    return [max(0.0, delay_ns + jitter_ns * deviation) for deviation in _deviations(distribution)]


@lru_cache
def _deviations(distribution: str) -> tuple[float, ...]:
    """How far packets are off, in jitters: quantiles in equal steps."""
    quantiles = [(step + 0.5) / STEPS for step in range(STEPS)]
    match distribution:
        case "uniform":
            return tuple(2 * quantile - 1 for quantile in quantiles)
        case "normal":
            return tuple(map(NormalDist().inv_cdf, quantiles))
        case _:
            return tuple(min(2 * ((1 - quantile) ** (-1 / 3) - 1), PARETO_AT_MOST) for quantile in quantiles)


def _held(tables: Collection[list[float]], *, in_order: bool) -> Netem:
    """The sum of independent times: each table but the first is shuffled, always in the same way."""
    if not tables:
        return Netem()
    total = [0.0] * STEPS
    for number, table in enumerate(tables):
        if number:
            random.Random(number).shuffle(table)
        total = [one + other for one, other in zip(total, table, strict=True)]
    shortest, longest = min(total), max(total)
    latency_ns = round((shortest + longest) / 2)
    jitter_ns = -(-round(longest - shortest) * _SCALE // (2 * _FARTHEST))
    if jitter_ns > _MOST_JITTER_NS:
        most_s = 2 * _FARTHEST * _MOST_JITTER_NS / _SCALE / 1e9
        raise NetworkError(
            f"one packet of a link would be held for {(longest - shortest) / 1e9:.1f} s longer than another, and netem "
            f"can tell {most_s:.0f} s at most: ask for less jitter, or install schrodinger-native"
        )
    if not jitter_ns:
        return Netem(latency_ns=latency_ns, in_order=in_order)
    entries = tuple(_clamped(round((time - latency_ns) * _SCALE / jitter_ns)) for time in total)
    return Netem(latency_ns=latency_ns, jitter_ns=jitter_ns, table=entries, in_order=in_order)


def _clamped(entry: int) -> int:
    return max(-_FARTHEST, min(_FARTHEST, entry))


def _attribute(kind: int, payload: bytes) -> bytes:
    """As netlink(7) has them, on a border of four bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def _attributes(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        yield kind & ~_NESTED, message[at + _ATTRIBUTE.size : at + length]
        at += max(_ATTRIBUTE.size, length + -length % 4)
