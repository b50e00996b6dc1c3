"""Counts by function and outcome. A function that never succeeded tested nothing. After Jepsen's ``stats``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schrodinger.checkers.deed import several
from schrodinger.checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from schrodinger.history import History


@dataclass(frozen=True, slots=True)
class Stats:
    """Unknown when some function was invoked and never succeeded, or nothing was invoked at all."""

    name: str = "stats"

    def check(self, history: History) -> Verdict:
        """Count the whole history."""
        outcomes = history.worded_operations().select("f", "type")
        counts = {(f, end): count for f, end, count in outcomes.group_by("f", "type").len().iter_rows()}
        functions = {
            f: {end: counts.get((f, end), 0) for end in ("ok", "fail", "info")} for f in sorted({f for f, _ in counts})
        }
        reasons = [
            f"none of {several(total, f'{f} operation')} succeeded" if total > 1 else f"the only {f} did not succeed"
            for f, counts in functions.items()
            if not counts["ok"] and (total := sum(counts.values()))
        ]
        if not functions:
            reasons.append("no operation was invoked")
        return Verdict(
            validity=Validity.UNKNOWN if reasons else Validity.VALID,
            checker=self.name,
            reasons=tuple(reasons),
            statistics={"operations": outcomes.height, "functions": functions},
        )
