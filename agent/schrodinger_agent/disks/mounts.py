"""Mounts that are held by a file descriptor and appear in no one's tree, by the mount interface of Linux 5.2.

A mount in the host's tree is copied into every mount namespace that anybody makes from then on, and each copy keeps the
file system alive: it could never be unmounted for sure. A *detached* mount is in no tree. It ends with the last
descriptor, so there is nothing to sweep, and a node's launcher moves one into the node's own tree. Mounting a device
again gives another mount of the same file system. See fsopen(2), fsconfig(2), fsmount(2), move_mount(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of every architecture alike: numbers from 424 on are common to all.
_SYS_FSOPEN: Final = 430
_SYS_FSCONFIG: Final = 431
_SYS_FSMOUNT: Final = 432
_SYS_OPENAT2: Final = 437

_FSOPEN_CLOEXEC: Final = 1
_FSCONFIG_SET_FLAG: Final = 0
_FSCONFIG_SET_STRING: Final = 1
_FSCONFIG_CMD_CREATE: Final = 6
_FSMOUNT_CLOEXEC: Final = 1
_MOUNT_ATTR_NOATIME: Final = 0x10
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_BENEATH: Final = 0x08


def mount_detached(device: str, options: Mapping[str, str | None]) -> int:
    """An ``O_PATH`` descriptor of a new mount of the ext4 file system on a device, without access times.

    ``options`` are those of mount(8) for ext4; a flag's value is ``None``. Of a file system that is mounted already
    they change nothing.

    Raises:
        OSError: with what the kernel has to say about it.
    """
    context = _syscall(_SYS_FSOPEN, b"ext4", _FSOPEN_CLOEXEC)
    try:
        for name, value in {"source": device, **options}.items():
            command = _FSCONFIG_SET_FLAG if value is None else _FSCONFIG_SET_STRING
            _syscall(_SYS_FSCONFIG, context, command, name.encode(), None if value is None else value.encode(), 0)
        _syscall(_SYS_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _syscall(_SYS_FSMOUNT, context, _FSMOUNT_CLOEXEC, _MOUNT_ATTR_NOATIME)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} {_complaint(context)}".strip(), device) from None
    finally:
        os.close(context)


def open_beneath(directory: int, path: str, flags: int = os.O_RDONLY) -> int:
    """Open a file below an open directory, wherever links on the way may point; ``EXDEV`` if they lead out of it."""
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    try:
        return _syscall(_SYS_OPENAT2, directory, os.fsencode(path), how, ctypes.sizeof(how))
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def _complaint(context: int) -> str:
    """What the kernel wrote to the context's log, which reads like ``e ext4: why``."""
    with contextlib.suppress(OSError):
        return os.read(context, 4096).decode(errors="replace").strip()
    return ""


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    widened = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *widened))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
