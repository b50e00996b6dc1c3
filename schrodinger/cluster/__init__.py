"""Nodes, and the database on them: the protocols of both, suites, and the provider for one Linux machine."""

from schrodinger.cluster.client_namespace import ClientNamespace
from schrodinger.cluster.database import Database, Leader, Membership, Names, PowerLoss
from schrodinger.cluster.fitness import goes_by_names, why_unfit, why_unreachable
from schrodinger.cluster.local import LocalProvider
from schrodinger.cluster.protocols import (
    Capability,
    Cluster,
    FaultObservation,
    Observed,
    ProcessExit,
    Provider,
    ProviderError,
)
from schrodinger.cluster.suite import Suite, SuiteError, find_suites, load_suite, suite_of_plan
from schrodinger.cluster.versions import Debian, OnPath, Source, Unavailable, Wheel, binary_of, find_binary
from schrodinger.workloads import Node

__all__ = [
    "Capability",
    "ClientNamespace",
    "Cluster",
    "Database",
    "Debian",
    "FaultObservation",
    "Leader",
    "LocalProvider",
    "Membership",
    "Names",
    "Node",
    "Observed",
    "OnPath",
    "PowerLoss",
    "ProcessExit",
    "Provider",
    "ProviderError",
    "Source",
    "Suite",
    "SuiteError",
    "Unavailable",
    "Wheel",
    "binary_of",
    "find_binary",
    "find_suites",
    "goes_by_names",
    "load_suite",
    "suite_of_plan",
    "why_unfit",
    "why_unreachable",
]
