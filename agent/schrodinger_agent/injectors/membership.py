"""A node that is no member of its database's cluster any more: it does not run, and nothing that it stored is left.

The cluster's list of members is the controller's affair, which knows the database. Here the node is made into what a
new machine is: killed, emptied, and kept down until the fault ends. It is emptied once more then, because another fault
may have put files back meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.errors import Failed
from schrodinger_agent.injectors.conditions import Condition, only
from schrodinger_agent.injectors.damage import open_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Target


class _Emptied(Condition[int]):
    """The emptied targets of one cluster. There is but one setting; ``keep`` is for the controller."""

    needs: ClassVar[frozenset[str]] = frozenset()
    mechanism: ClassVar[str] = "through the suite; SIGKILL, and an empty data directory"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._erased: dict[str, int] = {}

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """No parameters of ours."""
        only(self.kind, parameters, ("keep",))
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Kill, and erase."""
        await target.kill_and_hold(self.kind)
        self._erased[target.place.name] = 0
        await self._empty(target)

    async def end(self, target: Target) -> None:
        """Let it be started, on nothing."""
        await self._empty(target)
        target.release(self.kind)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """Nothing may run. That nothing is there is looked at when it was erased, at the beginning and at the end."""
        left = target.processes()
        return f"processes {list(left)} are left" if left else ""

    def measure(self, target: Target) -> dict[str, Any]:
        """How many files were erased."""
        return {"erased_files": self._erased[target.place.name]}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Processes and files."""
        return int(measured["processes"]) + int(measured["erased_files"])

    async def _empty(self, target: Target) -> None:
        async with target.undisturbed():
            self._erased[target.place.name] += await asyncio.to_thread(_erase, target)


@final
class MemberLeave(_Emptied):
    """Nodes that will join again."""

    kind: ClassVar[str] = "member-leave"


@final
class MemberReplace(_Emptied):
    """Nodes that have been replaced, and will be started."""

    kind: ClassVar[str] = "member-replace"


def _erase(target: Target) -> int:
    """Erase everything in a target's data directory; returns how many files that were."""
    with open_data(target) as data:
        files = sum(len(names) for _, _, names, _ in os.fwalk(".", dir_fd=data))
        for entry in list(os.scandir(data)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.name, dir_fd=data)
            else:
                os.unlink(entry.name, dir_fd=data)
        os.fsync(data)
        left = [entry.name for entry in os.scandir(data)]
        if left:
            raise Failed(f"{', '.join(sorted(left))} could not be erased")
        return files
