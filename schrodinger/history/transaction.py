"""Transactions: operations made of several steps on several keys, which happen all together or not at all.

In a history a transaction is one flat list of integers: for each step its code (0 reads, 1 appends, 2 writes), its key,
how many values follow, and those values; a read whose result is not known has a count of -1. One encoding serves lists
and registers, and needs no column of its own. A step of code 3 behind another on the same key is the number that the
database gave to the version which that step read or wrote: a revision, a commit timestamp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from schrodinger.history.operation import Completion, Operation, Outcome, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

READ: Final = 0
APPEND: Final = 1
WRITE: Final = 2
VERSION: Final = 3
UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class ReadKey:
    """Read the list or register ``key``; ``values`` is what was seen, ``None`` while nobody knows."""

    key: int
    values: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return f"read {self.key}" if self.values is None else f"read {self.key} → [{_spaced(self.values)}]"


@dataclass(frozen=True, slots=True)
class Append:
    """Append ``element`` to the list ``key``."""

    key: int
    element: int

    def __str__(self) -> str:
        return f"append {self.key} ← {self.element}"


@dataclass(frozen=True, slots=True)
class WriteKey:
    """Write ``value`` to the register ``key``."""

    key: int
    value: int

    def __str__(self) -> str:
        return f"write {self.key} ← {self.value}"


@dataclass(frozen=True, slots=True)
class VersionOf:
    """What the step before read or wrote of ``key`` is version ``number`` to the database; later ones are greater."""

    key: int
    number: int

    def __str__(self) -> str:
        return f"version {self.number}"


Step: TypeAlias = ReadKey | Append | WriteKey | VersionOf


_ONE_VALUE: Final[Mapping[int, type[Append | WriteKey | VersionOf]]] = {
    APPEND: Append,
    WRITE: WriteKey,
    VERSION: VersionOf,
}


@dataclass(frozen=True, slots=True)
class Transaction(Operation):
    """Do all steps atomically. Complete it with :meth:`done`, with what each read saw."""

    f: ClassVar[str] = "txn"
    steps: tuple[Step, ...]

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return encode(self.steps)

    @property
    def reads(self) -> tuple[ReadKey, ...]:
        """The steps that read, in order."""
        return tuple(step for step in self.steps if isinstance(step, ReadKey))

    def ok(self, value: Value = None) -> Completion:
        """It happened, and read nothing. Raises TypeError where something was observed, which :meth:`done` takes."""
        if value is not None or self.reads:
            raise TypeError("a transaction is completed by operation.done(seen), with what each of its reads saw")
        return Completion(Outcome.OK, self.argument)

    def done(self, seen: Sequence[tuple[int, ...]], *, versions: Sequence[int | None] = ()) -> Completion:
        """It happened; ``seen`` has what each read saw, in order: of a list all elements, of a register one or none.

        ``versions`` has, for each step, the number that the database gave to the version which it read or wrote, or
        ``None`` where the database does not tell.

        Raises:
            ValueError: there are not as many of them as the transaction has reads, or steps.
        """
        if len(seen) != len(self.reads):
            raise ValueError(f"a transaction with {len(self.reads)} reads was completed with {len(seen)} results")
        if versions and len(versions) != len(self.steps):
            raise ValueError(f"a transaction of {len(self.steps)} steps was completed with {len(versions)} versions")
        results = iter(seen)
        steps: list[Step] = []
        for place, step in enumerate(self.steps):
            steps.append(ReadKey(step.key, tuple(next(results))) if isinstance(step, ReadKey) else step)
            if versions and (number := versions[place]) is not None:
                steps.append(VersionOf(step.key, number))
        return Completion(Outcome.OK, encode(steps))


def encode(steps: Sequence[Step]) -> tuple[int, ...]:
    """As a history records it."""
    return tuple(number for step in steps for number in _encoded(step))


def decode(values: Sequence[int]) -> tuple[Step, ...]:
    """Back from what a history records.

    Raises:
        ValueError: the values are no transaction.
    """
    return tuple(_decoded(values))


def _encoded(step: Step) -> tuple[int, ...]:
    match step:
        case ReadKey(key, None):
            return (READ, key, UNKNOWN)
        case ReadKey(key, tuple(values)):
            return (READ, key, len(values), *values)
        case Append(key, element):
            return (APPEND, key, 1, element)
        case WriteKey(key, value):
            return (WRITE, key, 1, value)
        case VersionOf(key, number):
            return (VERSION, key, 1, number)
    raise TypeError(f"no such step: {step}")


def split(values: Sequence[int]) -> Iterator[tuple[int, int, tuple[int, ...] | None]]:
    """Code, key and values of each step; ``None`` where the values are not known.

    Raises:
        ValueError: a step is cut short.
    """
    place = 0
    while place < len(values):
        if len(values) - place < 3:
            raise ValueError(f"the step at position {place} is cut short: {list(values[place:])}")
        code, key, count = values[place : place + 3]
        found = tuple(values[place + 3 : place + 3 + max(count, 0)])
        if len(found) != max(count, 0) or count < UNKNOWN:
            raise ValueError(f"the step at position {place} claims {count} values and has {len(found)}")
        place += 3 + len(found)
        yield code, key, None if count == UNKNOWN else found


def _decoded(values: Sequence[int]) -> Iterator[Step]:
    for code, key, found in split(values):
        if code == READ:
            yield ReadKey(key, found)
        elif code in _ONE_VALUE and found is not None and len(found) == 1:
            yield _ONE_VALUE[code](key, found[0])
        else:
            raise ValueError(f"no step has code {code} and values {found}")


def _spaced(values: tuple[int, ...]) -> str:
    return " ".join(str(value) for value in values)
