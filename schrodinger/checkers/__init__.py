"""Checkers: a history in, a verdict out."""

from schrodinger.checkers.invariants import Bank, Counter, TotalQueue, UniqueIds
from schrodinger.checkers.linearizable import Linearizable
from schrodinger.checkers.list_append import ListAppend
from schrodinger.checkers.set import SetChecker
from schrodinger.checkers.strength import Strength
from schrodinger.checkers.verdict import Anomaly, Checker, Involved, Online, Validity, Verdict, combine

__all__ = [
    "Anomaly",
    "Bank",
    "Checker",
    "Counter",
    "Involved",
    "Linearizable",
    "ListAppend",
    "Online",
    "SetChecker",
    "Strength",
    "TotalQueue",
    "UniqueIds",
    "Validity",
    "Verdict",
    "combine",
]
