"""Operations: what a client is asked to do, and how it ended.

An operation is a small frozen value with a function name ``f``, an optional ``key`` (independent keys are checked on
their own) and a ``value``. A client answers with exactly one :class:`Completion`:

* ``ok``    it certainly happened, and this is what was observed;
* ``fail``  it certainly did not happen, and never will;
* ``info``  nobody knows. It may have happened, or happen at any later time.

This three-valued answer is Jepsen's; it is what makes a history checkable. When in doubt the answer is ``info``: a
wrong ``fail`` makes a checker invent a violation, a wrong ``ok`` makes it miss one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = int | tuple[int, ...] | None
"""What an operation carries. ``None`` is the absent value (nil); a tuple is a pair for compare-and-set, the elements
for a set."""


class Outcome(StrEnum):
    """How an operation ended."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Completion:
    """The end of one operation: its outcome, the value to record, and for ``fail`` and ``info`` why."""

    outcome: Outcome
    value: Value
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a client is asked to do; ``f`` is its name in the history. Subclass it to add one of your own."""

    f: ClassVar[str]
    only_observes: ClassVar[bool] = False
    """It changes nothing, so when its end is unknown it may as well have failed."""

    @property
    def partition_key(self) -> int | None:
        """The independent key this operation acts on, or ``None`` when it acts on the whole object."""
        return None

    @property
    def argument(self) -> Value:
        """What the history records for the invocation."""
        return None

    def ok(self, value: Value = None) -> Completion:
        """It happened. ``value`` is what was observed; operations that observe nothing record their argument again."""
        return Completion(Outcome.OK, self.argument if value is None else value)

    def fail(self, why: str) -> Completion:
        """It certainly did not happen, and never will."""
        return Completion(Outcome.FAIL, self.argument, why)

    def info(self, why: str) -> Completion:
        """Nobody knows whether it happened, or whether it still will."""
        return Completion(Outcome.INFO, self.argument, why)


@dataclass(frozen=True, slots=True)
class Read(Operation):
    """Read a register. Complete it with ``ok(value)``, ``ok(None)`` when the register was never written."""

    f: ClassVar[str] = "read"
    only_observes: ClassVar[bool] = True
    key: int

    @property
    def partition_key(self) -> int | None:  # noqa: D102 - inherited
        return self.key


@dataclass(frozen=True, slots=True)
class Write(Operation):
    """Write ``value`` to a register."""

    f: ClassVar[str] = "write"
    key: int
    value: int

    @property
    def partition_key(self) -> int | None:  # noqa: D102 - inherited
        return self.key

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return self.value


@dataclass(frozen=True, slots=True)
class Cas(Operation):
    """Set a register to ``new`` if it holds ``old``. When it does not, complete it with ``fail("not equal")``."""

    f: ClassVar[str] = "cas"
    key: int
    old: int
    new: int

    @property
    def partition_key(self) -> int | None:  # noqa: D102 - inherited
        return self.key

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return (self.old, self.new)


@dataclass(frozen=True, slots=True)
class Add(Operation):
    """Add ``element`` to the set."""

    f: ClassVar[str] = "add"
    element: int

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return self.element


@dataclass(frozen=True, slots=True)
class ReadAll(Operation):
    """Read every element of the set. Complete it with ``ok(tuple_of_elements)``, duplicates included."""

    f: ClassVar[str] = "read-all"
    only_observes: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Transfer(Operation):
    """Move ``amount`` from ``source`` to ``target``; ``fail("too little")`` where there is not so much to move."""

    f: ClassVar[str] = "transfer"
    source: int
    target: int
    amount: int

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return (self.source, self.target, self.amount)


@dataclass(frozen=True, slots=True)
class ReadBalances(Operation):
    """Read the balances of accounts 0 to ``accounts`` - 1 at one instant. Complete it with :meth:`show`."""

    f: ClassVar[str] = "read"
    only_observes: ClassVar[bool] = True
    accounts: int

    def show(self, balances: Mapping[int, int]) -> Completion:
        """It happened; ``balances`` has what each account held."""
        return self.ok(tuple(number for pair in sorted(balances.items()) for number in pair))


@dataclass(frozen=True, slots=True)
class Generate(Operation):
    """Hand out an id that nobody else gets. Complete it with ``ok(id)``."""

    f: ClassVar[str] = "generate"


@dataclass(frozen=True, slots=True)
class Increment(Operation):
    """Raise a number that starts at 0 by one. Complete it with what it became: ``ok(value)``."""

    f: ClassVar[str] = "inc"
    key: int

    @property
    def partition_key(self) -> int | None:  # noqa: D102 - inherited
        return self.key


@dataclass(frozen=True, slots=True)
class Enqueue(Operation):
    """Put ``element`` into the queue."""

    f: ClassVar[str] = "enqueue"
    element: int

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return self.element


@dataclass(frozen=True, slots=True)
class Dequeue(Operation):
    """Take an element out of the queue. Complete it with ``ok(element)``, or ``ok(None)`` when the queue was empty."""

    f: ClassVar[str] = "dequeue"


@dataclass(frozen=True, slots=True)
class Drain(Operation):
    """Take everything out of the queue. Complete it with ``ok(tuple_of_elements)``."""

    f: ClassVar[str] = "drain"


@dataclass(frozen=True, slots=True)
class Acquire(Operation):
    """Take a lock, or ``fail`` when somebody has it. Complete it with ``ok(token)``, or ``ok(None)`` without tokens."""

    f: ClassVar[str] = "acquire"
    key: int

    @property
    def partition_key(self) -> int | None:  # noqa: D102 - inherited
        return self.key


@dataclass(frozen=True, slots=True)
class Release(Operation):
    """Give a lock back; ``fail`` when this client does not have it."""

    f: ClassVar[str] = "release"
    key: int

    @property
    def partition_key(self) -> int | None:  # noqa: D102 - inherited
        return self.key


@dataclass(frozen=True, slots=True)
class Use(Operation):
    """Use what a lock protects, with the ``token`` of its holder; ``fail`` when it is not let in."""

    f: ClassVar[str] = "use"
    key: int
    token: int | None

    @property
    def partition_key(self) -> int | None:  # noqa: D102 - inherited
        return self.key

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return self.token
