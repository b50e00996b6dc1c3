"""The graph of an anomaly: operations as boxes, one below the other, and the dependencies that order them in a circle.

A cycle has no beginning, so any operation may be on top. A dependency leaves its box at the bottom, says there what it
is, and enters the next box from above; one that leads elsewhere runs around on the left. Nothing is laid out by
optimisation: a cycle is a line that comes back. Colour tells the kind of a dependency, and so do its words and dashes.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from schrodinger.checkers.deed import several
from schrodinger.report.svg import element, number, together
from schrodinger.report.timeline import instants_of
from schrodinger.report.words import clipped, digits_apart, moment, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from schrodinger.checkers.verdict import Anomaly, Dependency, Involved

WIDTH = 760
"""Units across; a narrower page scales the drawing."""

MOST_BOXES = 40
"""A circle of more operations is told by its beginning."""

MOST_LINES = 6
"""Lines of an operation's steps."""

_LEFT = 70
_CHARACTERS = 84
_LINE = 18
_HEAD = 24
_PADDING = 8
_LABEL = 20
_GAP = 14
_ARROW = 7
_EDGE_X = 110
_LANE = 14
_LABEL_CHARACTERS = 82


@dataclass(frozen=True, slots=True)
class _Box:
    """An operation with the lines that say what it did, and where it is drawn."""

    operation: Involved
    lines: tuple[str, ...]
    top: float

    @property
    def bottom(self) -> float:
        return self.top + _HEAD + _LINE * len(self.lines) + _PADDING


def graph(anomaly: Anomaly) -> Markup:
    """The drawing of an anomaly that has dependencies."""
    assert anomaly.dependencies, "a graph needs dependencies"
    order = _order(anomaly.dependencies)
    shown = order[:MOST_BOXES]
    involved = {operation.index: operation for operation in anomaly.operations}
    leaving = {
        index: [one for one in anomaly.dependencies if one.earlier == index and one.later in shown] for index in shown
    }
    top: float = _GAP
    boxes: dict[int, _Box] = {}
    for index in shown:
        boxes[index] = _Box(involved[index], _lines(involved[index]), top)
        labels = sum(len(_label(dependency)) for dependency in leaving[index])
        top = boxes[index].bottom + _LABEL * labels + 2 * _GAP
    digits = digits_apart(at for index in shown for at in instants_of(involved[index]))
    followers = dict(pairwise(shown))
    edges: list[Markup] = []
    lanes = 0
    for index in shown:
        row = boxes[index].bottom + _GAP
        for place, dependency in enumerate(leaving[index]):
            is_straight = followers.get(index) == dependency.later and place == len(leaving[index]) - 1
            edges.append(_edge(dependency, boxes, row, None if is_straight else lanes))
            lanes += not is_straight
            row += _LABEL * len(_label(dependency))
    hidden = len(order) - len(shown)
    more = [element("text", f"{several(hidden, 'more operation')} …", x=_LEFT, y=top, class_="when")] if hidden else []
    height = top + (_LABEL if hidden else 0)
    told = "; ".join(f"{dependency.kind}: {dependency.why}" for dependency in anomaly.dependencies)
    return element(
        "svg",
        *edges,
        *(_box(box, digits) for box in boxes.values()),
        *more,
        class_="graph",
        viewBox=f"0 0 {WIDTH} {number(height)}",
        width=WIDTH,
        height=height,
        role="img",
        aria_label=printable(f"Dependencies of {anomaly.name}. {told}"),
    )


def _order(dependencies: Sequence[Dependency]) -> list[int]:
    """The operations as the dependencies lead to them."""
    return list(dict.fromkeys(index for one in dependencies for index in (one.earlier, one.later)))


def _lines(operation: Involved) -> tuple[str, ...]:
    lines = textwrap.wrap(printable(operation.label), _CHARACTERS) or ["(nothing)"]
    return tuple(lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], clipped(lines[-1], 20) + " …"])


def _label(dependency: Dependency) -> list[str]:
    return textwrap.wrap(printable(dependency.why), _LABEL_CHARACTERS - 10)


def _box(box: _Box, digits: int) -> Markup:
    operation = box.operation
    ended = "never ended" if operation.end_ns is None else f"to {moment(operation.end_ns, digits)}"
    when = f"process {operation.process}, from {moment(operation.start_ns, digits)} {ended}, {operation.outcome}"
    head = element(
        "text",
        element("tspan", printable(operation.role) or f"row {operation.index}", class_="name"),
        element("tspan", printable(when), class_="when", dx=10),
        x=_LEFT + 12,
        y=box.top + 17,
    )
    steps = (
        element("text", line, x=_LEFT + 12, y=box.top + _HEAD + _LINE * (place + 0.75), class_="step")
        for place, line in enumerate(box.lines)
    )
    frame = element(
        "rect",
        x=_LEFT,
        y=box.top,
        width=WIDTH - _LEFT - 10,
        height=box.bottom - box.top,
        rx=8,
        class_="frame",
    )
    outcome = operation.outcome if operation.outcome in ("ok", "fail") else "info"
    return element("g", frame, head, *steps, class_=f"deed {outcome}")


def _edge(dependency: Dependency, boxes: dict[int, _Box], row: float, lane: int | None) -> Markup:
    """From the bottom of one box: down to the next, or, in a ``lane`` of its own, around on the left to any other."""
    begin, goal = boxes[dependency.earlier], boxes[dependency.later]
    label = _label(dependency)
    if lane is None:
        x, y = _EDGE_X, goal.top
        path = f"M{number(_EDGE_X)} {number(begin.bottom)}V{number(y - _ARROW)}"
        arrow = [(x, y), (x - 5, y - _ARROW - 2), (x + 5, y - _ARROW - 2)]
    else:
        turn = row + _LABEL * len(label) - 6
        out = max(_LEFT - 2 * _LANE - lane * _LANE, 6)
        x, y = _LEFT, goal.top + 16
        path = (
            f"M{number(_EDGE_X)} {number(begin.bottom)}V{number(turn - 8)}q0 8 -8 8H{number(out + 8)}"
            f"q-8 0 -8 {'-8' if y < turn else '8'}V{number(y + (8 if y < turn else -8))}"
            f"q0 {'-8' if y < turn else '8'} 8 {'-8' if y < turn else '8'}H{number(x - _ARROW)}"
        )
        arrow = [(x, y), (x - _ARROW - 2, y - 5), (x - _ARROW - 2, y + 5)]
    return element(
        "g",
        element("path", d=path),
        element("polygon", points=_points(arrow)),
        element("text", dependency.kind, x=_EDGE_X + 14, y=row + 13, class_="kind"),
        together(
            element("text", line, x=_EDGE_X + 90, y=row + 13 + _LABEL * place) for place, line in enumerate(label)
        ),
        class_=f"edge {dependency.kind}",
    )


def _points(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in corners)
