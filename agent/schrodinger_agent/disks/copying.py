"""Copying images: what is in them, and not the holes between, which are most of a sparse file. See lseek(2)."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def copy_sparse(source: Path, target: Path) -> None:
    """A copy with the same holes. It is a snapshot only as far as nobody writes to the source. Raises OSError."""
    with source.open("rb") as read, target.open("xb") as write:
        copy_open(read.fileno(), write.fileno())


def copy_open(source: int, target: int) -> None:
    """The same of open files; the target is empty."""
    os.truncate(target, os.fstat(source).st_size)
    for begin, end in extents(source):
        at = os.lseek(target, begin, os.SEEK_SET)
        while at < end:
            copied = os.sendfile(target, source, at, end - at)  # copy_file_range(2) stays within one file system
            if copied == 0:  # it has been cut short meanwhile
                return
            at += copied


def extents(descriptor: int) -> Iterator[tuple[int, int]]:
    """Where in an open file something was written: from an offset to another, in order."""
    size = os.fstat(descriptor).st_size
    end = 0
    while end < size:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nothing but a hole is left
                raise
            return
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        yield begin, end
