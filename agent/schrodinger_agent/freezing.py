"""Stopping every process of a target at once, and letting them go on: two ways behind one interface.

The cgroup v2 freezer stops whatever is or will be in the cgroup, waits for system calls in flight, and can be read
back; SIGKILL acts on a frozen process. (The v1 freezer keeps even SIGKILL waiting and is not used.) Without it,
SIGSTOP over the tree, repeated until a whole walk finds nothing that runs.

What is in the middle of a call that a disk does not answer can do neither: it sleeps uninterruptibly. Both ways meet it
when it wakes, before it executes anything of its own, so where a disk is known to hold calls, who sleeps like that
(``held``) stands still.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from schrodinger_agent.launcher import descendants

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_S: Final = 3.0
"""How long a target may take to freeze or thaw: a process in the middle of a large fsync freezes only after it."""

_POLL_S: Final = 0.0005


class FreezeError(Exception):
    """The target did not freeze or thaw in time."""


class Freezer(Protocol):
    """Freezes and thaws one target."""

    mechanism: ClassVar[str]

    def ask(self) -> None:
        """Stop everything without waiting for what is in the middle of a system call."""
        ...

    async def freeze(self, *, held: bool = False) -> None:
        """Stop everything; returns when it was read back that nothing runs."""
        ...

    async def thaw(self) -> None:
        """Let everything go on; returns when that was read back."""
        ...

    def asked(self) -> bool:
        """Whether it was last asked to freeze, be it frozen yet or not."""
        ...

    def frozen(self, *, held: bool = False) -> bool:
        """Whether the target is frozen, read from the kernel."""
        ...

    def processes(self) -> list[int]:
        """What is in the target."""
        ...


async def settled(freezer: Freezer, *, held: bool) -> bool:
    """Whether a target that was asked to freeze is frozen, or gets there: who slept in a call may just be waking."""
    deadline = time.monotonic() + DEADLINE_S
    while not (frozen := freezer.frozen(held=held)) and freezer.asked():
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(_POLL_S)
    return frozen


class CgroupFreezer:
    """The target's own cgroup v2."""

    mechanism: ClassVar[str] = "cgroup v2 freezer"

    def __init__(self, cgroup: Path) -> None:
        self.cgroup = cgroup

    def ask(self) -> None:
        """Write ``1``."""
        (self.cgroup / "cgroup.freeze").write_text("1")

    async def freeze(self, *, held: bool = False) -> None:
        """Write ``1`` and wait for ``frozen 1``."""
        await self._become("1", lambda: self.frozen(held=held))

    async def thaw(self) -> None:
        """Write ``0`` and wait for ``frozen 0``."""
        await self._become("0", lambda: not self.frozen())

    def asked(self) -> bool:
        """What ``cgroup.freeze`` says."""
        return (self.cgroup / "cgroup.freeze").read_text().strip() == "1"

    def frozen(self, *, held: bool = False) -> bool:
        """What ``cgroup.events`` says.

        That it was asked has woken whoever could be, and set it on its way to the trap: who sleeps afterwards is in
        there, or is held.
        """
        if "frozen 1" in (self.cgroup / "cgroup.events").read_text().splitlines():
            return True
        return held and self.asked() and not any(_runs(process) for process in self.processes())

    def processes(self) -> list[int]:
        """What ``cgroup.procs`` lists; zombies are not among them."""
        return [int(line) for line in (self.cgroup / "cgroup.procs").read_text().split()]

    async def _become(self, state: str, reached: Callable[[], bool]) -> None:
        (self.cgroup / "cgroup.freeze").write_text(state)
        deadline = time.monotonic() + DEADLINE_S
        while not reached():
            if time.monotonic() > deadline:
                raise FreezeError(f"{self.cgroup}: not `frozen {state}` within {DEADLINE_S:g} s")
            # Not by poll(2): the events file always polls readable, an event loop cannot tell the edge.
            await asyncio.sleep(_POLL_S)


class SignalFreezer:
    """SIGSTOP and SIGCONT over the tree below ``root()``: the launcher or init, which itself goes on.

    Signals go to process numbers. One could in theory be another process by then; numbers come round only after tens of
    thousands of others, and each walk is a fresh one.
    """

    mechanism: ClassVar[str] = "SIGSTOP to every process"

    def __init__(self, root: Callable[[], int | None]) -> None:
        self._root = root
        self._wanted = False

    def ask(self) -> None:
        """Send each process of the tree its stop."""
        self._wanted = True
        _send(self.processes(), signal.SIGSTOP)

    async def freeze(self, *, held: bool = False) -> None:
        """Stop the tree until a walk finds it wholly halted."""
        self._wanted = True
        await self._until(signal.SIGSTOP, halted=True, held=held)

    async def thaw(self) -> None:
        """Continue the tree until a walk finds none halted."""
        self._wanted = False
        _send(self.processes(), signal.SIGCONT)  # to all: it also cancels a stop that is pending
        await self._until(signal.SIGCONT, halted=False)

    def asked(self) -> bool:
        """What was last asked for: the kernel keeps no such thing about a tree."""
        return self._wanted

    def frozen(self, *, held: bool = False) -> bool:
        """Whether it was asked for and every process is halted, as ``/proc`` says."""
        return self._wanted and all(_halted(process, held=held) is not False for process in self.processes())

    def processes(self) -> list[int]:
        """The tree as it is now."""
        root = self._root()
        return [process for process in descendants(root) if _halted(process) is not None] if root is not None else []

    async def _until(self, number: signal.Signals, *, halted: bool, held: bool = False) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while others := [process for process in self.processes() if _halted(process, held=held) is (not halted)]:
            if time.monotonic() > deadline:
                raise FreezeError(f"processes {others} did not heed {number.name} within {DEADLINE_S:g} s")
            _send(others, number)
            await asyncio.sleep(_POLL_S)


def _send(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _runs(process: int) -> bool:
    """Whether a thread of it has a processor, or wants one."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return any(state_of(int(thread.name)) == "R" for thread in Path(f"/proc/{process}/task").iterdir())
    return False


def _halted(process: int, *, held: bool = False) -> bool | None:
    """Whether the process cannot run: it is stopped, or waits for a child that is. ``None`` if it has ended.

    The latter is the parent in a vfork(2): it sleeps uninterruptibly until its child has executed a program, and takes
    its own stop only then.
    """
    match state_of(process):
        case "T":
            return True
        case "D":
            return held or any(state_of(child) == "T" for child in descendants(process))
        case "" | "X" | "Z":
            return None
        case _:
            return False


def state_of(process: int) -> str:
    """The state of a process as one letter, see proc(5); empty if there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
