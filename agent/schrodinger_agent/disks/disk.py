"""One node's disk: an image file, a loop device, an ext4 file system, and a window on it.

The file system is mounted where nobody sees it (:mod:`~schrodinger_agent.disks.mounts`). The node's database gets a
mount in its own namespace, of the directory ``data`` in it; the agent keeps the *window*, a descriptor of the root,
through which faults act and files are read. When agent and node have died, mount and device are gone with them, and the
image lies in the cluster's directory, which is swept.

What is wrong with the disk (it is full, its file system has given up, it hangs) is the disk's own to know, so that a
node that is started on it again after a loss of power finds it as bad as before.

A power loss proves itself with a *witness*: a block that was written and synced when the disk was mounted. Just before
the power goes it is written anew, without a sync. Afterwards it must have its old content again.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.disks import ext4
from schrodinger_agent.disks.copying import copy_sparse
from schrodinger_agent.disks.loop import BLOCK_BYTES, Loop, attached_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from schrodinger_agent.controllers import Group

_log = logging.getLogger(__name__)

SIZE_BYTES: Final = 1 << 30
"""Of each disk. The image is sparse: it takes what its node has written."""

IMAGE: Final = "disk.img"
"""The image's name in the target's directory; by it a sweep knows images."""

DATA: Final = "data"
"""The directory in the file system that is the node's. The rest is ours."""

_WITNESS: Final = "witness"
_BALLAST: Final = "ballast"
_PROBE: Final = "probe"
_SYNCED: Final = b"this was synced".ljust(4096, b"\0")
_UNSYNCED: Final = b"this was not synced".ljust(4096, b"\0")
_UNMOUNT_S: Final = 8.0
_POLL_S: Final = 0.002


class DiskError(Exception):
    """A disk does not do what it should; the message says what."""


@final
class Disk:
    """A disk that is mounted. Methods block, mostly for milliseconds; one caller at a time."""

    def __init__(self, image: Path, loop: Loop) -> None:
        self.loop = loop
        self._image = image
        self._window = -1
        self._full = False
        self._read_only = False
        self._stalled = False
        self._limit: tuple[Group, int] | None = None
        self._dark = False

    @classmethod
    def create(cls, image: Path, size_bytes: int = SIZE_BYTES) -> Disk:
        """Make a new disk and mount it. Raises OSError, and leaves the image at most."""
        ext4.make(image, size_bytes)
        disk = cls(image, Loop.attach(image))
        try:
            disk._mount()
            disk._write_witness()
            os.mkdir(DATA, dir_fd=disk.window)
            os.fsync(disk.window)
        except BaseException:
            disk.close()
            raise
        return disk

    @property
    def window(self) -> int:
        """A descriptor of the root directory. It is the disk's: it changes, and is closed, with the mount."""
        assert self._window >= 0, "the disk is mounted"
        return self._window

    def mount_for_node(self) -> int:
        """One more mount, detached, for a launcher to move into its node's tree. The descriptor is the caller's."""
        return ext4.mount(self.loop.path)

    def open_data(self) -> int:
        """A descriptor of the node's directory. It is the caller's."""
        return os.open(DATA, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.window)

    def fill(self) -> None:
        """Take all the space that is left. What the node frees it may use again."""
        self._set_full(full=True)

    def empty(self) -> None:
        """Give the space back."""
        self._set_full(full=False)

    def space(self) -> tuple[int, int]:
        """Bytes that are free, and bytes that are taken by the ballast."""
        try:
            ballast = os.stat(_BALLAST, dir_fd=self.window).st_blocks * 512
        except FileNotFoundError:
            ballast = 0
        return _free_bytes(self.window), ballast

    def fail(self) -> None:
        """Let the file system find an error in itself, and give up writing. Who hung on it is refused as well."""
        self._thaw()
        self._read_only = True
        ext4.trigger_error(self.loop.number)

    @property
    def has_failed(self) -> bool:
        """Whether it was made to give up: then it neither hangs nor has it space, whatever else is asked for."""
        return self._read_only

    def refuses(self) -> bool:
        """Whether a new file is refused because the file system has given up."""
        try:
            with _opened(self.window, _PROBE, os.O_WRONLY | os.O_CREAT):
                pass
            os.unlink(_PROBE, dir_fd=self.window)
        except OSError as error:
            return error.errno == errno.EROFS
        return False

    def repair(self) -> None:
        """Check and mount again. Nothing of the node may run. Raises as :meth:`restore_power`."""
        self._unmount()
        self._read_only = False
        ext4.check(self.loop.path)
        self._mount()

    @contextlib.contextmanager
    def healthy(self) -> Iterator[None]:
        """Have nothing be wrong with it for the time of a block. Nothing of the node may run."""
        full, failed, stalled = self._full, self._read_only, self._stalled
        self.breathe()
        self._full = self._stalled = False
        if failed:
            self.repair()
        elif full:
            self._establish_space()
        try:
            yield
        finally:
            self._full, self._stalled = full, stalled
            if full:
                self._establish_space()
            if failed:
                self.fail()
            self.hold_breath()

    def sync(self) -> None:
        """Make everything last that was written to it."""
        os.fsync(self.window)

    def stall(self) -> None:
        """Let every write hang; whatever is dirty is written first."""
        self._stalled = True
        self.hold_breath()

    def go_on(self) -> None:
        """Let writes go on. It is full, or has space, as was asked for meanwhile."""
        self._thaw()
        self._stalled = False
        if not self._read_only and self._full != bool(self.space()[1]):
            self._set_full(full=self._full)

    @property
    def is_stalled(self) -> bool:
        """Whether it was told to hang: until it goes on nobody can tell whether there is space, and none is taken."""
        return self._stalled

    def hangs(self) -> bool:
        """Whether writes hang: one that is told to hang, again, refuses."""
        if ext4.freeze(self.window):
            ext4.thaw(self.window)
            return False
        return True

    def slow_down(self, group: Group, writes_per_s: int | None) -> None:
        """Let through so many writes of a cgroup a second, or all of them."""
        group.limit_writes(self.loop.device_number, writes_per_s)
        self._limit = None if writes_per_s is None else (group, writes_per_s)

    @property
    def holds(self) -> bool:
        """Whether writes hang or queue up, and whoever is in the middle of one with them."""
        return not self._read_only and (self._stalled or self._limit is not None)

    def breathe(self) -> None:
        """Let writes go on for a moment if they hang or queue up.

        For who waits for a process to end: in the middle of a write that hangs it could not. Nothing of the node may
        run, or it would learn that its write was done.
        """
        self._thaw()
        if self._limit is not None:
            group, _ = self._limit
            group.limit_writes(self.loop.device_number, None)

    def hold_breath(self) -> None:
        """Let writes hang or queue up again if they should."""
        if self._dark:
            return
        if self._limit is not None:
            group, writes_per_s = self._limit
            group.limit_writes(self.loop.device_number, writes_per_s)
        if self._stalled and not self._read_only:
            ext4.freeze(self.window)

    def lose_power(self) -> None:
        """From now on nothing reaches the disk, and what was not synced is lost. Everything on it fails with EIO.

        Writes that were on their way to the disk may still arrive, as far as they do before the image is copied. On a
        slow disk few do.
        """
        self._thaw()
        if not self._read_only:
            with _opened(self.window, _WITNESS, os.O_WRONLY) as witness:
                os.pwrite(witness, _UNSYNCED, 0)
        self._dark = True
        ext4.shut_down(self.window)
        try:
            copy_sparse(self._image, self._kept)
        except OSError as error:  # no room: what was on its way arrives
            _log.warning("%s cannot be copied, writes under way are kept: %s", self._image, error)
            self._kept.unlink(missing_ok=True)

    def restore_power(self) -> bool:
        """Mount what the disk has kept. Nothing of the node may run any more.

        Returns:
            Whether the witness proves that the power was lost: its sync has lasted, what came after it has not.

        Raises:
            DiskError: the old file system is still held.
            OSError: what the disk has kept cannot be mounted.
        """
        self._unmount()
        if self._kept.exists():
            self.loop.close()
            self._kept.replace(self._image)
            self.loop = Loop.attach(self._image)
        self._mount()
        with _opened(self.window, _WITNESS, os.O_RDONLY) as witness:
            return os.pread(witness, len(_SYNCED), 0) == _SYNCED

    def close(self) -> list[str]:
        """Unmount and detach; returns what did not go well. May be called again."""
        problems = []
        if self._window >= 0:
            try:
                self._unmount()
            except (DiskError, OSError) as error:
                problems.append(str(error))
        self.loop.close()
        if not _until(lambda: not list(attached_below(self._image.parent))):
            problems.append(f"a loop device still stands for {self._image}")
        return problems

    @property
    def _kept(self) -> Path:
        """What the disk has kept, while it has no power."""
        return self._image.with_suffix(".kept")

    def _thaw(self) -> None:
        if self._stalled and not self._read_only and not self._dark:
            ext4.thaw(self.window)

    def _mount(self) -> None:
        self._dark = False
        mounted = ext4.mount(self.loop.path)
        try:
            self._window = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mounted)
        finally:
            os.close(mounted)
        self._establish_space()
        if self._read_only:
            ext4.trigger_error(self.loop.number)
        self.hold_breath()

    def _set_full(self, *, full: bool) -> None:
        self._full = full
        if not self._read_only and not self._stalled:  # or the next mount, or the end of the stall, will see to it
            self._establish_space()

    def _establish_space(self) -> None:
        """Have a ballast, or none; on a disk that lets one write."""
        if self._full:
            self._take_space()
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_BALLAST, dir_fd=self.window)
        os.fsync(self.window)

    def _take_space(self) -> None:
        with _opened(self.window, _BALLAST, os.O_WRONLY | os.O_CREAT) as ballast:
            size = os.fstat(ballast).st_size
            piece = _free_bytes(ballast)
            while piece >= BLOCK_BYTES:
                try:
                    os.posix_fallocate(ballast, size, piece)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    piece //= 2  # the file system's own administration takes some
                else:
                    size += piece
                    piece = min(piece, _free_bytes(ballast))
            os.fsync(ballast)  # a loss of power must not make room

    def _write_witness(self) -> None:
        with _opened(self.window, _WITNESS, os.O_WRONLY | os.O_CREAT) as witness:
            os.pwrite(witness, _SYNCED, 0)
            os.fsync(witness)
        os.fsync(self.window)

    def _unmount(self) -> None:
        """Let go of the file system, and wait until it has let go of the device, which is the last that it does."""
        ext4.thaw(self.window)
        os.close(self._window)
        self._window = -1
        if not _until(lambda: not self.loop.is_claimed()):
            raise DiskError(f"the file system of {self._image} is still in use after {_UNMOUNT_S:g} s")


def thaw(image: Path) -> None:
    """End the freeze of a disk that a dead agent has left, which would keep it, and who waits for it, for ever."""
    for loop in attached_below(image.parent):
        ext4.release(loop)


def await_release(directory: Path) -> None:
    """Wait until no loop device stands for a file below a directory.

    Raises:
        OSError: one still does after seconds.
    """
    if not _until(lambda: not list(attached_below(directory))):
        left = ", ".join(f"/dev/loop{number}" for number in attached_below(directory))
        raise OSError(errno.EBUSY, f"still stands for a file below {directory}", left)


@contextlib.contextmanager
def _opened(directory: int, name: str, flags: int) -> Iterator[int]:
    descriptor = os.open(name, flags | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _free_bytes(descriptor: int) -> int:
    space = os.fstatvfs(descriptor)
    return space.f_bavail * space.f_frsize


def _until(condition: Callable[[], bool]) -> bool:
    """Wait for something that the kernel is about to do."""
    deadline = time.monotonic() + _UNMOUNT_S
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return met
