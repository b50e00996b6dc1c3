"""A grow-only set: what was acknowledged is there, from then on or in the end.

``SetFull`` judges every read of a set of unique elements, after Jepsen's ``set-full``: lost, stale, never-read,
unexpected, duplicated and recovered elements, in time linear in all that was read. The final reads are nothing special,
only the last ones; without a read that began after the last acknowledged add, nothing is proven and the verdict is
*unknown*. ``FinalSet`` judges the last read alone, after Jepsen's ``set``, for databases that promise nothing before.
Where operations have keys, each key is a set of its own.

The work is native (``schrodinger_native.check_set`` and ``check_final_set``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from schrodinger_native import check_final_set, check_set

from schrodinger.checkers.deed import listed
from schrodinger.checkers.findings import verdict_of
from schrodinger.checkers.malformed import malformed_verdict
from schrodinger.checkers.set_story import named, set_anomalies
from schrodinger.checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_native.results import SetContents

    from schrodinger.checkers.verdict import Anomaly
    from schrodinger.history import History

Kind: TypeAlias = Literal["lost", "stale", "unexpected", "duplicated", "never_read", "recovered"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""What elements are counted as, beside those that are where they must be."""

_STATISTICS = ("attempts", "acknowledged", "reads", "stable")


@dataclass(frozen=True, slots=True)
class SetFull:
    """Every acknowledged element is in the set, none is there twice, and none that nobody added.

    Attributes:
        linearizable: a read must see every element that was known before it began; if not, elements may become visible
            late, as long as they are there in the end.
        add: what adding an element is called in the history.
        read: what reading all elements is called.
        name: the name in verdicts.
    """

    linearizable: bool = True
    add: str = "add"
    read: str = "read-all"
    name: str = "set-full"

    @property
    def violations_are_final(self) -> bool:
        """An element that one read misses may still come, unless it had to be there for that read."""
        return self.linearizable

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_set(history.file, add=self.add, read=self.read, linearizable=self.linearizable)
        if found["verdict"] == "malformed":
            return malformed_verdict(self.name, found)
        validity = Validity(found["verdict"])
        anomalies: tuple[Anomaly, ...] = ()
        if validity is Validity.VIOLATION:
            anomalies = tuple(set_anomalies(history.operations(), found, linearizable=self.linearizable))
        is_timed = history.duration_ns is not None
        return Verdict(
            validity=validity,
            checker=self.name,
            reasons=tuple(anomaly.summary for anomaly in anomalies) + tuple(_doubts(found)),
            anomalies=anomalies,
            statistics={
                **{name: value for name, value in found.items() if name in _STATISTICS},
                "stale_latencies_ns": found["stale_latencies_ns"] if is_timed else None,
                "lost_latencies_ns": found["lost_latencies_ns"] if is_timed else None,
                **{name: found[name]["count"] for name in KINDS},
            },
        )


@dataclass(frozen=True, slots=True)
class FinalSet:
    """Every element that was acknowledged before the last read began is in it, once, and none that nobody added."""

    add: str = "add"
    read: str = "read-all"
    name: str = "set"

    def check(self, history: History) -> Verdict:
        """Judge the last read."""
        return verdict_of(self.name, history, check_final_set(history.file, add=self.add, read=self.read))


def _doubts(found: SetContents) -> Iterator[str]:
    if found["acknowledged"] == 0:
        yield "no add was acknowledged, so nothing could be lost"
    elif found["reads"] == 0:
        yield "no read completed ok, so nothing was observed"
    elif not found["final_read"]:
        yield "no read that began after the last acknowledged add completed ok"
    never = found["never_read"]
    if never["count"]:
        which = listed((named(entry) for entry in never["first"]), never["count"])
        were = "element was" if never["count"] == 1 else "elements were"
        yield f"{never['count']:,} acknowledged {were} never read: {which}"
