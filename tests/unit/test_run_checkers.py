"""Checkers of a run as a whole: what succeeded, what nodes logged, how soon all was well again, how clocks went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from schrodinger_native import Transcript

from schrodinger.checkers import Availability, Clock, LogPattern, Stats, Validity
from schrodinger.history import NEMESIS, FaultEdge, History
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
FUNCTIONS = ["write", "partition", "phase"]


def at(path: Path, functions: list[str], events: list[tuple[Any, ...]]) -> History:
    """Events as (seconds, type, process, f, key, value, detail), at those times."""
    transcript = Transcript(path, functions)
    for seconds, type_, process, f, key, value, *detail in sorted(events, key=lambda event: event[0]):
        transcript.write(round(seconds * SECOND), type_, process, functions.index(f), key, value, *detail)
    transcript.finish()
    return History.open(path)


def writes(begin: float, end: float, outcome: str, first_process: int) -> list[tuple[Any, ...]]:
    """Ten writes a second, each by a process of its own, each 50 ms long."""
    events: list[tuple[Any, ...]] = []
    for number in range(round((end - begin) * 10)):
        time, process = begin + number / 10, first_process + number
        events += [(time, "invoke", process, "write", None, 1), (time + 0.05, outcome, process, "write", None, 1)]
    return events


def fault(begin: float, end: float) -> list[tuple[Any, ...]]:
    def edge(time: float) -> str:
        instant = round(time * SECOND)
        return FaultEdge(
            requested_ns=instant,
            begin_ns=instant,
            end_ns=instant,
            description="a cut",
            planned="a cut",
            nodes=(),
            affected=1,
        ).to_json()

    return [
        (begin, "inject", NEMESIS, "partition", 0, None, edge(begin)),
        (end, "heal", NEMESIS, "partition", 0, None, edge(end)),
    ]


def test_a_function_that_never_succeeded_makes_the_run_unknown(tmp_path: Path) -> None:
    events: list[tuple[Any, ...]] = [("invoke", 0, "read", None, None), ("ok", 0, "read", None, 1)]
    events += [("invoke", 0, "write", None, 1), ("fail", 0, "write", None, 1), ("invoke", 0, "write", None, 1)]
    verdict = Stats().check(recorded(tmp_path / "weak.arrow", ["read", "write"], events))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == ("none of 2 write operations succeeded",)
    assert verdict.statistics["functions"]["write"] == {"ok": 0, "fail": 1, "info": 1}
    assert Stats().check(recorded(tmp_path / "good.arrow", ["read"], events[:2])).validity is Validity.VALID
    assert Stats().check(recorded(tmp_path / "none.arrow", ["read"], [])).reasons == ("no operation was invoked",)


def logged(directory: Path, text: str) -> History:
    (directory / "nodes" / "n1").mkdir(parents=True)
    (directory / "nodes" / "n1" / "node.log").write_text(text)
    return recorded(directory / "history.arrow", ["read"], [])


def test_a_node_that_logged_a_crash_is_found_by_its_line(tmp_path: Path) -> None:
    history = logged(tmp_path, "starting\npanic: index out of range\n\ngoroutine 1 [running]:\n")
    verdict = LogPattern().check(history)
    assert verdict.validity is Validity.VIOLATION
    assert verdict.reasons == ("n1 logged what it should not: node.log, line 2: panic: index out of range",)


def test_healthy_logs_pass_and_no_logs_prove_nothing(tmp_path: Path) -> None:
    history = logged(tmp_path / "run", "starting\nrecovered after kill\n" + "x" * 200_000 + "\nready\n")
    verdict = LogPattern().check(history)
    assert (verdict.validity, verdict.statistics["lines"]) == (Validity.VALID, 4)
    assert LogPattern(pattern="recovered").check(history).validity is Validity.VIOLATION
    alone = recorded(tmp_path / "history.arrow", ["read"], [])
    assert LogPattern().check(alone).reasons == ("there are no logs of nodes beside the history",)
    with pytest.raises(ValueError, match="no regular expression"):
        LogPattern(pattern="(")


def test_what_stays_unavailable_after_a_heal_is_found_and_what_recovers_in_time_is_not(tmp_path: Path) -> None:
    before, during = writes(0, 5, "ok", 0), writes(5, 10, "info", 100)
    late = [*before, *during, *fault(5, 10), *writes(10, 23, "info", 200), *writes(23, 30, "ok", 400)]
    verdict = Availability().check(at(tmp_path / "late.arrow", FUNCTIONS, late))
    assert verdict.validity is Validity.VIOLATION
    assert verdict.reasons == ("No write succeeded for 13.050 s although no fault was in force.",)
    assert "0.000 ms after the last fault was healed" in verdict.anomalies[0].story[0]
    soon = [*before, *during, *fault(5, 10), *writes(10, 18, "info", 200), *writes(18, 30, "ok", 400)]
    verdict = Availability().check(at(tmp_path / "soon.arrow", FUNCTIONS, soon))
    assert verdict.validity is Validity.VALID
    assert verdict.statistics["longest_recovery_ns"] == 8_050_000_000


def test_a_run_without_a_long_calm_need_not_recover(tmp_path: Path) -> None:
    short = [*writes(0, 5, "ok", 0), *fault(5, 20), *writes(20, 28, "info", 100)]
    verdict = Availability().check(at(tmp_path / "short.arrow", FUNCTIONS, short))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons[0].startswith("no part of the run was without a fault for longer than 10.000 s")


def ticks(path: Path, *times: tuple[float, float]) -> History:
    """Looks at the clock of node 1, each 2 ms long: (when it was, what the node said)."""
    events: list[tuple[Any, ...]] = []
    for process, (true, said) in enumerate(times):
        events.append((true - 0.001, "invoke", process, "clock", 1, None))
        events.append((true + 0.001, "ok", process, "clock", 1, round(said * SECOND)))
    return at(path, ["clock"], events)


def test_a_clock_that_jumped_is_found_beyond_what_is_uncertain(tmp_path: Path) -> None:
    jumped = ticks(tmp_path / "jumped.arrow", (1, 100), (2, 101), (3, 107), (4, 108))
    verdict = Clock(most_jump_ns=SECOND).check(jumped)
    assert verdict.validity is Validity.VIOLATION
    assert verdict.reasons == ("The clock of node 1 jumped by +5.000 s.",)
    assert Clock(most_offset_ns=SECOND).check(jumped).anomalies[0].name == "clock-offset"
    assert Clock().check(jumped).validity is Validity.VALID
    steady = ticks(tmp_path / "steady.arrow", (1, 100), (2, 101.001), (3, 102.002))
    verdict = Clock(most_jump_ns=0).check(steady)
    assert verdict.validity is Validity.VALID
    assert verdict.statistics["node 1"]["drift_ns_per_s"] == 1_000_000


def test_a_history_that_says_nothing_of_clocks_is_unknown(tmp_path: Path) -> None:
    assert Clock().check(recorded(tmp_path / "none.arrow", ["read"], [])).validity is Validity.UNKNOWN
    odd = recorded(tmp_path / "odd.arrow", ["clock"], [("invoke", 0, "clock", None, None), ("ok", 0, "clock", None, 5)])
    assert "malformed at row 0" in Clock().check(odd).reasons[0]
