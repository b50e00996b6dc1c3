"""The operations that workloads are made of, for clients to match on."""

from schrodinger.history.operation import Add, Cas, Completion, Operation, Outcome, Read, ReadAll, Value, Write
from schrodinger.history.transaction import Append, ReadKey, Transaction, WriteKey

__all__ = [
    "Add",
    "Append",
    "Cas",
    "Completion",
    "Operation",
    "Outcome",
    "Read",
    "ReadAll",
    "ReadKey",
    "Transaction",
    "Value",
    "Write",
    "WriteKey",
]
