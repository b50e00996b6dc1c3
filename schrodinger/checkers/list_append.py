"""Isolation, seen through lists: transactions read lists and append unique elements to them.

A read shows every append before it, in order, so the dependencies between transactions follow from what was read, and
a cycle of dependencies is an anomaly. After Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from
Experimental Observations" (VLDB 2020). The work is native (``schrodinger_native.check_append``) and linear in the
history; only the search for short cycles has a budget. The verdict is against one consistency model, and the
statistics say which models are ruled out and which still hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schrodinger_native import check_append

from schrodinger.checkers.malformed import malformed_verdict
from schrodinger.checkers.transaction_story import transaction_anomalies
from schrodinger.checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schrodinger.history import History

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
        """Reads never unread anything: what depends on what only grows with the history."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history. Raises ValueError when no consistency model has the name."""
        found = check_append(
            history.file, consistency=self.consistency, transaction=self.transaction, max_search=self.max_search
        )
        if found["verdict"] == "malformed":
            return malformed_verdict(self.name, found)
        anomalies = transaction_anomalies(history.operations(), found)
        validity = Validity(found["verdict"])
        return Verdict(
            validity=validity,
            checker=self.name,
            reasons=tuple(_reasons(found, validity)),
            anomalies=anomalies if validity is Validity.VIOLATION else (),
            statistics={name: found[name] for name in _STATISTICS}
            | {"anomalies": {anomaly["name"]: anomaly["count"] for anomaly in found["anomalies"]}},
        )


def _reasons(found: Mapping[str, Any], validity: Validity) -> Iterator[str]:
    if validity is Validity.VIOLATION:
        names = ", ".join(anomaly["name"] for anomaly in found["anomalies"])
        yield f"the history is not {found['consistency']}: it has {names}"
        yield f"what still holds: {', '.join(found['holds']) or 'no model of the lattice'}"
    yield from found["warnings"]
