"""Invariants that one pass decides: unique ids, a counter, a bank, the elements of a queue. After Jepsen's checkers.

The work is native and linear (``schrodinger_native.check_unique_ids`` and its like). What nobody knows counts for the
database: an operation that ended ``info`` may have happened, one that failed did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schrodinger_native import check_bank, check_counter, check_total_queue, check_unique_ids

from schrodinger.checkers.deed import look_up, seconds
from schrodinger.checkers.malformed import malformed_verdict
from schrodinger.checkers.verdict import Anomaly, Validity, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger.history import History


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
        return _verdict(self.name, history, check_unique_ids(history.file, generate=self.generate))


@dataclass(frozen=True, slots=True)
class Counter:
    """Every read lies between what must have been added and what may have been; amounts may be negative.

    These bounds are necessary, not sufficient: a model of a counter in the search would decide linearizability.
    """

    initial: int = 0
    add: str = "add"
    read: str = "read"
    name: str = "counter"

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_counter(history.file, add=self.add, read=self.read, initial=self.initial)
        return _verdict(self.name, history, found)


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
        return _verdict(self.name, history, found)


@dataclass(frozen=True, slots=True)
class TotalQueue:
    """What was put into a queue comes out once, and nothing else does, in whatever order."""

    enqueue: str = "enqueue"
    dequeue: str = "dequeue"
    drain: str = "drain"
    name: str = "total-queue"

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_total_queue(history.file, enqueue=self.enqueue, dequeue=self.dequeue, drain=self.drain)
        return _verdict(self.name, history, found)


def _verdict(name: str, history: History, found: Mapping[str, Any]) -> Verdict:
    if found["verdict"] == "malformed":
        return malformed_verdict(name, found)
    anomalies = tuple(_anomaly(history, finding) for finding in found["findings"])
    return Verdict(
        validity=Validity(found["verdict"]),
        checker=name,
        reasons=(*(anomaly.summary for anomaly in anomalies), *found["doubts"]),
        anomalies=anomalies,
        statistics={
            "operations": found["operations"],
            "observations": found["observations"],
            **{finding["name"]: finding["count"] for finding in found["findings"]},
        },
    )


def _anomaly(history: History, finding: Mapping[str, Any]) -> Anomaly:
    """One kind of finding, told by its first cases."""
    cases = finding["first"]
    roles = {row: role for case in cases for row, role in zip(case["rows"], case["roles"], strict=False)}
    deeds = look_up(history.operations(), roles)
    told = cases[0]["told"]
    more = f"; {finding['count']:,} such cases" if finding["count"] > 1 else ""
    return Anomaly(
        name=finding["name"],
        summary=f"{told[0].upper()}{told[1:]}{more}.",
        story=(
            *(f"Process {deed.process} {roles[row]}, from {seconds(deed.start_ns)}." for row, deed in deeds.items()),
            *(f"{case['told'][0].upper()}{case['told'][1:]}." for case in cases[1:]),
        ),
        operations=tuple(deed.involved(roles[row]) for row, deed in deeds.items()),
    )
