"""What a switched network says after a change: what is in force, since when, and the proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schrodinger_agent.network_effects import Counters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schrodinger_agent.network_effects import LinkEffect
    from schrodinger_agent.network_topology import Edge


@dataclass(frozen=True, slots=True)
class EdgeEvidence:
    """What one cut did while it was in force: our own probes, and the packets of others that it dropped."""

    probes_sent: int = 0
    probes_received: int = 0
    packets_dropped: int = 0


@dataclass(frozen=True, slots=True)
class CutReport:
    """The links that are cut, as read back from whoever carries the packets.

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


@dataclass(frozen=True, slots=True)
class EffectReport:
    """The effects of one kind that are in force, as read back, and what they and those that ended have done.

    Times and failures are as in :class:`CutReport`; ``counters`` counts our own probe on each link too.
    """

    in_force: frozenset[LinkEffect]
    begin_ns: int
    end_ns: int
    counters: Mapping[LinkEffect, Counters]
    failures: Mapping[LinkEffect, str] = field(default_factory=dict)

    def met(self, effects: Iterable[LinkEffect]) -> int:
        """Packets that were subject to these effects."""
        return sum(self.counters[effect].packets for effect in effects if effect in self.counters)

    def evidence(self, effects: Iterable[LinkEffect]) -> dict[str, Any]:
        """What they have done as plain JSON, link by link and summed up; ``hits`` is null where nobody counts them."""
        chosen = [(effect, self.counters.get(effect, Counters())) for effect in sorted(effects)]
        held = sum(counters.held_ns for _, counters in chosen)
        counted = [counters.hits for _, counters in chosen if counters.hits is not None]
        hits = sum(counted) if len(counted) == len(chosen) else None
        return {
            "packets": sum(counters.packets for _, counters in chosen),
            "hits": hits,
            "dropped": sum(counters.dropped for _, counters in chosen),
            "mean_held_ns": held // hits if hits else 0,
            "longest_held_ns": max((counters.longest_ns for _, counters in chosen), default=0),
            "edges": [
                {
                    "source": effect.source,
                    "destination": effect.destination,
                    "packets": counters.packets,
                    "hits": counters.hits,
                    "dropped": counters.dropped,
                    "held_ns": counters.held_ns,
                    "longest_held_ns": counters.longest_ns,
                }
                for effect, counters in chosen
            ],
        }
