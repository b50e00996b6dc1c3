"""Control groups of our own: they outlive processes, so they carry the agent's mark and are swept.

Only the v2 hierarchy is used, and no controller: freezing and killing need none. Next to a v1 system it may be
mounted anywhere (often at ``/sys/fs/cgroup/unified``), so it is looked up in the list of mounts. See cgroups(7).
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from pathlib import Path
from typing import Final

_REMOVE_S: Final = 5.0
_POLL_S: Final = 0.005


def find_hierarchy() -> Path | None:
    """Where cgroup v2 is mounted, if it is. In ``mountinfo`` a lone ``-`` precedes the type, see proc(5)."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            return Path(fields[4])
    return None


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
        (cgroup / "cgroup.kill").write_text("1")
    except FileNotFoundError:  # a kernel before 5.14; or the cgroup has gone, and reading it says so
        for process in (cgroup / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
