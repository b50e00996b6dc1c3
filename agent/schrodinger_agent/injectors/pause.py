"""Pause: every process of a target stops where it is, and later goes on as if nothing had been."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.freezing import FreezeError
from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.injector import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.injectors.injector import Steps
    from schrodinger_agent.target import Target


@final
class Pause:
    """The pauses of one cluster. A unit is a target's name."""

    kind: ClassVar[str] = "pause"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._measured: dict[str, dict[str, Any]] = {}
        self._failures: dict[str, str] = {}

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        """``{"targets": [name, ...]}``."""
        return read.targets(self.kind, parameters, self._targets)

    def actual(self) -> frozenset[str]:
        """The targets that are frozen, or were asked to be: one that did not obey in time is thawed all the same."""
        return frozenset(name for name, target in self._targets.items() if target.is_paused)

    async def apply(self, steps: Steps[str]) -> Reading[str]:
        """Freeze all that begin and thaw all that end, at once."""
        await asyncio.gather(
            *(self._freeze(name) for name in sorted(steps.begin)), *(self._thaw(name) for name in sorted(steps.end))
        )
        return await self.observe()

    async def observe(self) -> Reading[str]:
        """In force is what the kernel says is frozen."""
        names = sorted(self._targets)
        stand_still = await asyncio.gather(*(self._targets[name].stands_still() for name in names))
        frozen = frozenset(name for name, stands in zip(names, stand_still, strict=True) if stands)
        unsettled = frozen ^ self.actual()
        return Reading(frozen, {name: why for name, why in self._failures.items() if name in unsettled})

    def affected(self, units: frozenset[str]) -> int:
        """Processes frozen."""
        return sum(measured["processes"] for name, measured in self._measured.items() if name in units)

    def evidence(self, units: frozenset[str]) -> dict[str, Any]:
        """Which processes were frozen and how, how long that took, and the same of the thaw once there was one."""
        return {name: dict(measured) for name, measured in sorted(self._measured.items()) if name in units}

    async def _freeze(self, name: str) -> None:
        target = self._targets[name]
        begin_ns = time.monotonic_ns()
        self._failures.pop(name, None)
        try:
            await target.freeze()
        except (FreezeError, OSError) as error:
            self._failures[name] = str(error)
        processes = target.freezer.processes()
        self._measured[name] = {
            "mechanism": target.freezer.mechanism,
            "frozen": processes,
            "processes": len(processes),
            "freeze_ns": time.monotonic_ns() - begin_ns,
        }

    async def _thaw(self, name: str) -> None:
        target = self._targets[name]
        begin_ns = time.monotonic_ns()
        self._failures.pop(name, None)
        try:
            await target.thaw()
        except (FreezeError, OSError) as error:
            self._failures[name] = str(error)
        self._measured.setdefault(name, {}).update(
            thaw_ns=time.monotonic_ns() - begin_ns, thawed=not await target.stands_still()
        )
