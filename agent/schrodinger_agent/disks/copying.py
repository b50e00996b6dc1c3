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
        size = os.fstat(read.fileno()).st_size
        write.truncate(size)
        for begin, end in _extents(read.fileno(), size):
            while begin < end:
                copied = os.copy_file_range(read.fileno(), write.fileno(), end - begin, begin, begin)
                if copied == 0:  # it has been cut short meanwhile
                    return
                begin += copied


def _extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
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
