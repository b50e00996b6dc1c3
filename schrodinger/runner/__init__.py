"""Executes a plan, and judges what it recorded."""

from schrodinger.runner.files import RunFiles, read_events, write_whole
from schrodinger.runner.judge import judge, machinery
from schrodinger.runner.progress import Progress
from schrodinger.runner.runner import Run

__all__ = ["Progress", "Run", "RunFiles", "judge", "machinery", "read_events", "write_whole"]
