"""Sequential consistency and session guarantees from Python: verdicts, names, sentences, options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from schrodinger.checkers import Sequential, SessionGuarantees, Validity
from schrodinger.checkers.catalogue import CheckerChoice, named
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schrodinger.history import History


def history(path: Path, *operations: tuple[int, str, int, int | None]) -> History:
    """Operations one after the other, all ok: the process, the function, the key, and the value or nil."""

    def events() -> Iterator[tuple[Any, ...]]:
        for process, f, key, value in operations:
            yield "invoke", process, f, key, None if f == "read" else value
            yield "ok", process, f, key, value

    return recorded(path, ["read", "write", "cas"], events())


def test_writes_seen_in_the_wrong_order_are_told_with_who_saw_them(tmp_path: Path) -> None:
    swapped = history(tmp_path / "h", (0, "write", 7, 1), (0, "write", 7, 2), (1, "read", 7, 2), (1, "read", 7, 1))
    verdict = SessionGuarantees().check(swapped)
    assert verdict.validity is Validity.VIOLATION
    assert [anomaly.name for anomaly in verdict.anomalies] == ["monotonic-reads+monotonic-writes"]
    assert verdict.anomalies[0].summary == (
        "1 of key 7 is before 2 of key 7, for one process wrote the one and then the other; "
        "2 of key 7 is before 1 of key 7, for one process read the one and then the other."
    )
    assert len(verdict.anomalies[0].operations) == 4
    assert Sequential().check(swapped).validity is Validity.VIOLATION
    assert SessionGuarantees(("monotonic-reads",)).check(swapped).validity is Validity.VALID


def test_a_stale_read_is_sequential_and_a_store_buffer_is_not(tmp_path: Path) -> None:
    stale = history(tmp_path / "stale", (0, "write", 1, 1), (1, "read", 1, None), (1, "read", 1, 1))
    assert Sequential().check(stale).validity is Validity.VALID
    buffer = ((0, "write", 1, 1), (0, "read", 2, None), (1, "write", 2, 2), (1, "read", 1, None))
    verdict = Sequential().check(history(tmp_path / "buffer", *buffer))
    assert [anomaly.name for anomaly in verdict.anomalies] == ["not-sequential"]
    assert "write of 1 to key 1 is before the read of nil from key 2" in verdict.anomalies[0].summary
    assert SessionGuarantees().check(history(tmp_path / "again", *buffer)).validity is Validity.VALID


def test_monotonic_writes_alone_can_not_be_refuted_and_that_is_said(tmp_path: Path) -> None:
    verdict = SessionGuarantees(("monotonic-writes",)).check(
        history(tmp_path / "h", (0, "write", 1, 1), (1, "read", 1, 1))
    )
    assert verdict.validity is Validity.UNKNOWN
    assert "ask for monotonic-reads with it" in verdict.reasons[0]


def test_guarantees_are_chosen_by_name_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    checker = named("session-guarantees", CheckerChoice(guarantees=("read-your-writes",)))
    forgets = history(tmp_path / "h", (0, "write", 1, 1), (0, "read", 1, None))
    assert [anomaly.name for anomaly in checker.check(forgets).anomalies] == ["read-your-writes"]
    with pytest.raises(ValueError, match='no session guarantee is called "luck": take any of read-your-writes, '):
        SessionGuarantees(("luck",)).check(forgets)  # type: ignore[arg-type] # what is tested
