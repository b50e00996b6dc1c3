"""NetworkChaos: partitions, and what netem and token buckets do to packets, as faults of directed links.

Chaos Mesh acts on what the selected pods send. So a fault without a target is one of all links that begin at a selected
node, those to the clients included, and a delay both ways between two nodes takes ``direction: both``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING

from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.links import Corruption, Delay, Duplication, Loss, RateLimit, Reordering
from schrodinger.nemesis.manifests.chaos_nodes import Inflicted
from schrodinger.nemesis.manifests.experiment import OfLinks
from schrodinger.nemesis.manifests.selectors import read_selection
from schrodinger.nemesis.partition import Partition
from schrodinger.nemesis.quantities import Duration, Percent, Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.nemesis.faults import Edge, Fault
    from schrodinger.nemesis.manifests.experiment import OnLinks
    from schrodinger.nemesis.manifests.fields import Fields

ACTIONS = ("partition", "delay", "loss", "duplicate", "corrupt", "bandwidth", "netem")
DIRECTIONS = ("to", "from", "both")
PARTS = ("delay", "loss", "duplicate", "corrupt", "rate")
"""What an action ``netem`` may consist of."""

DEVICE = "eth0"
PACKET_BYTES = 1500
NETEM_QUEUE_BYTES = 1000 * PACKET_BYTES
"""What netem lets wait where nothing else is said: a thousand packets."""

_RATES = {
    "bit": 1,
    "kbit": 10**3,
    "mbit": 10**6,
    "gbit": 10**9,
    "tbit": 10**12,
    "bps": 8,
    "kbps": 8 * 10**3,
    "mbps": 8 * 10**6,
    "gbps": 8 * 10**9,
    "tbps": 8 * 10**12,
}
"""As tc(8) has them: ``bps`` are bytes a second."""

_NO_CORRELATION = "packets share no chance with those before"


@dataclass(frozen=True, slots=True)
class _Made:
    """What makes the faults of one part of an action."""

    make: tuple[OnLinks, ...]
    remarks: tuple[str, ...] = ()


def network_chaos(spec: Fields, namespace: str) -> Inflicted:
    """The spec of a NetworkChaos. Raises InvalidValueError."""
    action = spec.choice("action", ACTIONS)
    source = read_selection(spec, namespace)
    for name in ("device", "targetDevice"):
        spec.choice(name, (DEVICE,), DEVICE)
    spec.refuse("externalTargets", "nodes have no way out of their network", "select a target among the nodes")
    direction = spec.choice("direction", DIRECTIONS, "to")
    target = None
    if spec.has("target"):
        fields = spec.object("target")
        target = read_selection(fields, namespace)
        fields.close()
    spec.take("target")
    if target is None and direction != "to" and action != "partition":
        problem = "without a target it is not known who sends"
        raise InvalidValueError(spec.at("direction"), direction, problem, "add a target, or write to")
    parts = [_part(spec, part) for part in _parts(spec, action)]
    if not parts:
        raise InvalidValueError(spec.at("action"), action, "none of its parts is there", f"add {', '.join(PARTS)}")
    return Inflicted(
        OfLinks(source, target, direction, tuple(make for part in parts for make in part.make)),
        remarks=tuple(remark for part in parts for remark in part.remarks),
    )


def _parts(spec: Fields, action: str) -> list[str]:
    """The parts that an action has; a part that is there and belongs to another action is left, and so refused."""
    if action != "netem":
        return [action]
    return [part for part in PARTS if spec.has(part)]


def _part(spec: Fields, part: str) -> _Made:
    if part == "partition":
        return _Made((_partition,))
    fields = spec.object(part)
    made = _READERS[part](fields)
    fields.close()
    for make in made.make:
        try:
            make(_SOME_LINK, 0)
        except InvalidValueError as error:
            raise error.within(spec.at(part)) from error
    return made


_SOME_LINK = frozenset({("n1", "n2")})
"""On which a fault is tried, so that one which can't be is refused when it is read."""


def _partition(edges: frozenset[Edge], seed: int) -> Fault:  # noqa: ARG001 - nothing is left to chance
    return Partition(edges)


def _delay(fields: Fields) -> _Made:
    """A delay of everything, with a uniform jitter; or, with ``reorder``, of all but those packets that overtake."""
    latency, jitter = _duration(fields, "latency"), _duration(fields, "jitter", "0ms")
    correlation = fields.parsed("correlation", _share, default="0")
    if correlation and jitter:
        raise InvalidValueError(fields.at("correlation"), str(correlation), _NO_CORRELATION, 'write "0"')
    if not fields.has("reorder"):
        fields.take("reorder")
        remark = f"{fields.at('jitter')}: late packets hold up those behind them; none overtakes"
        return _Made((partial(_seeded_delay, latency, jitter),), (remark,) if jitter else ())
    reorder = fields.object("reorder")
    overtaking = reorder.parsed("reorder", _share)
    if reorder.parsed("correlation", _share, default="0"):
        raise InvalidValueError(reorder.at("correlation"), "not 0", _NO_CORRELATION, 'write "0"')
    if reorder.integer("gap", 0) > 1:
        problem = "which packets overtake is left to chance, not counted"
        raise InvalidValueError(reorder.at("gap"), "more than 1", problem, "remove it")
    reorder.close()
    if jitter:
        raise InvalidValueError(fields.at("jitter"), str(jitter), "not together with reorder", "remove one of them")
    held = Percent(Percent.MOST - overtaking.value)
    return _Made((lambda edges, seed: Reordering(edges=edges, share=held, seed=seed, hold=latency),))


def _seeded_delay(latency: Duration, jitter: Duration, edges: frozenset[Edge], seed: int) -> Fault:
    return Delay(edges=edges, delay=latency, jitter=jitter, distribution="uniform", seed=seed)


def _shared(name: str, kind: type[Loss | Duplication | Corruption]) -> Callable[[Fields], _Made]:
    """A fault that hits a share of the packets, written under ``name``."""

    def read(fields: Fields) -> _Made:
        share = fields.parsed(name, _share)
        correlation = fields.parsed("correlation", _share, default="0")
        if correlation:
            remedy = 'write "0"' + (", or take our burst-loss" if kind is Loss else "")
            raise InvalidValueError(fields.at("correlation"), str(correlation), _NO_CORRELATION, remedy)
        return _Made((lambda edges, seed: kind(edges=edges, share=share, seed=seed),))

    return read


def _bandwidth(fields: Fields) -> _Made:
    """A token bucket. What it would let pass in a burst waits here as well."""
    rate = fields.parsed("rate", _rate)
    limit = fields.integer("limit", at_least=1)
    buffer = fields.integer("buffer", at_least=1)
    problem = "nothing passes faster than the rate, not even for a moment"
    fields.refuse("peakrate", problem)
    fields.refuse("minburst", problem)
    remark = f"{fields.at('buffer')}: the {buffer} bytes that would pass at once wait their turn too"
    return _limited(rate, limit, (remark,))


def _netem_rate(fields: Fields) -> _Made:
    return _limited(fields.parsed("rate", _rate), NETEM_QUEUE_BYTES, ())


def _limited(rate: Rate, queue_bytes: int, remarks: tuple[str, ...]) -> _Made:
    if not rate:
        raise InvalidValueError("rate", str(rate), "lets nothing pass", "write a partition instead")
    queue = Duration(-(-queue_bytes * 8_000_000_000 // rate.value))
    return _Made((lambda edges, seed: RateLimit(edges=edges, rate=rate, queue=queue),), remarks)  # noqa: ARG005


_READERS: dict[str, Callable[[Fields], _Made]] = {
    "delay": _delay,
    "loss": _shared("loss", Loss),
    "duplicate": _shared("duplicate", Duplication),
    "corrupt": _shared("corrupt", Corruption),
    "bandwidth": _bandwidth,
    "rate": _netem_rate,
}


def _duration(fields: Fields, name: str, default: str | None = None) -> Duration:
    length_ns = fields.duration_ns(name, default=default)
    try:
        return Duration(length_ns)
    except InvalidValueError as error:
        raise InvalidValueError(fields.at(name), length_ns, error.problem, error.remedy) from error


def _share(text: str) -> Percent:
    """Percents without a sign: ``"25"``, ``"0.5"``."""
    remedy = 'write percents, in quotes and without a sign: "25"'
    try:
        share = Decimal(text) * 10_000
    except InvalidOperation:
        raise InvalidValueError("", text, "not a share", remedy) from None
    if not share.is_finite() or not 0 <= share <= Percent.MOST or share != int(share):
        raise InvalidValueError("", text, "not between 0 and 100 in steps of 0.0001", remedy)
    return Percent(int(share))


def _rate(text: str) -> Rate:
    """As tc writes rates, where a rate without a unit is none."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(digits) :].lower()
    number = digits.strip()
    if unit not in _RATES or not (number.isascii() and number.isdigit() and len(number) < 16):
        remedy = f"write a whole number and one of {', '.join(_RATES)}: 1mbps is a megabyte a second"
        raise InvalidValueError("", text, "not a rate", remedy)
    return Rate(int(number) * _RATES[unit])
