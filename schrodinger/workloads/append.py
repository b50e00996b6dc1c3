"""The append workload: transactions that read lists and append unique elements, for isolation.

A read of a list shows the order of everything that was appended before, so a checker recovers the dependencies between
transactions from what they saw, and names the isolation anomaly exactly. Keys rotate, so that lists stay short. From
Elle's list-append (Kingsbury and Alvaro, VLDB 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies
from schrodinger_native import Stream

from schrodinger.checkers import ListAppend
from schrodinger.history import Append, ReadKey, Transaction
from schrodinger.workloads.parameters import WholeNumber, read_parameters
from schrodinger.workloads.workload import from_everywhere, unique_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from schrodinger.checkers import Checker
    from schrodinger.history import Completion, Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.workload import Workload

LONGEST: Final = 8
"""Steps that a transaction can have: what one draw of 64 bits decides, eight bits a step."""

_KNOWN: Final = {
    "keys": WholeNumber(8, least=1),
    "rotate": WholeNumber(50, least=1),
    "steps": WholeNumber(4, least=1),
    "read_percent": WholeNumber(50, least=0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendParameters:
    """How many ``keys`` live at a time, when a process moves on to fresh ones, and what transactions are like."""

    keys: int
    rotate: int
    steps: int
    read_percent: int

    @classmethod
    def parse(cls, parameters: Mapping[str, Any]) -> AppendParameters:
        """From a plan. Raises ValueError naming what is wrong."""
        parsed = cls(**read_parameters("append", parameters, _KNOWN))
        if parsed.steps > LONGEST:
            raise ValueError(f"parameter steps of the append workload is {parsed.steps}; give at most {LONGEST}")
        if parsed.read_percent > 100:
            raise ValueError(
                f"parameter read_percent of the append workload is {parsed.read_percent}; give at most 100"
            )
        return parsed


def append(client: Callable[[], Client], *, name: str = "append", consistency: str = "strict-serializable") -> Workload:
    """Transactions over lists; ``client`` makes clients that understand ``Transaction``."""
    return AppendWorkload(client, name, consistency)


@dataclass(frozen=True, slots=True)
class AppendWorkload:
    """See :func:`append`."""

    client_factory: Callable[[], Client]
    name: str = "append"
    consistency: str = "strict-serializable"
    functions: tuple[str, ...] = (Transaction.f,)

    def parameters(self) -> SearchStrategy[Mapping[str, Any]]:
        """From a few contended lists to many, and always transactions of several steps: one step is never split."""
        return strategies.fixed_dictionaries(
            {
                "keys": strategies.sampled_from([2, 4, 8, 16]),
                "rotate": strategies.sampled_from([25, 50, 100]),
                "steps": strategies.sampled_from([2, 4, LONGEST]),
                "read_percent": strategies.sampled_from([40, 50, 65]),
            }
        )

    def client(self) -> Client:
        """A new client."""
        return self.client_factory()

    def stream(self, parameters: Mapping[str, Any], seed: int, process: int) -> AppendStream:
        """The transactions of one process."""
        return AppendStream(AppendParameters.parse(parameters), seed, process)

    def final(self, parameters: Mapping[str, Any], invoked: int, processes: int) -> Sequence[Operation]:
        """Read every list that any process may have touched, newest first, and the newest from everywhere besides."""
        parsed = AppendParameters.parse(parameters)
        generations = (max(invoked, 1) - 1) // parsed.rotate + 1
        reads = [Transaction((ReadKey(key),)) for key in reversed(range(generations * parsed.keys))]
        return [*reads, *from_everywhere(reads[: parsed.keys], processes)]

    def checker(self, parameters: Mapping[str, Any]) -> Checker:  # noqa: ARG002
        """The lists are what the consistency model allows."""
        return ListAppend(consistency=self.consistency)


class AppendStream:
    """The transactions of one process."""

    __slots__ = ("_parameters", "_process", "_words")

    def __init__(self, parameters: AppendParameters, seed: int, process: int) -> None:
        self._parameters = parameters
        self._process = process
        self._words = Stream(seed, process).words

    def operation(self, index: int) -> Transaction:
        """The ``index``-th transaction; each of its steps takes a byte for its function and one for its key."""
        length, functions, places, _ = self._words(index)
        drawn = self._parameters
        first = unique_value(self._process, index) * LONGEST
        base = index // drawn.rotate * drawn.keys
        steps: list[ReadKey | Append] = []
        for number in range(1 + length % drawn.steps):
            key = base + (places >> 8 * number & 0xFF) % drawn.keys
            is_read = (functions >> 8 * number & 0xFF) * 100 < drawn.read_percent * 256
            steps.append(ReadKey(key) if is_read else Append(key, first + number))
        return Transaction(tuple(steps))

    def observe(self, operation: Operation, completion: Completion) -> None:
        """Nothing to learn: elements are unique whatever happened."""
