"""The operations that workloads are made of, for clients to match on."""

from schrodinger.history.operation import Add, Cas, Completion, Operation, Outcome, Read, ReadAll, Value, Write

__all__ = ["Add", "Cas", "Completion", "Operation", "Outcome", "Read", "ReadAll", "Value", "Write"]
