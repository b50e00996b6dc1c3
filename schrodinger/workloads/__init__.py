"""Workloads: what clients do, and which checker judges it."""

from schrodinger.workloads.append import append
from schrodinger.workloads.client import Client, Indeterminate, Node
from schrodinger.workloads.registers import register
from schrodinger.workloads.sets import set  # noqa: A004 - the field's word: workloads.set
from schrodinger.workloads.workload import OperationStream, Workload, unique_value

__all__ = [
    "Client",
    "Indeterminate",
    "Node",
    "OperationStream",
    "Workload",
    "append",
    "register",
    "set",
    "unique_value",
]
