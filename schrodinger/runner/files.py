"""The run directory: what a run leaves behind, written while it goes on.

Everything is appended or replaced whole, so a run whose process was killed at any instant can be read, and checked,
up to then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schrodinger.history import HISTORY_FILE

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
        return self.directory / "nodes"

    @property
    def stacks(self) -> Path:
        """Stacks of all threads, written when the runner's event loop stood still."""
        return self.directory / "stalled.txt"


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
    """The events of a run; a last line that was cut short by a kill is left out, a missing file has none."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            return
        yield event
