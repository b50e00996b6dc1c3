"""The shapes of a partition: pure functions from an order of the nodes to the directed edges that are cut.

A shape takes the nodes in some order and assigns roles by position (the first node is the one isolated, the middle one
is the bridge), so a permutation decides who suffers and the shape stays a pure function. The names are those of the
field: Jepsen's nemeses and the papers on partial partitions (Alfatafta et al., "Toward a Generic Fault Tolerance
Technique for Partial Network Partitioning", OSDI 2020; Alquraan et al., "An Analysis of Network-Partitioning Failures
in Cloud Systems", OSDI 2018). The latter found that isolating a single node is enough for most failures, and that
partial and one-way partitions are the least tested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, TypeAlias

from schrodinger.nemesis.faults import LEADER, Edge

if TYPE_CHECKING:
    from collections.abc import Iterable

Edges: TypeAlias = frozenset[Edge]
Shape: TypeAlias = Callable[[Sequence[str]], Edges]


def one_way(sources: Iterable[str], destinations: Iterable[str]) -> Edges:
    """Nothing that ``sources`` send reaches ``destinations``; the other direction still works.

    Half-open links defeat failure detectors that take "I hear you" for "you hear me", and keep followers that cannot
    answer believing in a leader.
    """
    receivers = tuple(destinations)
    return frozenset((source, destination) for source in sources for destination in receivers if source != destination)


def cut(left: Iterable[str], right: Iterable[str]) -> Edges:
    """Neither group hears the other."""
    one_side, other_side = tuple(left), tuple(right)
    return one_way(one_side, other_side) | one_way(other_side, one_side)


def split(order: Sequence[str], size: int) -> Edges:
    """The first ``size`` nodes cut off from the rest: the complete partition, with named cases below."""
    return cut(order[:size], order[size:])


def everywhere(order: Sequence[str]) -> Edges:
    """Every link between two nodes, both ways: what makes all links equally bad."""
    return one_way(order, order)


def isolate_one(order: Sequence[str]) -> Edges:
    """The first node alone. The simplest and most fruitful partition: the old leader that serves stale reads."""
    return split(order, 1)


def halves(order: Sequence[str]) -> Edges:
    """Two halves. With an even number of nodes neither is a majority, and whoever decides anything is wrong."""
    return split(order, len(order) // 2)


def largest_minority(order: Sequence[str]) -> Edges:
    """The largest minority against the smallest majority: one more lost node and nothing may be decided."""
    return split(order, (len(order) - 1) // 2)


def bridge(order: Sequence[str]) -> Edges:
    """Two halves that do not hear each other, and one node in the middle that hears both.

    Connectivity is not transitive here: both sides can count the bridge towards their majority, which finds double
    votes and leaders that flap between the sides.
    """
    middle = len(order) // 2
    return cut(order[:middle], order[middle + 1 :])


def majorities_ring(order: Sequence[str]) -> Edges:
    """Every node hears a majority, and no two nodes hear the same one.

    Each node of the ring hears the window of a bare majority around itself. Nobody is isolated, so failure detectors
    are content, yet the nodes disagree about who is there: elections and membership views fail to converge. Where the
    window has no middle (an even majority) it leans to one side and the cuts are one-way.
    """
    count = len(order)
    majority = count // 2 + 1
    edges: set[Edge] = set()
    for index, node in enumerate(order):
        heard = {order[(index + offset - (majority - 1) // 2) % count] for offset in range(majority)}
        edges |= one_way((other for other in order if other not in heard), (node,))
    return frozenset(edges)


def mute(order: Sequence[str]) -> Edges:
    """The first node cannot send, but hears everything.

    A mute leader keeps accepting appends it can never acknowledge; a mute follower sees heartbeats and stays quiet
    forever.
    """
    return one_way(order[:1], order[1:])


def deaf(order: Sequence[str]) -> Edges:
    """The first node cannot receive, but is heard by all.

    A deaf leader goes on sending heartbeats and suppresses elections while it hears no reply; a deaf follower disturbs
    the cluster with ever higher terms, the reason for Raft's pre-vote.
    """
    return one_way(order[1:], order[:1])


def isolate_leader(order: Sequence[str]) -> Edges:
    """Whoever leads at the time, alone: deposed without knowing it. The edge to itself vanishes on injection."""
    return cut((LEADER,), order)


def mute_leader(order: Sequence[str]) -> Edges:
    """Whoever leads at the time cannot send: it hears its followers elect somebody else."""
    return one_way((LEADER,), order)


def deaf_leader(order: Sequence[str]) -> Edges:
    """Whoever leads at the time cannot receive: its heartbeats hold the followers while it learns nothing."""
    return one_way(order, (LEADER,))


def links(order: Sequence[str], mask: int) -> Edges:
    """The directed links whose bits are set in ``mask``: with a random mask any partition at all, named or not.

    The named shapes are those that people thought of.
    """
    return frozenset(link for index, link in enumerate(permutations(order, 2)) if mask >> index & 1)
