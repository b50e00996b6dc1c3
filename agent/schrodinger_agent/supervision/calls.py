"""The system calls that the kernel asks about, and the filter that tells it to: a program for seccomp, built as bytes.

Only what databases rely on for what must last, and what is rare enough not to be felt: a question costs 50 µs. Reads
and writes are not among them. An ``open`` is asked about only if it may change something. See seccomp(2),
seccomp_unotify(2) and linux/bpf_common.h.
"""

from __future__ import annotations

import os
import platform
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CLASSES: Final = ("sync", "open", "rename", "resize")
"""What calls are about: making things last, opening files to change them, giving them another name, or another size."""

CHANGING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True)
class Call:
    """One system call: what it is about, and in which of its arguments the file is.

    ``descriptor`` is the argument with an open file, ``path`` the one that points to a name, which is relative to the
    directory open as ``directory``. ``flags`` is the argument with the flags of open(2).
    """

    about: str
    descriptor: int | None = None
    path: int | None = None
    directory: int | None = None
    flags: int | None = None


_SYNC, _RESIZE = Call("sync", descriptor=0), Call("resize", descriptor=0)
_RENAME_AT = Call("rename", directory=2, path=3)
_OPEN_AT = Call("open", directory=0, path=1, flags=2)


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers of the calls on one kind of processor, and how the kernel calls it (``AUDIT_ARCH_*``)."""

    audit: int
    calls: Mapping[int, Call]


_ARCHITECTURES: Final = {
    "x86_64": Architecture(
        0xC000003E,
        {
            74: _SYNC,  # fsync
            75: _SYNC,  # fdatasync
            277: _SYNC,  # sync_file_range
            77: _RESIZE,  # ftruncate
            285: _RESIZE,  # fallocate
            82: Call("rename", path=1),
            264: _RENAME_AT,  # renameat
            316: _RENAME_AT,  # renameat2
            2: Call("open", path=0, flags=1),
            257: _OPEN_AT,  # openat
        },
    ),
    "aarch64": Architecture(
        0xC00000B7,
        {
            82: _SYNC,  # fsync
            83: _SYNC,  # fdatasync
            84: _SYNC,  # sync_file_range
            46: _RESIZE,  # ftruncate
            47: _RESIZE,  # fallocate
            38: _RENAME_AT,  # renameat
            276: _RENAME_AT,  # renameat2
            56: _OPEN_AT,  # openat
        },
    ),
}

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JSET|K, BPF_RET|K
_ALLOW, _ASK = 0x7FFF0000, 0x7FC00000  # SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF
_NUMBER_AT, _AUDIT_AT, _ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
_INSTRUCTION = struct.Struct("=HBBI")


def this_architecture() -> Architecture | None:
    """That of this machine, if its calls are known."""
    return _ARCHITECTURES.get(platform.machine())


def filter_of(architecture: Architecture) -> bytes:
    """The filter: ask about these calls of this architecture, let every other one be made.

    Two instructions a call that is always asked about, and one test of flags at the end for each argument they can be
    in.
    """
    calls = architecture.calls
    at_once = [number for number, call in calls.items() if call.flags is None]
    tested = [(number, call.flags) for number, call in calls.items() if call.flags is not None]
    # Laid out as: architecture, number, one comparison each, allow, one test of two instructions each, ask, allow.
    comparisons = len(at_once) + len(tested)
    tests_at = 3 + comparisons + 1
    ask_at = tests_at + 2 * len(tested)
    code: list[tuple[int, int, int, int]] = [(_LOAD, 0, 0, _AUDIT_AT)]
    code.append((_EQUAL, 0, ask_at + 1 - 2, architecture.audit))
    code.append((_LOAD, 0, 0, _NUMBER_AT))
    for number in at_once:
        code.append((_EQUAL, ask_at - len(code) - 1, 0, number))
    for position, (number, _) in enumerate(tested):
        code.append((_EQUAL, tests_at + 2 * position - len(code) - 1, 0, number))
    code.append((_RETURN, 0, 0, _ALLOW))
    for _, argument in tested:
        code.append((_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument))  # the lower half, on a little-endian machine
        code.append((_ANY_BIT, ask_at - len(code) - 1, ask_at + 1 - len(code) - 1, CHANGING))
    code += [(_RETURN, 0, 0, _ASK), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)


def run_filter(program: bytes, audit: int, number: int, arguments: Sequence[int]) -> bool:
    """Whether the kernel would ask about a call: the filter, interpreted as the kernel does."""
    data = struct.pack("=iIQ6Q", number, audit, 0, *arguments)
    code = list(_INSTRUCTION.iter_unpack(program))
    accumulator = position = 0
    while True:
        operation, if_so, if_not, operand = code[position]
        position += 1
        if operation == _LOAD:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif operation == _RETURN:
            return bool(operand == _ASK)
        else:
            met = accumulator == operand if operation == _EQUAL else accumulator & operand != 0
            position += if_so if met else if_not
