"""The run directory: what a run leaves behind, written while it goes on.

Everything is appended or replaced whole, so a run whose process was killed at any instant can be read, and checked,
up to then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schrodinger.checkers import Validity
from schrodinger.history import HISTORY_FILE, NODES_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Names of the files in one run directory."""

    directory: Path

    @property
    def plan(self) -> Path:
        """The plan, as JSON; replays."""
        return self.directory / "plan.json"

    @property
    def history(self) -> Path:
        """The history, as an Arrow file."""
        return self.directory / HISTORY_FILE

    @property
    def events(self) -> Path:
        """What the runner did and met, a JSON object a line."""
        return self.directory / "events.jsonl"

    @property
    def verdict(self) -> Path:
        """The verdict, as JSON; missing when the run was killed."""
        return self.directory / "verdict.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.directory / "report.html"

    @property
    def nodes(self) -> Path:
        """A folder a node, with its logs."""
        return self.directory / NODES_FOLDER

    @property
    def client_log(self) -> Path:
        """What libraries of clients logged; missing when they had nothing to say."""
        return self.directory / "clients.log"

    @property
    def stacks(self) -> Path:
        """Stacks of all threads, written when the runner's event loop stood still."""
        return self.directory / "stalled.txt"


def write_whole(path: Path, text: str) -> None:
    """Replace the file by this text at once: a reader, or whoever looks after a kill, sees all of it or none."""
    scratch = path.with_suffix(".partial")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


class EventLog:
    """Appends events to ``events.jsonl``, each at once.

    Every event has ``time_ns`` (on the history's clock) and ``kind``: ``phase``, ``fault``, ``node``, ``note`` or
    ``error``. An ``error`` is something because of which the run can't be trusted to be valid; its ``validity`` says
    what the run is instead.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def append(self, time_ns: int, kind: str, **fields: Any) -> None:
        """Write one event."""
        self._file.write(json.dumps({"time_ns": time_ns, "kind": kind, **fields}, default=str) + "\n")

    def close(self) -> None:
        """Nothing is written afterwards."""
        self._file.close()


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a run; a missing file has none.

    A last line that was cut short by a kill is left out. Any other line that is no event might have been an error, so
    an ``error`` that names it stands in its place, and the run is unknown.
    """
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines, 1):
        event = _event(line)
        if event is not None:
            yield event
        elif number < len(lines):
            message = f"line {number} of {path.name} is no event: {line[:80]!r}"
            yield {"time_ns": 0, "kind": "error", "validity": str(Validity.UNKNOWN), "message": message}


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        return None
    if event["kind"] in ("error", "note") and not isinstance(event.get("message"), str):
        return None
    if event["kind"] == "error" and event.get("validity") not in (Validity.UNKNOWN, Validity.INFRASTRUCTURE_ERROR):
        return None
    return event
