"""Checkers: a history in, a verdict out."""

from schrodinger.checkers.invariants import Bank, Counter, TotalQueue, UniqueIds
from schrodinger.checkers.linearizable import Linearizable
from schrodinger.checkers.set import SetChecker
from schrodinger.checkers.strength import Strength
from schrodinger.checkers.transactional import ListAppend, RwRegister
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
    "RwRegister",
    "SetChecker",
    "Strength",
    "TotalQueue",
    "UniqueIds",
    "Validity",
    "Verdict",
    "combine",
]
