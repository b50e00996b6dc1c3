"""Whether nodes can have disks here, found by making one, letting it lose its power, and looking at what is left."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from schrodinger_agent.disks.disk import IMAGE, Disk, DiskError

if TYPE_CHECKING:
    from pathlib import Path

_BYTES: Final = 16 << 20


def try_disk(place: Path) -> None:
    """Make a disk in a directory of its own, which is gone again afterwards.

    Raises:
        DiskError: it can be made, but keeps what was not synced.
        OSError: it cannot be made.
    """
    place.mkdir(parents=True, exist_ok=True)
    try:
        image = place / IMAGE
        image.unlink(missing_ok=True)
        disk = Disk.create(image, _BYTES)
        try:
            disk.lose_power()
            if not disk.restore_power():
                raise DiskError("what was not synced survived the shutdown of its file system")
        finally:
            disk.close()
    finally:
        shutil.rmtree(place)
