"""The report of a run directory, from a history that the native recorder wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers.verdict import Validity, Verdict
from schrodinger.history import NEMESIS, FaultEdge, History, Recorder
from schrodinger.report import write_report
from schrodinger.store import create_run, write_verdict
from tests.fakes.pages import plan

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.runner import RunFiles

FUNCTIONS = ["read", "write", "kill", "phase"]


@pytest.fixture
def run(tmp_path: Path) -> RunFiles:
    """A run of four operations and a kill, the last operation of which never completed."""
    files = create_run(plan(), tmp_path)
    recorder = Recorder(files.history, FUNCTIONS, origin_ns=0)
    recorder.record("info", NEMESIS, 3, None, None, "main")
    recorder.record("invoke", 0, 1, 7, 41)
    recorder.record("ok", 0, 1, 7, 41)
    recorder.record("invoke", 1, 0, 7, None)
    recorder.record("inject", NEMESIS, 2, 0, None, _edge(processes=2, took_ns=3_000_000, left=0).to_json())
    recorder.record("fail", 1, 0, 7, None, "connection refused")
    recorder.record("heal", NEMESIS, 2, 0, None, _edge().to_json())
    recorder.record("invoke", 2, 0, 7, None)
    recorder.record("ok", 2, 0, 7, 41)
    recorder.record("invoke", 3, 1, 7, 42)
    recorder.close()
    (files.nodes / "n1").mkdir()
    (files.nodes / "n1" / "node.log").write_text("started\npanic: <out of range>\n", encoding="utf-8")
    write_verdict(Verdict(validity=Validity.VALID, checker="linearizable"), files.verdict)
    return files


def test_a_recorded_run_becomes_a_page(run: RunFiles) -> None:
    html = write_report(run.directory).read_text(encoding="utf-8")
    assert "4 operations under 1 fault in" in html
    assert "2 processes of n1 killed in 3.00 ms, none left." in html
    assert "connection refused" in html
    assert "panic: &lt;out of range&gt;" in html
    assert "<strong>main</strong>" in html
    assert f"schrodinger replay {run.directory}" in html
    assert '"seed": 42' in html.replace("&#34;", '"')


def test_a_recorded_history_has_everything_that_the_page_asks_for(run: RunFiles) -> None:
    history = History.open(run.history)
    assert history.operations().height == 4
    assert [fault.kind for fault in history.faults()] == ["kill"]
    assert list(history.phases()) == ["main"]


def test_a_run_that_was_killed_before_its_verdict_has_a_page_that_says_so(run: RunFiles) -> None:
    run.verdict.unlink()
    assert "The run was killed before it was judged." in write_report(run.directory).read_text(encoding="utf-8")


def test_a_run_without_a_readable_history_has_a_page_that_says_so(run: RunFiles) -> None:
    run.history.write_bytes(b"not a history")
    html = write_report(run.directory).read_text(encoding="utf-8")
    assert "Not all of the history could be read: " in html
    assert "No operation was recorded." in html


def _edge(**measured: int) -> FaultEdge:
    return FaultEdge(
        requested_ns=1_000,
        begin_ns=2_000,
        end_ns=3_000,
        description="kill: n1",
        planned="kill: the leader",
        nodes=("n1",),
        affected=1,
        evidence={"n1": measured} if measured else {},
    )
