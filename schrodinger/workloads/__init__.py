"""Workloads: what clients do, and which checker judges it."""

from schrodinger.workloads.append import append
from schrodinger.workloads.bank import OPENING_BALANCE, bank
from schrodinger.workloads.client import Client, Indeterminate, Node
from schrodinger.workloads.counting import monotonic, unique_ids
from schrodinger.workloads.locks import lock
from schrodinger.workloads.logs import log
from schrodinger.workloads.long_fork import long_fork
from schrodinger.workloads.queue import queue
from schrodinger.workloads.registers import register
from schrodinger.workloads.sets import set  # noqa: A004 - the field's word: workloads.set
from schrodinger.workloads.workload import OperationStream, Workload, unique_value

__all__ = [
    "OPENING_BALANCE",
    "Client",
    "Indeterminate",
    "Node",
    "OperationStream",
    "Workload",
    "append",
    "bank",
    "lock",
    "log",
    "long_fork",
    "monotonic",
    "queue",
    "register",
    "set",
    "unique_ids",
    "unique_value",
]
