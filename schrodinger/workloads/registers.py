"""The register workload: independent linearizable registers; read, write and compare-and-set with unique values.

Every written value is unique, so a checker knows which write each read observed, and checks millions of operations
exactly. A compare-and-set expects what its own process last saw on that key, so that some succeed. Keys rotate: each
process moves on to fresh keys after ``rotate`` operations, so that an operation with an unknown end burdens its key,
not the run.

From Jepsen's linearizable-register, with unique values in place of five.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies
from schrodinger_native import Stream

from schrodinger.checkers import Linearizable
from schrodinger.history import Cas, Completion, Operation, Outcome, Read, Write
from schrodinger.workloads.parameters import WholeNumber, read_parameters
from schrodinger.workloads.workload import from_everywhere, unique_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from schrodinger.checkers import Checker
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.workload import Workload


_KNOWN: Final = {
    "keys": WholeNumber(8, least=1),
    "rotate": WholeNumber(200, least=1),
    "read_percent": WholeNumber(50, least=0),
    "cas_percent": WholeNumber(15, least=0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterParameters:
    """How many ``keys`` live at a time, after how many operations a process moves on, and the mix of functions."""

    keys: int
    rotate: int
    read_percent: int
    cas_percent: int

    @classmethod
    def parse(cls, parameters: Mapping[str, Any]) -> RegisterParameters:
        """From a plan. Raises ValueError naming what is wrong."""
        parsed = cls(**read_parameters("register", parameters, _KNOWN))
        if parsed.read_percent + parsed.cas_percent > 100:
            raise ValueError(
                "parameters read_percent and cas_percent of the register workload exceed 100 together; lower one"
            )
        return parsed


def register(client: Callable[[], Client], *, name: str = "register") -> Workload:
    """Independent linearizable registers; ``client`` makes clients that understand ``Read``, ``Write`` and ``Cas``."""
    return RegisterWorkload(client, name)


@dataclass(frozen=True, slots=True)
class RegisterWorkload:
    """See :func:`register`."""

    client_factory: Callable[[], Client]
    name: str = "register"
    functions: tuple[str, ...] = (Read.f, Write.f, Cas.f)

    def parameters(self) -> SearchStrategy[Mapping[str, Any]]:
        """From one contended key to many."""
        return strategies.fixed_dictionaries(
            {
                "keys": strategies.sampled_from([1, 2, 4, 8, 16]),
                "rotate": strategies.sampled_from([50, 100, 200, 400]),
                "read_percent": strategies.sampled_from([40, 50, 65]),
                "cas_percent": strategies.sampled_from([0, 15, 30]),
            }
        )

    def client(self) -> Client:
        """A new client."""
        return self.client_factory()

    def stream(self, parameters: Mapping[str, Any], seed: int, process: int) -> RegisterStream:
        """The operations of one process."""
        return RegisterStream(RegisterParameters.parse(parameters), seed, process)

    def final(self, parameters: Mapping[str, Any], invoked: int, processes: int) -> Sequence[Operation]:
        """Read every key that any process may have touched, newest first, so that no acknowledged write goes unseen.

        The newest are read from everywhere besides: they had the last writes.
        """
        parsed = RegisterParameters.parse(parameters)
        generations = (max(invoked, 1) - 1) // parsed.rotate + 1
        reads = [Read(key) for key in reversed(range(generations * parsed.keys))]
        return [*reads, *from_everywhere(reads[: parsed.keys], processes)]

    def checker(self, parameters: Mapping[str, Any]) -> Checker:  # noqa: ARG002
        """Each key is a linearizable register that starts as nil."""
        return Linearizable(model="cas-register")


class RegisterStream:
    """The operations of one process; remembers the value it last saw on each key, for compare-and-set to expect."""

    __slots__ = ("_cas_below", "_parameters", "_process", "_read_below", "_seen", "_words")

    def __init__(self, parameters: RegisterParameters, seed: int, process: int) -> None:
        self._parameters = parameters
        self._process = process
        self._words = Stream(seed, process).words
        self._read_below = parameters.read_percent
        self._cas_below = parameters.read_percent + parameters.cas_percent
        self._seen: dict[int, int] = {}

    def operation(self, index: int) -> Operation:
        """The ``index``-th operation: function and key from the stream, the expected value from what was seen."""
        function, place, _, _ = self._words(index)
        generation, keys = index // self._parameters.rotate, self._parameters.keys
        key = generation * keys + place % keys
        choice = function % 100
        if choice < self._read_below:
            return Read(key)
        if choice < self._cas_below:
            expected = self._seen.get(key)
            return Read(key) if expected is None else Cas(key, expected, unique_value(self._process, index))
        return Write(key, unique_value(self._process, index))

    def observe(self, operation: Operation, completion: Completion) -> None:
        """Remember what the key held when the operation succeeded."""
        if completion.outcome is not Outcome.OK:
            return
        match operation:
            case Read(key) if isinstance(completion.value, int):
                self._seen[key] = completion.value
            case Write(key, value) | Cas(key, _, value):
                self._seen[key] = value
