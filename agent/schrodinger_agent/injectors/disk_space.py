"""Disk full: all the space of a node's disk is taken, by a file that the node does not see.

The ballast is allocated and synced, so neither a loss of power nor a kill makes room. What the database itself frees,
by removing files of its own, it may use again, as on any full disk.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors.conditions import Condition, no_more

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Target


@final
class DiskFull(Condition[int]):
    """The full disks of one cluster."""

    kind: ClassVar[str] = "disk-full"
    needs: ClassVar[frozenset[str]] = frozenset({"disk"})
    mechanism: ClassVar[str] = "a file that takes all space"

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """There is but one."""
        no_more(self.kind, parameters)
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Take all that is left."""
        async with target.undisturbed():
            await asyncio.to_thread(target.disk.fill)

    async def end(self, target: Target) -> None:
        """Give it back."""
        async with target.undisturbed():
            await asyncio.to_thread(target.disk.empty)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """The ballast must be there; or nobody can write anyway."""
        disk = target.disk
        _, ballast = disk.space()
        return "" if ballast or disk.has_failed or disk.is_stalled else "there is no ballast on the disk"

    def measure(self, target: Target) -> dict[str, Any]:
        """What is free and what the ballast takes."""
        free, ballast = target.disk.space()
        return {"free_bytes": free, "ballast_bytes": ballast}
