"""Invariants of numbers: ids that are unique, sums that are kept, values that only grow. After Jepsen's checkers.

The work is native and linear (``schrodinger_native.check_unique_ids`` and its like). What nobody knows counts for the
database: an operation that ended ``info`` may have happened, one that failed did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schrodinger_native import check_bank, check_counter, check_long_fork, check_monotonic, check_unique_ids

from schrodinger.checkers.findings import verdict_of

if TYPE_CHECKING:
    from schrodinger.checkers.deed import Deed
    from schrodinger.checkers.verdict import Verdict
    from schrodinger.history import History

SHOWN_ACCOUNTS: Final = 12
"""As many as a line has room for."""


@dataclass(frozen=True, slots=True)
class UniqueIds:
    """No id is handed out twice."""

    generate: str = "generate"
    name: str = "unique-ids"

    @property
    def violations_are_final(self) -> bool:
        """What was handed out stays so."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        return verdict_of(self.name, history, check_unique_ids(history.file, generate=self.generate))


@dataclass(frozen=True, slots=True)
class Counter:
    """Every read lies between what must have been added and what may have been; amounts may be negative.

    These bounds are necessary, not sufficient: a model of a counter in the search would decide linearizability.
    """

    initial: int = 0
    add: str = "add"
    read: str = "read"
    name: str = "counter"

    @property
    def violations_are_final(self) -> bool:
        """The bounds of a read only become narrower as more is known of the adds."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_counter(history.file, add=self.add, read=self.read, initial=self.initial)
        return verdict_of(self.name, history, found)


@dataclass(frozen=True, slots=True)
class Bank:
    """Transfers move money, so every read of all balances adds up to the same total.

    Attributes:
        total: what they add up to; what the first read adds up to when left out.
        accounts: every account there is; any when left out.
        allow_negative: whether a balance may be below zero.
        read: what reading all balances is called.
        name: the name in verdicts.
    """

    total: int | None = None
    accounts: tuple[int, ...] | None = None
    allow_negative: bool = False
    read: str = "read"
    name: str = "bank"

    @property
    def violations_are_final(self) -> bool:
        """Each read is judged by itself."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        accounts = None if self.accounts is None else list(self.accounts)
        found = check_bank(
            history.file, read=self.read, total=self.total, accounts=accounts, allow_negative=self.allow_negative
        )
        return verdict_of(self.name, history, found, _balances)


def _balances(deed: Deed) -> str:
    """A read of all accounts, each with what it held: ``read → 0: 5, 1: 12``."""
    if deed.value is None:
        return deed.label
    pairs = list(zip(deed.value[::2], deed.value[1::2], strict=False))
    more = f", … ({len(pairs)} accounts)" if len(pairs) > SHOWN_ACCOUNTS else ""
    return f"{deed.f} → {', '.join(f'{account}: {held}' for account, held in pairs[:SHOWN_ACCOUNTS])}{more}"


@dataclass(frozen=True, slots=True)
class Monotonic:
    """A value that is incremented and never set back: whoever looks later sees no less.

    Attributes:
        sessions: compare only what one process sees with what it saw before, where reads may show an older state.
        increment: what raising the value is called; it completes with what the value became.
        read: what reading it is called.
        read_all: what reading every number that was handed out is called, in the order of the database's time stamps.
        name: the name in verdicts.
    """

    sessions: bool = False
    increment: str = "inc"
    read: str = "read"
    read_all: str = "read-all"
    name: str = "monotonic"

    @property
    def violations_are_final(self) -> bool:
        """Each observation is judged by those that had returned before."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_monotonic(
            history.file, increment=self.increment, read=self.read, read_all=self.read_all, sessions=self.sessions
        )
        return verdict_of(self.name, history, found)


@dataclass(frozen=True, slots=True)
class LongFork:
    """Reads of the same keys, each written once, agree on the order of the writes.

    Transactions are called ``transaction``, or, as in Jepsen, those that read ``read`` and those that write ``write``.
    """

    transaction: str = "txn"
    read: str = "read"
    write: str = "write"
    name: str = "long-fork"

    @property
    def violations_are_final(self) -> bool:
        """Two reads that disagree do so for ever."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_long_fork(history.file, transaction=self.transaction, read=self.read, write=self.write)
        return verdict_of(self.name, history, found)
