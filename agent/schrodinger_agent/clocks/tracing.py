"""Stopping every thread of a process for as long as it takes to write to its code: ptrace(2).

PTRACE_SEIZE and PTRACE_INTERRUPT, which send no signal and leave a process that is stopped, stopped; a signal that
comes meanwhile is handed on. A thread that sleeps in the kernel and cannot be woken, as on a disk that hangs, is not
waited for: once it has been interrupted it stops before it executes anything of its own.

The kernel knows a tracer as a *thread*: all of it happens in one that does nothing else and ends then, at which the
kernel lets go whatever is still held.
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
from schrodinger_agent.freezing import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_SEIZE: Final = 0x4206
_INTERRUPT: Final = 0x4207
_DETACH: Final = 17
_GETREGS: Final = 12
_SINGLESTEP: Final = 9
_CONT: Final = 7
_TRACE_EXEC: Final = 0x10  # PTRACE_O_TRACEEXEC
_EVENT_EXEC: Final = 4
_EVENT_STOP: Final = 128
_WALL: Final = 0x40000000  # __WALL: threads as well

_STOP_S: Final = 8.0
"""How long a thread may take to stop. It does so at once, when it gets a processor, for which one of many that share a
small part of one waits for long. It is less than the agent's caller waits."""
_EXEC_S: Final = 5.0
_POLL_S: Final = 0.0002
_LONGEST_POLL_S: Final = 0.005
_MOST_STEPS: Final = 10_000
_USER_REGISTERS: Final = 27  # struct user_regs_struct of x86-64
_INSTRUCTION_POINTER: Final = 16

_ASLEEP: Final = -1
"""Stands for a signal: the thread sleeps, and has not stopped."""

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
                if threads[thread] != _ASLEEP:
                    threads[thread] = _step_out(thread, avoid) or threads[thread]
                elif _is_asleep_at(thread, avoid):
                    raise ClockError(f"thread {thread} sleeps in a function of its clock")
            return do()

    with ThreadPoolExecutor(1, "tracer") as executor:
        return executor.submit(alone).result()


def at_exec(process: int, go_on: Callable[[], None], do: Callable[[], None]) -> None:
    """Do something to a process of one thread when it has executed a program, before that has begun.

    ``go_on`` lets it execute. Call it in a thread that ends then: it is the tracer.

    Raises:
        ClockError: it did not execute anything in time.
        OSError: it may not be traced, or what was done raised it.
    """
    try:
        _ptrace(_SEIZE, process, _TRACE_EXEC)
    finally:
        go_on()
    deadline = time.monotonic() + _EXEC_S
    while time.monotonic() < deadline:
        found, status = os.waitpid(process, os.WNOHANG | _WALL)
        if not found:
            time.sleep(_POLL_S)
        elif not os.WIFSTOPPED(status):
            return  # it could not be executed
        elif status >> 16 == _EVENT_EXEC:
            do()
            _ptrace(_DETACH, process)
            return
        else:  # a signal: let it have it
            _ptrace(_CONT, process, 0 if status >> 16 else os.WSTOPSIG(status))
    raise ClockError(f"process {process} executed nothing within {_EXEC_S:g} s")


def living_threads(process: int) -> set[int]:
    """The threads of a process that have not ended; the first may end before others do."""
    try:
        threads = {int(entry.name) for entry in Path(f"/proc/{process}/task").iterdir()}
    except (FileNotFoundError, ProcessLookupError):
        return set()
    return {thread for thread in threads if state_of(thread) not in ("", "Z", "X")}


@contextmanager
def _stopped(process: int) -> Iterator[dict[int, int]]:
    """Each thread, and the signal that it is to get when it goes on."""
    held: dict[int, int] = {}
    try:
        seen: set[int] = set()
        while new := sorted(living_threads(process) - seen):
            seen.update(new)
            # All are told before one is waited for: each has to wait for a processor, and those that stop leave it.
            for thread in [thread for thread in new if _interrupted(thread)]:
                if (pending := _awaited(thread)) is not None:
                    held[thread] = pending
        if not held:
            raise ProcessLookupError(errno.ESRCH, f"process {process} has ended")
        yield held
    finally:
        for thread, pending in held.items():
            if pending == _ASLEEP:  # it cannot be let go before it has stopped; the kernel does it
                continue
            with contextlib.suppress(ProcessLookupError):
                _ptrace(_DETACH, thread, pending)


def _interrupted(thread: int) -> bool:
    """Tell a thread to stop; false if it has ended."""
    try:
        _ptrace(_SEIZE, thread)
        _ptrace(_INTERRUPT, thread)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        if state_of(thread) in ("", "Z", "X"):  # it ended just now
            return False
        raise PermissionError(error.errno, f"thread {thread} may not be traced: {error.strerror}") from None
    return True


def _awaited(thread: int) -> int | None:
    """Wait until a thread has stopped: the signal that it is to get when it goes on, or ``None`` if it has ended."""
    deadline, poll_s = time.monotonic() + _STOP_S, _POLL_S
    while True:
        try:
            found, status = os.waitpid(thread, os.WNOHANG | _WALL)
        except ChildProcessError:
            return None
        if found:
            break
        if state_of(thread) == "D":
            return _ASLEEP
        if time.monotonic() > deadline:
            raise ClockError(f"thread {thread} did not stop within {_STOP_S:g} s: it is in state {state_of(thread)}")
        time.sleep(poll_s)
        poll_s = min(2 * poll_s, _LONGEST_POLL_S)
    if not os.WIFSTOPPED(status):
        return None
    return 0 if status >> 16 == _EVENT_STOP else os.WSTOPSIG(status)


def _step_out(thread: int, avoid: Sequence[range]) -> int:
    """Let a thread go on, instruction by instruction, until it is elsewhere; a signal that it was to get meanwhile.

    Where instructions are all of one length and replaced whole, as on arm64, it may be anywhere.
    """
    pending = 0
    if os.uname().machine != "x86_64":
        return pending
    for _ in range(_MOST_STEPS):
        registers = (ctypes.c_ulong * _USER_REGISTERS)()
        _ptrace(_GETREGS, thread, ctypes.addressof(registers))
        if not any(registers[_INSTRUCTION_POINTER] in addresses for addresses in avoid):
            return pending
        _ptrace(_SINGLESTEP, thread)
        if (stopped_by := _awaited(thread) or 0) != signal.SIGTRAP:
            pending = stopped_by or pending
    raise ClockError(f"thread {thread} does not leave the functions of its clock")


def _is_asleep_at(thread: int, avoid: Sequence[range]) -> bool:
    """Whether it is in the kernel, and would come back to one of these addresses; see proc(5)."""
    told = Path(f"/proc/{thread}/syscall").read_text().split()
    return len(told) > 1 and any(int(told[-1], 16) in addresses for addresses in avoid)


def _ptrace(request: int, thread: int, data: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_long(request), ctypes.c_long(thread), ctypes.c_void_p(0), ctypes.c_void_p(data))
    if libc.ptrace(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace(2): {os.strerror(number)}")
