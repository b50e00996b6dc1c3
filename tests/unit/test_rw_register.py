"""Rw-register from Python: a write skew and its twin, what inferences add, names that are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import RwRegister, Validity
from schrodinger.history import ReadKey, WriteKey
from schrodinger.history.transaction import encode
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.history import History
    from schrodinger.history.transaction import Step


def concurrent(path: Path, *transactions: tuple[Step, ...]) -> History:
    """Transactions at the same time, all ok."""
    events: list[tuple[object, ...]] = []
    for process, steps in enumerate(transactions):
        asked = tuple(ReadKey(step.key) if isinstance(step, ReadKey) else step for step in steps)
        events.append(("invoke", process, "txn", None, encode(asked)))
    for process, steps in enumerate(transactions):
        events.append(("ok", process, "txn", None, encode(steps)))
    return recorded(path, ["txn"], events)


def test_write_skew_is_found_and_its_twin_is_not(tmp_path: Path) -> None:
    skew = concurrent(tmp_path / "skew", (ReadKey(1, ()), WriteKey(2, 1)), (ReadKey(2, ()), WriteKey(1, 1)))
    verdict = RwRegister("serializable").check(skew)
    assert [anomaly.name for anomaly in verdict.anomalies] == ["G2-item"]
    assert any("observed key 1 empty, without 1, which" in sentence for sentence in verdict.anomalies[0].story)
    assert RwRegister("snapshot-isolation").check(skew).validity is Validity.VALID
    twin = concurrent(tmp_path / "twin", (ReadKey(1, ()), WriteKey(2, 1)), (ReadKey(2, (1,)), WriteKey(1, 1)))
    assert RwRegister("serializable").check(twin).validity is Validity.VALID


def test_without_an_inference_that_says_anything_nothing_is_concluded(tmp_path: Path) -> None:
    history = concurrent(tmp_path / "history", (WriteKey(1, 1),), (ReadKey(1, (1,)),))
    verdict = RwRegister(inferences=()).check(history)
    assert verdict.validity is Validity.UNKNOWN
    assert "no order of writes could be inferred" in verdict.reasons[0]


def test_an_unknown_inference_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    history = concurrent(tmp_path / "history", (WriteKey(1, 1),))
    with pytest.raises(ValueError, match='no inference is called "luck": take any of initial-state, '):
        RwRegister(inferences=("luck",)).check(history)  # type: ignore[arg-type] # what is tested
