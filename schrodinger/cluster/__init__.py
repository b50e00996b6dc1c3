"""Nodes, and the databases on them: what providers promise, what suites implement."""

from schrodinger.cluster.database import Database, Leader
from schrodinger.cluster.protocols import (
    Capability,
    Cluster,
    FaultObservation,
    Node,
    Observed,
    ProcessExit,
    Provider,
)
from schrodinger.cluster.suite import Suite, SuiteError, find_suites, load_suite
from schrodinger.cluster.versions import OnPath, Source, Unavailable, Wheel, find_binary

__all__ = [
    "Capability",
    "Cluster",
    "Database",
    "FaultObservation",
    "Leader",
    "Node",
    "Observed",
    "OnPath",
    "ProcessExit",
    "Provider",
    "Source",
    "Suite",
    "SuiteError",
    "Unavailable",
    "Wheel",
    "find_binary",
    "find_suites",
    "load_suite",
]
