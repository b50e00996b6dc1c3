"""The history: operations, how they are recorded, and how a record is read back."""

from schrodinger_native import Recorder

from schrodinger.history.history import FINAL_OPERATIONS, HISTORY_FILE, MAIN_PHASE, NODES_FOLDER, PHASE, History
from schrodinger.history.intervals import NEMESIS, FaultEdge, FaultInterval
from schrodinger.history.operation import (
    Acquire,
    Add,
    Cas,
    Completion,
    Dequeue,
    Drain,
    Enqueue,
    Generate,
    Increment,
    Operation,
    Outcome,
    Read,
    ReadAll,
    ReadBalances,
    Release,
    Transfer,
    Use,
    Value,
    Write,
)
from schrodinger.history.transaction import Append, ReadKey, Transaction, WriteKey

__all__ = [
    "FINAL_OPERATIONS",
    "HISTORY_FILE",
    "MAIN_PHASE",
    "NEMESIS",
    "NODES_FOLDER",
    "PHASE",
    "Acquire",
    "Add",
    "Append",
    "Cas",
    "Completion",
    "Dequeue",
    "Drain",
    "Enqueue",
    "FaultEdge",
    "FaultInterval",
    "Generate",
    "History",
    "Increment",
    "Operation",
    "Outcome",
    "Read",
    "ReadAll",
    "ReadBalances",
    "ReadKey",
    "Recorder",
    "Release",
    "Transaction",
    "Transfer",
    "Use",
    "Value",
    "Write",
    "WriteKey",
]
