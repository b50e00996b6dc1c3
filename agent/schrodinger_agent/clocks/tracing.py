"""Stopping every thread of a process for as long as it takes to write to its code: ptrace(2).

PTRACE_SEIZE and PTRACE_INTERRUPT, which send no signal and leave a process that is stopped, stopped; a signal that
comes meanwhile is handed on. The kernel knows a tracer as a *thread*: all of it happens in one that does nothing else
and ends then, at which the kernel lets go whatever is still held, should we have failed to.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from schrodinger_agent.clocks.errors import ClockError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SEIZE: Final = 0x4206
_INTERRUPT: Final = 0x4207
_DETACH: Final = 17
_GETREGS: Final = 12
_SINGLESTEP: Final = 9
_EVENT_STOP: Final = 128
_WALL: Final = 0x40000000  # __WALL: threads as well

_STOP_S: Final = 2.0
"""How long a process may take to stop: one that waits for its disk stops only then."""
_POLL_S: Final = 0.0002
_MOST_STEPS: Final = 10_000
_USER_REGISTERS: Final = 27  # struct user_regs_struct of x86-64
_INSTRUCTION_POINTER: Final = 16

Result = TypeVar("Result")


def while_stopped(process: int, avoid: Sequence[range], do: Callable[[], Result]) -> Result:
    """Do something while no thread of a process runs, nor stands at one of these addresses.

    Raises:
        ProcessLookupError: it has ended.
        ClockError: it did not stop in time.
        OSError: it may not be traced, or what was done raised it.
    """

    def alone() -> Result:
        with _stopped(process) as threads:
            for thread in threads:
                _step_out(thread, avoid)
            return do()

    with ThreadPoolExecutor(1, "tracer") as executor:
        return executor.submit(alone).result()


@contextmanager
def _stopped(process: int) -> Iterator[list[int]]:
    held: dict[int, int] = {}  # each thread, and the signal that it was about to get
    try:
        seen: set[int] = set()
        while new := sorted(_threads(process) - seen):
            for thread in new:
                seen.add(thread)
                if (pending := _seized(thread)) is not None:
                    held[thread] = pending
        if not held:
            raise ProcessLookupError(errno.ESRCH, f"process {process} has ended")
        yield list(held)
    finally:
        for thread, pending in held.items():
            with contextlib.suppress(ProcessLookupError):
                _ptrace(_DETACH, thread, pending)


def _threads(process: int) -> set[int]:
    try:
        return {int(entry.name) for entry in Path(f"/proc/{process}/task").iterdir()}
    except (FileNotFoundError, ProcessLookupError):
        return set()


def _seized(thread: int) -> int | None:
    """Stop a thread: the signal that it is to get when it goes on, or ``None`` if it has ended."""
    try:
        _ptrace(_SEIZE, thread)
        _ptrace(_INTERRUPT, thread)
    except ProcessLookupError:
        return None
    except PermissionError as error:
        raise PermissionError(error.errno, f"thread {thread} may not be traced: {error.strerror}") from None
    return _awaited(thread)


def _awaited(thread: int) -> int | None:
    deadline = time.monotonic() + _STOP_S
    while True:
        try:
            found, status = os.waitpid(thread, os.WNOHANG | _WALL)
        except ChildProcessError:
            return None
        if found:
            break
        if time.monotonic() > deadline:
            raise ClockError(f"thread {thread} did not stop within {_STOP_S:g} s")
        time.sleep(_POLL_S)
    if not os.WIFSTOPPED(status):
        return None
    return 0 if status >> 16 == _EVENT_STOP else os.WSTOPSIG(status)


def _step_out(thread: int, avoid: Sequence[range]) -> None:
    """Let a thread go on, instruction by instruction, until it is elsewhere.

    Where instructions are all of one length and replaced whole, as on arm64, it may be anywhere.
    """
    if os.uname().machine != "x86_64":
        return
    for _ in range(_MOST_STEPS):
        registers = (ctypes.c_ulong * _USER_REGISTERS)()
        _ptrace(_GETREGS, thread, ctypes.addressof(registers))
        if not any(registers[_INSTRUCTION_POINTER] in addresses for addresses in avoid):
            return
        _ptrace(_SINGLESTEP, thread)
        if _awaited(thread) not in (0, signal.SIGTRAP):
            raise ClockError(f"thread {thread} got a signal while its clock was being changed")
    raise ClockError(f"thread {thread} does not leave the functions of its clock")


def _ptrace(request: int, thread: int, data: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_long(request), ctypes.c_long(thread), ctypes.c_void_p(0), ctypes.c_void_p(data))
    if libc.ptrace(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace(2): {os.strerror(number)}")
