"""Resource controllers: how much processor, memory, input and output and how many processes a cgroup may have.

Controllers are in the v2 hierarchy or, each by itself, in a v1 hierarchy; the same controller is never in both. Names
of files and forms of values differ, so each limit is spelled here twice, as data. See cgroups(7), and
``admin-guide/cgroup-v1`` and ``admin-guide/cgroup-v2.rst`` of the kernel's documentation.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from schrodinger_agent import cgroups

CONTROLLERS: Final = ("cpu", "memory", "pids", "blkio")
"""By their v1 names; in v2 ``blkio`` is called ``io``."""

PERIOD_US: Final = 20_000
"""In which a share of a processor is granted. The kernel's default of 100 ms makes a small share come in long gaps."""

LEAST_QUOTA_US: Final = 1000
"""The kernel grants no less at a time; a share that is smaller than that comes in longer gaps."""

_UNIFIED_NAMES: Final = {"blkio": "io"}


@dataclass(frozen=True, slots=True)
class Controller:
    """Where cgroups with this controller can be made. ``unified``: the v2 hierarchy."""

    name: str
    hierarchy: Path
    unified: bool


def find_controllers() -> dict[str, Controller]:
    """The controllers that are in force here, by name. In ``mountinfo`` a lone ``-`` precedes the type, see proc(5)."""
    found: dict[str, Controller] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        kind, _, options = fields[fields.index("-") + 1 :][:3]
        place = Path(fields[4])
        if kind == "cgroup":
            offered = options.split(",")
        elif kind == "cgroup2":
            offered = (place / "cgroup.subtree_control").read_text().split()
        else:
            continue
        for name in CONTROLLERS:
            if (_UNIFIED_NAMES.get(name, name) if kind == "cgroup2" else name) in offered:
                found.setdefault(name, Controller(name, place, unified=kind == "cgroup2"))
    return found


@final
@dataclass(frozen=True, slots=True)
class Group:
    """A cgroup with one controller. Reading and writing raise OSError where the kernel does not play along."""

    path: Path
    unified: bool

    def members(self) -> frozenset[int]:
        """The processes in it."""
        return frozenset(int(line) for line in self._read("cgroup.procs").split())

    def limit_cpu(self, percent: int | None) -> None:
        """Grant so much of one processor, or all there is."""
        period = PERIOD_US if percent is None else max(PERIOD_US, LEAST_QUOTA_US * 100 // percent)
        quota = None if percent is None else period * percent // 100
        if self.unified:
            self._write("cpu.max", f"{'max' if quota is None else quota} {period}")
        else:
            self._write("cpu.cfs_quota_us", "-1")  # or a period that is too short for the old quota is refused
            self._write("cpu.cfs_period_us", str(period))
            self._write("cpu.cfs_quota_us", "-1" if quota is None else str(quota))

    def cpu_percent(self) -> int | None:
        """What is granted."""
        if self.unified:
            quota, period = self._read("cpu.max").split()
        else:
            quota, period = self._read("cpu.cfs_quota_us"), self._read("cpu.cfs_period_us")
        return None if quota in {"max", "-1"} else int(quota) * 100 // int(period)

    def cpu_throttled(self) -> int:
        """In how many periods somebody had to wait."""
        return self._keyed("cpu.stat", "nr_throttled")

    def limit_memory(self, limit: int | None) -> None:
        """Grant so many bytes, or all there are. In v1 a limit below what cannot be given back is refused (EBUSY)."""
        if self.unified:
            self._write("memory.max", "max" if limit is None else str(limit))
        else:
            self._write("memory.limit_in_bytes", "-1" if limit is None else str(limit))

    def memory_limit(self) -> int:
        """What is granted."""
        text = self._read("memory.max" if self.unified else "memory.limit_in_bytes")
        return 1 << 62 if text == "max" else int(text)

    def memory_used(self) -> int:
        """Bytes, with what of files is cached."""
        return int(self._read("memory.current" if self.unified else "memory.usage_in_bytes"))

    def memory_events(self) -> tuple[int, int]:
        """How often the limit was met, and how many processes were killed for it."""
        if self.unified:
            return self._keyed("memory.events", "max"), self._keyed("memory.events", "oom_kill")
        return int(self._read("memory.failcnt")), self._keyed("memory.oom_control", "oom_kill")

    def reclaim(self) -> int:
        """Take back whatever can be; returns how many bytes that was."""
        before = self.memory_used()
        if self.unified:
            try:
                self._write("memory.reclaim", str(before))
            except OSError as error:
                if error.errno != errno.EAGAIN:  # not so much could be taken, which was to be expected
                    raise
        else:
            self._write("memory.force_empty", "0")
        return max(0, before - self.memory_used())

    def limit_processes(self, limit: int | None) -> None:
        """Grant so many processes and threads."""
        self._write("pids.max", "max" if limit is None else str(limit))

    def process_limit(self) -> int | None:
        """What is granted."""
        text = self._read("pids.max")
        return None if text == "max" else int(text)

    def processes(self) -> int:
        """How many processes and threads there are."""
        return int(self._read("pids.current"))

    def forks_refused(self) -> int:
        """How often a process or a thread could not be made."""
        return self._keyed("pids.events", "max")

    def limit_writes(self, device: str, per_s: int | None) -> None:
        """Grant so many writes a second to a device (``major:minor``)."""
        if self.unified:
            self._write("io.max", f"{device} wiops={'max' if per_s is None else per_s}")
        else:
            self._write("blkio.throttle.write_iops_device", f"{device} {per_s or 0}")

    def write_limit(self, device: str) -> int | None:
        """What is granted."""
        file = "io.max" if self.unified else "blkio.throttle.write_iops_device"
        for line in self._read(file).splitlines():
            of, *fields = line.split()
            if of == device:
                text = fields[0] if not self.unified else dict(f.split("=") for f in fields)["wiops"]
                return None if text == "max" else int(text)
        return None

    def writes(self, device: str) -> int:
        """How many writes to a device there were."""
        if self.unified:
            for line in self._read("io.stat").splitlines():
                of, *fields = line.split()
                if of == device:
                    return int(dict(field.split("=") for field in fields)["wios"])
            return 0
        for line in self._read("blkio.throttle.io_serviced").splitlines():
            if line.startswith(f"{device} Write "):
                return int(line.split()[2])
        return 0

    def _keyed(self, file: str, key: str) -> int:
        for line in self._read(file).splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
        return 0

    def _read(self, file: str) -> str:
        return (self.path / file).read_text().strip()

    def _write(self, file: str, text: str) -> None:
        cgroups.write(self.path / file, text)
