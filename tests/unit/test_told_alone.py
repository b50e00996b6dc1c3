"""Violations late in long histories: few operations are told, and those alone are one, whatever the object held before.

Histories are simulated, each with one lie; what the checker names is given to the checker again, by itself, after every
state of some that the object may have been in.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

import pytest
from schrodinger_native import HistoryFile, check_linearizable

from schrodinger.checkers import Linearizable
from schrodinger.history import History
from tests.fakes.lies import CLIENTS, THINGS, Pool, overdrawn, simulated, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from schrodinger_native.results import Failure, Row

    from tests.fakes.lies import Asked, Event, Thing

HISTORIES = 8


def failure_of(history: HistoryFile, model: str) -> Failure | None:
    found = check_linearizable(history, model=model)
    assert found["verdict"] != "malformed", found["problems"]
    return found["failure"]


def told_alone(rows: Sequence[Row], failure: Failure, before: Sequence[Asked]) -> list[Event]:
    """The operations of a failure by themselves, with what they returned; what was open at its start began first."""
    told = {witness["row"] for witness in failure["witness"]}
    start = failure["start"] or 0
    open_then: list[Event] = []
    since: list[Event] = []
    running: dict[int, int] = {}
    for index, _, process, kind, f, _, values, _ in rows:
        call = running[process] = index if kind == "invoke" else running[process]
        if call in told:
            (open_then if index < start else since).append((process, kind, f, values))
    done: list[Event] = [(CLIENTS, kind, f, asked) for f, asked in before for kind in ("invoke", "ok")]
    return [*open_then, *done, *since]


def states_before(thing: Thing, failure: Failure, events: Sequence[Event]) -> Iterable[Sequence[Asked]]:
    """What may have happened before the start of a failure."""
    if failure["start"] is None:
        return [[]]
    if failure["held"] is None:
        return thing.states(events)
    assert isinstance(thing, Pool)
    assert "more" not in failure["held"]
    return [[(thing.put, (int(number),)) for number in re.findall(r"-?\d+", failure["held"])]]


@pytest.mark.parametrize("name", THINGS)
def test_what_is_told_of_a_long_history_is_a_violation_by_itself_whatever_was_before(tmp_path: Path, name: str) -> None:
    violations, starts = 0, 0
    for seed in range(HISTORIES):
        thing = THINGS[name]()
        events = simulated(thing, Random(f"{name} {seed}"))
        history = written(tmp_path / "history.arrow", events)
        failure = failure_of(history, thing.model)
        if failure is None:
            continue
        violations += 1
        starts += failure["start"] is not None
        rows = history.events()
        for before in states_before(thing, failure, events):
            alone = told_alone(rows, failure, before)
            found = failure_of(written(tmp_path / "alone.arrow", alone), thing.model)
            assert found is not None, f"seed {seed}, after {before}, from row {failure['start']}: {alone}"
    assert violations >= HISTORIES // 4
    assert starts or name == "fifo-queue"  # of which nothing can be told without its beginning


def test_of_an_unordered_queue_the_end_is_told_with_what_was_inside_before_it(tmp_path: Path) -> None:
    written(tmp_path / "history.arrow", overdrawn())
    (anomaly,) = Linearizable(model="unordered-queue").check(History.open(tmp_path / "history.arrow")).anomalies
    assert anomaly.story[:2] == (
        "Whatever had begun before row 84 had returned, and left [] in the queue.",
        "Process 0 began to dequeue at row 84 and got 1 at row 85.",
    )


@pytest.mark.parametrize("name", THINGS)
def test_what_is_told_of_a_long_history_is_short(tmp_path: Path, name: str) -> None:
    for seed in range(HISTORIES):
        thing = THINGS[name]()
        written(tmp_path / "history.arrow", simulated(thing, Random(f"{name} {seed}")))
        verdict = Linearizable(model=thing.model).check(History.open(tmp_path / "history.arrow"))
        for anomaly in verdict.anomalies:
            assert len(anomaly.story) <= 60, anomaly.story
            assert not any("not told" in line for line in anomaly.story)
