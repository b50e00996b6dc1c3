"""Reading a fault's parameters: what every kind checks, with messages that name the field, the value and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schrodinger_agent.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from schrodinger_agent.network_topology import Edge


def only_field(kind: str, parameters: Mapping[str, Any], field: str) -> list[Any]:
    """The list in the one field that the kind has. It must be there, alone, and not empty."""
    unknown = [name for name in parameters if name != field]
    if unknown:
        raise InvalidRequest(f"{kind} has no parameter {unknown[0]!r}: it takes only {field!r}")
    value = parameters.get(field)
    if not isinstance(value, list) or not value:
        raise InvalidRequest(f"{kind} needs {field!r}, a list with at least one entry, but it is {value!r}")
    return value


def known_name(kind: str, field: str, name: object, known: Collection[str]) -> str:
    """The name, if it is one of those that the cluster has."""
    if not isinstance(name, str) or name not in known:
        raise InvalidRequest(f"{kind}: {field!r} names {name!r}, which is not in the cluster: use {', '.join(known)}")
    return name


def edges(kind: str, parameters: Mapping[str, Any], endpoints: Collection[str]) -> frozenset[Edge]:
    """The set of directed links in the field ``edges``, between endpoints of the cluster's network."""
    return frozenset(_edge(kind, entry, endpoints) for entry in only_field(kind, parameters, "edges"))


def _edge(kind: str, entry: object, endpoints: Collection[str]) -> Edge:
    if not isinstance(entry, list) or len(entry) != 2:
        raise InvalidRequest(f"{kind}: 'edges' holds {entry!r}: each edge is a list [source, destination]")
    source, destination = (known_name(kind, "edges", name, endpoints) for name in entry)
    if source == destination:
        raise InvalidRequest(f"{kind}: 'edges' holds {entry!r}: there is no link from a node to itself, leave it out")
    return source, destination


def targets(kind: str, parameters: Mapping[str, Any], known: Collection[str]) -> frozenset[str]:
    """The set of targets in the field ``targets``."""
    return frozenset(known_name(kind, "targets", name, known) for name in only_field(kind, parameters, "targets"))
