"""Disk read-only: the file system finds an error in itself and refuses to write from then on, as after a bad block.

Reads go on. It stays so until it is repaired, which needs everything that uses it to end: the heal kills the database,
checks and mounts the file system, and starts the database again if it was still running.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors.conditions import Condition, no_more

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Target


@final
class DiskReadOnly(Condition[int]):
    """The disks of one cluster that have given up."""

    kind: ClassVar[str] = "disk-read-only"
    needs: ClassVar[frozenset[str]] = frozenset({"disk"})
    mechanism: ClassVar[str] = "an error in the file system, which then refuses to write"

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """There is but one."""
        no_more(self.kind, parameters)
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Trigger an error."""
        async with target.undisturbed():
            await asyncio.to_thread(target.disk.fail)

    async def end(self, target: Target) -> None:
        """Repair."""
        await target.while_down(target.disk.repair)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """A new file must be refused."""
        async with target.undisturbed():
            refused = await asyncio.to_thread(target.disk.refuses)
        return "" if refused else "a new file on the disk was not refused with EROFS"
