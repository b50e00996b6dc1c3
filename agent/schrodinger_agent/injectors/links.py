"""Faults of links: what a directed link does to packets while it still delivers some of them.

One injector for every kind of effect, which differ only in their parameters (:mod:`schrodinger_agent.network_effects`
says what each does).
A unit is one effect on one link: two delays of one link are two units, and their times add up. Nothing is journalled:
the state is in the switch, which ends with the agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from schrodinger_agent.errors import InvalidRequest
from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.injector import Reading
from schrodinger_agent.network import CLIENTS, LinkEffect, NetworkError
from schrodinger_agent.network_effects import PARAMETERS, problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.injectors.injector import Steps
    from schrodinger_agent.network import EffectReport, SwitchedNetwork


@final
class LinkFault:
    """The effects of one kind on the links of one cluster."""

    def __init__(self, network: SwitchedNetwork, kind: str) -> None:
        self.kind = kind
        self._network = network
        self._endpoints = (*network.addresses, *((CLIENTS,) if network.client_address is not None else ()))
        self._report: EffectReport | None = None

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[LinkEffect]:
        """``{"edges": [[source, destination], ...], ...}`` and the parameters of the kind, for all of these links."""
        given = {name: value for name, value in parameters.items() if name != "edges"}
        if problem := problem_of(self.kind, given):
            raise InvalidRequest(problem)
        values = tuple((name, given[name]) for name in PARAMETERS[self.kind])
        edges = read.edges(self.kind, {"edges": parameters.get("edges")}, self._endpoints)
        return frozenset(LinkEffect(*edge, self.kind, values) for edge in edges)

    def actual(self) -> frozenset[LinkEffect]:
        """The effects that were in force when last read back."""
        return self._report.in_force if self._report is not None else frozenset()

    async def apply(self, steps: Steps[LinkEffect]) -> Reading[LinkEffect]:
        """Change all of them at once, which also reads back."""
        try:
            self._report = self._network.change(self.kind, (self.actual() - steps.end) | steps.begin)
        except NetworkError as error:
            return Reading(self.actual(), dict.fromkeys(steps.begin | steps.end, str(error)))
        return _reading(self._report)

    async def observe(self) -> Reading[LinkEffect]:
        """Read back. Nothing is known to be in force on a network that does not answer."""
        try:
            self._report = self._network.observe_effects(self.kind)
        except NetworkError as error:
            return Reading(frozenset(), dict.fromkeys(self.actual(), str(error)))
        return _reading(self._report)

    def affected(self, units: frozenset[LinkEffect]) -> int:
        """Packets that were subject to it, our own probe on each link included, whatever chance made of them."""
        return 0 if self._report is None else self._report.met(units)

    def evidence(self, units: frozenset[LinkEffect]) -> dict[str, Any]:
        """Packets that met it, were hit and were dropped, and the time that it added, link by link and summed up."""
        return {} if self._report is None else self._report.evidence(units)


def _reading(report: EffectReport) -> Reading[LinkEffect]:
    return Reading(in_force=report.in_force, failures=report.failures)
