"""Power loss: the node is off at once, and its disk has only what was synced; nothing may start until it is lifted.

Unlike a kill, which loses nothing that the operating system had taken: unsynced data, names, renames and removals are
gone. Each loss proves itself by a witness on the disk (:mod:`schrodinger_agent.disks.disk`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.disks import DiskError
from schrodinger_agent.errors import Failed
from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.injector import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.injectors.injector import Steps
    from schrodinger_agent.target import PowerLost, Target


@final
class PowerLoss:
    """The losses of power of one cluster. A unit is a target's name."""

    kind: ClassVar[str] = "power-loss"
    needs: ClassVar[frozenset[str]] = frozenset({"disk"})
    mechanism: ClassVar[str] = "shutdown of the file system, SIGKILL, mount again"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._lost: dict[str, PowerLost] = {}
        self._failures: dict[str, str] = {}

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        """``{"targets": [name, ...]}``."""
        return read.targets(self.kind, parameters, self._targets)

    def actual(self) -> frozenset[str]:
        """The targets that are without power."""
        return frozenset(name for name, target in self._targets.items() if target.is_held_by(self.kind))

    async def apply(self, steps: Steps[str]) -> Reading[str]:
        """Cut the power of all that begin, at once, and let those that end be started."""
        for name in steps.end:
            self._targets[name].release(self.kind)
            self._failures.pop(name, None)
        await asyncio.gather(*(self._lose(name) for name in sorted(steps.begin)))
        return await self.observe()

    async def observe(self) -> Reading[str]:
        """In force is a target that is held down, has no process left, and whose disk lost what was not synced."""
        dark = self.actual()
        failures = {name: why for name in dark if (why := self._failure(name))}
        return Reading(dark - frozenset(failures), failures)

    def affected(self, units: frozenset[str]) -> int:
        """Processes that were ended."""
        return sum(len(lost.processes) for name, lost in self._lost.items() if name in units)

    def evidence(self, units: frozenset[str]) -> dict[str, Any]:
        """What was ended, how fast, and what the witness on the disk says."""
        return {
            name: {
                "processes": len(lost.processes),
                "left": lost.left,
                "unsynced_witness": "lost" if lost.proved else "kept",
                "dark_ns": lost.dark_ns,
                "restored_ns": lost.restored_ns,
            }
            for name, lost in sorted(self._lost.items())
            if name in units
        }

    async def _lose(self, name: str) -> None:
        self._failures.pop(name, None)
        self._lost.pop(name, None)
        try:
            self._lost[name] = await self._targets[name].lose_power_and_hold(self.kind)
        except (Failed, DiskError, OSError) as error:
            self._failures[name] = str(error)

    def _failure(self, name: str) -> str:
        if name in self._failures:
            return self._failures[name]
        if left := self._targets[name].freezer.processes():
            return f"processes {left} are left"
        return "" if self._lost[name].proved else "what was not synced is still on the disk"
