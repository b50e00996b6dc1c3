"""Making exactly the desired faults be in force: the one place where faults change.

Level-triggered: a request carries the whole desired state. Per kind, the units of all desired faults are united,
compared with what is in force, and only the difference is carried out; so changing one fault never lifts another, not
even for a moment, and a repeated request changes nothing. Afterwards everything is read back, for what is desired and
for what was lifted.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from schrodinger_agent.errors import InvalidRequest, NotNow
from schrodinger_agent.injectors import KINDS
from schrodinger_agent.injectors.injector import plan
from schrodinger_agent.types import Observation, Observed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schrodinger_agent.injectors import Injector, Reading

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WireFault:
    """A desired fault as it came in: its parameters are text yet."""

    id: str
    kind: str
    parameters: str


@dataclass(frozen=True, slots=True)
class _Fault:
    """A desired fault, understood."""

    id: str
    kind: str
    units: frozenset[Any]


@final
class Converger:
    """The faults of one cluster. Calls must not overlap; the cluster sees to it."""

    def __init__(self, injectors: Mapping[str, Injector[Any]]) -> None:
        self._injectors = injectors
        self._generation = 0
        self._desired: tuple[_Fault, ...] = ()

    async def set(self, generation: int, wire: Sequence[WireFault]) -> Observed:
        """Make exactly these faults be in force.

        Raises:
            NotNow: the generation is older than the last one.
            InvalidRequest: one of the faults cannot be; nothing was changed.
        """
        if generation < self._generation:
            raise NotNow(
                f"generation {generation} is older than {self._generation}, the last one seen: "
                "a newer request has replaced this one"
            )
        desired = self._understood(wire)
        lifted = tuple(fault for fault in self._desired if fault not in desired)
        self._generation, self._desired = generation, desired
        begin_ns = time.monotonic_ns()
        readings: dict[str, Reading[Any]] = {}
        for kind, injector in self._injectors.items():
            if not any(fault.kind == kind for fault in (*desired, *lifted)):
                continue
            steps = plan(self._wanted(kind), injector.actual())
            _log.debug("generation %d, %s: %s", generation, kind, steps)
            readings[kind] = await (injector.apply(steps) if steps else injector.observe())
        end_ns = time.monotonic_ns()
        return Observed(
            generation=generation,
            begin_ns=begin_ns,
            end_ns=end_ns,
            observations=tuple(self._desired_as_read(fault, readings) for fault in desired),
            lifted=tuple(self._lifted_as_read(fault, readings) for fault in lifted),
        )

    async def observe(self) -> Observed:
        """Read back what was last desired, changing nothing."""
        begin_ns = time.monotonic_ns()
        kinds = dict.fromkeys(fault.kind for fault in self._desired)
        readings = {kind: await self._injectors[kind].observe() for kind in kinds}
        end_ns = time.monotonic_ns()
        return Observed(
            generation=self._generation,
            begin_ns=begin_ns,
            end_ns=end_ns,
            observations=tuple(self._desired_as_read(fault, readings) for fault in self._desired),
        )

    def _understood(self, wire: Sequence[WireFault]) -> tuple[_Fault, ...]:
        seen: set[str] = set()
        for fault in wire:
            if not fault.id or fault.id in seen:
                raise InvalidRequest(f"fault id {fault.id!r} is empty or used twice: give each desired fault its own")
            seen.add(fault.id)
        return tuple(_Fault(fault.id, fault.kind, self._units(fault)) for fault in wire)

    def _units(self, fault: WireFault) -> frozenset[Any]:
        if fault.kind not in KINDS:
            raise InvalidRequest(f"fault {fault.id!r}: kind {fault.kind!r} is not known: use {', '.join(KINDS)}")
        if fault.kind not in self._injectors:
            raise InvalidRequest(
                f"fault {fault.id!r}: kind {fault.kind!r} is not available in this cluster, which is not isolated, or "
                "not prepared for it: bring it up with isolated=true, and the kind among its kinds, where Capabilities "
                "offers that"
            )
        try:
            parameters = json.loads(fault.parameters)
        except ValueError as error:
            raise InvalidRequest(
                f"fault {fault.id!r}: parameters are not JSON ({error}): {fault.parameters!r}"
            ) from None
        if not isinstance(parameters, dict):
            raise InvalidRequest(f"fault {fault.id!r}: parameters must be a JSON object, not {fault.parameters!r}")
        try:
            return self._injectors[fault.kind].parse(parameters)
        except InvalidRequest as error:
            raise InvalidRequest(f"fault {fault.id!r}: {error}") from None

    def _wanted(self, kind: str) -> frozenset[Any]:
        return frozenset().union(*(fault.units for fault in self._desired if fault.kind == kind))

    def _desired_as_read(self, fault: _Fault, readings: Mapping[str, Reading[Any]]) -> Observation:
        reading = readings[fault.kind]
        missing = fault.units - reading.in_force
        problems = [f"{_words(unit)}: {reading.failures.get(unit, 'not in force')}" for unit in sorted(missing)]
        problems += _failures(reading, fault.units & reading.in_force)
        return self._observation(fault, in_force=not problems, problems=problems)

    def _lifted_as_read(self, fault: _Fault, readings: Mapping[str, Reading[Any]]) -> Observation:
        reading = readings[fault.kind]
        over = fault.units - self._wanted(fault.kind)  # the rest is held by another fault
        lasting = over & reading.in_force
        problems = [f"{_words(unit)}: {reading.failures.get(unit, 'still in force')}" for unit in sorted(lasting)]
        problems += _failures(reading, over - lasting)
        return self._observation(fault, in_force=bool(lasting), problems=problems)

    def _observation(self, fault: _Fault, *, in_force: bool, problems: Iterable[str]) -> Observation:
        injector = self._injectors[fault.kind]
        return Observation(
            id=fault.id,
            kind=fault.kind,
            in_force=in_force,
            evidence=injector.evidence(fault.units),
            affected=injector.affected(fault.units),
            error="; ".join(problems),
        )


def _failures(reading: Reading[Any], units: frozenset[Any]) -> list[str]:
    return [f"{_words(unit)}: {reading.failures[unit]}" for unit in sorted(units) if unit in reading.failures]


def _words(unit: object) -> str:
    return " to ".join(unit) if isinstance(unit, tuple) else str(unit)
