"""Histories whose events have no times: stories tell rows, which is what is known, and no duration is made up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from schrodinger.checkers.catalogue import CheckerChoice, named
from schrodinger.cli import main
from schrodinger.history.formats import open_history
from tests.fakes.shorthand import edn

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.checkers import Verdict

DURATION = re.compile(r"\d\.\d{3} m?s\b")
TWICE = "0 invoke enqueue 1; 0 ok enqueue 1; 1 invoke dequeue nil; 1 ok dequeue 1; 2 invoke dequeue nil; 2 ok dequeue 1"
BROKEN = {
    ("linearizable", "register"): "0 invoke write 1; 0 ok write 1; 1 invoke read nil; 1 ok read nil",
    ("linearizable", "counter"): "0 invoke add 1; 0 ok add 1; 1 invoke read nil; 1 ok read 2",
    ("linearizable", "fifo-queue"): TWICE,
    ("total-queue", None): TWICE,
    ("set-full", None): "0 invoke add 1; 0 ok add 1; 1 invoke read nil; 1 ok read []",
    ("list-append", None): (
        "0 invoke txn [[:append 1 1]]; 0 ok txn [[:append 1 1]]; 1 invoke txn [[:r 1 nil]]; 1 ok txn [[:r 1 []]]"
    ),
}
"""By checker and model."""


def judged(path: Path, events: str, checker: str, model: str | None) -> Verdict:
    path.write_text(events)
    history = open_history(path)
    return named(checker, CheckerChoice(model=model), history.functions).check(history)


@pytest.mark.parametrize(("checker", "model"), BROKEN, ids=str)
def test_a_story_tells_rows_where_there_are_no_times_and_seconds_where_there_are(
    tmp_path: Path, checker: str, model: str | None
) -> None:
    events = edn(BROKEN[checker, model])
    (anomaly,) = judged(tmp_path / "without.edn", events, checker, model).anomalies
    told = f"{anomaly.summary} {' '.join(anomaly.story)}"
    assert " row 2" in told
    assert not DURATION.search(told)
    timed = "\n".join(line.replace("{", f"{{:time {row}500000000, ", 1) for row, line in enumerate(events.splitlines()))
    (anomaly,) = judged(tmp_path / "with.edn", timed, checker, model).anomalies
    told = " ".join(anomaly.story)
    assert " 2.500 s" in told
    assert "row" not in told


def test_no_latency_is_told_of_a_history_without_times(tmp_path: Path) -> None:
    events = edn(BROKEN["set-full", None])
    verdict = judged(tmp_path / "history.edn", events, "set-full", None)
    assert (verdict.statistics["lost"], verdict.statistics["lost_latencies_ns"]) == (1, None)
    told = CliRunner().invoke(main, ["history", "stats", str(tmp_path / "history.edn")]).output
    assert told.startswith("events      4, without times")
    assert not DURATION.search(told)
