"""The verdict on a history that makes no sense: unknown, with the rows and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.checkers.deed import several
from schrodinger.checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from schrodinger_native.results import Malformed


def malformed_verdict(checker: str, found: Malformed) -> Verdict:
    """From what a native checker returns when its ``verdict`` is ``malformed``. Nothing is guessed or repaired."""
    problems = found["problems"]
    reasons = [f"the history is malformed at {problem}" for problem in problems]
    if found["problem_count"] > len(problems):
        reasons.append(f"and at {several(found['problem_count'] - len(problems), 'more row')}")
    return Verdict(
        validity=Validity.UNKNOWN,
        checker=checker,
        reasons=tuple(reasons),
        statistics={"malformed_rows": found["problem_count"]},
    )
