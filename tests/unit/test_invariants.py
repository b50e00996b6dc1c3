"""Checkers of invariants from Python: the verdict, the sentence that a person reads, and a twin that must pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from schrodinger.checkers import (
    Bank,
    Counter,
    FinalSet,
    Lock,
    Log,
    LongFork,
    Monotonic,
    Queue,
    TotalQueue,
    UniqueIds,
    Validity,
)
from schrodinger.history.messages import decode
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.checkers import Checker, Verdict


def judged(path: Path, checker: Checker, *operations: tuple[str, Any, Any]) -> Verdict:
    """Operations one after the other, all ok, each in a process of its own: function, what was asked, the answer."""
    events = []
    for process, (f, asked, answered) in enumerate(operations):
        events += [("invoke", process, f, None, asked), ("ok", process, f, None, answered)]
    functions = list(dict.fromkeys(f for f, _, _ in operations))
    return checker.check(recorded(path / "history.arrow", functions, events))


X, Y, READ = (2, 0, 1, 1), (2, 1, 1, 1), (0, 0, -1, 0, 1, -1)
CASES: list[tuple[Checker, list[tuple[str, Any, Any]], str, list[tuple[str, Any, Any]]]] = [
    (
        UniqueIds(),
        [("generate", None, 5), ("generate", None, 5)],
        "Id 5 was handed out twice.",
        [("generate", None, 5), ("generate", None, 6)],
    ),
    (
        Counter(),
        [("add", 3, 3), ("read", None, 2)],
        "The counter was read as 2; it must have been between 3 and 3.",
        [("add", 3, 3), ("read", None, 3)],
    ),
    (
        Bank(total=10),
        [("read", None, (0, 5, 1, 6))],
        "All balances add up to 11 instead of 10.",
        [("read", None, (0, 4, 1, 6))],
    ),
    (
        TotalQueue(),
        [("enqueue", 1, 1), ("dequeue", None, None)],
        "1 was acknowledged and never came out.",
        [("enqueue", 1, 1), ("dequeue", None, 1), ("dequeue", None, None)],
    ),
    (
        Queue(),
        [("enqueue", 1, 1), ("dequeue", None, 1), ("dequeue", None, 1)],
        "1 was put in once and came out twice.",
        [("enqueue", 1, 1), ("dequeue", None, 1)],
    ),
    (
        FinalSet(),
        [("add", 1, 1), ("add", 2, 2), ("read-all", None, (2,))],
        "1 was acknowledged, and the last read has it not.",
        [("add", 1, 1), ("add", 2, 2), ("read-all", None, (2, 1))],
    ),
    (
        Monotonic(),
        [("inc", None, 2), ("read", None, 1)],
        "1 was seen after 2 had been.",
        [("inc", None, 2), ("read", None, 2)],
    ),
    (
        LongFork(),
        [("txn", X, X), ("txn", Y, Y), ("txn", READ, (0, 0, 1, 1, 0, 1, 0)), ("txn", READ, (0, 0, 0, 0, 1, 1, 1))],
        "One read saw key 1 and not key 0, another saw key 0 and not key 1.",
        [("txn", X, X), ("txn", Y, Y), ("txn", READ, (0, 0, 1, 1, 0, 1, 0)), ("txn", READ, (0, 0, 1, 1, 0, 1, 1, 1))],
    ),
    (
        Lock(),
        [("acquire", None, None), ("acquire", None, None)],
        "Process 1 got the lock while process 0 certainly held it.",
        [("acquire", None, 1)],
    ),
    (
        Log(),
        [("send", (4, 7, 1, 5), (4, 7, 2, 0, 5)), ("poll", None, (5, 7, 2, 1, 5))],
        "Message 5 of log 7 is at offsets 0 and 1.",
        [("send", (4, 7, 1, 5), (4, 7, 2, 0, 5)), ("poll", None, (5, 7, 2, 0, 5))],
    ),
]


@pytest.mark.parametrize(("checker", "broken", "told", "sound"), CASES, ids=[case[0].name for case in CASES])
def test_a_broken_history_is_told_in_a_sentence_and_its_twin_passes(
    tmp_path: Path,
    checker: Checker,
    broken: list[tuple[str, Any, Any]],
    told: str,
    sound: list[tuple[str, Any, Any]],
) -> None:
    (tmp_path / "broken").mkdir()
    verdict = judged(tmp_path / "broken", checker, *broken)
    assert verdict.validity is Validity.VIOLATION
    assert [anomaly.summary for anomaly in verdict.anomalies] == [told]
    assert verdict.anomalies[0].operations
    assert judged(tmp_path, checker, *sound).validity is Validity.VALID


@pytest.mark.parametrize("checker", [case[0] for case in CASES], ids=lambda checker: checker.name)
def test_a_history_in_which_nothing_was_observed_is_unknown(tmp_path: Path, checker: Checker) -> None:
    verdict = checker.check(recorded(tmp_path / "history.arrow", ["rest"], []))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons[-1] == "nothing was observed: no operation that observes completed ok"


def test_a_wrong_total_is_told_with_the_balances_and_further_ones_with_who_read_them_and_when(tmp_path: Path) -> None:
    reads = [("read", None, (0, 5, 1, 6)), ("read", None, (0, 4, 1, 6)), ("read", None, (0, 7, 1, 6))]
    (anomaly,) = judged(tmp_path, Bank(total=10), *reads).anomalies
    assert [operation.label for operation in anomaly.operations] == ["read → 0: 5, 1: 6"]
    assert [re.sub(r"\d+\.\d{3} s", "… s", line) for line in anomaly.story] == [
        "Process 0 read a wrong total: read → 0: 5, 1: 6, from … s to … s.",
        "Process 2, from … s to … s: all balances add up to 13 instead of 10.",
    ]


def test_of_many_accounts_the_first_are_told(tmp_path: Path) -> None:
    many = tuple(number for account in range(20) for number in (account, 1))
    (anomaly,) = judged(tmp_path, Bank(total=10), ("read", None, many)).anomalies
    assert anomaly.operations[0].label.endswith("10: 1, 11: 1, … (20 accounts)")


def test_what_was_sent_and_polled_is_told_as_a_person_writes_it(tmp_path: Path) -> None:
    verdict = judged(
        tmp_path,
        Log(),
        ("send", (4, 7, 1, 5, 4, 8, 1, 6), (4, 7, 2, 0, 5, 4, 8, 1, 6)),
        ("poll", (), (5, 7, 2, 1, 5, 5, 8, 0)),
    )
    told = [operation.label for operation in verdict.anomalies[0].operations]
    assert told == ["send 7 ← 5 at offset 0, send 8 ← 6", "poll 7 → 5 at 1, poll 8 → nothing"]


def test_a_poll_of_many_messages_is_told_by_its_ends() -> None:
    pairs = tuple(number for offset in range(9) for number in (offset, 10 + offset))
    (polled,) = decode((5, 7, len(pairs), *pairs))
    assert str(polled) == "poll 7 → 10 at 0, 11 at 1, 12 at 2, … (9 messages), 16 at 6, 17 at 7, 18 at 8"
    assert [str(step) for step in decode((4, 7, 1, 5, 5, -1, -1))] == ["send 7 ← 5", "poll"]


@pytest.mark.parametrize("values", [(4, 7), (4, 7, 3, 1, 2, 3), (5, 7, 1, 0), (0, 7, 1, 1), (4, 7, 9, 1), (5, 7, -2)])
def test_what_is_no_step_of_a_log_is_refused(values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="step"):
        decode(values)
