"""Control groups of our own: they outlive processes, so they carry the agent's mark and are swept.

Freezing and killing need the v2 hierarchy and no controller; the controllers are in
:mod:`~schrodinger_agent.controllers`. Next to a v1 system v2 may be mounted anywhere (often at
``/sys/fs/cgroup/unified``), so it is looked up in the list of mounts. See cgroups(7).
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMOVE_S: Final = 5.0
_POLL_S: Final = 0.005


def find_hierarchy() -> Path | None:
    """Where cgroup v2 is mounted, if it is."""
    return next(_mounted("cgroup2"), None)


def find_hierarchies() -> list[Path]:
    """Where cgroups of ours may be: v2, and each v1 hierarchy."""
    return [*_mounted("cgroup2"), *_mounted("cgroup")]


def _mounted(kind: str) -> Iterator[Path]:
    """In ``mountinfo`` a lone ``-`` precedes the type, see proc(5)."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == kind:
            yield Path(fields[4])


def write(file: Path, text: str) -> None:
    """Write to a control file. One that is not there is not made, which the kernel would refuse for another reason."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def remove(cgroup: Path) -> None:
    """Kill what is in the cgroup and remove it. Blocks until it is gone; ``OSError`` if that takes many seconds.

    A frozen cgroup needs no thaw: SIGKILL acts in a v2 freezer.
    """
    deadline = time.monotonic() + _REMOVE_S
    while True:
        try:
            _kill(cgroup)
            cgroup.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)  # the killed are still on their way out
        else:
            return


def _kill(cgroup: Path) -> None:
    try:
        write(cgroup / "cgroup.kill", "1")
    except FileNotFoundError:  # v1, or a kernel before 5.14; or the cgroup has gone, and reading it says so
        for process in (cgroup / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
