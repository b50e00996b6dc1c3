"""Fault edges: how faults stand in a history, and the intervals in which they were in force.

The nemesis records two rows a fault, with its own process (:data:`NEMESIS`), the fault's kind as ``f`` and the
position of the event in the plan as ``key``: an ``inject`` once the fault was read back to be in force, and a
``heal`` once it was read back to be gone. Each carries a :class:`FaultEdge` as JSON. Neither edge is instantaneous,
so each has an uncertainty: the time between the agent's first and last step.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NEMESIS = -1
"""The process of everything that no client did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEdge:
    """One edge of a fault as the agent saw it; times are nanoseconds on the history's clock.

    Attributes:
        requested_ns: when the nemesis decided.
        begin_ns: nothing had been changed yet.
        end_ns: everything was changed and read back.
        description: what the fault does, in words.
        planned: the fault as the plan has it, in words, where roles are not resolved.
        nodes: whom it concerns.
        affected: how many processes or packets the fault had touched by then; 0 is a fault without effect.
        evidence: what the agent measured.
        error: why the edge did not come about; empty when it did.
    """

    requested_ns: int
    begin_ns: int
    end_ns: int
    description: str
    planned: str
    nodes: tuple[str, ...]
    affected: int
    evidence: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""

    def to_json(self) -> str:
        """The form that stands in a history's ``detail`` column."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> FaultEdge:
        """Read what :meth:`to_json` wrote. Raises ValueError when it is something else."""
        try:
            fields = json.loads(text)
            return cls(**{**fields, "nodes": tuple(fields["nodes"])})
        except (TypeError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(f"not a fault edge: {text[:80]!r} ({error})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultInterval:
    """When a fault was in force: certainly from ``begin_ns`` on, and certainly no longer after ``end_ns``.

    ``end_ns`` is ``None`` when the history ends before the fault was healed. The uncertainties say how long the
    change took: the fault may have begun up to ``begin_uncertainty_ns`` earlier, and may have ended up to
    ``end_uncertainty_ns`` earlier.
    """

    id: str
    kind: str
    description: str
    planned: str
    nodes: tuple[str, ...]
    requested_ns: int
    begin_ns: int
    end_ns: int | None
    begin_uncertainty_ns: int
    end_uncertainty_ns: int
    affected: int
    evidence: Mapping[str, Any]
    error: str = ""


def fault_intervals(edges: Iterable[tuple[str, str, int, str]]) -> tuple[FaultInterval, ...]:
    """Pair edges, given as (type, kind, event, detail) in the history's order, to intervals in the order they began.

    A heal without an inject is ignored: the fault never was in force. Raises ValueError on a detail that is no fault
    edge.
    """
    begun: dict[int, tuple[str, FaultEdge]] = {}
    healed: dict[int, FaultEdge] = {}
    for edge_type, kind, event, detail in edges:
        edge = FaultEdge.from_json(detail)
        if edge_type == "inject":
            begun.setdefault(event, (kind, edge))
        elif event in begun:
            healed.setdefault(event, edge)
    return tuple(_interval(event, kind, edge, healed.get(event)) for event, (kind, edge) in begun.items())


def _interval(event: int, kind: str, begin: FaultEdge, heal: FaultEdge | None) -> FaultInterval:
    return FaultInterval(
        id=str(event),
        kind=kind,
        description=begin.description,
        planned=begin.planned,
        nodes=begin.nodes,
        requested_ns=begin.requested_ns,
        begin_ns=begin.end_ns,
        end_ns=heal.end_ns if heal else None,
        begin_uncertainty_ns=begin.end_ns - begin.begin_ns,
        end_uncertainty_ns=heal.end_ns - heal.begin_ns if heal else 0,
        affected=max(begin.affected, heal.affected if heal else 0),
        evidence={**begin.evidence, **(heal.evidence if heal else {})},
        error="; ".join(filter(None, [begin.error, heal.error if heal else ""])),
    )
