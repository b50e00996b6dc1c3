"""What one pass over a history found, as a verdict: the native checkers of invariants all report in one form.

Each finding has a name, how often it came up, and its first cases: the rows that take part, what each did, and a
sentence. A doubt is why a history without findings proves less than it seems.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from schrodinger.checkers.deed import look_up
from schrodinger.checkers.malformed import malformed_verdict
from schrodinger.checkers.verdict import Anomaly, Validity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schrodinger_native.results import Finding, Invariant, Malformed

    from schrodinger.checkers.deed import Deed
    from schrodinger.history import History


def verdict_of(
    checker: str,
    history: History,
    found: Invariant | Malformed,
    label: Callable[[Deed], str] = attrgetter("label"),
) -> Verdict:
    """The verdict of ``checker`` on ``history``, from what its native part ``found``; ``label`` tells an operation."""
    if found["verdict"] == "malformed":
        return malformed_verdict(checker, found)
    anomalies = tuple(_anomaly(history, finding, label) for finding in found["findings"])
    return Verdict(
        validity=Validity(found["verdict"]),
        checker=checker,
        reasons=(*(anomaly.summary for anomaly in anomalies), *found["doubts"]),
        anomalies=anomalies,
        statistics={
            "operations": found["operations"],
            "observations": found["observations"],
            **found["counts"],
            **{finding["name"]: finding["count"] for finding in found["findings"]},
        },
    )


def _anomaly(history: History, finding: Finding, label: Callable[[Deed], str]) -> Anomaly:
    """One kind of finding: its first case in full, the others by who met them, when, and a sentence."""
    first, *others = finding["first"]
    deeds = look_up(history.operations(), [row for case in finding["first"] for row in case["rows"]])
    told = [(deeds[row], role) for row, role in zip(first["rows"], first["roles"], strict=True)]
    more = f"; {finding['count']:,} such cases" if finding["count"] > 1 else ""
    return Anomaly(
        name=finding["name"],
        summary=f"{_capitalised(first['told'])}{more}.",
        story=(
            *(f"Process {deed.process} {role}: {label(deed)}, {_when(deed)}." for deed, role in told),
            *(_also([deeds[row] for row in case["rows"]], case["told"]) for case in others),
        ),
        operations=tuple(replace(deed.involved(role), label=label(deed)) for deed, role in told),
    )


def _also(of: Sequence[Deed], told: str) -> str:
    """One more case in a sentence: the operation that showed it is the last; of some there is none."""
    if not of:
        return f"{_capitalised(told)}."
    return f"Process {of[-1].process}, {_when(of[-1])}: {told}."


def _when(deed: Deed) -> str:
    """Both ends: what was asked for before a fault may have been acknowledged in it."""
    return f"from {deed.began}" + ("" if deed.ended is None else f" to {deed.ended}")


def _capitalised(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
