"""Disk stall: every write, sync and removal on a node's disk hangs until the fault ends; reads go on.

It is the freeze of the file system, which writes first whatever is dirty: what had not been synced before lasts. A
process in the middle of a write that hangs sleeps uninterruptibly. It is as good as stopped, or as dead if it was
killed alone: it executes nothing any more. For a kill of the whole node, whose end must be seen, the disk goes on when
nothing of it can run any more; what hung is done then, and nobody is told.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors.conditions import Condition, no_more

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Target


@final
class DiskStall(Condition[int]):
    """The disks of one cluster that hang."""

    kind: ClassVar[str] = "disk-stall"
    needs: ClassVar[frozenset[str]] = frozenset({"disk"})
    mechanism: ClassVar[str] = "freeze of the file system"

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """There is but one."""
        no_more(self.kind, parameters)
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Freeze."""
        async with target.undisturbed():
            await asyncio.to_thread(target.disk.stall)

    async def end(self, target: Target) -> None:
        """Thaw."""
        async with target.undisturbed():
            await asyncio.to_thread(target.disk.go_on)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """The kernel must say that it is frozen."""
        if target.disk.has_failed:  # and refuses what would hang
            return ""
        async with target.undisturbed():
            hangs = await asyncio.to_thread(target.disk.hangs)
        return "" if hangs else "the file system is not frozen"
