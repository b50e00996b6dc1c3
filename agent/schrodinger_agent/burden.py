"""Keeps a processor busy inside a cgroup: a program of its own, ``python -I -S -E burden.py CGROUP AGENT``.

It uses the standard library only, dies with the agent that started it, and is the first to go when memory is short.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Join the cgroup, and be busy for ever."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(*(ctypes.c_ulong(argument) for argument in (_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)))
    if os.getppid() != int(sys.argv[2]):  # it died before we asked to die with it
        sys.exit(1)
    with open(f"{sys.argv[1]}/cgroup.procs", "w") as procs:  # noqa: PTH123 - pathlib takes longer to import
        procs.write("0")
    with open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123 - as above
        score.write("1000")
    while True:
        pass


if __name__ == "__main__":
    main()
