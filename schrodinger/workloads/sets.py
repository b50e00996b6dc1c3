"""The set workload: processes add unique elements and now and then read them all; a final read shows what was kept.

It finds lost writes, stale reads, duplicates and elements that come back, and it is cheap to check however long the
run is. From Jepsen's set-full. A read returns the whole set, so reads are rare and the run's rate bounds the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies
from schrodinger_native import Stream

from schrodinger.checkers import SetFull
from schrodinger.history import Add, Completion, Operation, ReadAll
from schrodinger.workloads.parameters import WholeNumber, read_parameters
from schrodinger.workloads.workload import unique_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from schrodinger.checkers import Checker
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.workload import Workload


_KNOWN: Final = {"adds_per_read": WholeNumber(50, least=1)}


def set(client: Callable[[], Client], *, name: str = "set") -> Workload:  # noqa: A001 - the field's word: workloads.set
    """A grow-only set; ``client`` makes clients that understand ``Add`` and ``ReadAll``."""
    return SetWorkload(client, name)


@dataclass(frozen=True, slots=True)
class SetWorkload:
    """See :func:`set`."""

    client_factory: Callable[[], Client]
    name: str = "set"
    functions: tuple[str, ...] = (Add.f, ReadAll.f)

    def parameters(self) -> SearchStrategy[Mapping[str, Any]]:
        """How rare reads are."""
        return strategies.fixed_dictionaries({"adds_per_read": strategies.sampled_from([25, 50, 100])})

    def client(self) -> Client:
        """A new client."""
        return self.client_factory()

    def stream(self, parameters: Mapping[str, Any], seed: int, process: int) -> SetStream:
        """The operations of one process."""
        return SetStream(**read_parameters("set", parameters, _KNOWN), seed=seed, process=process)

    def final(self, parameters: Mapping[str, Any], invoked: int, processes: int) -> Sequence[Operation]:  # noqa: ARG002
        """One read by each process, so that every node is asked what it kept."""
        return [ReadAll()] * processes

    def checker(self, parameters: Mapping[str, Any]) -> Checker:  # noqa: ARG002
        """Acknowledged elements are in every later read."""
        return SetFull(linearizable=True)


class SetStream:
    """The operations of one process."""

    __slots__ = ("_adds_per_read", "_process", "_words")

    def __init__(self, adds_per_read: int, seed: int, process: int) -> None:
        self._adds_per_read = adds_per_read
        self._process = process
        self._words = Stream(seed, process).words

    def operation(self, index: int) -> Operation:
        """A read about once in ``adds_per_read`` operations, otherwise an add of a new element."""
        choice, _, _, _ = self._words(index)
        return ReadAll() if choice % (self._adds_per_read + 1) == 0 else Add(unique_value(self._process, index))

    def observe(self, operation: Operation, completion: Completion) -> None:
        """Nothing to learn: elements are unique whatever happened."""
