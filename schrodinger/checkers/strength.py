"""Strength: could this run have found anything? A run too weak to fail is not valid, it is unknown.

Ways to be weak, each with its bound: too few operations succeeded before, during or after the faults; a function
hardly ever succeeded; a fault had no effect; a final operation never succeeded; a fault was planned and none was in
force; no two operations were ever under way at once. After etcd's robustness tests, which fail a run whose traffic was
too thin to have exposed anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schrodinger.checkers.deed import several
from schrodinger.checkers.verdict import Validity, Verdict
from schrodinger.history import FINAL_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars

    from schrodinger.history import FaultInterval, History

LEAST_OPERATIONS: Final = 10
"""In each part of a run: fewer can't show a stale read with any likelihood, and every serious workload has hundreds."""
OFTEN: Final = 50
"""A function that was invoked this often should have succeeded once."""
SURE_TO_MEET: Final = 30
"""So many meetings of two operations that there should have been, by their number and lengths: of clients that invoke
independently one in e^30 runs has none. A client that blocks the event loop has none in any."""
STOPS: Final = frozenset({"kill", "pause", "power-loss", "terminate"})
"""Faults of which a node does nothing until they are over."""
WRECKS: Final = frozenset({"file-damage", "roll-back", "lying-sync"})
"""Faults after which a database may never start again: they end, and what they have done to its files does not."""
FINAL_FAILED: Final = "final operations never succeeded"
"""In the reason why a run is unknown, the runner's or ours."""


@dataclass(frozen=True, slots=True)
class Strength:
    """See the module.

    Attributes:
        planned_faults: how many events the plan's schedule has.
        nodes: how many nodes there are. While a fault stops all of them nobody can do anything, nor has to.
        clients: how many there were at a time; below two nobody expects operations at once.
        final: whether to look at the final operations; not where the runner has told of those that never succeeded.
    """

    planned_faults: int = 0
    nodes: int = 0
    clients: int = 0
    final: bool = True
    name: str = "strength"

    def check(self, history: History) -> Verdict:
        """Valid when the run could have found something, unknown with every reason otherwise."""
        operations, faults, phases = history.worded_operations(), history.faults(), history.phases()
        reasons = [
            *self._thin(operations, faults),
            *_never_succeeded(operations),
            *_without_effect(faults),
            *_never_met(operations, self.clients),
            *(_final_failed(operations, phases.get(FINAL_OPERATIONS)) if self.final else ()),
        ]
        if self.planned_faults and not faults:
            reasons.append(f"none of the {self.planned_faults} planned faults was ever in force")
        statistics = {"operations": operations.height, "faults": len(faults), "planned_faults": self.planned_faults}
        validity = Validity.UNKNOWN if reasons else Validity.VALID
        return Verdict(validity=validity, checker=self.name, reasons=tuple(reasons), statistics=statistics)

    def _thin(self, operations: polars.DataFrame, faults: tuple[FaultInterval, ...]) -> Iterator[str]:
        ok = operations.filter(operations["type"] == "ok")
        if not faults:
            yield from _too_few(ok.height, "succeeded in the whole run")
            return
        first = min(fault.begin_ns - fault.begin_uncertainty_ns for fault in faults)
        ends = [fault.end_ns for fault in faults if fault.end_ns is not None]
        yield from _too_few(ok.filter(ok["end_ns"] < first).height, "succeeded before the first fault")
        if not all(fault.kind in STOPS and len(fault.nodes) == self.nodes for fault in faults):
            during = operations.filter(_invoked_during(operations, faults))
            yield from _too_few(during.height, "began while a fault was in force")
        if len(ends) < len(faults):
            yield "a fault was never healed, so nothing is known of the time after it"
        else:
            yield from _too_few(ok.filter(ok["start_ns"] > max(ends)).height, "succeeded after the last fault")


def _invoked_during(operations: polars.DataFrame, faults: tuple[FaultInterval, ...]) -> polars.Series:
    """While a fault was surely in force; or while it began, by an operation whose end is unknown: it has met it."""
    unknown, start = operations["type"] == "info", operations["start_ns"]
    during = start.is_null()
    for fault in faults:
        inside = (start >= fault.begin_ns) | unknown & (start >= fault.begin_ns - fault.begin_uncertainty_ns)
        during |= inside if fault.end_ns is None else inside & (start < fault.end_ns)
    return during


def _too_few(count: int, what: str) -> Iterator[str]:
    if count < LEAST_OPERATIONS:
        yield f"too weak: only {several(count, 'operation')} {what} (at least {LEAST_OPERATIONS} are needed)"


def _never_succeeded(operations: polars.DataFrame) -> Iterator[str]:
    succeeded = set(operations.filter(operations["type"] == "ok")["f"].unique())
    for f, invoked in operations.group_by("f").len().sort("f").iter_rows():
        if invoked >= OFTEN and f not in succeeded:
            yield f"too weak: none of {invoked} {f} operations succeeded"


def _never_met(operations: polars.DataFrame, clients: int) -> Iterator[str]:
    """Operations one after the other, whoever does them: what goes wrong between two of them was not tried."""
    ended = operations.filter(operations["type"] != "info", operations["end_ns"].is_not_null()).sort("start_ns")
    if clients < 2 or ended.is_empty():
        return
    start, end = ended["start_ns"], ended["end_ns"]
    if (start < end.cum_max().shift(1)).any():
        return
    busy = (end - start).sum() / max(end[-1] - start[0], 1)
    if ended.height * busy * (clients - 1) / clients >= SURE_TO_MEET:
        yield (
            f"too weak: no two of {ended.height} operations of {clients} clients were ever under way at once; a driver "
            "that blocks? Call it by asyncio.to_thread"
        )


def _without_effect(faults: tuple[FaultInterval, ...]) -> Iterator[str]:
    """A fault that nothing noticed, unless another one explains it: there is nothing to pause on one that is down."""
    for fault in faults:
        if fault.affected == 0 and not fault.error and not any(_hinders(other, fault) for other in faults):
            yield f"too weak: {fault.description} had no effect: there was nothing for it to affect"


def _hinders(other: FaultInterval, fault: FaultInterval) -> bool:
    if other is fault or other.begin_ns > fault.begin_ns or not set(other.nodes) & set(fault.nodes):
        return False
    lasts = other.end_ns is None or other.end_ns >= fault.begin_ns
    return lasts or (other.kind in WRECKS and other.affected > 0)


def _final_failed(operations: polars.DataFrame, final_ns: int | None) -> Iterator[str]:
    if final_ns is None:
        return
    final = operations.filter(operations["start_ns"] >= final_ns)
    asked = dict.fromkeys(final.select("f", "key").iter_rows())
    succeeded = set(final.filter(final["type"] == "ok").select("f", "key").iter_rows())
    failed = [one for one in asked if one not in succeeded]
    if failed:
        f, key = failed[0]
        which = f if key is None else f"{f} of key {key}"
        yield f"{len(failed)} of {len(asked)} {FINAL_FAILED}, the first a {which}"
