"""The report of a run directory: gathers what the run left there and writes ``report.html``."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import polars

from schrodinger.checkers import Validity, Verdict
from schrodinger.history import History
from schrodinger.report import series
from schrodinger.report.page import Page, render
from schrodinger.runner import RunFiles, read_events, write_whole
from schrodinger.store import open_run, replay_command

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.history import FaultInterval
    from schrodinger.report.page import Recorded

TAIL_BYTES: Final = 16_384
TAIL_LINES: Final = 60


def write_report(directory: Path) -> Path:
    """Write the report of the run in ``directory``, and return its path.

    A run without a readable history has a page too, which says so.

    Raises:
        OSError: the run has no readable plan.
        ValueError: its plan or verdict is malformed.
    """
    run = open_run(directory)
    notes = [event["message"] for event in read_events(run.files.events) if event["kind"] == "note"]
    page = Page(
        run=run.name,
        started=datetime.fromtimestamp(run.files.plan.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        verdict=run.verdict or _killed(),
        plan=run.plan,
        plan_json=run.files.plan.read_text(encoding="utf-8"),
        history=_history(run.files),
        replay=replay_command(directory),
        logs=log_tails(run.files),
        versions={
            "schrodinger": version("schrodinger"),
            run.plan.suite: run.plan.options.get("version", "the suite's default"),
            "python": platform.python_version(),
            "kernel": platform.release(),
        },
        notes=tuple(dict.fromkeys(notes)),
    )
    write_whole(run.files.report, render(page))
    return run.files.report


def log_tails(files: RunFiles) -> dict[str, str]:
    """The last lines of each node's logs."""
    tails = {}
    for log in sorted(path for path in files.nodes.glob("*/*") if path.is_file()):
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
        name = log.parent.name if log.name == "node.log" else f"{log.parent.name} {log.name}"
        tails[name] = "\n".join(lines[-TAIL_LINES:])
    return tails


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingRecorded:
    """The history of a run that has none, and why."""

    damage: str

    def operations(self) -> polars.DataFrame:
        """None."""
        return polars.DataFrame(schema=series.COLUMNS)

    def faults(self) -> tuple[FaultInterval, ...]:
        """None."""
        return ()

    def phases(self) -> dict[str, int]:
        """None."""
        return {}


def _history(files: RunFiles) -> Recorded:
    try:
        return History.open(files.history)
    except (OSError, ValueError) as error:
        return NothingRecorded(damage=str(error))


def _killed() -> Verdict:
    return Verdict(validity=Validity.UNKNOWN, checker="run", reasons=("the run was killed before it was judged",))
