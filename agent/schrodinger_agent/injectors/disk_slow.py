"""Disk slow: a node's writes to its disk are let through at so many a second, as on an old or overloaded disk.

The limit is the block layer's, for the node's cgroup and its own device, so nobody else notices; and it ends with
cgroup or device. The journal's own thread is in no node's cgroup: what a sync waits for is the data.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors.conditions import Condition, number, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Target


@final
class DiskSlow(Condition[int]):
    """The slow disks of one cluster. A setting is a number of writes a second."""

    kind: ClassVar[str] = "disk-slow"
    needs: ClassVar[frozenset[str]] = frozenset({"disk", "blkio"})
    counters: ClassVar[tuple[str, ...]] = ("writes",)
    mechanism: ClassVar[str] = "limit of writes a second, by the blkio or io controller"

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """``writes_per_s``."""
        only(self.kind, parameters, ("writes_per_s",))
        return number(self.kind, parameters, "writes_per_s", 1, 1_000_000)

    async def begin(self, target: Target, setting: int) -> None:
        """Set the limit."""
        async with target.undisturbed():
            await asyncio.to_thread(target.disk.slow_down, target.group("blkio"), setting)

    async def end(self, target: Target) -> None:
        """Lift it."""
        async with target.undisturbed():
            await asyncio.to_thread(target.disk.slow_down, target.group("blkio"), None)

    async def problem(self, target: Target, setting: int) -> str:
        """The kernel must say that it has the limit."""
        async with target.undisturbed():
            limit = target.group("blkio").write_limit(target.disk.loop.device_number)
        return "" if limit == setting else f"the limit is {limit} writes a second, not {setting}"

    def measure(self, target: Target) -> dict[str, Any]:
        """Writes of the node to the device."""
        return {"writes": target.group("blkio").writes(target.disk.loop.device_number)}
