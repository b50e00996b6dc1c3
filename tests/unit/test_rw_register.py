"""Transactions on registers: what is assumed, what the database tells, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import RwRegister, Validity
from schrodinger.checkers.catalogue import CheckerChoice, named
from schrodinger.history.transaction import ReadKey, Transaction, VersionOf, WriteKey, decode, encode
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.history import History
    from schrodinger.history.transaction import Step


def sequence(path: Path, *transactions: tuple[Step, ...]) -> History:
    """Each begins after the one before it ended, in a process of its own."""

    def events() -> list[tuple[str, int, str, None, tuple[int, ...]]]:
        rows: list[tuple[str, int, str, None, tuple[int, ...]]] = []
        for process, steps in enumerate(transactions):
            asked = tuple(
                ReadKey(step.key) if isinstance(step, ReadKey) else step
                for step in steps
                if not isinstance(step, VersionOf)
            )
            rows.append(("invoke", process, "txn", None, encode(asked)))
            rows.append(("ok", process, "txn", None, encode(steps)))
        return rows

    return recorded(path, ["txn"], events())


def told(verdict: object, name: str) -> list[str]:
    return [line for one in verdict.anomalies if one.name == name for line in one.story]  # type: ignore[attr-defined] # a verdict


TWO_WRITES = (WriteKey(1, 10),), (WriteKey(1, 11), WriteKey(2, 20)), (ReadKey(1, (10,)), ReadKey(2, (20,)))


def test_read_skew_shows_only_once_the_order_of_writes_is_assumed_or_told(tmp_path: Path) -> None:
    history = sequence(tmp_path / "h.arrow", *TWO_WRITES)
    verdict = RwRegister("serializable", inferences=()).check(history)
    assert verdict.validity is Validity.UNKNOWN
    assert "no order of versions could be inferred for 1 of 1 keys" in verdict.reasons[0]
    numbered = (
        (WriteKey(1, 10), VersionOf(1, 5)),
        (WriteKey(1, 11), VersionOf(1, 7), WriteKey(2, 20)),
        (ReadKey(1, (10,)), ReadKey(2, (20,))),
    )
    verdict = RwRegister("serializable").check(sequence(tmp_path / "n.arrow", *numbered))
    assert verdict.validity is Validity.VIOLATION
    assert "T2 < T1: T2 observed key 1 at 10, and T1 wrote 11 after that: the database numbers 10 before 11." in told(
        verdict, "G-single-item"
    )


@pytest.mark.parametrize(
    ("inference", "reason"),
    [
        ("initial-state", "nobody wrote what the key held at first"),
        ("sequential-keys", "a process saw 10 before 11"),
        ("linearizable-keys", "10 had been seen before somebody began who saw 11"),
    ],
)
def test_each_assumption_is_named_where_a_story_rests_on_it(tmp_path: Path, inference: str, reason: str) -> None:
    first = () if inference == "initial-state" else (10,)
    events = [
        ("invoke", 9, "txn", None, encode((ReadKey(1), ReadKey(2)))),
        ("invoke", 0, "txn", None, encode((WriteKey(1, 10),))),
        ("ok", 0, "txn", None, encode((WriteKey(1, 10),))),
        ("invoke", 0, "txn", None, encode((WriteKey(1, 11), WriteKey(2, 20)))),
        ("ok", 0, "txn", None, encode((WriteKey(1, 11), WriteKey(2, 20)))),
        ("ok", 9, "txn", None, encode((ReadKey(1, first), ReadKey(2, (20,))))),
    ]
    history = recorded(tmp_path / "h.arrow", ["txn"], events)
    checker = named("rw-register", CheckerChoice(inferences=(inference,), consistency="si"))  # type: ignore[arg-type] # one of them
    verdict = checker.check(history)
    assert verdict.validity is Validity.VIOLATION
    assert any(reason in line for line in told(verdict, "G-single-item")), verdict.anomalies


def test_what_a_register_held_is_told_as_one_value_or_none(tmp_path: Path) -> None:
    skew = (WriteKey(1, 10), WriteKey(2, 20)), (ReadKey(1, (10,)), ReadKey(2, ()))
    story = told(RwRegister("serializable").check(sequence(tmp_path / "h.arrow", *skew)), "G-single-item")
    assert story[1].endswith(": read 1 → 10, read 2 → nil.")


def test_what_contradicts_an_assumption_is_cyclic_versions_and_tells_who_saw_what(tmp_path: Path) -> None:
    history = sequence(tmp_path / "h.arrow", (WriteKey(1, 10),), (WriteKey(1, 11),), (ReadKey(1, (10,)),))
    verdict = RwRegister("serializable", inferences=("linearizable-keys",)).check(history)
    assert [anomaly.name for anomaly in verdict.anomalies] == ["cyclic-versions"]
    story = told(verdict, "cyclic-versions")[-2]
    assert story.startswith("Of key 1, 10 comes before 11 comes before 10: T1 saw it in real time (linearizable-keys)")
    assert RwRegister("serializable", inferences=("sequential-keys",)).check(history).validity is Validity.UNKNOWN


def test_a_transaction_is_completed_with_the_versions_that_the_database_tells() -> None:
    transaction = Transaction((ReadKey(1), WriteKey(2, 7)))
    value = transaction.done([(3,)], versions=[41, None]).value
    assert isinstance(value, tuple)
    assert decode(value) == (ReadKey(1, (3,)), VersionOf(1, 41), WriteKey(2, 7))
    with pytest.raises(ValueError, match="2 steps was completed with 1 versions"):
        transaction.done([(3,)], versions=[41])


def test_a_version_of_nothing_is_refused_with_its_row(tmp_path: Path) -> None:
    events = [
        ("invoke", 0, "txn", None, encode((WriteKey(1, 10),))),
        ("ok", 0, "txn", None, encode((WriteKey(1, 10), VersionOf(2, 5)))),
    ]
    verdict = RwRegister().check(recorded(tmp_path / "h.arrow", ["txn"], events))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == (
        "the history is malformed at row 1: a version of key 2 is told that no micro-operation before it read or wrote",
    )
