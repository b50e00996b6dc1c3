"""Partitions: directed links that lose everything, drawn by shape, and the shape found again for a person to read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis import shapes
from schrodinger.nemesis.edges import EdgeFault
from schrodinger.nemesis.faults import CLIENTS, ROLES, Fault, in_words

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.shapes import Edges, Shape
    from schrodinger.nemesis.targets import Targets


@dataclass(frozen=True, slots=True, repr=False)
class Partition(EdgeFault):
    """Directed cuts: ``dst`` silently drops what ``src`` sends, for every (src, dst) in ``edges``.

    Dropping on the receiver's side keeps the sender ignorant, as a lossy network does; a drop on output would return
    EPERM to UDP senders. Established TCP stays stalled for up to its retransmission back-off after the heal, so there
    is a time to settle.
    """

    kind: ClassVar[str] = "partition"

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """Every shape as likely as any other, and random links twice as likely as one of them."""
        if len(targets.nodes) < 2:
            return None
        named = [_shaped(shape, targets.nodes) for shape in _drawable(targets)]
        return st.one_of(*named, _links_at_random(targets.nodes), _few_links_at_random(targets.nodes)).map(cls)

    def describe(self) -> str:
        """The shape in words where the edges have one, else the links."""
        return _complete(self.edges) or _one_way(self.edges) or _ring(self.edges) or _links(self.edges)


def _drawable(targets: Targets) -> list[Shape]:
    """The shapes that are shapes of their own with so many nodes; no majority can be ringed or bridged between two."""
    drawable: list[Shape] = [shapes.isolate_one, shapes.halves, shapes.mute, shapes.deaf]
    if len(targets.nodes) > 2:
        drawable += [shapes.largest_minority, shapes.bridge, shapes.majorities_ring]
    if targets.leader:
        drawable += [shapes.isolate_leader, shapes.mute_leader, shapes.deaf_leader]
    return drawable


def _shaped(shape: Shape, nodes: tuple[str, ...]) -> SearchStrategy[Edges]:
    return st.permutations(nodes).map(shape)


def _links_at_random(nodes: tuple[str, ...]) -> SearchStrategy[Edges]:
    """Any set of directed links, half of all on average. One number is drawn for all of them."""
    return _masks(nodes).map(partial(shapes.links, nodes))


def _few_links_at_random(nodes: tuple[str, ...]) -> SearchStrategy[Edges]:
    """A quarter of the directed links on average, which leaves more quorums alive."""
    fewer = st.tuples(_masks(nodes), _masks(nodes)).map(lambda pair: pair[0] & pair[1] or pair[0])
    return fewer.map(partial(shapes.links, nodes))


def _masks(nodes: tuple[str, ...]) -> SearchStrategy[int]:
    return st.integers(1, 2 ** (len(nodes) * (len(nodes) - 1)) - 1)


def _complete(edges: Edges) -> str | None:
    """Groups that do not hear each other in either direction, while each is whole within.

    The groups are the components of the links that are *not* cut; if they are whole, every cut runs between two of
    them.
    """
    if any((destination, source) not in edges for source, destination in edges):
        return None
    groups: list[set[str]] = []
    for node in sorted({source for source, _ in edges}):
        heard = [group for group in groups if any((node, other) not in edges for other in group)]
        groups = [group for group in groups if group not in heard] + [{node}.union(*heard)]
    if any((source, destination) in edges for group in groups for source in group for destination in group):
        return None
    groups.sort(key=lambda group: (CLIENTS in group, len(group), min(group)))
    if len(groups) == 2:
        return f"partition: {in_words(groups[0])} cut off from {in_words(groups[1])}"
    return f"partition into {len(groups)}: " + " | ".join(in_words(group) for group in groups)


def _one_way(edges: Edges) -> str | None:
    sources = frozenset(source for source, _ in edges)
    destinations = frozenset(destination for _, destination in edges)
    if len(edges) != len(shapes.one_way(sources, destinations)) or edges & frozenset((to, of) for of, to in edges):
        return None
    hear = "hears" if len(destinations) == 1 else "hear"
    return f"one-way cut: {in_words(destinations)} {hear} nothing from {in_words(sources)}"


def _ring(edges: Edges) -> str | None:
    """Every node named hears a bare majority of those named (itself included), and no two the same one."""
    nodes = frozenset(name for edge in edges for name in edge)
    heard = {node: nodes - {source for source, destination in edges if destination == node} for node in sorted(nodes)}
    majority = len(nodes) // 2 + 1
    if nodes & (ROLES | {CLIENTS}) or any(len(others) != majority for others in heard.values()):
        return None
    if len(set(heard.values())) != len(nodes):
        return None
    hears = (f"{node} hears only {in_words(others - {node})}" for node, others in heard.items())
    return f"majorities ring: {', '.join(hears)}"


def _links(edges: Edges) -> str:
    cuts = [f"{in_words([source])} to {in_words([destination])}" for source, destination in sorted(edges)]
    return f"cut links: {', '.join(cuts)}"
