"""What a run could leave behind on this machine, looked for in the kernel's own tables.

Only what belongs to one state directory counts, so other runs on the machine do not disturb a test: processes by what
is in their command line or environment, their namespaces with them, cgroups by the ownership mark.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schrodinger_agent.disks.loop import attached_below
from schrodinger_agent.state import StateDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAMESPACES = ("net", "pid", "mnt")


@dataclass(frozen=True)
class Machine:
    """Everything that a run makes, as it is on the machine now."""

    processes: frozenset[str]
    namespaces: frozenset[str]
    links: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    disks: frozenset[str]

    @classmethod
    def look(cls, state: Path) -> Machine:
        """Take stock. Processes are those that have the state directory in their command line or environment."""
        return cls(
            processes=frozenset(_processes(str(state))),
            namespaces=frozenset(_namespaces(str(state))),
            links=frozenset(path.name for path in Path("/sys/class/net").iterdir()),
            mounts=frozenset(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()),
            cgroups=frozenset(cgroups_of(StateDirectory(state))),
            disks=frozenset(f"/dev/loop{number}" for number in attached_below(state)),
        )

    def beyond(self, before: Machine) -> list[str]:
        """What is here and was not before."""
        now = [*self.processes, *self.namespaces, *self.links, *self.mounts, *self.cgroups, *self.disks]
        then = {*before.processes, *before.namespaces, *before.links, *before.mounts, *before.cgroups, *before.disks}
        return sorted(thing for thing in now if thing not in then)


def eventually(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether the condition becomes true in time; asked twenty times a second."""
    deadline = time.monotonic() + within_s
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return met


def cgroups_of(state: StateDirectory) -> Iterator[str]:
    """Cgroups with the agent's mark. Not by rglob, which stumbles over directories that vanish meanwhile."""
    for parent, names, _ in os.walk("/sys/fs/cgroup"):
        yield from (f"{parent}/{name}" for name in names if name.startswith(state.mark))


def pids_of(state: Path, word: str) -> list[int]:
    """Processes of this state directory's agent whose command line has the word."""
    return [int(line.split()[0]) for line in _processes(str(state)) if word in line]


def _processes(mark: str) -> Iterator[str]:
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (process / "environ").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if int(process.name) != os.getpid() and command and (mark in command or mark in environment):
            yield f"{process.name} {command}"


def _namespaces(mark: str) -> Iterator[str]:
    """Namespaces that marked processes are in, beside those of this process."""
    ours = {kind: Path("/proc/self/ns", kind).readlink() for kind in NAMESPACES}
    for process in _processes(mark):
        for kind in NAMESPACES:
            try:
                namespace = Path("/proc", process.split()[0], "ns", kind).readlink()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if namespace != ours[kind]:
                yield str(namespace)
