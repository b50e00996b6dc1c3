"""Schrodinger finds correctness bugs in distributed databases.

It starts a real cluster, runs a randomized workload against it while injecting faults, records what every client saw,
and decides whether that history is possible under the consistency the database promises. These are the names a suite
is written with.
"""

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
