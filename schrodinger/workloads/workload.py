"""The workload protocol: what clients do, and which checker judges it.

The operations of a process come from a counter-based stream keyed by (plan seed, process, index): leaving out a fault
or a process changes no other process's operations. What a process *observed* may decide an argument (a
compare-and-set expects a value that was read), never which function comes next or on which key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from schrodinger.checkers.verdict import Checker
    from schrodinger.history import Completion, Operation
    from schrodinger.workloads.client import Client

VALUES_PER_PROCESS = 10_000_000
"""Values are process * this + index + 1, so they are unique in a run, and a person sees who wrote one and when."""

EVERYWHERE: Final = 16
"""By so many processes is read what is read from everywhere: more than a cluster has nodes, but for rare ones."""


class OperationStream(Protocol):
    """The operations of one process."""

    def operation(self, index: int) -> Operation:
        """The ``index``-th operation of this process."""
        ...

    def observe(self, operation: Operation, completion: Completion) -> None:
        """Learn how an operation of this process ended."""
        ...


class Workload(Protocol):
    """What clients do, and which checker judges it."""

    @property
    def name(self) -> str:
        """The name on the command line and in plans."""
        ...

    @property
    def functions(self) -> tuple[str, ...]:
        """Every ``f`` of its operations."""
        ...

    def parameters(self) -> SearchStrategy[Mapping[str, Any]]:
        """Parameters as plain JSON, for a plan to draw."""
        ...

    def client(self) -> Client:
        """A new client, not yet open."""
        ...

    def stream(self, parameters: Mapping[str, Any], seed: int, process: int) -> OperationStream:
        """The operations of one process. Raises ValueError when the parameters are not this workload's."""
        ...

    def final(self, parameters: Mapping[str, Any], invoked: int, processes: int) -> Sequence[Operation]:
        """What to do once all faults are healed; no process invoked more than ``invoked`` operations.

        Operations next to each other are done by different processes, whose nodes are given out in turn.
        """
        ...

    def checker(self, parameters: Mapping[str, Any]) -> Checker:
        """Who judges the history."""
        ...


def unique_value(process: int, index: int) -> int:
    """A value that no other operation of the run writes."""
    assert index < VALUES_PER_PROCESS, f"process {process} has used up its unique values"
    return process * VALUES_PER_PROCESS + index + 1


def from_everywhere(reads: Sequence[Operation], processes: int) -> list[Operation]:
    """Each of these by one process after the other, so that a node which has come to differ from the others is seen."""
    return [read for read in reads for _ in range(min(processes, EVERYWHERE))]
