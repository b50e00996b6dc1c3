"""Weak isolation from Python: the story of a cycle that somebody's sight explains, and what the lattice says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schrodinger.checkers import ListAppend, RwRegister, Validity
from schrodinger.history import Append, ReadKey, WriteKey
from schrodinger.history.transaction import encode
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schrodinger.history import History
    from schrodinger.history.transaction import Step


def sessions(path: Path, *processes: tuple[tuple[Step, ...], ...]) -> History:
    """Transactions of processes, each in its order, the first of all before the second of any."""

    def events() -> Iterator[tuple[object, ...]]:
        for turn in range(max(map(len, processes))):
            for process, transactions in enumerate(processes):
                if turn < len(transactions):
                    steps = transactions[turn]
                    asked = tuple(ReadKey(step.key) if isinstance(step, ReadKey) else step for step in steps)
                    yield "invoke", process, "txn", None, encode(asked)
                    yield "ok", process, "txn", None, encode(steps)

    return recorded(path, ["txn"], events())


def test_an_effect_without_its_cause_is_told_from_process_to_process(tmp_path: Path) -> None:
    album = sessions(
        tmp_path / "h.arrow",
        ((WriteKey(1, 1),), (WriteKey(2, 2),)),
        ((ReadKey(9, ()),), (ReadKey(9, ()),), (ReadKey(2, (2,)), WriteKey(3, 3))),
        ((ReadKey(9, ()),), (ReadKey(9, ()),), (ReadKey(9, ()),), (ReadKey(3, (3,)), ReadKey(1, ()))),
    )
    verdict = RwRegister("causal").check(album)
    assert [anomaly.name for anomaly in verdict.anomalies] == ["causality-violation-process"]
    told = [re.sub(r"\d+\.\d{3} s", "…", sentence) for sentence in verdict.anomalies[0].story]
    assert told[-6:] == [
        "T1 < T2: process 0 completed T1 before it began T2.",
        "T2 < T3: T3 observed 2 in key 2, which T2 had written.",
        "T3 < T4: T4 observed 3 in key 3, which T3 had written.",
        "T4 < T1: T4 observed key 1 empty, without 1, which T1 wrote.",
        "So T1 < T2 < T3 < T4 < T1: a circle, and no order of them explains what they saw.",
        "Causal rules out causality-violation-process.",
    ]
    assert RwRegister("causal-cerone").check(album).validity is Validity.VALID
    assert verdict.statistics["holds"] == ["causal-cerone", "strong-session-read-atomic"]


def test_who_saw_two_writers_in_either_order_explains_a_cycle_of_registers(tmp_path: Path) -> None:
    both = sessions(
        tmp_path / "h.arrow",
        ((WriteKey(1, 1), WriteKey(2, 1)),),
        ((WriteKey(1, 2), WriteKey(2, 2)),),
        ((ReadKey(1, (2,)), ReadKey(2, (1,))),),
        ((ReadKey(1, (1,)), ReadKey(2, (2,))),),
    )
    verdict = RwRegister("monotonic-atomic-view").check(both)
    assert [anomaly.name for anomaly in verdict.anomalies] == ["OTV"]
    story = verdict.anomalies[0].story
    assert (
        "T2 < T1: T3 observed 1 in key 2, which T1 had written, although it had seen T2, which wrote 2 to it." in story
    )
    assert "T2 < T3: T3 observed 2 in key 1, which T2 had written." in story
    assert len(verdict.anomalies[0].operations) == 4
    assert {step.kind for step in verdict.anomalies[0].dependencies} == {"seen"}
    weaker = RwRegister("read-committed").check(both)
    assert (weaker.validity, weaker.statistics["not"]) == (Validity.VALID, ["monotonic-atomic-view"])


def test_a_list_shows_a_fractured_read_by_what_was_missed(tmp_path: Path) -> None:
    fractured = sessions(tmp_path / "h.arrow", ((Append(1, 1), Append(2, 1)),), ((ReadKey(2, ()), ReadKey(1, (1,))),))
    verdict = ListAppend("read-atomic").check(fractured)
    assert [anomaly.name for anomaly in verdict.anomalies] == ["fractured-read"]
    assert ListAppend("monotonic-atomic-view").check(fractured).validity is Validity.VALID
