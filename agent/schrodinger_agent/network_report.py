"""What a switched network says after a change: which links the kernel holds cut, since when, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schrodinger_agent.network_topology import Edge


@dataclass(frozen=True, slots=True)
class EdgeEvidence:
    """What one cut did while it was in force: our own probes, and the packets of others that it dropped."""

    probes_sent: int = 0
    probes_received: int = 0
    packets_dropped: int = 0


@dataclass(frozen=True, slots=True)
class CutReport:
    """The links that are cut, as read back from the kernel.

    ``begin_ns`` and ``end_ns`` are CLOCK_MONOTONIC: nothing had been changed before the one, everything was changed,
    read back and probed by the other. ``tallies`` covers the links that are cut and those that this change healed.
    ``failures`` names every link that does not behave as it should, with what was seen.
    """

    cut: frozenset[Edge]
    begin_ns: int
    end_ns: int
    tallies: Mapping[Edge, EdgeEvidence]
    failures: Mapping[Edge, str]

    def dropped(self, edges: Iterable[Edge]) -> int:
        """Packets that did not arrive because of these cuts, probes included."""
        tallies = [self.tallies[edge] for edge in edges if edge in self.tallies]
        return sum(tally.packets_dropped + tally.probes_sent - tally.probes_received for tally in tallies)

    def evidence(self, edges: Iterable[Edge]) -> dict[str, Any]:
        """The proof for some links as plain JSON, link by link and summed up."""
        chosen = [(edge, self.tallies.get(edge, EdgeEvidence())) for edge in sorted(edges)]
        return {
            "probes_sent": sum(tally.probes_sent for _, tally in chosen),
            "probes_received": sum(tally.probes_received for _, tally in chosen),
            "packets_dropped": sum(tally.packets_dropped for _, tally in chosen),
            "edges": [
                {
                    "source": source,
                    "destination": destination,
                    "probes_sent": tally.probes_sent,
                    "probes_received": tally.probes_received,
                    "packets_dropped": tally.packets_dropped,
                }
                for (source, destination), tally in chosen
            ],
        }
