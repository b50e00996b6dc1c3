"""The history: operations, how they are recorded, and how a record is read back."""

from schrodinger_native import Recorder

from schrodinger.history.history import FINAL_OPERATIONS, HISTORY_FILE, PHASE, History
from schrodinger.history.intervals import NEMESIS, FaultEdge, FaultInterval
from schrodinger.history.operation import Add, Cas, Completion, Operation, Outcome, Read, ReadAll, Value, Write
from schrodinger.history.transaction import Append, ReadKey, Transaction, WriteKey

__all__ = [
    "FINAL_OPERATIONS",
    "HISTORY_FILE",
    "NEMESIS",
    "PHASE",
    "Add",
    "Append",
    "Cas",
    "Completion",
    "FaultEdge",
    "FaultInterval",
    "History",
    "Operation",
    "Outcome",
    "Read",
    "ReadAll",
    "ReadKey",
    "Recorder",
    "Transaction",
    "Value",
    "Write",
    "WriteKey",
]
