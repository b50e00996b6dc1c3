"""Runs the command line as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SCHRODINGER = Path(sys.executable).with_name("schrodinger")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    def value(self, label: str) -> str:
        """What stands behind a label in the last lines of a run, for example ``report``."""
        summary = self.out.rpartition("\n\n")[2]
        found = [line.split(maxsplit=1)[1] for line in summary.splitlines() if line.startswith(f"{label} ")]
        assert found, self
        return found[0]


def schrodinger(
    *arguments: str, directory: Path = REPOSITORY, timeout_s: float = 180, state: Path | None = None
) -> Ended:
    """Run ``schrodinger`` with these arguments; ``state`` is the state directory of an agent of its own."""
    ended = subprocess.run(
        [SCHRODINGER, *arguments],
        cwd=directory,
        env=_environment(state),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def start(*arguments: str, state: Path) -> subprocess.Popen[bytes]:
    """Start ``schrodinger`` with an agent of its own, and return while it runs; its output goes nowhere."""
    return subprocess.Popen(
        [SCHRODINGER, *arguments],
        cwd=REPOSITORY,
        env=_environment(state),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _environment(state: Path | None) -> dict[str, str]:
    """As ``uv run`` sets it: the environment's programs come first."""
    path = f"{SCHRODINGER.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **({"SCHRODINGER_STATE": str(state)} if state else {})}
