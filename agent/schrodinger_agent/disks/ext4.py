"""What ext4 lets one do to it: be made, be checked, lose power, hang.

``EXT4_IOC_SHUTDOWN`` with ``NOLOGFLUSH`` is a power failure as the file system sees it: nothing goes to the disk from
then on, not even the journal, and what was not synced never was. The next mount replays the journal up to the last
commit. Commits are far apart (:data:`OPTIONS`), so that what nobody synced does not last by luck: data, names and
removals alike.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import subprocess
from pathlib import Path
from typing import Final

from schrodinger_agent.disks.loop import BLOCK_BYTES
from schrodinger_agent.disks.mounts import mount_detached

OPTIONS: Final = {
    "errors": "remount-ro",
    "commit": "600",  # seconds; by default whatever is 5 s old lasts
    "noinit_itable": None,  # no thread that fills the image with zeros
}

_SHUTDOWN: Final = 0x8004587D
_NOLOGFLUSH: Final = struct.pack("I", 2)
_FIFREEZE: Final = 0xC0045877
_FITHAW: Final = 0xC0045878
_TOOL_S: Final = 60.0
_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"


def make(image: Path, size_bytes: int) -> None:
    """A sparse file with an empty file system, all of it for the node: root has no reserve of its own.

    Raises:
        OSError: there is no mkfs.ext4, or it failed.
    """
    with image.open("xb") as file:
        file.truncate(size_bytes)
    options = ["-b", str(BLOCK_BYTES), "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1"]
    _run("mkfs.ext4", "-q", "-F", *options, str(image), worst=0)


def check(device: str) -> None:
    """Repair an unmounted file system, as after any failure. Raises OSError if it cannot be."""
    _run("fsck.ext4", "-f", "-y", device, worst=2)  # 1: repaired; 2: and one should reboot, which we just did


def mount(device: str) -> int:
    """A detached mount."""
    return mount_detached(device, OPTIONS)


def is_mounted(loop: int) -> bool:
    """Whether the file system on a loop device is alive in the kernel, whoever may hold it."""
    return Path(f"/sys/fs/ext4/loop{loop}").exists()


def shut_down(directory: int) -> None:
    """Lose power."""
    fcntl.ioctl(directory, _SHUTDOWN, _NOLOGFLUSH)


def trigger_error(loop: int) -> None:
    """Let the file system of a loop device find an error, as in a damaged structure: with our options it gives up."""
    Path(f"/sys/fs/ext4/loop{loop}/trigger_fs_error").write_text("by a fault that was asked for")


def freeze(directory: int) -> bool:
    """Let every write hang until the thaw, reads go on; whatever is dirty is written first. False if it hung before."""
    return _ioctl_unless(directory, _FIFREEZE, errno.EBUSY)


def thaw(directory: int) -> bool:
    """Let writes go on. False if they did."""
    return _ioctl_unless(directory, _FITHAW, errno.EINVAL)


def release(loop: int) -> None:
    """End the freeze that a dead agent has left, which would keep file system and device for ever."""
    with contextlib.suppress(OSError):  # there is none any more
        if is_mounted(loop):
            mounted = mount(f"/dev/loop{loop}")
            try:
                directory = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mounted)
                try:
                    thaw(directory)
                finally:
                    os.close(directory)
            finally:
                os.close(mounted)


def _ioctl_unless(directory: int, request: int, already: int) -> bool:
    try:
        fcntl.ioctl(directory, request, 0)
    except OSError as error:
        if error.errno != already:
            raise
        return False
    return True


def _run(program: str, *arguments: str, worst: int) -> None:
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=_TOOL_S, check=False, env={"PATH": _PATH}
        )
    except subprocess.TimeoutExpired:
        raise OSError(errno.ETIMEDOUT, f"did not end within {_TOOL_S:g} s", program) from None
    except FileNotFoundError:
        raise OSError(
            errno.ENOENT, "is not installed (Debian and Ubuntu: apt-get install e2fsprogs)", program
        ) from None
    if done.returncode > worst:
        said = (line.strip() for line in (done.stdout + done.stderr).splitlines())
        last = [line for line in said if line][-3:] or ["it said nothing"]
        raise OSError(errno.EIO, f"failed with status {done.returncode}: {' / '.join(last)}", program)
