"""Checkers: a history in, a verdict out."""

from schrodinger.checkers.availability import Availability
from schrodinger.checkers.clock import Clock
from schrodinger.checkers.invariants import Bank, Counter, LongFork, Monotonic, UniqueIds
from schrodinger.checkers.judge import judge, machinery
from schrodinger.checkers.linearizable import Linearizable
from schrodinger.checkers.lock import Lock
from schrodinger.checkers.log_pattern import LogPattern
from schrodinger.checkers.model import Model
from schrodinger.checkers.queues import Log, Queue, TotalQueue
from schrodinger.checkers.registers import Sequential, SessionGuarantees
from schrodinger.checkers.set import FinalSet, SetFull
from schrodinger.checkers.stats import Stats
from schrodinger.checkers.strength import Strength
from schrodinger.checkers.together import All, guarded, watchable
from schrodinger.checkers.transactional import ListAppend, RwRegister
from schrodinger.checkers.verdict import Anomaly, Checker, Involved, Online, Validity, Verdict, combine

__all__ = [
    "All",
    "Anomaly",
    "Availability",
    "Bank",
    "Checker",
    "Clock",
    "Counter",
    "FinalSet",
    "Involved",
    "Linearizable",
    "ListAppend",
    "Lock",
    "Log",
    "LogPattern",
    "LongFork",
    "Model",
    "Monotonic",
    "Online",
    "Queue",
    "RwRegister",
    "Sequential",
    "SessionGuarantees",
    "SetFull",
    "Stats",
    "Strength",
    "TotalQueue",
    "UniqueIds",
    "Validity",
    "Verdict",
    "combine",
    "guarded",
    "judge",
    "machinery",
    "watchable",
]
