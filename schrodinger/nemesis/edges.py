"""Sets of directed links, which every fault of the network has: checked, resolved, told in words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schrodinger.nemesis import shapes
from schrodinger.nemesis.faults import ROLES, Edge, Fault, in_words
from schrodinger.nemesis.invalid import EmptyFaultError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from schrodinger.nemesis.shapes import Edges

_REMEDY = 'give pairs of two different names, such as ["n1", "n2"]'


@dataclass(frozen=True, slots=True, repr=False)
class EdgeFault(Fault):
    """Something done to directed links. An edge may start or end at a node, at the leader, or at the clients."""

    edges: frozenset[Edge]

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", _edges(self.edges))

    @property
    def names(self) -> frozenset[str]:
        """Both ends of every edge."""
        return frozenset(name for edge in self.edges for name in edge)

    def resolve(self, resolve: Callable[[str], str]) -> Self:
        """Name the leader. An edge from it to itself is no link and vanishes."""
        roles = {role: resolve(role) for role in sorted(self.names & ROLES)}
        edges = {(roles.get(source, source), roles.get(destination, destination)) for source, destination in self.edges}
        links = frozenset((source, destination) for source, destination in edges if source != destination)
        if not links:
            who = ", ".join(f"{role} is {node}" for role, node in roles.items())
            problem = f"no link is left when the {who}"
            raise EmptyFaultError("edges", self.edges, problem, "name another node as the other end")
        return replace(self, edges=links)

    def request(self) -> dict[str, object]:
        """The links, as sorted pairs."""
        return {"edges": [list(edge) for edge in sorted(self.edges)]}


def where(edges: Edges) -> str:
    """The links in words: among some nodes, between two groups, from one to another, or one by one."""
    sources = frozenset(source for source, _ in edges)
    destinations = frozenset(destination for _, destination in edges)
    if len(edges) == 1:
        return f"from {in_words(sources)} to {in_words(destinations)}"
    if edges == shapes.one_way(sources, destinations):
        if sources == destinations:
            return f"among {in_words(sources)}"
        if not sources & destinations:
            return f"from {in_words(sources)} to {in_words(destinations)}"
    for source in sorted(sources):
        heard = frozenset(destination for of, destination in edges if of == source)
        group = frozenset(of for of in sources if all((of, destination) in edges for destination in heard))
        if edges == shapes.cut(group, heard):
            smaller, larger = sorted((group, heard), key=lambda side: (len(side), min(side)))
            return f"between {in_words(smaller)} and {in_words(larger)}"
    return "on " + ", ".join(f"{in_words([source])} to {in_words([to])}" for source, to in sorted(edges))


def _edges(given: object) -> Edges:
    if not isinstance(given, Collection) or isinstance(given, str) or not given:
        raise InvalidValueError("edges", given, "no link", _REMEDY)
    return frozenset(_edge(edge) for edge in given)


def _edge(edge: object) -> Edge:
    if not isinstance(edge, (tuple, list)) or len(edge) != 2 or not all(isinstance(end, str) and end for end in edge):
        raise InvalidValueError("edges", edge, "not a link, which is a pair of a source and a destination", _REMEDY)
    source, destination = edge
    if source == destination:
        raise InvalidValueError("edges", edge, "there is no link from a node to itself", _REMEDY)
    return source, destination
