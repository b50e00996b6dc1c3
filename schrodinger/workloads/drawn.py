"""Workloads that are all alike but for what is drawn: whole-number parameters, and a function from random words.

A :class:`DrawnWorkload` is a workload made of parts; the files beside this one fill them in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from hypothesis import strategies
from schrodinger_native import Stream

from schrodinger.workloads.parameters import WholeNumber, read_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from schrodinger.checkers import Checker
    from schrodinger.history import Completion, Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.workload import OperationStream

Parameters: TypeAlias = "Mapping[str, int]"
Words: TypeAlias = tuple[int, int, int, int]


class Draw(Protocol):
    """What a process does: a function of nothing but its arguments."""

    def __call__(self, parameters: Parameters, process: int, index: int, words: Words) -> Operation:
        """The ``index``-th operation of ``process``, from four random 64-bit words of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnWorkload:
    """A workload made of parts.

    Attributes:
        client_factory: makes clients.
        name: the name on the command line and in plans.
        functions: every ``f`` of its operations.
        known: its parameters.
        choices: what a plan draws of each parameter.
        start: the operations of a process, from parameters, seed and process.
        judge: who judges the history, from the parameters.
        end: what to do once all faults are healed, from the parameters and the number of processes.
    """

    client_factory: Callable[[], Client]
    name: str
    functions: tuple[str, ...]
    known: Mapping[str, WholeNumber]
    choices: Mapping[str, Sequence[int]]
    start: Callable[[Parameters, int, int], OperationStream]
    judge: Callable[[Parameters], Checker]
    end: Callable[[Parameters, int], Sequence[Operation]] = lambda _, __: ()

    def parameters(self) -> SearchStrategy[Mapping[str, Any]]:
        """One of the choices for each parameter that has some."""
        return strategies.fixed_dictionaries(
            {name: strategies.sampled_from(choices) for name, choices in self.choices.items()}
        )

    def client(self) -> Client:
        """A new client."""
        return self.client_factory()

    def stream(self, parameters: Mapping[str, Any], seed: int, process: int) -> OperationStream:
        """The operations of one process."""
        return self.start(self._read(parameters), seed, process)

    def final(self, parameters: Mapping[str, Any], invoked: int, processes: int) -> Sequence[Operation]:  # noqa: ARG002
        """What shows how it all ended."""
        return self.end(self._read(parameters), processes)

    def checker(self, parameters: Mapping[str, Any]) -> Checker:
        """Who judges the history."""
        return self.judge(self._read(parameters))

    def _read(self, parameters: Mapping[str, Any]) -> Parameters:
        return read_parameters(self.name, parameters, self.known)


class DrawnStream:
    """The operations of one process, each drawn by itself."""

    __slots__ = ("_draw", "_parameters", "_process", "_words")

    def __init__(self, draw: Draw, parameters: Parameters, seed: int, process: int) -> None:
        self._draw = draw
        self._parameters = parameters
        self._process = process
        self._words = Stream(seed, process).words

    def operation(self, index: int) -> Operation:
        """The ``index``-th operation."""
        return self._draw(self._parameters, self._process, index, self._words(index))

    def observe(self, operation: Operation, completion: Completion) -> None:
        """Nothing to learn."""


def drawn(draw: Draw) -> Callable[[Parameters, int, int], DrawnStream]:
    """Streams of operations that ``draw`` draws."""
    return lambda parameters, seed, process: DrawnStream(draw, parameters, seed, process)
