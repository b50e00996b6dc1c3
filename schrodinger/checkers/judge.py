"""From a history to the verdict of the run: the workload's checker, the run's strength, and the machinery's health."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from schrodinger.checkers.together import All, guarded
from schrodinger.checkers.verdict import Validity, Verdict, combine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schrodinger.checkers.verdict import Checker
    from schrodinger.history import History


def judge(
    history: History, checker: Checker, events: Iterable[Mapping[str, Any]] = (), strength: Checker | None = None
) -> Verdict:
    """The verdict on a whole run, or on a history alone. A checker that raises proves nothing, and says so.

    ``events`` are what the runner did and met; ``strength`` judges whether the run could have found anything.

    Of what leaves it unknown the machinery's reasons come first, before what was not observed and that it was weak: an
    interruption, or a database that ended, is why.
    """
    judges = checker.checkers if isinstance(checker, All) else (checker,)
    health, verdicts = machinery(history, events), [guarded(each, history) for each in judges]
    verdicts.insert(len(verdicts) if health.validity is Validity.VALID else 0, health)
    if strength is not None:
        verdicts.append(guarded(strength, history))
    return combine(verdicts)


def machinery(history: History | None, events: Iterable[Mapping[str, Any]]) -> Verdict:
    """Whether all but the database worked: runner, clients, and faults; and whether the whole record can be read."""
    found: dict[Validity, list[str]] = {Validity.INFRASTRUCTURE_ERROR: [], Validity.UNKNOWN: []}
    for event in events:
        if event["kind"] == "error":
            found[Validity(event["validity"])].append(event["message"])
    if history is not None:
        errors = [f"{fault.description}: {fault.error}" for fault in history.faults() if fault.error]
        found[Validity.INFRASTRUCTURE_ERROR] += [error for error in errors if not _mentioned(error, found)]
        found[Validity.UNKNOWN] += [f"the history is malformed at {problem}" for problem in history.fault_problems()]
        if history.damage is not None:
            found[Validity.UNKNOWN].append(f"the end of the history is missing: {history.damage}")
    parts = [
        Verdict(validity=validity, checker="machinery", reasons=_counted(reasons))
        for validity, reasons in found.items()
        if reasons
    ]
    return combine(parts or [Verdict(validity=Validity.VALID, checker="machinery")], checker="machinery")


def _counted(reasons: Iterable[str]) -> tuple[str, ...]:
    """Each reason once, with how often it came up: a database that can't start says so at every attempt."""
    return tuple(reason if times == 1 else f"{times} times: {reason}" for reason, times in Counter(reasons).items())


def _mentioned(error: str, found: Mapping[Validity, list[str]]) -> bool:
    return any(error in reason for reasons in found.values() for reason in reasons)
