"""The agent's interface in plain Python: what :class:`~schrodinger_agent.client.AgentClient` takes and returns.

All times are CLOCK_MONOTONIC nanoseconds of the agent's host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class AgentError(Exception):
    """The agent could not be reached or refused a request. The message says what was wrong and what to do.

    ``code`` is the name of the gRPC status (``INVALID_ARGUMENT``, ``FAILED_PRECONDITION``, ``NOT_FOUND``, ...).
    """

    def __init__(self, message: str, code: str = "UNAVAILABLE") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A fault kind or a mechanism: how it is done on this host, or why it is not available and what would help."""

    name: str
    is_fault: bool
    available: bool
    mechanism: str = ""
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the host can do, found by trying. ``isolated``: targets can have network and PID namespaces of their own."""

    version: str
    isolated: bool
    entries: tuple[Capability, ...]

    def __getitem__(self, name: str) -> Capability:
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One node of a cluster: its IPv4 address and its empty data directory.

    Where nodes have disks of their own only the node sees what is in it; :meth:`AgentClient.fetch` reads it from
    outside.
    """

    name: str
    address: str
    data: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterUp:
    """A cluster that is up. ``client_address`` is the clients' address on the switch, if a client thread was given."""

    targets: tuple[Target, ...]
    client_address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawned:
    """A started process. ``incarnation`` counts the spawns of the target from 1; ``pid`` is the host's."""

    incarnation: int
    pid: int
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The end of an orderly stop. ``killed``: the grace ran out and SIGKILL ended it."""

    was_running: bool
    killed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRequest:
    """A desired fault. ``id`` is the caller's; ``parameters`` is plain JSON, which each kind validates."""

    id: str
    kind: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was read back about one fault.

    ``affected`` counts the processes or packets that it touched so far; ``error`` says why it is not as desired.
    """

    id: str
    kind: str
    in_force: bool
    evidence: Mapping[str, Any]
    affected: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All faults of a cluster as read back.

    Nothing had changed before ``begin_ns``; everything was read back by ``end_ns``. ``observations`` has the desired
    faults in the order they were given; ``lifted`` those that this call ended, each with the evidence gathered while
    it was in force.
    """

    generation: int
    begin_ns: int
    end_ns: int
    observations: tuple[Observation, ...]
    lifted: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """A spawned process ended.

    ``status`` is its exit code, or minus the signal. ``expected``: a fault, a stop or the end of the cluster ended it.
    """

    target: str
    incarnation: int
    status: int
    expected: bool
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealReport:
    """What a sweep found and removed, and what it could not remove."""

    removed: tuple[str, ...]
    errors: tuple[str, ...]
