"""Descriptor limit: processes of a target cannot open anything any more, neither files nor connections (EMFILE).

Each process's soft limit (RLIMIT_NOFILE) is set to its lowest free descriptor, from outside, by prlimit(2). The hard
limit stays, so undoing it needs no privilege. A process that is started later has its own lowest free one: the limits
are set again when the fault is read back and when something is spawned.
"""

from __future__ import annotations

import contextlib
import itertools
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors.conditions import Condition, no_more

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Target


@final
class DescriptorLimit(Condition[int]):
    """The targets of one cluster that can open nothing. There is but one setting."""

    kind: ClassVar[str] = "descriptor-limit"
    needs: ClassVar[frozenset[str]] = frozenset()
    mechanism: ClassVar[str] = "RLIMIT_NOFILE of every process, by prlimit(2)"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._limited: dict[str, dict[int, int]] = {name: {} for name in targets}

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """No parameters."""
        no_more(self.kind, parameters)
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Limit every process."""
        self._limit(target)
        target.when_spawned(self.kind, lambda: self._limit(target))

    async def end(self, target: Target) -> None:
        """Give each its limit back."""
        target.when_spawned(self.kind, None)
        for process, soft in self._limited[target.place.name].items():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                _, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
                resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))
        self._limited[target.place.name] = {}

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """Every process that is there must have a limit of ours."""
        self._limit(target)
        free = [process for process in target.processes() if process not in self._limited[target.place.name]]
        return f"processes {free} have no limit" if free else ""

    def measure(self, target: Target) -> dict[str, Any]:
        """How many processes have a limit."""
        return {"limited": len(self._limited[target.place.name])}

    def _limit(self, target: Target) -> None:
        limited = self._limited[target.place.name]
        for process in target.processes():
            if process in limited:
                continue
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
                resource.prlimit(process, resource.RLIMIT_NOFILE, (_lowest_free(process), hard))
                limited[process] = soft


def _lowest_free(process: int) -> int:
    open_ = {int(entry.name) for entry in Path(f"/proc/{process}/fd").iterdir()}
    return next(number for number in itertools.count() if number not in open_)
