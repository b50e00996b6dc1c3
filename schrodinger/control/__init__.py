"""Clusters that are kept by hand, and the faults that people want of them."""

from schrodinger.control.control import Control, clusters
from schrodinger.control.reconciler import Reconciler
from schrodinger.control.starting import Wanted, bring_up
from schrodinger.control.states import ClusterState, ControlError, ExperimentState, Happening, NodeState

__all__ = [
    "ClusterState",
    "Control",
    "ControlError",
    "ExperimentState",
    "Happening",
    "NodeState",
    "Reconciler",
    "Wanted",
    "bring_up",
    "clusters",
]
