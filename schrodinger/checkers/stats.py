"""Counts by function and outcome. A function that never succeeded tested nothing. After Jepsen's ``stats``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars

from schrodinger.checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from schrodinger.history import History


@dataclass(frozen=True, slots=True)
class Stats:
    """Unknown when some function was invoked and never succeeded, or nothing was invoked at all."""

    name: str = "stats"

    def check(self, history: History) -> Verdict:
        """Count the whole history."""
        outcomes = history.operations().select(polars.col("f", "type").cast(polars.String))
        counted = outcomes.group_by("f").agg(
            (polars.col("type") == type_).sum().alias(type_) for type_ in ("ok", "fail", "info")
        )
        functions = {row.pop("f"): row for row in counted.sort("f").iter_rows(named=True)}
        reasons = [
            f"none of {sum(counts.values()):,} {f} operations succeeded"
            for f, counts in functions.items()
            if not counts["ok"]
        ]
        if not functions:
            reasons.append("no operation was invoked")
        return Verdict(
            validity=Validity.UNKNOWN if reasons else Validity.VALID,
            checker=self.name,
            reasons=tuple(reasons),
            statistics={"operations": outcomes.height, "functions": functions},
        )
