"""Availability: once faults are healed, operations succeed again, within a bound.

The calm of a run is when no fault is in force: before the first, between one and the next, after the last, each from
the latest moment that a heal may have taken to the earliest that the next fault may have begun. In every calm a
database has ``within_ns`` to recover; from then on, and in a calm without a fault before it from the start, it never
lets as long pass again in which operations are invoked and none of its functions' operations completes ok.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from schrodinger.checkers.deed import Deed, deeds, lapse, seconds, several
from schrodinger.checkers.verdict import Anomaly, Validity, Verdict
from schrodinger.history import MAIN_PHASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from schrodinger.history import History


class Calm(NamedTuple):
    """A stretch without a fault, and whether one was healed at its beginning."""

    begin_ns: int
    end_ns: int
    after_fault: bool


@dataclass(frozen=True, slots=True)
class Availability:
    """No calm of the run has a gap longer than ``within_ns`` in which a function was tried often and never succeeded.

    Attributes:
        within_ns: how long recovery may take, and how long any later gap may last.
        least: how many operations must have been invoked in the calm, ``within_ns`` before the gap's end, for it to
            count: a few compare-and-sets in a row may well be refused.
        name: the name in verdicts.
    """

    within_ns: int = 10_000_000_000
    least: int = 10
    name: str = "availability"

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        operations = history.worded_operations()
        calms = list(_calms(history, operations))
        long_enough = [calm for calm in calms if calm.end_ns - calm.begin_ns > self.within_ns]
        anomalies = tuple(self._gaps(operations, long_enough))
        recoveries = sorted(_recoveries(operations, calms))
        reasons = [anomaly.summary for anomaly in anomalies]
        if not long_enough:
            bound = lapse(self.within_ns)
            reasons.append(f"no part of the run was without a fault for longer than {bound}, so nothing had to succeed")
        validity = Validity.VIOLATION if anomalies else Validity.UNKNOWN if reasons else Validity.VALID
        statistics: dict[str, Any] = {"calms": len(calms), "judged": len(long_enough), "recovered": len(recoveries)}
        if recoveries:
            statistics |= {
                "median_recovery_ns": recoveries[len(recoveries) // 2],
                "longest_recovery_ns": recoveries[-1],
            }
        return Verdict(
            validity=validity,
            checker=self.name,
            reasons=tuple(reasons),
            anomalies=anomalies,
            statistics=statistics,
        )

    def _gaps(self, operations: polars.DataFrame, calms: list[Calm]) -> Iterator[Anomaly]:
        for calm in calms:
            for f, invoked in _invoked_in(operations, calm).group_by("f", maintain_order=True):
                ok = invoked.filter(invoked["type"] == "ok")["end_ns"].sort().to_list()
                for begin, end in pairwise([calm.begin_ns, *ok, calm.end_ns]):
                    tried = invoked.filter(invoked["start_ns"].is_between(begin, end - self.within_ns))
                    if end - begin > self.within_ns and tried.height >= self.least:
                        yield _anomaly(str(f[0]), begin, end, calm, deeds(tried.head(3)), tried.height)


def _calms(history: History, operations: polars.DataFrame) -> Iterator[Calm]:
    """The stretches without a fault, from the main phase's begin (or the first operation) to the last operation."""
    if operations.is_empty():
        return
    ends = operations["end_ns"].drop_nulls().sort()
    first, last = operations["start_ns"].sort()[0], ends[-1] if len(ends) else None
    begin, after_fault = history.phases().get(MAIN_PHASE, first), False
    for fault in sorted(history.faults(), key=lambda fault: fault.begin_ns - fault.begin_uncertainty_ns):
        begins = fault.begin_ns - fault.begin_uncertainty_ns
        if begins > begin:
            yield Calm(begin, begins, after_fault)
        if fault.end_ns is None:
            return
        begin, after_fault = max(begin, fault.end_ns), True
    if last is not None and last > begin:
        yield Calm(begin, last, after_fault)


def _invoked_in(operations: polars.DataFrame, calm: Calm) -> polars.DataFrame:
    return operations.filter(operations["start_ns"].is_between(calm.begin_ns, calm.end_ns))


def _recoveries(operations: polars.DataFrame, calms: list[Calm]) -> Iterator[int]:
    """From each heal until the first operation succeeded that was invoked after it."""
    for calm in calms:
        if calm.after_fault:
            invoked = _invoked_in(operations, calm)
            ok = invoked.filter(invoked["type"] == "ok")["end_ns"].to_list()
            if ok:
                yield min(ok) - calm.begin_ns


def _anomaly(f: str, begin: int, end: int, calm: Calm, tried: list[Deed], count: int) -> Anomaly:
    since = f", {lapse(begin - calm.begin_ns)} after the last fault was healed" if calm.after_fault else ""
    return Anomaly(
        name="unavailable",
        summary=f"No {f} succeeded for {lapse(end - begin)} although no fault was in force.",
        story=(
            f"From {seconds(begin)}{since}, until {seconds(end)} no {f} succeeded.",
            f"{several(count, f'{f} was', f'{f} operations were')} invoked early enough, the first by process"
            f" {tried[0].process} at {seconds(tried[0].start_ns)}; it ended {tried[0].type}.",
        ),
        operations=tuple(deed.involved("should have succeeded") for deed in tried),
    )
