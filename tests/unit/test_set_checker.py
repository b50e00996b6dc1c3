"""The set checker: each anomaly by name with a twin that passes, and every count against a naive transcription."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_native import check_set

from schrodinger.checkers import SetFull, Validity
from schrodinger.checkers.set import KINDS
from tests.fakes.scripts import written

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger_native.results import SetContents

    from schrodinger.checkers import Verdict
    from schrodinger.history import History

ADDED = """
    0 invoke add 1
    0 ok add 1
    0 invoke add 2
    0 ok add 2
"""


def read(*elements: int, process: int = 1) -> str:
    """A read that returns these elements."""
    return f"{process} invoke read-all\n{process} ok read-all {' '.join(map(str, elements))}\n"


def contents(history: History) -> SetContents:
    """What the native checker found."""
    found = check_set(history.file)
    assert found["verdict"] != "malformed", found["problems"]
    return found


GOLDEN = {
    "lost element": (ADDED + read(1, 2) + read(1), ADDED + read(1, 2) + read(1, 2)),
    "lost without ever being seen": (ADDED + read(1), ADDED + read(2, 1)),
    "stale read": (ADDED + read(1) + read(1, 2), "0 invoke add 2\n" + read() + "0 ok add 2\n" + read(2)),
    "unexpected element": (ADDED + read(1, 2, 3), ADDED + "2 invoke add 3\n2 info add 3\n" + read(1, 2, 3)),
    "a failed add": (
        ADDED + "2 invoke add 3\n2 fail add 3\n" + read(1, 2, 3),
        ADDED + "2 invoke add 3\n2 fail add 3\n" + read(1, 2),
    ),
    "an add to come": (read(1) + ADDED + read(1, 2), read() + ADDED + read(1, 2)),
    "seen between an add that failed and the one after": (
        "0 invoke add 1\n0 fail add 1\n" + read(1) + ADDED + read(1, 2),
        "0 invoke add 1\n0 fail add 1\n" + read() + ADDED + read(1, 2),
    ),
    "lost though it had failed at first": (
        "0 invoke add 1\n0 fail add 1\n" + ADDED + read(2),
        "0 invoke add 1\n0 fail add 1\n" + ADDED + "0 invoke add 1\n0 fail add 1\n" + read(1, 2),
    ),
    "duplicated element": (ADDED + read(1, 2, 2), ADDED + read(2, 1)),
    "seen and gone": (
        ADDED + "2 invoke add 3\n2 info add 3\n" + read(1, 2, 3) + read(1, 2),
        ADDED + "2 invoke add 3\n2 info add 3\n" + read(1, 2) + read(1, 2, 3),
    ),
}
NAMES = {
    "lost without ever being seen": "lost element",
    "a failed add": "unexpected element",
    "seen between an add that failed and the one after": "unexpected element",
    "lost though it had failed at first": "lost element",
    "an add to come": "unexpected element",
    "seen and gone": "lost element",
}


def judged(path: Path, script: str, checker: SetFull | None = None) -> Verdict:
    return (checker or SetFull()).check(written(path / "history.arrow", script))


@pytest.mark.parametrize("name", GOLDEN)
def test_an_impossible_set_is_a_violation_with_its_name(tmp_path: Path, name: str) -> None:
    verdict = judged(tmp_path, GOLDEN[name][0])
    names = [anomaly.name for anomaly in verdict.anomalies]
    assert (verdict.validity, names) == (Validity.VIOLATION, [NAMES.get(name, name)])


@pytest.mark.parametrize("name", GOLDEN)
def test_its_possible_twin_is_valid(tmp_path: Path, name: str) -> None:
    verdict = judged(tmp_path, GOLDEN[name][1])
    assert (verdict.validity, verdict.reasons) == (Validity.VALID, ())


def test_a_lost_element_is_told_from_its_acknowledgement_to_the_read_that_missed_it(tmp_path: Path) -> None:
    (anomaly,) = judged(tmp_path, GOLDEN["lost element"][0]).anomalies
    assert anomaly.summary == "1 element was lost: 2"
    assert [re.sub(r"\d+\.\d{3} s", "T s", line) for line in anomaly.story] == [
        "Process 0 added 2 and was acknowledged at T s.",
        "Process 1 was the last to see it, in a read that ended at T s.",
        "Process 1 began a read at T s, after that, and 2 was not there; nor was it in any read that began later.",
        "Durability is broken: what was acknowledged, or seen by a read, stays in the set.",
    ]
    assert [(operation.label, operation.role) for operation in anomaly.operations] == [
        ("add 2", "made it known"),
        ("read-all → 2 elements", "the last read that saw it"),
        ("read-all → 1", "the first read that missed it"),
    ]


def test_elements_may_become_visible_late_where_reads_are_not_linearizable(tmp_path: Path) -> None:
    verdict = judged(tmp_path, GOLDEN["stale read"][0], SetFull(linearizable=False))
    assert verdict.validity is Validity.VALID
    assert verdict.statistics["stale"] == 1


def test_every_time_that_an_element_vanishes_is_counted(tmp_path: Path) -> None:
    script = ADDED + read(1, 2) + read(1) + read(1) + read(1, 2) + read(1) + read(1, 2)
    found = contents(written(tmp_path / "history.arrow", script))
    assert [(entry["element"], entry["vanished"]) for entry in found["stale"]["first"]] == [(2, 2)]


def test_latencies_run_from_the_acknowledgement_to_the_read_that_saw_it_for_good(tmp_path: Path) -> None:
    history = written(tmp_path / "history.arrow", GOLDEN["stale read"][0])
    times = history.to_polars()["time"]
    latency = times[7] - times[3]
    assert contents(history)["stale_latencies_ns"] == dict.fromkeys(("p0", "p50", "p95", "p99", "p100"), latency)


def test_a_set_that_nobody_read_afterwards_is_unknown(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "0 invoke add 1\n0 ok add 1\n" + read(1) + "0 invoke add 2\n0 ok add 2")
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == (
        "no read that began after the last acknowledged add completed ok",
        "1 acknowledged element was never read: 2",
    )


def test_a_set_whose_reads_all_failed_is_unknown(tmp_path: Path) -> None:
    verdict = judged(tmp_path, ADDED + "1 invoke read-all\n1 fail read-all")
    assert (verdict.validity, verdict.reasons[0]) == (Validity.UNKNOWN, "no read completed ok, so nothing was observed")


def test_a_set_to_which_nothing_was_added_is_unknown(tmp_path: Path) -> None:
    verdict = judged(tmp_path, read())
    assert (verdict.validity, verdict.reasons) == (
        Validity.UNKNOWN,
        ("no add was acknowledged, so nothing could be lost",),
    )


def test_a_malformed_set_is_unknown_and_names_the_rows(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "0 invoke add 1\n0 ok add 1\n0 invoke add 1\n0 ok add 1\n0 invoke add 2 3\n0 ok add 2 3")
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == (
        "the history is malformed at row 2: element 1 is added again, after row 0: elements are unique",
        "the history is malformed at row 4: an add needs one element; this has 2",
    )


@dataclass
class Naive:
    """What became of each element, word for word as defined."""

    adds: dict[int, tuple[int, float, str]] = field(default_factory=dict)
    reads: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)

    def found(self) -> dict[str, set[int]]:
        kinds: dict[str, set[int]] = {
            kind: set() for kind in ("lost", "stale", "never_read", "unexpected", "duplicated", "recovered", "stable")
        }
        for element in {*self.adds, *(element for _, _, seen in self.reads for element in seen)}:
            for kind in self.kinds(element):
                kinds[kind].add(element)
        return kinds

    def kinds(self, element: int) -> list[str]:
        saw = [read for read in self.reads if element in read[2]]
        kinds = ["duplicated"] if any(read[2].count(element) > 1 for read in saw) else []
        invoked, returned, outcome = self.adds.get(element, (0, 0, "never"))
        first = min((read[1] for read in saw), default=None)
        if first is not None:
            if outcome in ("never", "fail") or first < invoked:
                kinds.append("unexpected")
            elif outcome == "info":
                kinds.append("recovered")
        if outcome in ("never", "fail"):
            return kinds
        knowledge = [returned] * (outcome == "ok") + ([] if first is None else [first])
        if knowledge:
            kinds.append(self.fate(element, min(knowledge)))
        return kinds

    def fate(self, element: int, known: float) -> str:
        saw = [read for read in self.reads if element in read[2]]
        later = [read for read in self.reads if read[0] > known]
        if any(all(other[1] < read[0] for other in saw) for read in later):
            return "lost"
        if any(element not in read[2] for read in later):
            return "stale"
        return "stable" if saw else "never_read"

    def vanished(self, element: int, known: float) -> int:
        seen = [element in read[2] for read in sorted(self.reads) if read[0] > known]
        return [present for present, _ in groupby(seen)].count(False)


READS = st.lists(st.integers(0, 5), max_size=6).map(tuple)
EVENTS = st.lists(
    st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from(["ok", "ok", "info", "fail"]), READS), max_size=30
)


def scripted(draws: list[tuple[int, bool, str, tuple[int, ...]]]) -> tuple[str, Naive]:
    """A random script, and the same for the transcription."""
    lines: list[str] = []
    naive = Naive()
    open_: dict[int, tuple[int, int | None]] = {}
    for process, is_add, outcome, seen in draws:
        row = len(lines)
        if process not in open_:
            failed = [element for element, (_, _, ended) in naive.adds.items() if ended == "fail"]
            fresh = len(naive.adds)
            element = (failed[len(seen) % len(failed)] if failed and seen else fresh) if is_add else None
            if element is not None:
                naive.adds[element] = (row, float("inf"), "info")
            open_[process] = (row, element)
            lines.append(f"{process} invoke {'read-all' if element is None else f'add {element}'}")
            continue
        call, element = open_.pop(process)
        if element is not None:
            naive.adds[element] = (call, row, outcome)
            lines.append(f"{process} {outcome} add {element}")
        elif outcome == "ok":
            naive.reads.append((call, row, seen))
            lines.append(f"{process} ok read-all {' '.join(map(str, seen))}")
        else:
            lines.append(f"{process} {outcome} read-all")
    return "\n".join(lines), naive


@given(EVENTS)
def test_every_count_is_that_of_the_naive_transcription(
    tmp_path_factory: pytest.TempPathFactory, draws: list[tuple[int, bool, str, tuple[int, ...]]]
) -> None:
    script, naive = scripted(draws)
    found = contents(written(tmp_path_factory.mktemp("history") / "history.arrow", script))
    expected = naive.found()
    listed: dict[str, object] = {kind: {entry["element"] for entry in found[kind]["first"]} for kind in KINDS}
    assert {**listed, "stable": found["stable"]} == {**expected, "stable": len(expected["stable"])}, script
    for entry in found["stale"]["first"]:
        assert entry["vanished"] == naive.vanished(entry["element"], entry["known_since"]), script


@given(EVENTS)
def test_the_verdict_follows_from_what_was_found(
    tmp_path_factory: pytest.TempPathFactory, draws: list[tuple[int, bool, str, tuple[int, ...]]]
) -> None:
    script, naive = scripted(draws)
    verdict = judged(tmp_path_factory.mktemp("history"), script)
    kinds = naive.found()
    acknowledged = [returned for _, returned, outcome in naive.adds.values() if outcome == "ok"]
    proven = bool(acknowledged) and any(read[0] > max(acknowledged) for read in naive.reads)
    expected = Validity.VALID if proven else Validity.UNKNOWN
    if kinds["lost"] | kinds["stale"] | kinds["unexpected"] | kinds["duplicated"]:
        expected = Validity.VIOLATION
    assert verdict.validity is expected, script
