"""Schrodinger finds correctness bugs in distributed databases.

It starts a real cluster, runs a randomized workload against it while injecting faults, records what every client saw,
and decides whether that history is possible under the consistency the database promises. These are the names a suite
is written with.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schrodinger import checkers, operations, workloads
    from schrodinger.cluster.database import Database, Leader, Membership, Names, PowerLoss
    from schrodinger.cluster.protocols import Cluster
    from schrodinger.cluster.suite import Suite
    from schrodinger.cluster.versions import Debian, OnPath, Wheel
    from schrodinger.workloads import Client, Indeterminate, Node

__all__ = [
    "Client",
    "Cluster",
    "Database",
    "Debian",
    "Indeterminate",
    "Leader",
    "Membership",
    "Names",
    "Node",
    "OnPath",
    "PowerLoss",
    "Suite",
    "Wheel",
    "checkers",
    "operations",
    "workloads",
]

_PACKAGES: Final = ("checkers", "operations", "workloads")
_WORKLOADS: Final = ("Client", "Indeterminate", "Node")


def __getattr__(name: str) -> object:
    """A public name, loaded at its first use (PEP 562).

    Whoever imports any module of this package runs this file first. With plain imports here, judging a history file
    would load all that starts clusters and draws plans, which takes a second.
    """
    if name not in __all__:
        raise AttributeError(f"module 'schrodinger' has no attribute {name!r}")
    if name in _PACKAGES:
        return importlib.import_module(f"schrodinger.{name}")
    home = "schrodinger.workloads" if name in _WORKLOADS else "schrodinger.cluster"
    return getattr(importlib.import_module(home), name)
