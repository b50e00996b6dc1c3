"""Partition: directed links that drop everything, on the receiver's side of the switch.

Nothing is journalled here: the cuts live in the switch and vanish with the agent. And
nothing leaves the event loop's thread for longer than the network's own few milliseconds: between the decision and the
read-back there is no disk and no queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.injector import Reading
from schrodinger_agent.network import CLIENTS, NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.injectors.injector import Steps
    from schrodinger_agent.network import CutReport, Edge, SwitchedNetwork


@final
class Partition:
    """The cuts of one cluster. A unit is an edge: (source, destination)."""

    kind: ClassVar[str] = "partition"

    def __init__(self, network: SwitchedNetwork) -> None:
        self._network = network
        self._endpoints = (*network.addresses, *((CLIENTS,) if network.client_address is not None else ()))
        self._report: CutReport | None = None

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[Edge]:
        """``{"edges": [[source, destination], ...]}``; ``clients`` may be an end."""
        return read.edges(self.kind, parameters, self._endpoints)

    def actual(self) -> frozenset[Edge]:
        """The edges that were cut when last read back."""
        return self._report.cut if self._report is not None else frozenset()

    async def apply(self, steps: Steps[Edge]) -> Reading[Edge]:
        """Change the cuts in one transaction, which also reads back and probes."""
        try:
            self._report = self._network.cut((self.actual() - steps.end) | steps.begin)
        except NetworkError as error:
            return Reading(self.actual(), dict.fromkeys(steps.begin | steps.end, str(error)))
        return _reading(self._report)

    async def observe(self) -> Reading[Edge]:
        """Read back and probe. Nothing is known to be in force on a network that does not answer."""
        try:
            self._report = self._network.observe()
        except NetworkError as error:
            return Reading(frozenset(), dict.fromkeys(self.actual(), str(error)))
        return _reading(self._report)

    def affected(self, units: frozenset[Edge]) -> int:
        """Packets dropped, our own probes included."""
        return 0 if self._report is None else self._report.dropped(units)

    def evidence(self, units: frozenset[Edge]) -> dict[str, Any]:
        """Probes that were sent and that arrived, and packets dropped, edge by edge."""
        return {} if self._report is None else self._report.evidence(units)


def _reading(report: CutReport) -> Reading[Edge]:
    return Reading(in_force=report.cut, failures=report.failures)
