"""The runs on this machine: a folder each, below one root; the folder's name is the run's identity.

There is no database: ``plan.json`` says what a run was, ``verdict.json`` how it ended, and a run with no verdict was
killed.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schrodinger.checkers import Validity, Verdict
from schrodinger.checkers.verdict_json import verdict_from_json
from schrodinger.plan import Plan
from schrodinger.runner import RunFiles, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_ROOT: Final = Path("runs")
LATEST: Final = "latest"
README: Final = """\
A run of Schrodinger. `schrodinger check .` judges it again, `schrodinger replay .` runs its plan again.

report.html    the page to read first
verdict.json   the verdict, with every reason and anomaly; missing when the run was killed
plan.json      everything random about the run; portable, replays elsewhere
history.arrow  every invocation, completion and fault edge, in one order on one clock (Arrow IPC file)
history.arrow.blocks  checksums of its blocks
events.jsonl   what the runner did and met
nodes/         each node's output and logs
clients.log    what the clients' libraries logged, a warning or worse; missing when nothing
"""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as a list shows it. ``verdict`` is ``None`` when the run was killed, or still goes on."""

    files: RunFiles
    plan: Plan
    verdict: Verdict | None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.files.directory.name

    @property
    def state(self) -> str:
        """The verdict in a word, or ``no verdict``."""
        return str(self.verdict.validity) if self.verdict else "no verdict"


def create_run(plan: Plan, root: Path = DEFAULT_ROOT) -> RunFiles:
    """Make the folder of a new run, with its plan. Two runs that start at the same moment get different names."""
    root.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    subject = re.sub(r"[^a-z0-9]+", "-", f"{Path(plan.suite).name}-{plan.workload}".lower()).strip("-")
    for attempt in range(1000):
        directory = root / (f"{stamp}-{subject}-{plan.seed}" + (f"-{attempt}" if attempt else ""))
        with contextlib.suppress(FileExistsError):
            directory.mkdir()
            break
    else:
        raise FileExistsError(f"no free name for a run in {root}")
    files = RunFiles(directory)
    files.nodes.mkdir()
    write_whole(files.plan, plan.to_json())
    (directory / "README.txt").write_text(README, encoding="utf-8")
    _point_latest(root, directory)
    return files


def list_runs(root: Path = DEFAULT_ROOT, *, passed_over: Callable[[Path, Exception], None]) -> Iterator[RunRecord]:
    """All runs, the newest first. A folder without a plan is none; ``passed_over`` hears of one that can't be read."""
    if not root.is_dir():
        return
    for directory in sorted(root.iterdir(), reverse=True):
        if directory.is_symlink() or not RunFiles(directory).plan.exists():
            continue
        try:
            run = open_run(directory)
        except (OSError, ValueError) as error:
            passed_over(directory, error)
        else:
            yield run


def open_run(directory: Path) -> RunRecord:
    """The run in this folder.

    Raises:
        OSError: it has no readable plan.
        ValueError: its plan or verdict is malformed.
    """
    files = RunFiles(directory)
    plan = Plan.from_json(files.plan.read_text(encoding="utf-8"), source=str(files.plan))
    verdict = None
    if files.verdict.is_file():
        verdict = verdict_from_json(files.verdict.read_text(encoding="utf-8"), source=str(files.verdict))
    return RunRecord(files, plan, verdict)


def replay_command(directory: Path) -> str:
    """What runs the same plan again."""
    return shlex.join(["schrodinger", "replay", str(directory)])


def validity_names() -> tuple[str, ...]:
    """What a run's state may be, for a filter."""
    return (*(str(validity) for validity in Validity), "no verdict")


def _point_latest(root: Path, directory: Path) -> None:
    link, scratch = root / LATEST, root / f".latest-{directory.name}"
    if link.exists() and not link.is_symlink():
        return
    scratch.symlink_to(directory.name)
    scratch.replace(link)
