"""The timeline of an anomaly: a lane a process, a bar an operation, and the faults that were in force above them.

What matters in an anomaly is which operation ended before which other began. Operations take milliseconds and may lie
minutes apart, so the axis keeps the order of all ends exactly and compresses the distances between them
(:class:`Compressed`); labels give the true instants. The layout assumes the width of a phone (:data:`PHONE`), so that
no label collides there; wider screens have more room.
"""

from __future__ import annotations

import bisect
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schrodinger.report.fault_marks import pattern_of
from schrodinger.report.proof import described
from schrodinger.report.svg import element, percent, together
from schrodinger.report.words import clipped, digits_apart, duration, moment, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from schrodinger.checkers.verdict import Anomaly, Involved
    from schrodinger.history import FaultInterval

PHONE = 320
"""Pixels that a drawing has at least."""

MOST_OPERATIONS = 60
"""Bars that are drawn. A story of more is not read; the rest stands in the table."""

MOST_FAULTS = 8

_CHARACTER = 7.3
_TICK_CHARACTER = 6.8
_LANE = 20
_ROW = 36
_ROLE = 16
_BAR = 10
_FAULT = 18
_AXIS = 22
_SIGN = 14
_LONGEST_FAULT = 120
_MARGIN = 0.03
_WIDEST = 6.0


@dataclass(frozen=True, slots=True)
class Compressed:
    """A time axis on which order is exact and distance grows with its logarithm: knots in time and their places."""

    knots: tuple[int, ...]
    places: tuple[float, ...]

    @classmethod
    def through(cls, instants: Sequence[int]) -> Compressed:
        """The axis on which all of these instants can be told apart."""
        knots = tuple(sorted(set(instants)))
        assert knots, "a timeline needs an instant"
        gaps = [after - before for before, after in itertools.pairwise(knots)]
        shortest = min(gaps, default=1)
        widths = [min(1 + math.log10(gap / shortest), _WIDEST) for gap in gaps]
        total = sum(widths) or 1.0
        places, reached = [_MARGIN], 0.0
        for width in widths:
            reached += width
            places.append(_MARGIN + (1 - 2 * _MARGIN) * reached / total)
        return cls(knots, tuple(places))

    def fraction(self, at_ns: int) -> float:
        """Where an instant is drawn, from 0 to 1; those before the first or after the last knot are at the edge."""
        if at_ns < self.knots[0]:
            return 0.0
        if at_ns > self.knots[-1]:
            return 1.0
        right = bisect.bisect_left(self.knots, at_ns)
        if self.knots[right] == at_ns:
            return self.places[right]
        left = right - 1
        along = (at_ns - self.knots[left]) / (self.knots[right] - self.knots[left])
        return self.places[left] + along * (self.places[right] - self.places[left])

    def ticks(self) -> tuple[tuple[float, str, str], ...]:
        """Labels of knots as (place, text, anchor): the last one's, and those before it that touch none."""
        digits = digits_apart(self.knots)
        chosen: list[tuple[float, str, str]] = []
        free = math.inf
        for knot, place in reversed(list(zip(self.knots, self.places, strict=True))):
            text = moment(knot, digits)
            width = (len(text) * _TICK_CHARACTER + 10) / PHONE
            anchor, left = ("end", place - width) if place > 0.88 else ("middle", place - width / 2)
            if left < 0:
                anchor, left = "start", place
            right = left + width
            if right <= free:
                chosen.append((place, text, anchor))
                free = left
        return tuple(reversed(chosen))


@dataclass(frozen=True, slots=True)
class _Placed:
    """An operation with the number it has in the table, and where its row and label are."""

    operation: Involved
    number: int
    begin: float
    end: float
    row: int
    label: str
    at_start: bool
    told: str


def timeline(anomaly: Anomaly, faults: Sequence[FaultInterval]) -> Markup:
    """The drawing. Operations are numbered in the order given, which is the order of the table beside it."""
    operations = anomaly.operations
    assert operations, "a timeline needs operations"
    shown = operations[:MOST_OPERATIONS]
    axis = Compressed.through([at for operation in shown for at in instants_of(operation)])
    culprit = decisive(anomaly)
    meanwhile = during(operations, faults)[:MOST_FAULTS]
    top: float = len(meanwhile) * _FAULT + (8 if meanwhile else 0)
    lanes: list[Markup] = []
    for process in dict.fromkeys(operation.process for operation in sorted(shown, key=lambda one: one.start_ns)):
        numbered = [(i, one) for i, one in enumerate(shown, 1) if one.process == process]
        lane, height = _lane(process, _place(numbered, axis), top, culprit)
        lanes.append(lane)
        top += height
    ticks = together(_tick(place, label, anchor, top) for place, label, anchor in axis.ticks())
    return element(
        "svg",
        _shades(meanwhile, axis, top),
        ticks,
        *lanes,
        element("line", x1=0, x2="100%", y1=top, y2=top, class_="frame"),
        class_="chart timeline",
        width="100%",
        height=top + _AXIS,
        role="group",
        aria_label="Timeline of the operations involved, a lane for each process. The table below says the same.",
    )


def bar_swatch(outcome: str) -> Markup:
    """A sample of an outcome's bar for the legend."""
    bar = element("rect", x=1, y=3, width=20, height=8, rx=3, class_="bar")
    beyond = element("line", x1=21, x2=32, y1=7, y2=7, class_="beyond")
    drawn = element("g", bar, *([beyond] if outcome == "info" else []), class_=f"operation {outcome}")
    return element("svg", drawn, class_="swatch", width=34 if outcome == "info" else 22, height=14, aria_hidden="true")


def decisive(anomaly: Anomaly) -> Involved | None:
    """The operation that the anomaly is about: the one whose role is its name, or else the last that has a role."""
    cast = [operation for operation in anomaly.operations if operation.role]
    named = [operation for operation in cast if operation.role == anomaly.name]
    return max(named or cast, key=lambda operation: operation.start_ns, default=None)


def during(operations: Sequence[Involved], faults: Sequence[FaultInterval]) -> tuple[FaultInterval, ...]:
    """The faults that were in force at some time between the first and the last instant of the operations."""
    instants = [at for operation in operations for at in instants_of(operation)]
    if not instants:
        return ()
    first, last = min(instants), max(instants)
    return tuple(
        fault for fault in faults if fault.begin_ns <= last and (fault.end_ns is None or fault.end_ns >= first)
    )


def instants_of(operation: Involved) -> tuple[int, ...]:
    """When it began, and when it ended if it did."""
    return (operation.start_ns,) if operation.end_ns is None else (operation.start_ns, operation.end_ns)


def _lane(process: int, placed: Sequence[_Placed], top: float, culprit: Involved | None) -> tuple[Markup, float]:
    rows = max(one.row for one in placed) + 1
    with_role = {one.row for one in placed if one.operation.role}
    tops, at = [], top + _LANE
    for row in range(rows):
        tops.append(at)
        at += _ROW + (_ROLE if row in with_role else 0)
    lane = element(
        "g",
        element("line", x1=0, x2="100%", y1=top, y2=top, class_="grid"),
        element("text", f"process {process}", x=2, y=top + 14, class_="lane"),
        *(_bar(one, tops[one.row], decisive=one.operation is culprit) for one in placed),
        role="list",
        aria_label=f"Process {process}",
    )
    return lane, at - top + 4


def _place(numbered: Sequence[tuple[int, Involved]], axis: Compressed) -> list[_Placed]:
    """Each operation in the first row where its bar and its label are free, measured at the width of a phone."""
    ends: list[float] = []
    placed: list[_Placed] = []
    for index, operation in sorted(numbered, key=lambda pair: pair[1].start_ns):
        begin = axis.fraction(operation.start_ns)
        end = axis.places[-1] if operation.end_ns is None else axis.fraction(operation.end_ns)
        at_start = begin <= 1 - end
        room = int(((1 - begin) if at_start else end) * PHONE / _CHARACTER) - len(str(index)) - 1
        label = clipped(printable(operation.label), max(room, 8))
        length = (max(len(label) + len(str(index)) + 2, len(operation.role))) * _CHARACTER / PHONE
        left, right = (begin, max(end, begin + length)) if at_start else (min(begin, end - length), end)
        row = next((i for i, taken in enumerate(ends) if taken <= left), len(ends))
        ends[row:] = [right + 0.02, *ends[row + 1 :]]
        told = spoken(index, operation, digits_apart(axis.knots))
        placed.append(_Placed(operation, index, begin, end, row, label, at_start, told))
    return placed


def _bar(one: _Placed, top: float, *, decisive: bool) -> Markup:
    operation = one.operation
    x = percent(one.begin if one.at_start else one.end)
    anchor = "start" if one.at_start else "end"
    text = element(
        "text",
        element("tspan", str(one.number), class_="number"),
        " " + one.label,
        x=x,
        y=top + 12,
        text_anchor=anchor,
        class_="operation-label",
    )
    y = top + 17
    shape = element(
        "rect",
        x=percent(one.begin),
        y=y,
        width=percent(max(one.end - one.begin, 0.004)),
        height=_BAR,
        rx=3,
        class_="bar",
    )
    beyond = element("line", x1=percent(one.end), x2="100%", y1=y + _BAR / 2, y2=y + _BAR / 2, class_="beyond")
    role = element("text", printable(operation.role), x=x, y=y + _BAR + 14, text_anchor=anchor, class_="role")
    return element(
        "g",
        element("title", one.told),
        text,
        shape,
        *([beyond] if operation.outcome == "info" else []),
        *([role] if operation.role else []),
        class_=f"operation {_outcome_class(operation.outcome)}{' decisive' if decisive else ''}",
        role="listitem",
        tabindex="0",
        aria_label=one.told,
        data_tip=one.told,
    )


def spoken(index: int, operation: Involved, digits: int) -> str:
    """An operation of the timeline for a tooltip and a screen reader, with so many digits of a second."""
    when = f"from {moment(operation.start_ns, digits)}"
    if operation.end_ns is None:
        when += ", never completed"
    else:
        when += f" to {moment(operation.end_ns, digits)} ({duration(operation.end_ns - operation.start_ns)})"
    role = f", {operation.role}" if operation.role else ""
    return printable(f"{index}. process {operation.process}: {operation.label}, {operation.outcome}{role}, {when}")


def _outcome_class(outcome: str) -> str:
    return outcome if outcome in ("ok", "fail", "info") else "info"


def _shades(faults: Sequence[FaultInterval], axis: Compressed, height: float) -> Markup:
    fills = pattern_of(faults)
    shades: list[Markup] = []
    drawn: list[Markup] = []
    for i, fault in enumerate(faults):
        begin = axis.fraction(fault.begin_ns)
        width = (1.0 if fault.end_ns is None else axis.fraction(fault.end_ns)) - begin
        place = {"x": percent(begin), "width": percent(width)}
        inside = begin <= 0.5
        room = _LONGEST_FAULT if inside else int(begin * PHONE / _CHARACTER)
        label = clipped(printable(f"{fault.id} {fault.kind}: {described(fault)}"), room)
        y = i * _FAULT
        shades.append(element("rect", y=0, height=height, class_="shade", **place))
        drawn += [
            element("rect", y=y + 1, height=_FAULT - 4, rx=2, class_="fault-back", **place),
            element(
                "rect",
                x=place["x"],
                y=y + 1,
                width=_SIGN,
                height=_FAULT - 4,
                rx=2,
                class_="fault",
                fill=f"url(#fault-{fills[fault.kind]})",
            ),
            element(
                "text",
                label,
                x=percent(begin),
                dx=_SIGN + 5 if inside else -5,
                y=y + 12,
                text_anchor="start" if inside else "end",
                class_="fault-label",
            ),
        ]
    return together(shades + drawn)


def _tick(place: float, label: str, anchor: str, height: float) -> Markup:
    return element(
        "g",
        element("line", x1=percent(place), x2=percent(place), y1=0, y2=height, class_="grid"),
        element("text", label, x=percent(place), y=height + 15, text_anchor=anchor, class_="tick"),
    )
