"""The verdict of a run, as its ``verdict.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.checkers.verdict_json import verdict_to_json
from schrodinger.runner import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.checkers import Verdict


def write_verdict(verdict: Verdict, path: Path) -> None:
    """Replace the file whole."""
    write_whole(path, verdict_to_json(verdict))
