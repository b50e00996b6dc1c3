"""Several checkers of one history: none hides another, and only those whose violations last are watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import All, Bank, SetFull, Stats, TotalQueue, UniqueIds, Validity, Verdict, watchable
from schrodinger.checkers.catalogue import CheckerChoice, several
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.history import History

TWICE = [("invoke", 0, "generate", None, None), ("ok", 0, "generate", None, 5)] * 2


@dataclass(frozen=True)
class Broken:
    """A checker that raises."""

    name: str = "broken"

    def check(self, history: History) -> Verdict:
        raise RuntimeError("no idea")


def test_a_violation_is_not_hidden_by_another_checker_that_raises_or_knows_nothing(tmp_path: Path) -> None:
    history = recorded(tmp_path / "history.arrow", ["generate"], TWICE)
    verdict = All((Broken(), TotalQueue(), UniqueIds())).check(history)
    assert verdict.validity is Validity.VIOLATION
    assert [part.checker for part in verdict.parts] == ["unique-ids", "broken", "total-queue"]
    assert any("RuntimeError: no idea" in reason for reason in verdict.reasons)


def test_checkers_that_find_nothing_together_find_nothing(tmp_path: Path) -> None:
    history = recorded(tmp_path / "history.arrow", ["generate"], TWICE[:2])
    assert All((Stats(), UniqueIds())).check(history).validity is Validity.VALID


@pytest.mark.parametrize("checkers", [(), (Stats(), Stats())])
def test_no_checkers_or_two_of_one_name_are_refused(checkers: tuple[Stats, ...]) -> None:
    with pytest.raises(ValueError, match="give at least one, each with its own name"):
        All(checkers)


def test_of_several_checkers_those_whose_violations_last_are_watched() -> None:
    assert watchable(All((TotalQueue(), UniqueIds(), All((Bank(), Stats()), name="more")))) == All(
        (UniqueIds(), All((Bank(),), name="more"))
    )
    assert watchable(All((TotalQueue(), Stats()))) is None
    assert watchable(SetFull(linearizable=False)) is None


def test_checkers_of_the_catalogue_take_together_what_each_of_them_knows() -> None:
    chosen = several(["log-pattern", "stats"], CheckerChoice(pattern="oops"))
    assert isinstance(chosen, All)
    assert [checker.name for checker in chosen.checkers] == ["log-pattern", "stats"]
    with pytest.raises(ValueError, match="none of the checkers bank, stats has a model"):
        several(["bank", "stats"], CheckerChoice(model="register"))
    with pytest.raises(ValueError, match="each with its own name"):
        several(["bank", "bank"], CheckerChoice())
