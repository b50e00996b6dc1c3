"""Queues, stacks and sets with distinct elements: each rule broken by name, beside a twin that keeps it, and told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import Linearizable, Validity
from tests.fakes.scripts import written

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.checkers import Anomaly, Verdict

QUEUE, BAG, STACK, SET = "fifo-queue", "unordered-queue", "stack", "set"
GROWING = "set read as a whole"


def script(*operations: str) -> str:
    """Lines of a history from operations one after the other, such as ``dequeue > 1`` or ``enqueue 1 > info``.

    Those in one text, separated by ``|``, overlap: all begin before any ends.
    """
    lines = []
    process = 0
    for group in operations:
        ends = []
        for operation in group.split("|"):
            call, _, result = (part.strip() for part in operation.partition(">"))
            lines.append(f"{process} invoke {call}")
            f, kind = call.split()[0], result if result in ("fail", "info") else "ok"
            values = "" if kind != "ok" else result or " ".join(call.split()[1:])
            ends.append(f"{process} {kind} {f} {'' if values == 'nothing' else values}")
            process += 1
        lines += ends
    return "\n".join(lines)


PUT_1_2 = ("enqueue 1", "enqueue 2")
BROKEN = {
    ("unexpected element", QUEUE): (
        script("enqueue 1 > fail", "dequeue > 1"),
        script("enqueue 1 > info", "dequeue > 1"),
    ),
    ("duplicated element", QUEUE): (
        script("enqueue 1", "dequeue > 1", "dequeue > 1"),
        script("enqueue 1", "dequeue > 1", "dequeue > nothing"),
    ),
    ("element from the future", BAG): (script("dequeue > 1", "enqueue 1"), script("dequeue > 1 | enqueue 1")),
    ("overtaken element", QUEUE): (
        script(*PUT_1_2, "dequeue > 2", "dequeue > 1"),
        script(*PUT_1_2, "dequeue > 2 | dequeue > 1"),
    ),
    ("element left behind", QUEUE): (
        script(*PUT_1_2, "dequeue > 2"),
        script(*PUT_1_2, "dequeue > info", "dequeue > 2"),
    ),
    ("false empty", BAG): (
        script("enqueue 1", "dequeue > nothing", "dequeue > 1"),
        script("enqueue 1", "dequeue > nothing | dequeue > 1"),
    ),
    ("entangled elements", STACK): (
        script("push 1", "push 2", "pop > 1", "pop > 2"),
        script("push 1", "push 2", "pop > 1 | pop > 2"),
    ),
    ("unexpected element", SET): (script("add 1 > fail", "contains 1 > 1"), script("add 1 > info", "contains 1 > 1")),
    ("element from the future", SET): (script("contains 1 > 1", "add 1"), script("contains 1 > 1 | add 1")),
    ("flickering element", SET): (
        script("add 1", "remove 1 > info", "contains 1 > 0", "contains 1 > 1"),
        script("add 1 | contains 1 > 0", "contains 1 > 1"),
    ),
    ("vanished element", SET): (
        script("add 1", "contains 1 > 0"),
        script("add 1", "remove 1 > info", "contains 1 > 0"),
    ),
    ("vanished element", GROWING): (
        script("add 1", "add 2", "read-all > 2"),
        script("add 1 | add 2", "read-all > 1 2"),
    ),
    ("unexpected element", GROWING): (script("read-all > 1 2", "add 1"), script("read-all > 1 | add 1")),
    ("element from the future", GROWING): (script("read-all > 1", "add 1"), script("read-all > 1 | add 1")),
    ("forked set", GROWING): (
        script("add 1 | add 2 | read-all > 1 | read-all > 2"),
        script("add 1 | add 2 | read-all > 1 | read-all > 1 2"),
    ),
}
"""By anomaly and model: a history that shows it, and its possible twin."""


def judged(path: Path, model: str, history: str) -> Verdict:
    """The verdict on a script."""
    return Linearizable(model=SET if model == GROWING else model).check(written(path / "history.arrow", history))


def told(path: Path, model: str, history: str) -> Anomaly:
    """The one anomaly of a script, its instants left out of the story."""
    (anomaly,) = judged(path, model, history).anomalies
    return anomaly


def timeless(lines: tuple[str, ...]) -> list[str]:
    """Without instants, which differ from run to run."""
    return [re.sub(r"\d+\.\d+ m?s", "…", line) for line in lines]


@pytest.mark.parametrize(("name", "model"), BROKEN)
def test_a_broken_rule_is_a_violation_with_its_name(tmp_path: Path, name: str, model: str) -> None:
    verdict = judged(tmp_path, model, BROKEN[name, model][0])
    assert (verdict.validity, [anomaly.name for anomaly in verdict.anomalies]) == (Validity.VIOLATION, [name])
    assert verdict.statistics["algorithms"]["search"] == 0, "distinct elements need no search"


@pytest.mark.parametrize(("name", "model"), BROKEN)
def test_the_twin_that_keeps_it_is_valid(tmp_path: Path, name: str, model: str) -> None:
    verdict = judged(tmp_path, model, BROKEN[name, model][1])
    assert (verdict.validity, verdict.anomalies) == (Validity.VALID, ())
    assert verdict.statistics["algorithms"]["search"] == 0, "distinct elements need no search"


def test_an_overtaken_element_is_told_in_both_orders(tmp_path: Path) -> None:
    history = script("enqueue 7", *PUT_1_2, "dequeue > 7", "dequeue > 2", "dequeue > 1", "enqueue 8")
    anomaly = told(tmp_path, QUEUE, history)
    assert anomaly.summary == "1 went into the queue before 2, and came out after it."
    assert timeless(anomaly.story) == [
        "Process 1 began to enqueue 1 at … and was acknowledged at ….",
        "Process 2 began to enqueue 2 at … and was acknowledged at ….",
        "Process 4 began to dequeue at … and got 2 at ….",
        "Process 5 began to dequeue at … and got 1 at ….",
        "1 went in first: its enqueue had returned at …, and the enqueue of 2 began at ….",
        "2 came out first: its dequeue had returned at …, and the dequeue of 1 began at ….",
        "Linearizability is broken: what goes in first comes out first.",
    ]


def test_elements_left_behind_are_counted_against_dequeues_nobody_knows_about(tmp_path: Path) -> None:
    anomaly = told(tmp_path, QUEUE, script("enqueue 1", "enqueue 2", "dequeue > info", "enqueue 3", "dequeue > 3"))
    assert anomaly.summary == "3 came out of the queue though 1, 2 had gone in before and were still there."
    assert timeless(anomaly.story)[-3:] == [
        "1, 2 had gone in by …, before the enqueue of 3 began at ….",
        "Only 1 dequeue of which nobody knows what it took had begun when 3 came out at ….",
        "Linearizability is broken: what goes in first comes out first.",
    ]


def test_entangled_elements_are_told_with_what_kept_each_from_being_the_lowest(tmp_path: Path) -> None:
    anomaly = told(tmp_path, STACK, script("push 7", "push 1", "push 2", "pop > 1", "pop > 2", "pop > 7"))
    assert timeless(anomaly.story)[-4:] == [
        "Whichever of them went in first came out last, when none of the others was inside.",
        "It is not 1: while its pop ran, from … to …, 2 was certainly inside.",
        "It is not 2: while its push ran, from … to …, 1 was certainly inside.",
        "Linearizability is broken: what goes in last comes out first.",
    ]
    assert [operation.role for operation in anomaly.operations] == [
        "put it in",
        "put it in",
        "took it out",
        "took it out",
    ]


@pytest.mark.parametrize(
    ("model", "history"),
    [
        (QUEUE, script("enqueue 1", "enqueue 1", "dequeue > 1", "dequeue > 1")),
        (STACK, script("push 1", "push 1", "pop > 1", "pop > 1")),
        (SET, script("add 1", "contains 1 > 1", "remove 1", "add 1", "contains 1 > 1")),
    ],
)
def test_repeated_elements_are_searched(tmp_path: Path, model: str, history: str) -> None:
    verdict = judged(tmp_path, model, history)
    assert (verdict.validity, verdict.statistics["algorithms"]["search"]) == (Validity.VALID, 1)
