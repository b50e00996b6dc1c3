"""Fault edges in a history: paired to intervals; what is none is named by its row, and stops nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import Linearizable, Validity, judge
from schrodinger.history import NEMESIS, FaultEdge, History, Recorder
from schrodinger.report import render
from tests.fakes.pages import page

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = ["write", "read", "pause"]
WRITE, READ, PAUSE = range(3)

EDGE = FaultEdge(
    requested_ns=10,
    begin_ns=20,
    end_ns=30,
    description="pause: n1",
    planned="pause: the leader",
    nodes=("n1",),
    affected=2,
    evidence={"n1": {"frozen": [7]}},
)
HEAL = replace(EDGE, requested_ns=80, begin_ns=90, end_ns=95, affected=5, evidence={"n2": {}}, error="")

MALFORMED = {
    "text": "not JSON",
    "nothing": None,
    "another value": "[1, 2]",
    "too deep": "[" * 100_000,
    "a field left out": json.dumps({name: value for name, value in asdict(EDGE).items() if name != "end_ns"}),
    "a field too many": json.dumps({**asdict(EDGE), "surprise": 1}),
    "a time that is text": json.dumps({**asdict(EDGE), "begin_ns": "20"}),
    "a time before the run": json.dumps({**asdict(EDGE), "requested_ns": -1}),
    "a time beyond the clock": json.dumps({**asdict(EDGE), "end_ns": 2**63}),
    "an end before the begin": json.dumps({**asdict(EDGE), "end_ns": 19}),
    "names that are text": json.dumps({**asdict(EDGE), "nodes": "n1"}),
    "nodes without names": json.dumps({**asdict(EDGE), "nodes": [1]}),
    "a count that is none": json.dumps({**asdict(EDGE), "affected": True}),
    "evidence that is none": json.dumps({**asdict(EDGE), "evidence": 5}),
    "evidence that is no number": json.dumps({**asdict(EDGE), "evidence": {"took_ns": float("nan")}}),
    "a description that is none": json.dumps({**asdict(EDGE), "description": None}),
}


def recorded(path: Path, *edges: tuple[str, int | None, str | None]) -> History:
    """A correct history of one register with these rows of the nemesis in its middle."""
    recorder = Recorder(path, FUNCTIONS)
    recorder.record("invoke", 0, WRITE, 0, 1)
    recorder.record("ok", 0, WRITE, 0, 1)
    for kind, event, detail in edges:
        assert kind in ("inject", "heal")
        recorder.record("inject" if kind == "inject" else "heal", NEMESIS, PAUSE, event, None, detail)
    recorder.record("invoke", 0, READ, 0, None)
    recorder.record("ok", 0, READ, 0, 1)
    recorder.close()
    return History.open(path)


def test_an_edge_survives_the_way_through_its_text() -> None:
    assert FaultEdge.from_json(EDGE.to_json()) == EDGE


def test_two_edges_make_the_interval_in_which_the_fault_was_certainly_in_force(tmp_path: Path) -> None:
    history = recorded(tmp_path / "history.arrow", ("inject", 4, EDGE.to_json()), ("heal", 4, HEAL.to_json()))
    (fault,) = history.faults()
    assert (fault.id, fault.kind, fault.begin_ns, fault.end_ns) == ("4", "pause", EDGE.end_ns, HEAL.end_ns)
    assert (fault.begin_uncertainty_ns, fault.end_uncertainty_ns) == (10, 5)
    assert (fault.affected, fault.evidence) == (5, {"n1": {"frozen": [7]}, "n2": {}})
    assert history.fault_problems() == ()


def test_a_fault_that_was_never_healed_has_no_end(tmp_path: Path) -> None:
    (fault,) = recorded(tmp_path / "history.arrow", ("inject", 0, EDGE.to_json())).faults()
    assert (fault.end_ns, fault.end_uncertainty_ns) == (None, 0)


def test_a_heal_of_what_was_never_injected_is_no_fault(tmp_path: Path) -> None:
    assert recorded(tmp_path / "history.arrow", ("heal", 0, HEAL.to_json())).faults() == ()


def test_the_errors_of_both_edges_are_kept(tmp_path: Path) -> None:
    edges = [replace(EDGE, error="not frozen").to_json(), replace(HEAL, error="not thawed").to_json()]
    history = recorded(tmp_path / "history.arrow", ("inject", 0, edges[0]), ("heal", 0, edges[1]))
    assert history.faults()[0].error == "not frozen; not thawed"


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_edge_is_named_by_its_row_and_the_others_are_still_told(tmp_path: Path, name: str) -> None:
    history = recorded(
        tmp_path / "history.arrow",
        ("inject", 0, MALFORMED[name]),
        ("inject", 1, EDGE.to_json()),
        ("heal", 1, HEAL.to_json()),
    )
    assert [fault.id for fault in history.faults()] == ["1"]
    (problem,) = history.fault_problems()
    assert problem.startswith("row 2, inject of pause: ")


@pytest.mark.parametrize(
    ("event", "heal", "why"),
    [(None, HEAL, "it has no key"), (0, replace(HEAL, begin_ns=5, end_ns=6), "before the fault was in force")],
)
def test_a_heal_that_cannot_be_is_a_problem(tmp_path: Path, event: int | None, heal: FaultEdge, why: str) -> None:
    history = recorded(tmp_path / "history.arrow", ("inject", 0, EDGE.to_json()), ("heal", event, heal.to_json()))
    (problem,) = history.fault_problems()
    assert problem.startswith("row 3, heal of pause: ")
    assert why in problem


def test_a_malformed_edge_makes_the_verdict_unknown_and_says_where(tmp_path: Path) -> None:
    history = recorded(tmp_path / "history.arrow", ("inject", 0, "not JSON"))
    verdict = judge(history, Linearizable())
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == (f"the history is malformed at {history.fault_problems()[0]}",)


@pytest.mark.parametrize("evidence", [{}, {"edges": 5, "probes_sent": 1, "probes_received": 0, "packets_dropped": 1}])
def test_the_report_draws_what_is_left(tmp_path: Path, evidence: dict[str, int]) -> None:
    odd = replace(EDGE, evidence=evidence).to_json()
    history = recorded(tmp_path / "history.arrow", ("inject", 0, "{"), ("inject", 1, odd), ("heal", 9, HEAL.to_json()))
    assert "pause: n1" in render(replace(page(number=10), history=history))
