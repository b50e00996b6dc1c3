"""Executes a plan, and judges what it recorded."""

from schrodinger.runner.files import EventLog, RunFiles, read_events
from schrodinger.runner.judge import judge, machinery
from schrodinger.runner.progress import Progress
from schrodinger.runner.runner import Run

__all__ = ["EventLog", "Progress", "Run", "RunFiles", "judge", "machinery", "read_events"]
