"""The run directory: whole after a kill at any instant, and honest about what it can't read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import Validity, Verdict
from schrodinger.plan import Plan
from schrodinger.runner import read_events, write_whole
from schrodinger.runner.files import EventLog
from schrodinger.store import create_run, list_runs, open_run, replay_command, write_verdict

if TYPE_CHECKING:
    from pathlib import Path

PLAN = Plan(suite="./suites/Etcd/", workload="register", nodes=1, concurrency=1, rate=1.0, time_ns=10**9, seed=7)


def logged(path: Path) -> str:
    """The text of two events."""
    events = EventLog(path)
    events.append(5, "phase", phase="main")
    events.append(6, "error", validity="unknown", message="it stood still")
    events.close()
    return path.read_text()


def test_events_are_read_as_they_were_written(tmp_path: Path) -> None:
    logged(tmp_path / "events.jsonl")
    assert list(read_events(tmp_path / "events.jsonl")) == [
        {"time_ns": 5, "kind": "phase", "phase": "main"},
        {"time_ns": 6, "kind": "error", "validity": "unknown", "message": "it stood still"},
    ]


def test_a_run_without_events_has_none(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "events.jsonl")) == []


def test_a_last_line_that_was_cut_short_is_left_out_wherever_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    text = logged(path)
    first = text.index("\n") + 1
    for cut in range(first, len(text) - 1):
        path.write_text(text[:cut])
        assert [event["kind"] for event in read_events(path)] == ["phase"]


@pytest.mark.parametrize(
    "line",
    ["5", "", "{", '{"time_ns": 1}', '{"kind": "error", "message": "x"}', '{"kind": "error", "validity": "valid"}'],
)
def test_a_line_that_is_no_event_makes_the_run_unknown_and_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(f"{line}\n" + logged(tmp_path / "good.jsonl"))
    first, *rest = read_events(path)
    assert (first["kind"], first["validity"]) == ("error", "unknown")
    assert first["message"] == f"line 1 of events.jsonl is no event: {line!r}"
    assert [event["kind"] for event in rest] == ["phase", "error"]


def test_a_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    for text in ("old", "new"):
        write_whole(path, text)
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_run_has_its_plan_its_name_and_the_link_to_the_latest(tmp_path: Path) -> None:
    files = create_run(PLAN, tmp_path / "runs")
    assert files.directory.name.endswith("-etcd-register-7")
    assert open_run(files.directory).plan == PLAN
    assert (tmp_path / "runs" / "latest").resolve() == files.directory.resolve()
    assert replay_command(files.directory) == f"schrodinger replay {files.directory}"


def test_runs_of_one_moment_get_names_of_their_own(tmp_path: Path) -> None:
    made = [create_run(PLAN, tmp_path).directory for _ in range(5)]
    assert len(set(made)) == 5
    assert (tmp_path / "latest").resolve() == made[-1].resolve()


def test_something_else_that_is_called_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").write_text("mine")
    create_run(PLAN, tmp_path)
    assert (tmp_path / "latest").read_text() == "mine"


def test_a_run_is_judged_killed_or_unreadable_and_only_the_last_is_passed_over(tmp_path: Path) -> None:
    judged, killed, odd, unreadable = (create_run(PLAN, tmp_path) for _ in range(4))
    write_verdict(Verdict(validity=Validity.VIOLATION, checker="all", reasons=("stale",)), judged.verdict)
    odd.verdict.write_text(json.dumps({"validity": "splendid", "checker": "all"}))
    unreadable.plan.write_text("{")
    (tmp_path / "no-run").mkdir()
    passed_over: list[Path] = []
    found = list(list_runs(tmp_path, passed_over=lambda directory, _: passed_over.append(directory)))
    assert {run.files.directory: run.state for run in found} == {
        judged.directory: "violation",
        killed.directory: "no verdict",
    }
    assert set(passed_over) == {odd.directory, unreadable.directory}


def test_where_nothing_ran_there_are_no_runs(tmp_path: Path) -> None:
    assert list(list_runs(tmp_path / "nowhere", passed_over=lambda *_: None)) == []
