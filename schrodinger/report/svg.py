"""SVG as nested calls: the few lines of drawing that the report needs, with every text and attribute escaped.

Charts are laid out without a ``viewBox``: positions along the time axis are percentages, heights are pixels. Text
therefore keeps its size at any width, which a scaled drawing can't do, and zooming is nothing but a wider element.
Curves, which can't be written in percentages, go into a nested drawing of :data:`WIDE` units that is stretched
(:func:`stretched`); their strokes don't scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDE = 1000
"""Units along the time axis of a stretched drawing."""

Attribute = str | int | float
Point = TypeVar("Point", tuple[float, float], tuple[float, float, float])


def number(value: float) -> str:
    """A coordinate, to a hundredth, without trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def percent(value: float) -> str:
    """A position along the time axis; ``value`` is a fraction of the width."""
    return f"{number(value * 100)}%"


def element(tag: str, *children: str, **attributes: Attribute) -> Markup:
    """One element. ``class_`` is ``class``, other underscores are hyphens; children that are no markup are escaped."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value if isinstance(value, str) else number(value))}"'
        for name, value in attributes.items()
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{tag}{written}>{inner}</{tag}>") if inner else Markup(f"<{tag}{written}/>")  # noqa: S704 - all parts are escaped


def together(parts: Iterable[Markup]) -> Markup:
    """Several elements, one after the other."""
    return Markup("").join(parts)


def stretched(*children: Markup, top: float, height: float) -> Markup:
    """A band of the drawing in which x runs from 0 to :data:`WIDE` whatever the width on screen; y stays in pixels."""
    return element(
        "svg",
        *children,
        class_="stretched",
        y=top,
        width="100%",
        height=height,
        viewBox=f"0 0 {WIDE} {number(height)}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def steps(xs: Sequence[float], ys: Sequence[float], width: float, floor: float) -> str:
    """The path of a histogram: for each x a horizontal step of ``width`` at its y, closed along ``floor``."""
    assert len(xs) == len(ys), "every step needs a height"
    pieces: list[str] = []
    previous: float | None = None
    for x, y in zip(xs, ys, strict=True):
        if previous is None or abs(previous - x) > width / 100:
            if previous is not None:
                pieces.append(f"V{number(floor)}")
            pieces.append(f"M{number(x)} {number(floor)}")
        pieces.append(f"V{number(y)}H{number(x + width)}")
        previous = x + width
    if pieces:
        pieces.append(f"V{number(floor)}")
    return "".join(pieces)


def line(points: Sequence[tuple[float, float]], gap: float) -> str:
    """The path of a curve, broken where points are further apart than ``gap``: a line never bridges a silence.

    A lonely point becomes a dot, since strokes have round caps.
    """
    return "".join("M" + (_joined(run) if len(run) > 1 else f"{_joined(run)}h0") for run in _runs(points, gap))


def band(points: Sequence[tuple[float, float, float]], gap: float) -> str:
    """The path of the area between two curves, given as (x, lower, upper), broken like a :func:`line`."""
    path = ""
    for run in _runs(points, gap):
        there = _joined([(x, lower) for x, lower, _ in run])
        back = _joined([(x, upper) for x, _, upper in reversed(run)])
        path += f"M{there}L{back}Z"
    return path


def dots(points: Iterable[tuple[float, float]]) -> str:
    """The path of many marks: zero-length strokes, whose caps stay round or square however the drawing is stretched."""
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in points)


def bars(points: Iterable[tuple[float, float]], height: float) -> str:
    """The path of many short vertical marks."""
    return "".join(f"M{number(x)} {number(y - height / 2)}v{number(height)}" for x, y in points)


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{number(x)} {number(y)}" for x, y in points)


def _runs(points: Sequence[Point], gap: float) -> list[list[Point]]:
    split: list[list[Point]] = []
    for point in points:
        if split and point[0] - split[-1][-1][0] <= gap:
            split[-1].append(point)
        else:
            split.append([point])
    return split
