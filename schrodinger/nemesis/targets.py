"""Whom faults may be drawn for, and the strategies that pick among them.

The choice of *one*, *some*, *all* or *the leader* is made when a plan is drawn and written down as names, so that a
seed replays exactly and shrinking can take nodes away one at a time. The leader stays a role until the fault is
injected: the same six-second pause found a real ordering bug in every one of 13 runs when it hit the leader and in none
of 10 when it hit a follower, so the role is drawn as often as a plain single node.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schrodinger.nemesis.faults import LEADER
from schrodinger.nemesis.invalid import InvalidValueError

NodeSets = SearchStrategy[frozenset[str]]


@dataclass(frozen=True, slots=True)
class Targets:
    """The nodes that faults may hit.

    ``leader`` says that the suite can tell who leads, so the role may be drawn; ``disks`` that it says where its data
    is, so disks may fail; ``membership`` that it can change who belongs to the cluster;
    ``names`` that it looks up names of nodes.
    """

    nodes: tuple[str, ...]
    leader: bool = False
    disks: bool = False
    membership: bool = False
    names: bool = False

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InvalidValueError("nodes", self.nodes, "nobody to hit", "name at least one node")


def one(targets: Targets) -> NodeSets:
    """A single node by name."""
    return st.sampled_from(targets.nodes).map(lambda node: frozenset({node}))


def some(targets: Targets) -> NodeSets:
    """Any group of nodes but none and all of them, every group as likely as any other."""
    nodes = targets.nodes
    return st.integers(1, 2 ** len(nodes) - 2).map(
        lambda mask: frozenset(node for index, node in enumerate(nodes) if mask >> index & 1)
    )


def everyone(targets: Targets) -> NodeSets:
    """All nodes at once."""
    return st.just(frozenset(targets.nodes))


def leader(targets: Targets) -> NodeSets:
    """Whoever leads when the fault is injected. ``targets.leader`` must hold."""
    assert targets.leader, "the suite cannot tell who leads"
    return st.just(frozenset({LEADER}))


def minority(targets: Targets) -> tuple[str, ...]:
    """The largest minority that the last nodes are: however often one draws of them, a majority is spared.

    For what does not heal, or what no majority survives. No role is among them: it could be anybody's.
    """
    count = (len(targets.nodes) - 1) // 2
    return targets.nodes[len(targets.nodes) - count :]


def minorities(targets: Targets) -> NodeSets | None:
    """Some or all of the :func:`minority`; ``None`` where there is none."""
    last = minority(targets)
    if not last:
        return None
    return st.integers(1, 2 ** len(last) - 1).map(
        lambda mask: frozenset(node for index, node in enumerate(last) if mask >> index & 1)
    )


def node_sets(targets: Targets) -> NodeSets:
    """One, some, all, or the leader, weighted towards what databases must survive: losing one node, or the leader."""
    choices = [one, one, everyone]
    if len(targets.nodes) > 1:
        choices += [some, some]
    if targets.leader:
        choices += [leader, leader]
    return st.sampled_from(choices).flatmap(lambda choose: choose(targets))
