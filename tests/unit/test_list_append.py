"""List-append from Python: verdicts, the story of a cycle, the encoding of transactions, the workload."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.checkers import ListAppend, Online, Validity
from schrodinger.history import Append, ReadKey, Transaction, WriteKey
from schrodinger.history.transaction import decode, encode
from schrodinger.workloads import append
from tests.fakes.memory import MemoryClient
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schrodinger.history import History
    from schrodinger.history.transaction import Step

KEYS = st.integers(0, 9)
STEPS = st.one_of(
    st.builds(ReadKey, KEYS, st.none() | st.lists(st.integers(), max_size=3).map(tuple)),
    st.builds(Append, KEYS, st.integers()),
    st.builds(WriteKey, KEYS, st.integers()),
)


def sequence(path: Path, *transactions: tuple[Step, ...]) -> History:
    """Transactions one after the other, each of a process of its own, all ok."""

    def events() -> Iterator[tuple[object, ...]]:
        for process, steps in enumerate(transactions):
            asked = tuple(ReadKey(step.key) if isinstance(step, ReadKey) else step for step in steps)
            yield "invoke", process, "txn", None, encode(asked)
            yield "ok", process, "txn", None, encode(steps)

    return recorded(path, ["txn"], events())


def test_a_read_of_what_nobody_wrote_yet_is_provisional_and_other_violations_are_not(tmp_path: Path) -> None:
    weak = ListAppend(consistency="snapshot-isolation")
    early = sequence(tmp_path / "early.arrow", (Append(1, 10),), (ReadKey(1, (10,)),), (ReadKey(2, (20,)),))
    verdict = weak.check(early)
    assert (verdict.validity, verdict.provisional) == (Validity.VIOLATION, True)
    later = sequence(tmp_path / "later.arrow", (ReadKey(2, (20,)),), (Append(2, 20),))
    assert weak.check(later).validity is Validity.VALID
    disagree = (Append(1, 10), Append(1, 11)), (ReadKey(1, (10, 11)),), (ReadKey(1, (11, 10)),)
    verdict = weak.check(sequence(tmp_path / "disagree.arrow", *disagree))
    assert (verdict.validity, verdict.provisional) == (Validity.VIOLATION, False)


def test_what_nobody_ever_saw_is_told_as_perhaps_lost_and_what_is_allowed_comes_last(tmp_path: Path) -> None:
    lost = (
        (Append(1, 10),),
        (Append(1, 11),),
        (ReadKey(1, (11,)), Append(2, 20)),
        (ReadKey(2, (20,)), ReadKey(1, (11,))),
    )
    verdict = ListAppend().check(sequence(tmp_path / "lost.arrow", *lost))
    (g0,) = [anomaly for anomaly in verdict.anomalies if anomaly.name == "G0-realtime"]
    told = "T1 appended 10 to key 1, and nobody ever saw it, so it is behind 11 of T2, which was seen, or it was lost."
    assert f"T2 < T1: {told}" in g0.story
    twice = (Append(5, 1),), (Append(5, 2),), (ReadKey(5, (1, 2)),), (ReadKey(5, (2, 1)),)
    verdict = ListAppend(consistency="serializable").check(sequence(tmp_path / "twice.arrow", *lost, *twice))
    names = [anomaly.name for anomaly in verdict.anomalies]
    assert names.index("incompatible-order") < names.index("G0-realtime")
    assert verdict.reasons[0].startswith("the history is not serializable: it has incompatible-order")
    assert verdict.reasons[0].endswith("G0-realtime besides, which it allows)")


def test_a_promise_without_real_time_allows_that_all_is_lost_and_says_that_it_was_seen(tmp_path: Path) -> None:
    lost = sequence(tmp_path / "lost.arrow", (Append(1, 10),), (ReadKey(1, (10,)),), (ReadKey(1, ()),))
    verdict = ListAppend(consistency="serializable").check(lost)
    assert verdict.validity is Validity.VALID
    assert verdict.reasons[0] == "serializable allows what was seen: G-single-item-realtime"
    assert verdict.reasons[1].startswith("what holds: strong-session-serializable")
    assert ListAppend().check(lost).validity is Validity.VIOLATION


def test_a_stale_read_is_told_with_what_was_missed_and_when(tmp_path: Path) -> None:
    history = sequence(tmp_path / "h.arrow", (Append(1, 10),), (ReadKey(1, (10,)), Append(1, 11)), (ReadKey(1, (10,)),))
    verdict = ListAppend().check(history)
    assert verdict.validity is Validity.VIOLATION
    assert [anomaly.name for anomaly in verdict.anomalies] == ["G-single-item-realtime"]
    told = [re.sub(r"\d+\.\d{3} s", "…", sentence) for sentence in verdict.anomalies[0].story]
    assert told == [
        "T1, process 1, from …, ok at …: read 1 → [10], append 1 ← 11.",
        "T2, process 2, from …, ok at …: read 1 → [10].",
        "T2 < T1: T2 observed key 1 up to 10, without 11, which T1 wrote.",
        "T1 < T2: T1 had completed at … when T2 was invoked at ….",
        "So T2 < T1 < T2: a circle, and no order of them explains what they saw.",
        "Strict-serializable rules out G-single-item-realtime.",
    ]
    assert [deed.role for deed in verdict.anomalies[0].operations] == ["T1", "T2"]


def test_what_was_read_in_order_is_valid_and_the_strongest_model_holds(tmp_path: Path) -> None:
    seen = ReadKey(1, (10,)), ReadKey(1, (10, 11))
    history = sequence(tmp_path / "h.arrow", (Append(1, 10),), (seen[0], Append(1, 11)), (seen[1],))
    verdict = ListAppend().check(history)
    assert verdict.validity is Validity.VALID
    assert verdict.statistics["holds"] == ["strict-serializable"]


def test_a_weaker_promise_accepts_a_stale_read(tmp_path: Path) -> None:
    history = sequence(tmp_path / "h.arrow", (Append(1, 10),), (ReadKey(1, ()),))
    assert ListAppend(consistency="serializable").check(history).validity is Validity.VALID


def test_an_aborted_read_is_told_by_who_failed_and_who_read_it(tmp_path: Path) -> None:
    events = [
        ("invoke", 0, "txn", None, encode((Append(1, 10),))),
        ("fail", 0, "txn", None, encode((Append(1, 10),))),
        ("invoke", 1, "txn", None, encode((ReadKey(1),))),
        ("ok", 1, "txn", None, encode((ReadKey(1, (10,)),))),
    ]
    verdict = ListAppend("read-committed").check(recorded(tmp_path / "h.arrow", ["txn"], events))
    assert [anomaly.name for anomaly in verdict.anomalies] == ["G1a"]
    assert "About 10 of key 1: T1 failed; T2 read what it appended." in verdict.anomalies[0].story


def test_a_history_without_reads_is_unknown(tmp_path: Path) -> None:
    verdict = ListAppend().check(sequence(tmp_path / "h.arrow", (Append(1, 10),)))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == ("nothing was observed: no transaction read anything but what it wrote itself",)


def test_a_malformed_transaction_is_named_with_its_row(tmp_path: Path) -> None:
    events = [("invoke", 0, "txn", None, (7, 1, 1, 1))]
    verdict = ListAppend().check(recorded(tmp_path / "h.arrow", ["txn"], events))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == (
        "the history is malformed at row 0: no micro-operation has code 7: "
        "0 reads, 1 appends, 2 writes, 3 tells a version",
    )


def test_an_unknown_consistency_model_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='no consistency model is called "perfect": take one of read-uncommitted, '):
        ListAppend("perfect").check(sequence(tmp_path / "h.arrow", (Append(1, 10),)))


def test_it_can_be_watched_while_a_run_goes_on() -> None:
    checker = ListAppend()
    assert isinstance(checker, Online)
    assert checker.violations_are_final


@given(st.lists(STEPS).map(tuple))
def test_steps_come_back_from_the_history_as_they_were(steps: tuple[Step, ...]) -> None:
    assert decode(encode(steps)) == steps


@pytest.mark.parametrize("values", [(0, 1), (0, 1, 5, 1), (3, 1, 0), (1, 1, 2, 5, 6), (0, 1, -2)])
def test_numbers_that_are_no_transaction_are_refused(values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="step"):
        decode(values)


def test_a_transaction_that_read_is_not_completed_without_what_its_reads_saw() -> None:
    wrote, read = Transaction((Append(1, 2),)), Transaction((ReadKey(1),))
    assert wrote.ok() == wrote.done([])
    for transaction, value in ((read, None), (read, (1, 2)), (wrote, 2)):
        with pytest.raises(TypeError, match=r"completed by operation\.done\(seen\)"):
            transaction.ok(value)


def test_a_transaction_is_completed_with_what_its_reads_saw() -> None:
    transaction = Transaction((ReadKey(1), Append(1, 5), ReadKey(2)))
    assert transaction.done([(3, 4), ()]).value == encode((ReadKey(1, (3, 4)), Append(1, 5), ReadKey(2, ())))
    with pytest.raises(ValueError, match="2 reads was completed with 1 results"):
        transaction.done([(3,)])


def test_the_workload_appends_each_element_once_and_depends_on_nothing_but_seed_process_and_index() -> None:
    workload = append(lambda: MemoryClient({}))
    parameters = {"keys": 4, "rotate": 10, "steps": 4, "read_percent": 50}
    streams = [workload.stream(parameters, 7, process) for process in range(3)]
    drawn = [stream.operation(index) for stream in streams for index in range(200)]
    elements = [
        step.element
        for each in drawn
        if isinstance(each, Transaction)
        for step in each.steps
        if isinstance(step, Append)
    ]
    assert len(elements) == len(set(elements)) > 300
    assert drawn[:200] == [workload.stream(parameters, 7, 0).operation(index) for index in range(200)]


@given(parameters=append(lambda: MemoryClient({})).parameters(), seed=st.integers(0, 2**32))
def test_drawn_transactions_read_and_append_so_that_an_anomaly_of_isolation_can_show(
    parameters: dict[str, int], seed: int
) -> None:
    stream = append(lambda: MemoryClient({})).stream(parameters, seed, 0)
    mixed = [
        each
        for each in map(stream.operation, range(200))
        if isinstance(each, Transaction) and {ReadKey, Append} <= {type(step) for step in each.steps}
    ]
    assert len(mixed) > 20


@pytest.mark.parametrize(("name", "value"), [("steps", 9), ("read_percent", 101), ("colour", 1), ("keys", 0)])
def test_parameters_that_make_no_sense_are_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        append(lambda: MemoryClient({})).stream({name: value}, 0, 0)
