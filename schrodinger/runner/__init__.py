"""Executes a plan, and judges what it recorded; and what that takes, for whoever keeps a cluster without a plan."""

from schrodinger.runner.files import EventLog, RunFiles, read_events, write_whole
from schrodinger.runner.members import Members, Roll, TooFewMembers
from schrodinger.runner.nodes import DatabaseNodes, NodeEnded
from schrodinger.runner.progress import Progress
from schrodinger.runner.runner import Run
from schrodinger.runner.standing import StandingFaults, Unresolved
from schrodinger.runner.strength import strength_of
from schrodinger.runner.threads import ThreadPerCall

__all__ = [
    "DatabaseNodes",
    "EventLog",
    "Members",
    "NodeEnded",
    "Progress",
    "Roll",
    "Run",
    "RunFiles",
    "StandingFaults",
    "ThreadPerCall",
    "TooFewMembers",
    "Unresolved",
    "read_events",
    "strength_of",
    "write_whole",
]
