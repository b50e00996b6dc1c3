"""Faults of links: packets that come late, not at all, twice, out of order, damaged, slowly, or as a reset.

Each acts on directed links, on one packet at a time, in the switch between sender and receiver: neither sees more of it
than it would on such a network. Faults that overlap all act, and two of one kind add up. What chance decides follows
from the fault's ``seed``, the link, and the number of packets before: a plan that runs again with the same packets
loses the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis import shapes
from schrodinger.nemesis.edges import EdgeFault, where
from schrodinger.nemesis.invalid import InvalidValueError, choices, require_integer
from schrodinger.nemesis.quantities import Duration, Percent, Rate

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.shapes import Edges, Shape
    from schrodinger.nemesis.targets import Targets

DISTRIBUTIONS = ("uniform", "normal", "pareto")
"""How the jitter of a delay is distributed.

Uniform: anything from so much too early to so much too late. Normal: so much is the standard deviation. Pareto: never
too early, so much too late on average, sometimes many times as much.
"""

_ALL = 1_000_000
_SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True, slots=True, repr=False)
class LinkFault(EdgeFault):
    """What the faults of this module share: how they are drawn, and how they are told."""

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """Any of the kind's strengths, on any shape of links."""
        if len(targets.nodes) < 2:
            return None
        return st.tuples(_edges(targets), cls.strengths()).map(lambda drawn: cls(edges=drawn[0], **drawn[1]))

    @classmethod
    def strengths(cls) -> SearchStrategy[dict[str, Any]]:
        """Values of the fields beside the links."""
        raise TypeError(f"{cls.__name__} must say how strong it is drawn")

    def describe(self) -> str:
        """``loss: 5% from n1 to {n2, n3}``."""
        return f"{self.kind}: {self.strength()} {where(self.edges)}"

    def strength(self) -> str:
        """How strong it is, in words."""
        raise TypeError(f"{type(self).__name__} must say how strong it is")


@dataclass(frozen=True, slots=True, repr=False)
class Delay(LinkFault):
    """Every packet takes so much longer, give or take the jitter. The order stays; for that there is reordering."""

    kind: ClassVar[str] = "delay"

    delay: Duration
    jitter: Duration
    distribution: str
    seed: int

    def __post_init__(self) -> None:
        super(Delay, self).__post_init__()
        _require(Duration, delay=self.delay, jitter=self.jitter)
        _require_seed(self.seed)
        if self.distribution not in DISTRIBUTIONS:
            remedy = choices(self.distribution, DISTRIBUTIONS)
            raise InvalidValueError("distribution", self.distribution, "no such distribution", remedy)
        if not self.delay and not self.jitter:
            raise InvalidValueError("delay", str(self.delay), "no delay without jitter either", "give 20ms, say")

    @classmethod
    def strengths(cls) -> SearchStrategy[dict[str, Any]]:
        """From another data centre to twice the usual election time-out; often steady, else with up to its own size.

        Of a heavy tail only a little: one packet in a thousand is twenty jitters late, and those behind it wait.
        """
        delays = st.sampled_from((2, 10, 30, 100, 300, 1000, 2000)).map(lambda ms: Duration(ms * 1_000_000))
        portions = st.sampled_from((0, 0, 10, 50, 100))
        return st.tuples(delays, portions, st.sampled_from(DISTRIBUTIONS), _SEEDS).map(
            lambda drawn: {
                "delay": drawn[0],
                "jitter": Duration(drawn[0].value * (min(drawn[1], 10) if drawn[2] == "pareto" else drawn[1]) // 100),
                "distribution": drawn[2],
                "seed": drawn[3],
            }
        )

    def request(self) -> dict[str, Any]:
        """Nanoseconds."""
        return {
            **super(Delay, self).request(),
            "delay_ns": self.delay.value,
            "jitter_ns": self.jitter.value,
            "distribution": self.distribution,
            "seed": self.seed,
        }

    def strength(self) -> str:
        """``20ms ± 5ms (normal)``."""
        return f"{self.delay} ± {self.jitter} ({self.distribution})" if self.jitter else str(self.delay)


@dataclass(frozen=True, slots=True, repr=False)
class _ShareFault(LinkFault):
    """A fault that hits a share of the packets."""

    SHARES: ClassVar[tuple[int, ...]]
    """What is drawn, in parts per million."""

    share: Percent
    seed: int

    def __post_init__(self) -> None:
        super(_ShareFault, self).__post_init__()
        _require(Percent, share=self.share)
        _require_seed(self.seed)
        if not self.share:
            raise InvalidValueError("share", str(self.share), "hits no packet", "give 5%, say, or leave it out")

    @classmethod
    def strengths(cls) -> SearchStrategy[dict[str, Any]]:
        """One of the shares."""
        return st.tuples(st.sampled_from(cls.SHARES), _SEEDS).map(
            lambda drawn: {"share": Percent(drawn[0]), "seed": drawn[1]}
        )

    def request(self) -> dict[str, Any]:
        """Parts per million."""
        return {**super(_ShareFault, self).request(), "share": self.share.value, "seed": self.seed}

    def strength(self) -> str:
        """``5%``."""
        return str(self.share)


@dataclass(frozen=True, slots=True, repr=False)
class Loss(_ShareFault):
    """A share of the packets is lost, each independently of all others, as on a line with noise."""

    kind: ClassVar[str] = "loss"
    SHARES = (20_000, 50_000, 100_000, 200_000, 400_000, 700_000)


@dataclass(frozen=True, slots=True, repr=False)
class BurstLoss(_ShareFault):
    """A share of the packets is lost, ``burst`` in a row on average, as in a queue that overflows (Gilbert's model).

    TCP mends single losses within a round trip; a burst takes the retransmissions as well.
    """

    kind: ClassVar[str] = "burst-loss"
    SHARES = (50_000, 100_000, 200_000, 400_000)

    burst: int

    def __post_init__(self) -> None:
        super(BurstLoss, self).__post_init__()
        require_integer("burst", self.burst, at_least=1, remedy="give packets that a burst loses on average")
        if self.share.value > (_ALL - self.share.value) * self.burst:
            problem = f"more than bursts of {self.burst} packets can lose, because each is followed by one that passes"
            raise InvalidValueError("share", str(self.share), problem, "give longer bursts, or a smaller share")

    @classmethod
    def strengths(cls) -> SearchStrategy[dict[str, Any]]:
        """One of the shares, in bursts of several packets up to most of a second's."""
        shares = super(BurstLoss, cls).strengths()
        return st.tuples(shares, st.sampled_from((5, 20, 100))).map(lambda drawn: {**drawn[0], "burst": drawn[1]})

    def request(self) -> dict[str, Any]:
        """The mean length of a burst, too."""
        return {**super(BurstLoss, self).request(), "burst": self.burst}

    def strength(self) -> str:
        """``5% in bursts of 20``."""
        return f"{self.share} in bursts of {self.burst}"


@dataclass(frozen=True, slots=True, repr=False)
class Duplication(_ShareFault):
    """A share of the packets arrives twice. TCP drops the copy; whoever uses UDP must."""

    kind: ClassVar[str] = "duplication"
    SHARES = (50_000, 200_000, 500_000, _ALL)


@dataclass(frozen=True, slots=True, repr=False)
class Reordering(_ShareFault):
    """A share of the packets is held back for ``hold``, so that those behind overtake them."""

    kind: ClassVar[str] = "reordering"
    SHARES = (50_000, 200_000, 500_000)

    hold: Duration

    def __post_init__(self) -> None:
        super(Reordering, self).__post_init__()
        _require(Duration, hold=self.hold)
        if not self.hold:
            raise InvalidValueError("hold", str(self.hold), "nothing is overtaken in no time", "give 10ms, say")

    @classmethod
    def strengths(cls) -> SearchStrategy[dict[str, Any]]:
        """One of the shares, held for less than a heartbeat up to several."""
        holds = st.sampled_from((2, 10, 50, 200)).map(lambda ms: Duration(ms * 1_000_000))
        shares = super(Reordering, cls).strengths()
        return st.tuples(shares, holds).map(lambda drawn: {**drawn[0], "hold": drawn[1]})

    def request(self) -> dict[str, Any]:
        """The time that packets are held, too."""
        return {**super(Reordering, self).request(), "hold_ns": self.hold.value}

    def strength(self) -> str:
        """``5% by 10ms``."""
        return f"{self.share} by {self.hold}"


@dataclass(frozen=True, slots=True, repr=False)
class Corruption(_ShareFault):
    """A bit flips in a share of the packets, and the receiver's checksum finds it: a loss that also costs its link."""

    kind: ClassVar[str] = "corruption"
    SHARES = (10_000, 50_000, 200_000)


@dataclass(frozen=True, slots=True, repr=False)
class SilentCorruption(_ShareFault):
    """A bit flips in a share of the payloads, and the checksum is right all the same: the application gets it.

    Stronger than what most databases promise to survive without TLS or checksums of their own, so it is drawn only
    where it is asked for. It happens: Stone and Partridge, "When the CRC and TCP Checksum Disagree", SIGCOMM 2000.
    """

    kind: ClassVar[str] = "silent-corruption"
    SHARES = (1_000, 10_000, 50_000)


@dataclass(frozen=True, slots=True, repr=False)
class Reset(_ShareFault):
    """A share of the segments of TCP connections ends them: both ends are told that the other has reset it.

    Connections that carry nothing are spared until they do; new ones can be made, and are hit as well.
    """

    kind: ClassVar[str] = "reset"
    SHARES = (10_000, 100_000, _ALL)


@dataclass(frozen=True, slots=True, repr=False)
class RateLimit(LinkFault):
    """So many bits a second pass. What comes faster waits up to ``queue``; what would wait longer is lost."""

    kind: ClassVar[str] = "rate"

    rate: Rate
    queue: Duration

    def __post_init__(self) -> None:
        super(RateLimit, self).__post_init__()
        _require(Rate, rate=self.rate)
        _require(Duration, queue=self.queue)
        if not self.rate:
            raise InvalidValueError("rate", str(self.rate), "lets nothing pass", "cut the link by a partition instead")

    @classmethod
    def strengths(cls) -> SearchStrategy[dict[str, Any]]:
        """From hardly more than heartbeats to what a snapshot fills; with a short queue, or one that adds a second."""
        rates = st.sampled_from((128, 512, 2_000, 10_000)).map(lambda kbit: Rate(kbit * 1_000))
        queues = st.sampled_from((50, 200, 1000)).map(lambda ms: Duration(ms * 1_000_000))
        return st.tuples(rates, queues).map(lambda drawn: {"rate": drawn[0], "queue": drawn[1]})

    def request(self) -> dict[str, Any]:
        """Bits a second, and the bytes that may wait."""
        queue_bytes = self.rate.value * self.queue.value // 8_000_000_000
        return {
            **super(RateLimit, self).request(),
            "bits_per_second": self.rate.value,
            "queue_bytes": queue_bytes,
        }

    def strength(self) -> str:
        """``8mbit with a queue of 200ms``."""
        return f"{self.rate} with a queue of {self.queue}"


def _edges(targets: Targets) -> SearchStrategy[Edges]:
    """All links, one node's, one direction of one node's, between two halves; the leader's where there is one."""
    drawable: list[Shape] = [shapes.everywhere, shapes.isolate_one, shapes.mute, shapes.deaf, shapes.halves]
    if targets.leader:
        drawable += [shapes.isolate_leader, shapes.mute_leader, shapes.deaf_leader]
    return st.one_of(*(st.permutations(targets.nodes).map(shape) for shape in drawable))


def _require(quantity: type[Duration | Percent | Rate], **fields: object) -> None:
    for field, value in fields.items():
        if not isinstance(value, quantity):
            problem, remedy = f"not a {quantity.__name__}", f"give {quantity.__name__}.parse({quantity.EXAMPLE!r}), say"
            raise InvalidValueError(field, value, problem, remedy)


def _require_seed(seed: object) -> None:
    require_integer("seed", seed, at_least=0, remedy="give a whole number, from which its chance follows")
    assert isinstance(seed, int)
    if seed >= 2**64:
        raise InvalidValueError("seed", seed, "more than 64 bits", "give a smaller one")
