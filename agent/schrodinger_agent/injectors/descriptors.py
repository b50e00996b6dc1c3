"""Descriptor limit: processes of a target cannot open anything any more, neither files nor connections (EMFILE).

Each process's soft limit (RLIMIT_NOFILE) is set to its lowest free descriptor, from outside, by prlimit(2). The hard
limit stays, so undoing it needs no privilege. A descriptor that is open for a moment only, such as that of a file that
is just being written, would count as one that may be open: so one looks several times, and at every read-back again.
A process that is started later has its own lowest free one; it gets its limit when it is spawned, or at a read-back.
One that was forked meanwhile has inherited a limit of ours, which is lifted with the others.

prlimit(2) is for processes of the same user, or takes CAP_SYS_RESOURCE, which root may lack in a container. A program
of that user does it there.
"""

from __future__ import annotations

import contextlib
import itertools
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.errors import Failed
from schrodinger_agent.injectors.conditions import Condition, looks, no_more

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schrodinger_agent.target import Target


@dataclass(frozen=True, slots=True)
class _Limits:
    """Of a process: what it may have, what it may let itself have, and where its next descriptor would be."""

    soft: int
    hard: int
    lowest_free: int


@final
class DescriptorLimit(Condition[int]):
    """The targets of one cluster that can open nothing. There is but one setting."""

    kind: ClassVar[str] = "descriptor-limit"
    needs: ClassVar[frozenset[str]] = frozenset()
    mechanism: ClassVar[str] = "RLIMIT_NOFILE of every process, by prlimit(2)"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._before: dict[str, dict[int, int]] = {name: {} for name in targets}

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """No parameters."""
        no_more(self.kind, parameters)
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Limit every process."""
        async for _ in looks():
            self._limit(target)
        target.when_spawned(self.kind, lambda: self._limit(target))

    async def end(self, target: Target) -> None:
        """Give each its limit back; in two passes, for who is forked meanwhile."""
        target.when_spawned(self.kind, None)
        before = self._before[target.place.name]
        for _ in range(2):
            for process, limits in self._limits(target):
                if limits.soft < before[process]:
                    _set(process, limits, min(before[process], limits.hard))
        before.clear()

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """No process may have more than it has open, now or when one looked before."""
        self._limit(target)
        before = self._before[target.place.name]
        unlimited = [process for process, now in self._limits(target) if now.lowest_free < now.soft == before[process]]
        return f"processes {unlimited} have no limit" if unlimited else ""

    def measure(self, target: Target) -> dict[str, Any]:
        """How many processes have had a limit."""
        return {"limited": len(self._before[target.place.name])}

    def _limit(self, target: Target) -> None:
        """Limit what has no limit, or too high a one."""
        for process, limits in self._limits(target):
            if limits.lowest_free < limits.soft:
                _set(process, limits, limits.lowest_free)

    def _limits(self, target: Target) -> Iterator[tuple[int, _Limits]]:
        """Each process and its limits as they are. What it had before ours is remembered."""
        before = self._before[target.place.name]
        for process in target.processes():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                soft, hard = _read(process)
                limits = _Limits(soft, hard, _lowest_free(process))
                before.setdefault(process, max(soft, *before.values(), 0))
                yield process, limits


def _set(process: int, limits: _Limits, soft: int) -> None:
    try:
        resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, limits.hard))
    except ProcessLookupError:
        return
    except PermissionError:
        _set_as_its_user(process, limits, soft)


def _set_as_its_user(process: int, limits: _Limits, soft: int) -> None:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        owner = Path(f"/proc/{process}").stat()
        # Not by subprocess's own user=: for that it forks, which gRPC's threads do not survive.
        become = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
        change = ["prlimit", f"--pid={process}", f"--nofile={soft}:{limits.hard}"]
        said = subprocess.run([*become, *change], capture_output=True, text=True, check=False)
        if said.returncode != 0 and Path(f"/proc/{process}").exists():
            raise Failed(f"process {process} can't be limited: {said.stderr.strip()}")


def _read(process: int) -> tuple[int, int]:
    """The soft and the hard limit, from proc(5), which is open to root whoever the process belongs to."""
    lines = Path(f"/proc/{process}/limits").read_text().splitlines()
    _, _, _, soft, hard, _ = next(line for line in lines if line.startswith("Max open files")).split()
    return int(soft), int(hard)


def _lowest_free(process: int) -> int:
    open_ = {int(entry.name) for entry in Path(f"/proc/{process}/fd").iterdir()}
    return next(number for number in itertools.count() if number not in open_)
