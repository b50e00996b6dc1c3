"""Isolation of transactions, seen through lists that they append to, or through registers that they write.

A read of a list shows every append before it, in order, so the dependencies between transactions follow from what was
read, and a cycle of dependencies is an anomaly. Registers show less, and the order of writes is inferred. After
Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations" (VLDB 2020).

The work is native (``schrodinger_native.check_append``, ``check_rw_register``) and linear in the history; only the
search for short cycles has a budget. The verdict is against one consistency model, and the statistics say which models
are ruled out and which still hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

from schrodinger_native import check_append, check_rw_register, rules_out
from schrodinger_native.results import Inference

from schrodinger.checkers.malformed import malformed_verdict
from schrodinger.checkers.transaction_story import transaction_anomalies
from schrodinger.checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_native.results import Isolation, Malformed

    from schrodinger.history import History

INFERENCES: Final[tuple[Inference, ...]] = get_args(Inference)
_STATISTICS = ("consistency", "transactions", "keys", "edges", "not", "also_not", "holds", "search")


@dataclass(frozen=True, slots=True)
class ListAppend:
    """Transactions over lists satisfy a consistency model.

    Attributes:
        consistency: the promise; ``schrodinger_native.consistency_models()`` has all names.
        max_search: how many edges the search for a short cycle may look at, for each class of anomaly.
        transaction: what transactions are called in the history.
        name: the name in verdicts.
    """

    consistency: str = "strict-serializable"
    max_search: int = 5_000_000
    transaction: str = "txn"
    name: str = "list-append"

    @property
    def violations_are_final(self) -> bool:
        """Reads never unread anything: what depends on what only grows with the history (see ``provisional``)."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history. Raises ValueError when no consistency model has the name."""
        found = check_append(
            history.file, consistency=self.consistency, transaction=self.transaction, max_search=self.max_search
        )
        return _verdict(self.name, history, found, of_registers=False)


@dataclass(frozen=True, slots=True)
class RwRegister:
    """Transactions over registers satisfy a consistency model; each value is written to a key only once.

    A register does not show the order of writes, so it is inferred: what a transaction read is older than what it
    wrote, and whatever ``inferences`` assume. When nothing can be inferred the verdict is *unknown*.

    Attributes:
        consistency: the promise; ``schrodinger_native.consistency_models()`` has all names.
        inferences: any of ``initial-state`` (nobody writes what a key holds at first), ``database-versions`` (the
            numbers that the database tells, where the history has some, grow with the versions of a key),
            ``sequential-keys`` (each process sees a key's versions in order), ``linearizable-keys`` (what was touched
            by who had completed is not later than what is touched by who began afterwards).
        max_search: how many edges the search for a short cycle may look at, for each class of anomaly.
        transaction: what transactions are called in the history.
        name: the name in verdicts.
    """

    consistency: str = "strict-serializable"
    inferences: tuple[Inference, ...] = ("initial-state", "database-versions")
    max_search: int = 5_000_000
    transaction: str = "txn"
    name: str = "rw-register"

    @property
    def violations_are_final(self) -> bool:
        """Reads never unread anything: what depends on what only grows with the history (see ``provisional``)."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history. Raises ValueError when no consistency model, or no inference, has the name."""
        found = check_rw_register(
            history.file,
            consistency=self.consistency,
            inferences=list(self.inferences),
            transaction=self.transaction,
            max_search=self.max_search,
        )
        return _verdict(self.name, history, found, of_registers=True)


def _verdict(name: str, history: History, found: Isolation | Malformed, *, of_registers: bool) -> Verdict:
    if found["verdict"] == "malformed":
        return malformed_verdict(name, found)
    anomalies = transaction_anomalies(history.operations(), found, of_registers=of_registers)
    validity = Validity(found["verdict"])
    return Verdict(
        validity=validity,
        checker=name,
        reasons=tuple(_reasons(found, validity)),
        anomalies=anomalies if validity is Validity.VIOLATION else (),
        statistics={field: value for field, value in found.items() if field in _STATISTICS}
        | {"anomalies": {anomaly["name"]: anomaly["count"] for anomaly in found["anomalies"]}},
        provisional=validity is Validity.VIOLATION and _may_be_explained(found),
    )


def _may_be_explained(found: Isolation) -> bool:
    """What was read and never written may yet be written: a model without real time then allows the read."""
    names = [anomaly["name"] for anomaly in found["anomalies"]]
    return all(name == "garbage-read" or not rules_out(found["consistency"], name) for name in names)


def _reasons(found: Isolation, validity: Validity) -> Iterator[str]:
    if validity is Validity.VIOLATION:
        promise = found["consistency"]
        names = [anomaly["name"] for anomaly in found["anomalies"]]
        broken = [name for name in names if rules_out(promise, name)]
        allowed = [name for name in names if name not in broken]
        besides = f" ({', '.join(allowed)} besides, which it allows)" if allowed and broken else ""
        yield f"the history is not {promise}: it has {', '.join(broken or allowed)}{besides}"
        yield f"what still holds: {', '.join(found['holds']) or 'no model of the lattice'}"
    elif validity is Validity.VALID and found["anomalies"]:
        seen = ", ".join(anomaly["name"] for anomaly in found["anomalies"])
        yield f"{found['consistency']} allows what was seen: {seen}"
        yield f"what holds: {', '.join(found['holds'])}"
    yield from found["warnings"]
