"""Loop devices: a file as a disk. The file's content is what the disk has; what it has not yet seen is lost in a crash.

A device detaches by itself when nobody has it open and nothing on it is mounted (``LO_FLAGS_AUTOCLEAR``), so it ends
with the agent. Which devices are ours is told by the file that they stand for, which lies in the agent's directory. See
loop(4).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOP_CTL_GET_FREE: Final = 0x4C82
_LOOP_CONFIGURE: Final = 0x4C0A  # from Linux 5.8 on
_LO_FLAGS_AUTOCLEAR: Final = 4
BLOCK_BYTES: Final = 4096
"""Of file system, memory pages and disk alike: a block is written whole or not at all."""

_CONFIGURATION = struct.Struct("II" + "5Q 4I 64s 64s 32s 2Q" + "8Q")
"""``struct loop_config`` of linux/loop.h: descriptor, block size, ``struct loop_info64``, reserved."""

_ATTEMPTS: Final = 100
"""Somebody else may take the free device first."""


@final
class Loop:
    """A loop device for one file, as long as it is open here, or something on it is mounted."""

    def __init__(self, number: int, descriptor: int) -> None:
        self.number = number
        self._descriptor = descriptor

    @classmethod
    def attach(cls, image: Path) -> Loop:
        """Make a disk of a file. Raises OSError."""
        backing = os.open(image, os.O_RDWR | os.O_CLOEXEC)
        control = -1
        try:
            control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
            for _ in range(_ATTEMPTS):
                number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
                device = os.open(f"/dev/loop{number}", os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.ioctl(device, _LOOP_CONFIGURE, _configuration(backing))
                except OSError as error:
                    os.close(device)
                    if error.errno != errno.EBUSY:
                        raise
                else:
                    return cls(number, device)
            raise OSError(errno.EBUSY, "every free loop device was taken by somebody else", str(image))
        finally:
            os.close(backing)
            if control >= 0:
                os.close(control)

    @property
    def path(self) -> str:
        """The device."""
        return f"/dev/loop{self.number}"

    @property
    def device_number(self) -> str:
        """``major:minor``, by which cgroups name a device."""
        status = os.fstat(self._descriptor)
        return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"

    def is_claimed(self) -> bool:
        """Whether a file system has it for itself, be it mounted or on its way out; no tool could check it then.

        Raises:
            OSError: it cannot be opened at all.
        """
        try:
            os.close(os.open(self.path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))  # exclusively: see open(2)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return True
        return False

    def close(self) -> None:
        """Let go of it. May be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def attached_below(directory: Path) -> Iterator[int]:
    """The numbers of the loop devices whose file is, or was, somewhere below a directory."""
    for entry in sorted(Path("/sys/block").glob("loop*/loop/backing_file")):
        with contextlib.suppress(OSError):  # detached meanwhile
            if Path(entry.read_text().rstrip("\n")).is_relative_to(directory):
                yield int(entry.parts[3].removeprefix("loop"))


def _configuration(backing: int) -> bytearray:
    flags = (0, 0, 0, _LO_FLAGS_AUTOCLEAR)
    return bytearray(_CONFIGURATION.pack(backing, BLOCK_BYTES, *[0] * 5, *flags, b"", b"", b"", 0, 0, *[0] * 8))
