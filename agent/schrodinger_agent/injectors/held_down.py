"""What kinds of faults share that end a target's processes at once and keep it down, however they do it.

A unit is a target's name. In force is a target that is held down and has no process left.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from schrodinger_agent.disks import DiskError
from schrodinger_agent.errors import Failed
from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.injector import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.injectors.injector import Steps
    from schrodinger_agent.target import Target


class HeldDown(ABC):
    """The targets of one cluster that a kind of fault has ended."""

    kind: ClassVar[str]

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self._failures: dict[str, str] = {}

    @abstractmethod
    async def end(self, target: Target) -> None:
        """End it, hold it down, and remember what was seen.

        Raises:
            Failed, DiskError, OSError: something survived, or what comes with the end failed.
        """

    def problem(self, name: str, failure: str) -> str:  # noqa: ARG002 - for kinds that look at more than processes
        """What is wrong with a target in which nothing is left, ``failure`` being what was when it was ended."""
        return ""

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        """``{"targets": [name, ...]}``."""
        return read.targets(self.kind, parameters, self._targets)

    def actual(self) -> frozenset[str]:
        """The targets that are held down."""
        return frozenset(name for name, target in self._targets.items() if target.is_held_by(self.kind))

    async def apply(self, steps: Steps[str]) -> Reading[str]:
        """End all that begin, at once, and let those that end be started."""
        for name in steps.end:
            self._targets[name].release(self.kind)
            self._failures.pop(name, None)
        await asyncio.gather(*(self._end(name) for name in sorted(steps.begin)))
        return await self.observe()

    async def observe(self) -> Reading[str]:
        """Look for processes, and for what else there is to see."""
        down = self.actual()
        failures = {name: why for name in down if (why := self._failure(name))}
        return Reading(down - frozenset(failures), failures)

    async def _end(self, name: str) -> None:
        self._failures.pop(name, None)
        try:
            await self.end(self._targets[name])
        except (Failed, DiskError, OSError) as error:
            self._failures[name] = str(error)

    def _failure(self, name: str) -> str:
        failure = self._failures.get(name, "")
        if left := self._targets[name].freezer.processes():
            return failure or f"processes {left} are left"
        return self.problem(name, failure)
