"""Fault edges: how faults stand in a history, and the intervals in which they were in force.

The nemesis records two rows a fault, with its own process (:data:`NEMESIS`), the fault's kind as ``f`` and the
position of the event in the plan as ``key``: an ``inject`` once the fault was read back to be in force, and a
``heal`` once it was read back to be gone. Each carries a :class:`FaultEdge` as JSON. Neither edge is instantaneous,
so each has an uncertainty: the time between the agent's first and last step.

A row that carries no such edge is a *problem*, named by its row. It is left out, and what remains is still told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

NEMESIS: Final = -1
"""The process of everything that no client did."""

_LARGEST = 2**63 - 1
"""Columns have 64 bits, and so has the clock."""


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
            fields = json.loads(text, parse_int=_integer, parse_constant=_no_number)
            if not isinstance(fields, dict):
                raise TypeError("not an object")
            edge = cls(**{**fields, "nodes": _texts(fields.get("nodes"))})
            edge._check()
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"not a fault edge: {text[:80]!r} ({error})") from error
        return edge

    def _check(self) -> None:
        for name in ("requested_ns", "begin_ns", "end_ns", "affected"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise TypeError(f"{name} is {value!r}, which is no whole number from 0 on")
        for name in ("description", "planned", "error"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} is {getattr(self, name)!r}, which is no text")
        if not isinstance(self.evidence, Mapping):
            raise TypeError(f"evidence is {self.evidence!r}, which is no object")
        if self.begin_ns > self.end_ns:
            raise ValueError(f"it ends at {self.end_ns}, before it begins at {self.begin_ns}")


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


class EdgeRow(NamedTuple):
    """What a history has of one edge: its row, whether it is an ``inject`` or a ``heal``, and the row's columns."""

    row: int
    type: str
    f: str
    key: int | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRecord:
    """What a history says about faults: ``intervals`` in the order they began, and ``problems``, which say where."""

    intervals: tuple[FaultInterval, ...]
    problems: tuple[str, ...]


def fault_record(rows: Iterable[EdgeRow]) -> FaultRecord:
    """Pair the edges, given in the history's order. A heal without an inject is left out: the fault never was there."""
    begun: dict[int, tuple[str, FaultEdge]] = {}
    healed: dict[int, FaultEdge] = {}
    problems: list[str] = []
    for row in rows:
        try:
            event, edge = _event(row), FaultEdge.from_json(row.detail or "")
            if row.type == "inject":
                begun.setdefault(event, (row.f, edge))
            elif event in begun:
                _require_after(begun[event][1], edge)
                healed.setdefault(event, edge)
        except ValueError as error:
            problems.append(f"row {row.row}, {row.type} of {row.f}: {error}")
    intervals = tuple(_interval(event, kind, edge, healed.get(event)) for event, (kind, edge) in begun.items())
    return FaultRecord(intervals=intervals, problems=tuple(problems))


def _event(row: EdgeRow) -> int:
    if row.key is None:
        raise ValueError("it has no key, which is the event's position in the plan")
    return row.key


def _require_after(begin: FaultEdge, heal: FaultEdge) -> None:
    if heal.end_ns < begin.end_ns:
        raise ValueError(f"it ends at {heal.end_ns}, before the fault was in force at {begin.end_ns}")


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


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"nodes is {value!r}, which is no list of names")
    return tuple(value)


def _integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > _LARGEST:
        raise ValueError("a number has more than 64 bits")
    return number


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
