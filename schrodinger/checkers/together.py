"""Several checkers of one history: each judges it, and the gravest verdict is the verdict."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schrodinger.checkers.verdict import Online, Validity, Verdict, combine

if TYPE_CHECKING:
    from schrodinger.checkers.verdict import Checker
    from schrodinger.history import History


@dataclass(frozen=True, slots=True)
class All:
    """Judges by each of ``checkers``; what one of them does never hides what another finds.

    Raises:
        ValueError: there are none, or two have one name.
    """

    checkers: tuple[Checker, ...]
    name: str = "all"

    def __post_init__(self) -> None:
        names = [checker.name for checker in self.checkers]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"checkers are {names}; give at least one, each with its own name")

    @property
    def violations_are_final(self) -> bool:
        """Only where those of every checker are."""
        return all(isinstance(checker, Online) and checker.violations_are_final for checker in self.checkers)

    def check(self, history: History) -> Verdict:
        """The verdicts of all, combined by precedence."""
        return combine((guarded(checker, history) for checker in self.checkers), checker=self.name)


def guarded(checker: Checker, history: History) -> Verdict:
    """What ``checker`` concludes. One that raises proves nothing, and says so with its trace."""
    try:
        return checker.check(history)
    except Exception:
        return Verdict(
            validity=Validity.INFRASTRUCTURE_ERROR,
            checker=checker.name,
            reasons=(f"checker {checker.name} raised:\n{traceback.format_exc()}",),
        )


def watchable(checker: Checker) -> Online | None:
    """What of ``checker`` can judge a history that is still being written: of several those whose violations last."""
    if isinstance(checker, All):
        parts = tuple(part for each in checker.checkers if (part := watchable(each)) is not None)
        return replace(checker, checkers=parts) if parts else None
    return checker if isinstance(checker, Online) and checker.violations_are_final else None
