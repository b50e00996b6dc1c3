"""Faults that are a condition of a target, of some strength: a disk of so many writes a second, a share of a processor.

A unit is a target with a setting. Several settings that are wanted of one target are combined into one that has the
effect of each, usually the strongest. A kind of this sort says how a condition is brought about
on one target, ended, verified and measured; the rest is here.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from schrodinger_agent.disks import DiskError
from schrodinger_agent.errors import Failed, InvalidRequest
from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.injector import Reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from _typeshed import SupportsRichComparison

    from schrodinger_agent.injectors.injector import Steps
    from schrodinger_agent.target import Target

_LOOKS, _BETWEEN_LOOKS_S = 10, 0.002
"""A file that is written and synced is closed again by then, and a process that only looks something up has ended."""

Setting = TypeVar("Setting", bound="SupportsRichComparison")
"""What a condition of a kind can be; smaller is stronger."""


@dataclass(frozen=True, slots=True, order=True)
class Unit(Generic[Setting]):
    """One target in one condition."""

    target: str
    setting: Setting

    def __str__(self) -> str:
        return self.target


@dataclass(slots=True)
class _State(Generic[Setting]):
    """What is known of a target that is, or was, in a condition."""

    units: frozenset[Unit[Setting]] = frozenset()
    setting: Setting | None = None
    failure: str = ""
    measured: dict[str, Any] = field(default_factory=dict)
    processes: int = 0
    counted_before: dict[str, int] = field(default_factory=dict)


class Condition(ABC, Generic[Setting]):
    """The conditions of one kind in one cluster."""

    kind: ClassVar[str]
    needs: ClassVar[frozenset[str]]
    mechanism: ClassVar[str]
    counters: ClassVar[tuple[str, ...]] = ()
    """Measurements that the kernel counts on and on: they are told as they have grown since the condition began."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._states: dict[str, _State[Setting]] = {name: _State() for name in targets}

    @abstractmethod
    def setting(self, parameters: Mapping[str, Any]) -> Setting:
        """The setting that these parameters, the targets aside, ask for.

        Raises:
            InvalidRequest: they are not what this kind takes.
        """

    @abstractmethod
    async def begin(self, target: Target, setting: Setting) -> None:
        """Bring a target into the condition, or from another one into it.

        Raises:
            Failed, DiskError, OSError: it cannot be; whatever was changed is undone by :meth:`end`.
        """

    @abstractmethod
    async def end(self, target: Target) -> None:
        """End the condition. Raises as :meth:`begin`."""

    @abstractmethod
    async def problem(self, target: Target, setting: Setting) -> str:
        """What of the condition is not as it should be, read back; empty if all is. May raise as :meth:`begin`."""

    def combined(self, settings: Sequence[Setting]) -> Setting:
        """One setting with the effect of each of several, given in order: the strongest, by default."""
        return settings[0]

    def measure(self, target: Target) -> dict[str, Any]:  # noqa: ARG002 - for kinds that do
        """What can be measured about the condition now; asked when it has begun, when it is read back, before it ends.

        May raise OSError, when there is nothing to measure.
        """
        return {}

    def told(self, setting: Setting, measured: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - likewise
        """What of the measurements a fault with this setting is told, as JSON: all of it, where they are not apart."""
        return measured

    def touched(self, measured: Mapping[str, Any]) -> int:
        """How much it touched: processes or calls. By default the processes that were there when it began."""
        return int(measured["processes"])

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[Unit[Setting]]:
        """``{"targets": [name, ...]}`` and what the kind takes besides."""
        rest = {name: value for name, value in parameters.items() if name != "targets"}
        names = read.targets(self.kind, {"targets": parameters.get("targets")}, self._targets)
        setting = self.setting(rest)
        return frozenset(Unit(name, setting) for name in names)

    def actual(self) -> frozenset[Unit[Setting]]:
        """What was asked for last, target by target."""
        return frozenset[Unit[Setting]]().union(*(state.units for state in self._states.values()))

    async def apply(self, steps: Steps[Unit[Setting]]) -> Reading[Unit[Setting]]:
        """Change all targets at once."""
        concerned = sorted({unit.target for unit in steps.begin | steps.end})
        await asyncio.gather(*(self._change(name, steps) for name in concerned))
        return await self.observe()

    async def observe(self) -> Reading[Unit[Setting]]:
        """In force are the units of targets whose condition is read back as it should be."""
        failures = {}
        in_force: set[Unit[Setting]] = set()
        for name, state in self._states.items():
            if state.units and not state.failure:
                problem = await self._problem(name, state)
            else:
                problem = state.failure
            failures.update(dict.fromkeys(state.units, problem) if problem else {})
            in_force |= frozenset() if problem else state.units
        return Reading(frozenset(in_force), failures)

    def affected(self, units: frozenset[Unit[Setting]]) -> int:
        """The sum over the targets."""
        return sum(self.touched(told) for told in self.evidence(units).values())

    def evidence(self, units: frozenset[Unit[Setting]]) -> dict[str, Any]:
        """What was measured, target by target. The units are of one fault, so each target has one setting of it."""
        states = {unit: self._states[unit.target] for unit in sorted(units)}
        return {
            unit.target: {"processes": state.processes, **self.told(unit.setting, state.measured)}
            for unit, state in states.items()
        }

    async def _change(self, name: str, steps: Steps[Unit[Setting]]) -> None:
        target, state = self._targets[name], self._states[name]
        before, units = state.setting, state.units
        mine = frozenset(unit for unit in steps.begin | steps.end if unit.target == name)
        state.units = (state.units - (mine & steps.end)) | (mine & steps.begin)
        wanted = self.combined(sorted({unit.setting for unit in state.units})) if state.units else None
        if wanted == before and not state.failure:
            return
        state.failure = ""
        begin_ns = time.monotonic_ns()
        try:
            if wanted is None:
                self._measure(name)
                await self.end(target)
                state.measured["end_ns"] = time.monotonic_ns() - begin_ns
            else:
                if before is None:
                    state.measured = {}
                    state.counted_before = self._counters(target)
                    state.processes = len(target.processes())
                await self.begin(target, wanted)
                state.measured["begin_ns"] = time.monotonic_ns() - begin_ns
            state.setting = wanted
        except (DiskError, Failed, OSError) as error:
            state.failure = str(error)
            if wanted is None:  # it is still to be ended
                state.units = units
            state.setting = wanted

    async def _problem(self, name: str, state: _State[Setting]) -> str:
        assert state.setting is not None, "it has units"
        try:
            problem = await self.problem(self._targets[name], state.setting)
        except (DiskError, Failed, OSError) as error:
            return str(error)
        self._measure(name)
        return problem

    def _measure(self, name: str) -> None:
        state = self._states[name]
        try:
            measured = self.measure(self._targets[name])
        except OSError as error:
            state.measured["unmeasured"] = str(error)
            return
        for counter in self.counters:  # one that has begun anew is smaller than it was
            measured[counter] -= min(state.counted_before[counter], measured[counter])
        state.measured.update(measured)

    def _counters(self, target: Target) -> dict[str, int]:
        if not self.counters:
            return {}
        measured = self.measure(target)
        return {counter: int(measured[counter]) for counter in self.counters}


async def looks() -> AsyncIterator[None]:
    """Several times to look at a number of things some of which are there for a moment only; the least counts."""
    for _ in range(_LOOKS):
        yield
        await asyncio.sleep(_BETWEEN_LOOKS_S)


def no_more(kind: str, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters beside the targets."""
    only(kind, parameters, ())


def number(kind: str, parameters: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """A whole number."""
    value = parameters.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidRequest(f"{kind}: {name!r} is {value!r}: give a whole number from {least} to {most}")
    return value


def only(kind: str, parameters: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Refuse parameters with other names."""
    for name in parameters:
        if name not in names:
            takes = ", ".join(("targets", *names))
            raise InvalidRequest(f"{kind} has no parameter {name!r}: it takes {takes}")
