"""Damage to files as disks do it: a bit that flips, a block that was never written or only in part, a file cut short.

Where is drawn from a seed, among the bytes that were really written: holes and space only reserved say nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Final

from schrodinger_agent.disks.copying import extents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

HOWS: Final = ("flip", "tear", "lose", "truncate")
"""A bit flips; of a block only the first sectors were written; a block was not; the end of a file is missing."""

_BLOCK: Final = 4096
_SECTOR: Final = 512
_LONGEST_CUT: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Written:
    """A file, and where in it something was written."""

    path: str
    extents: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """How many bytes."""
        return sum(end - begin for begin, end in self.extents)

    def at(self, position: int) -> int:
        """The offset in the file of one of the bytes that were written."""
        for begin, end in self.extents:
            if position < end - begin:
                return begin + position
            position -= end - begin
        raise IndexError(position)


@dataclass(frozen=True, slots=True)
class Spot:
    """What was done: these bytes are at this offset now; of a file that was cut, it ends there."""

    path: str
    offset: int
    now: bytes
    cut: bool = False


def written_below(directory: int, pattern: str) -> list[Written]:
    """The files below an open directory whose path matches, as far as they hold anything, in order. Raises OSError."""
    found = []
    for path in sorted(paths_below(directory, pattern)):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
        try:
            os.fsync(descriptor)  # what is not on the disk yet would cover the damage
            file = Written(path, tuple(extents(descriptor)))
        finally:
            os.close(descriptor)
        if file.size:
            found.append(file)
    return found


def paths_below(directory: int, pattern: str) -> Iterator[str]:
    """The regular files below an open directory whose path matches, as paths relative to it."""
    waiting = [""]
    while waiting:
        parent = waiting.pop()
        descriptor = os.open(parent or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    path = f"{parent}/{entry.name}" if parent else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    elif entry.is_file(follow_symlinks=False) and fnmatch(path, pattern):
                        yield path
        finally:
            os.close(descriptor)


def damage(directory: int, files: Sequence[Written], how: str, random: Random) -> Spot | None:
    """Damage one spot of these files below an open directory; ``None`` if nothing has changed by it. Raises OSError."""
    position = random.randrange(sum(file.size for file in files))
    for file in files:
        if position < file.size:
            break
        position -= file.size
    else:
        raise AssertionError("the position is in one of them")
    descriptor = os.open(file.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
    try:
        if how == "truncate":
            return _cut(descriptor, file, random)
        offset = file.at(position)
        before, offset = _read(descriptor, how, offset)
        now = _damaged(before, how, random)
        os.pwrite(descriptor, now, offset)
        os.fsync(descriptor)
        return Spot(file.path, offset, now) if now != before else None
    finally:
        os.close(descriptor)


def is_there(directory: int, spot: Spot) -> bool:
    """Whether the damage is still as it was done."""
    try:
        descriptor = os.open(spot.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=directory)
    except FileNotFoundError:
        return False
    try:
        if spot.cut:
            return os.fstat(descriptor).st_size == spot.offset
        return os.pread(descriptor, len(spot.now), spot.offset) == spot.now
    finally:
        os.close(descriptor)


def _read(descriptor: int, how: str, offset: int) -> tuple[bytes, int]:
    if how == "flip":
        return os.pread(descriptor, 1, offset), offset
    block = offset // _BLOCK * _BLOCK
    return os.pread(descriptor, _BLOCK, block), block


def _damaged(before: bytes, how: str, random: Random) -> bytes:
    match how:
        case "flip":
            return bytes([before[0] ^ 1 << random.randrange(8)])
        case "tear":
            kept = random.randrange(1, _BLOCK // _SECTOR) * _SECTOR
            return before[:kept] + bytes(len(before[kept:]))
        case _:
            return bytes(len(before))


def _cut(descriptor: int, file: Written, random: Random) -> Spot:
    _, end = file.extents[-1]
    end = min(end, os.fstat(descriptor).st_size)
    size = end - random.randint(1, min(end, _LONGEST_CUT))
    os.truncate(descriptor, size)
    os.fsync(descriptor)
    return Spot(file.path, size, b"", cut=True)
