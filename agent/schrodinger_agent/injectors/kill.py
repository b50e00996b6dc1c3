"""Kill: SIGKILL of a target's whole process tree, daemons included, and nothing may start until the fault is lifted.

In a PID namespace it is one signal, to init: the kernel ends the rest before init is gone, so there is no moment at
which a survivor could act. A target in which nothing runs is held down all the same; the evidence then counts no
process, and it is for the controller to say what such a kill is worth.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.errors import Failed
from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.injector import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.injectors.injector import Steps
    from schrodinger_agent.target import Killed, Target


@final
class Kill:
    """The kills of one cluster. A unit is a target's name."""

    kind: ClassVar[str] = "kill"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._killed: dict[str, Killed] = {}
        self._failures: dict[str, str] = {}

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        """``{"targets": [name, ...]}``."""
        return read.targets(self.kind, parameters, self._targets)

    def actual(self) -> frozenset[str]:
        """The targets that are held down."""
        return frozenset(name for name, target in self._targets.items() if target.is_held_by(self.kind))

    async def apply(self, steps: Steps[str]) -> Reading[str]:
        """Kill all that begin, at once, and release those that end."""
        for name in steps.end:
            self._targets[name].release(self.kind)
            self._failures.pop(name, None)
        await asyncio.gather(*(self._kill(name) for name in sorted(steps.begin)))
        return await self.observe()

    async def observe(self) -> Reading[str]:
        """In force is a target that is held down and has no process left."""
        left = {name: self._targets[name].freezer.processes() for name in self.actual()}
        failures = {
            name: self._failures.get(name, f"processes {processes} are left")
            for name, processes in left.items()
            if processes
        }
        return Reading(frozenset(left) - frozenset(failures), failures)

    def affected(self, units: frozenset[str]) -> int:
        """Processes killed."""
        return sum(len(record.processes) for name, record in self._killed.items() if name in units)

    def evidence(self, units: frozenset[str]) -> dict[str, Any]:
        """How many processes were there, how long it took to end them, and how many are left."""
        return {
            name: {
                "killed": list(record.processes),
                "processes": len(record.processes),
                "took_ns": record.took_ns,
                "left": record.left,
            }
            for name, record in sorted(self._killed.items())
            if name in units
        }

    async def _kill(self, name: str) -> None:
        try:
            self._killed[name] = await self._targets[name].kill_and_hold(self.kind)
        except (Failed, OSError) as error:
            self._failures[name] = str(error)
