"""How the nodes of one machine will live, decided from what its agent found: pure data in, pure data out.

Best is *isolated*: every node in namespaces of its own, on a switch whose links can be cut. Where that is not permitted
the nodes are plain processes on loopback addresses, with the faults that remain, and the reason is said in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schrodinger.cluster.protocols import Capability, FaultObservation, Observed, ProviderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schrodinger_agent import types as agent

NEEDS_ISOLATION = frozenset(
    {
        "partition",
        "delay",
        "loss",
        "burst-loss",
        "duplication",
        "reordering",
        "corruption",
        "silent-corruption",
        "rate",
        "reset",
        "dns-failure",
        "dns-lie",
        "names",
    }
)
"""Faults that can only be carried out between isolated nodes, and that nodes have names."""

LOOPBACK = "the nodes are plain processes on loopback addresses of this machine"


@dataclass(frozen=True, slots=True)
class Offer:
    """The decision. ``degradation`` is empty when nothing is missing."""

    isolated: bool
    degradation: str
    capabilities: tuple[Capability, ...]


def decide(found: agent.Capabilities, *, wanted: bool | None, obstacle: str) -> Offer:
    """Isolated if it can be had and is not refused.

    Args:
        found: the agent's capabilities.
        wanted: whether isolation is demanded or refused; ``None`` takes what there is.
        obstacle: why this process cannot take its place on the switch; empty if it can.

    Raises:
        ProviderError: isolation is demanded and cannot be had.
    """
    capabilities = tuple(_capability(entry) for entry in found.entries)
    if wanted is False:
        reason = "isolation was turned off"
    elif found.isolated and not obstacle:
        return Offer(isolated=True, degradation="", capabilities=capabilities)
    else:
        reason = obstacle or _missing(capabilities)
    if wanted:
        raise ProviderError(f"isolated nodes were asked for and cannot be had: {reason}")
    remaining = tuple(_without_isolation(entry, reason) for entry in capabilities)
    degradation = f"{LOOPBACK}, without partitions and other faults of the network: {reason}"
    return Offer(isolated=False, degradation=degradation, capabilities=remaining)


def observed(answer: agent.Observed) -> Observed:
    """The agent's answer to a change of faults, in the provider's terms."""
    return Observed(
        generation=answer.generation,
        begin_ns=answer.begin_ns,
        end_ns=answer.end_ns,
        in_force=tuple(_observation(entry) for entry in answer.observations),
        lifted=tuple(_observation(entry) for entry in answer.lifted),
    )


def _capability(entry: agent.Capability) -> Capability:
    return Capability(
        name=entry.name,
        available=entry.available,
        is_fault=entry.is_fault,
        mechanism=entry.mechanism,
        reason=entry.reason,
        remedy=entry.remedy,
    )


def _without_isolation(entry: Capability, reason: str) -> Capability:
    if entry.name not in NEEDS_ISOLATION or not entry.available:
        return entry
    return Capability(name=entry.name, available=False, is_fault=entry.is_fault, reason=f"{LOOPBACK}: {reason}")


def _missing(capabilities: Sequence[Capability]) -> str:
    """Why the agent offers no isolation, and what would help: the reason that it gives for what needs it."""
    missing = [entry for entry in capabilities if entry.name in NEEDS_ISOLATION and not entry.available]
    reasons = [entry.reason + (f" (remedy: {entry.remedy})" if entry.remedy else "") for entry in missing]
    return "; ".join(dict.fromkeys(reasons)) or "the agent does not offer it"


def _observation(entry: agent.Observation) -> FaultObservation:
    return FaultObservation(
        id=entry.id,
        kind=entry.kind,
        in_force=entry.in_force,
        evidence=entry.evidence,
        affected=entry.affected,
        error=entry.error,
    )
