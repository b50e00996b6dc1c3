"""What can be told of a cluster that is kept by hand: plain values, which travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


class ControlError(ValueError):
    """A request that can't be granted, or a cluster that is not there; the message says why and what would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to an experiment. ``time`` is UTC, as ISO 8601; ``evidence`` is what the agent read."""

    time: str
    what: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentState:
    """An experiment as it is now.

    Attributes:
        name: its name.
        kind: what kind of manifest it is.
        phase: ``waiting``, ``running``, ``paused`` or ``finished``.
        recurrence: when and for how long, in words.
        faults: those that stand for it now, in words.
        in_force: whether all of these were in force when they were last read back.
        next_start: when it begins next, UTC as ISO 8601; ``None`` for never, or not before it is resumed.
        next_recover: when what runs now ends.
        remarks: what its author should know.
        happenings: its past, the oldest first.
    """

    name: str
    kind: str
    phase: str
    recurrence: str
    faults: tuple[str, ...]
    in_force: bool
    next_start: str | None
    next_recover: str | None
    remarks: tuple[str, ...]
    happenings: tuple[Happening, ...]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The state that came as JSON."""
        happenings = tuple(Happening(**happening) for happening in plain["happenings"])
        return cls(
            **{
                **plain,
                "faults": tuple(plain["faults"]),
                "remarks": tuple(plain["remarks"]),
                "happenings": happenings,
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node as it is now. ``process`` is one of its processes, through which its namespaces can be entered."""

    name: str
    address: str
    data: str
    log: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """A cluster that is kept by hand."""

    name: str
    suite: str
    options: Mapping[str, str]
    seed: int
    keeper: int
    degradation: str
    namespace: str
    labels: Mapping[str, Mapping[str, str]]
    kinds: tuple[str, ...]
    directory: str
    leaders: tuple[str, ...]
    nodes: tuple[NodeState, ...]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The state that came as JSON."""
        nodes = tuple(NodeState(**node) for node in plain["nodes"])
        return cls(**{**plain, "kinds": tuple(plain["kinds"]), "leaders": tuple(plain["leaders"]), "nodes": nodes})
