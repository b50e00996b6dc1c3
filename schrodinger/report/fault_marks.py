"""How faults look: a pattern for each kind, numbered bars above every chart, and pale bands through it.

Patterns, not colours, tell kinds apart, and the number leads to the fault log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.report.proof import described, when
from schrodinger.report.svg import element, percent, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from schrodinger.history import FaultInterval
    from schrodinger.report.axes import Span
    from schrodinger.report.svg import Attribute

PATTERNS = ("slant", "solid", "upright", "cross", "level", "speckle")
"""Fills of the kinds that have none of their own, and again from the start when there are more."""

STRIP_ROWS = 4
"""Rows of bars. More faults at once than this share the last row."""

MOST_DRAWN = 200
"""Faults that a chart shows; more would be narrower than their borders."""

_USUAL = {"partition": "slant", "kill": "solid", "pause": "upright"}
"""The commonest kinds look the same on every page."""

_ROW = 16
_ROOM_FOR_NUMBER = 0.05


def patterns() -> Markup:
    """The fills, once a page."""
    drawn = {
        "slant": element("path", d="M-1 1l2-2M0 6l6-6M5 7l2-2", class_="hatch"),
        "solid": element("rect", width=6, height=6, class_="hatch-fill"),
        "upright": element("path", d="M1.5 0v6M4.5 0v6", class_="hatch"),
        "cross": element("path", d="M0 0l6 6M6 0l-6 6", class_="hatch"),
        "level": element("path", d="M0 1.5h6M0 4.5h6", class_="hatch"),
        "speckle": element("circle", cx=3, cy=3, r=1.4, class_="hatch-fill"),
    }
    size: dict[str, Attribute] = {"width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
    fills = [element("pattern", drawn[name], id=f"fault-{name}", **size) for name in PATTERNS]
    return element("svg", element("defs", *fills), class_="defs", width=0, height=0, aria_hidden="true")


def pattern_of(faults: Sequence[FaultInterval]) -> dict[str, str]:
    """Which fill each kind of fault gets, by kind."""
    kinds = sorted({fault.kind for fault in faults})
    others = [kind for kind in kinds if kind not in _USUAL]
    left = [name for name in PATTERNS if name not in {_USUAL[kind] for kind in kinds if kind in _USUAL}]
    return {kind: _USUAL.get(kind) or left[others.index(kind) % len(left)] for kind in kinds}


def fault_swatch(pattern: str) -> Markup:
    """A sample of a fault's bar for a legend."""
    place = {"x": 1, "y": 2, "width": 16, "height": 10, "rx": 2}
    back = element("rect", class_="fault-back", **place)
    return sample(back, element("rect", class_="fault", fill=f"url(#fault-{pattern})", **place))


def sample(*shapes: Markup) -> Markup:
    """The small drawing that stands before a legend's text."""
    return element("svg", *shapes, class_="swatch", width=18, height=14, aria_hidden="true")


def strip(faults: Sequence[FaultInterval], span: Span, height: float) -> tuple[Markup, Markup]:
    """Pale bands over the whole height of a chart, and the numbered bars above it."""
    drawn = faults[:MOST_DRAWN]
    fills = pattern_of(faults)
    bands = []
    bars = []
    for fault, row in zip(drawn, strip_rows(drawn), strict=True):
        begin = span.fraction(fault.begin_ns)
        width = (1.0 if fault.end_ns is None else span.fraction(fault.end_ns)) - begin
        bands.append(element("rect", x=percent(begin), y=0, width=percent(width), height=height, class_="shade"))
        bars.append(_bar(fault, fills[fault.kind], begin, width, row * _ROW))
    return together(bands), together(bars)


def strip_height(faults: Sequence[FaultInterval]) -> float:
    """The room that the bars need above a chart."""
    rows = max(strip_rows(faults[:MOST_DRAWN]), default=-1) + 1
    return rows * _ROW + 6 if rows else 0


def strip_rows(faults: Sequence[FaultInterval]) -> list[int]:
    """The row of each fault's bar: the first in which it overlaps none before it, and at most the last."""
    free: list[float] = []
    rows = []
    for fault in faults:
        row = next((i for i, at in enumerate(free) if at <= fault.begin_ns), len(free))
        row = min(row, STRIP_ROWS - 1)
        free[row:] = [float("inf") if fault.end_ns is None else fault.end_ns, *free[row + 1 :]]
        rows.append(row)
    return rows


def _bar(fault: FaultInterval, pattern: str, begin: float, width: float, top: float) -> Markup:
    place: dict[str, Attribute] = {
        "x": percent(begin),
        "y": top + 1,
        "width": percent(width),
        "height": _ROW - 3,
        "rx": 2,
    }
    number = element("text", fault.id, x=percent(begin), dx=5, y=top + 11.5, class_="fault-number")
    return element(
        "g",
        element("rect", class_="fault-back", **place),
        element("rect", class_="fault", fill=f"url(#fault-{pattern})", **place),
        *([number] if width > _ROOM_FOR_NUMBER else []),
        class_="fault-bar",
        data_tip=f"#{fault.id} {fault.kind}: {described(fault)}\n{when(fault)}",
    )
