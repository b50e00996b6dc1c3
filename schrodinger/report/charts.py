"""Charts over time: throughput, latency, and the operations that stand out, each over the faults that were in force.

Pure functions from small frames to SVG. Every chart shares one time axis and one way of showing faults: a pale band
across the plot, and above it a strip where each fault is a numbered bar with the pattern of its kind. Colours come from
the style sheet by class; nothing is told by colour alone: outcomes differ in shape and place, quantiles in weight,
faults in pattern and number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.checkers.deed import several
from schrodinger.report.axes import Decades, Grid, Linear, Span
from schrodinger.report.fault_marks import sample, strip, strip_height
from schrodinger.report.svg import WIDE, Attribute, band, bars, dots, element, line, percent, steps, stretched, together
from schrodinger.report.words import level, rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from markupsafe import Markup

    from schrodinger.history import FaultInterval

SWATCHES: Mapping[str, tuple[str, Mapping[str, Attribute]]] = {
    "ok": ("path", {"d": "M9 7h0", "class_": "mark ok"}),
    "fail": ("path", {"d": "M9 7h0", "class_": "mark fail"}),
    "info": ("path", {"d": "M9 3.5v7", "class_": "mark info"}),
    "p50": ("path", {"d": "M1 7h16", "class_": "curve p50"}),
    "p95": ("rect", {"x": 1, "y": 2, "width": 16, "height": 10, "class_": "band inner"}),
    "p99": ("rect", {"x": 1, "y": 2, "width": 16, "height": 10, "class_": "band outer"}),
    "max": ("path", {"d": "M1 7h16", "class_": "curve max"}),
    "anomaly": ("path", {"d": "M4 3h10l-5 7z", "class_": "flag"}),
}
"""What legends explain: the shape of each sample."""

_AXIS = 22
_MAIN = 170
_TALL = 200
_SMALL = 44
_CAPTION = 20
_NEVER = 20
_FINE_TICKS = 32


def throughput_chart(frame: pl.DataFrame, grid: Grid, faults: Sequence[FaultInterval], marks: Sequence[int]) -> Markup:
    """Operations per second: what succeeded large, failures and unknown outcomes each on a scale of their own."""
    per_second = 1e9 / grid.width_ns
    xs = [bucket * WIDE / grid.buckets for bucket in frame["bucket"]]
    panels: list[Markup] = []
    top = strip_height(faults)
    labels = {"ok": "ok: succeeded", "fail": "fail: certainly did not happen", "info": "info: nobody knows"}
    for outcome, height in (("ok", _MAIN), ("fail", _SMALL), ("info", _SMALL)):
        rates = [value * per_second for value in frame[outcome]]
        peak = max(rates, default=0)
        scale = Linear.up_to(peak, height) if height == _MAIN else Linear(peak or 1, height)
        path = steps(xs, [scale.y(value) for value in rates], WIDE / grid.buckets, height) if any(rates) else ""
        levels = [(scale.y(tick), rate(tick)) for tick in scale.ticks()] if height == _MAIN else [(0, _peak(peak))]
        panels += [
            _caption(top, labels[outcome]),
            stretched(element("path", d=path, class_=f"area {outcome}"), top=top + _CAPTION, height=height),
            *_levels(levels, top + _CAPTION),
        ]
        top += _CAPTION + height + 6
    return _chart("Operations per second over time", panels, top, grid.span, faults, marks)


def latency_chart(frame: pl.DataFrame, grid: Grid, faults: Sequence[FaultInterval], marks: Sequence[int]) -> Markup:
    """Latency of successful operations: median as a line, 95th and 99th percentile as bands, the slowest dotted."""
    top = strip_height(faults)
    scale = _decades(frame["p50"].min(), frame["max"].max())
    xs = [(bucket + 0.5) * WIDE / grid.buckets for bucket in frame["bucket"]]
    y = {name: [scale.y(value) for value in frame[name]] for name in ("p50", "p95", "p99", "max")}
    gap = 1.5 * WIDE / grid.buckets
    curves = [
        element("path", d=band(list(zip(xs, y["p95"], y["p99"], strict=True)), gap), class_="band outer"),
        element("path", d=band(list(zip(xs, y["p50"], y["p95"], strict=True)), gap), class_="band inner"),
        element("path", d=line(list(zip(xs, y["max"], strict=True)), gap), class_="curve max"),
        element("path", d=line(list(zip(xs, y["p50"], strict=True)), gap), class_="curve p50"),
    ]
    panels = [
        stretched(*curves, top=top, height=scale.height),
        *_levels([(scale.y(tick), level(tick)) for tick in scale.ticks()], top),
    ]
    return _chart("Latency of successful operations over time", panels, top + scale.height, grid.span, faults, marks)


def scatter_chart(frame: pl.DataFrame, grid: Grid, faults: Sequence[FaultInterval], marks: Sequence[int]) -> Markup:
    """Single operations: when they began and how long they took; those that never completed have a row on top."""
    top = strip_height(faults)
    scale = _latency_scale(frame)
    points: dict[str, list[tuple[float, float]]] = {"ok": [], "fail": [], "info": []}
    for outcome, place in zip(frame["type"], places(frame, grid), strict=True):
        points[outcome].append(place)
    drawing = stretched(
        element("path", d=dots(points["ok"]), class_="mark ok"),
        element("path", d=bars(points["info"], 7), class_="mark info"),
        element("path", d=dots(points["fail"]), class_="mark fail"),
        top=top,
        height=_NEVER + scale.height,
    )
    levels = _levels([(scale.y(tick), level(tick)) for tick in scale.ticks()], top + _NEVER)
    panels = [drawing, _caption(top, "never completed"), *levels]
    height = top + _NEVER + scale.height
    return _chart("Slow and failed operations over time", panels, height, grid.span, faults, marks)


def places(frame: pl.DataFrame, grid: Grid) -> list[tuple[float, float]]:
    """Where each operation's mark is in the scatter: x of :data:`WIDE`, y in pixels."""
    span = grid.span
    scale = _latency_scale(frame)
    return [
        (round(span.fraction(start) * WIDE, 1), round(_NEVER / 2 if took is None else _NEVER + scale.y(took), 1))
        for start, took in frame.select("start_ns", "latency_ns").iter_rows()
    ]


def swatch(name: str) -> Markup:
    """A sample of a mark or a curve (one of :data:`SWATCHES`) for a legend, drawn exactly as in the chart."""
    tag, attributes = SWATCHES[name]
    return sample(element(tag, **attributes))


def _chart(
    title: str,
    panels: Sequence[Markup],
    height: float,
    span: Span,
    faults: Sequence[FaultInterval],
    marks: Sequence[int],
) -> Markup:
    shades, bars_of_faults = strip(faults, span, height)
    ticks = span.ticks()
    axis = [_tick(at, label, height, "minor" if i % 2 else "major") for i, (at, label) in enumerate(ticks)]
    coarse = {at for at, _ in ticks}
    axis += [_tick(at, label, height, "fine") for at, label in span.ticks(_FINE_TICKS) if at not in coarse]
    flags = together(_flag(span.fraction(at), height) for at in marks if span.begin_ns <= at <= span.end_ns)
    cursor = element("line", x1=0, x2=0, y1=0, y2=height, class_="cursor")
    under = f", under {several(len(faults), 'fault')}" if faults else ""
    return element(
        "svg",
        shades,
        *axis,
        *panels,
        element("line", x1=0, x2="100%", y1=height, y2=height, class_="frame"),
        bars_of_faults,
        flags,
        cursor,
        class_="chart",
        width="100%",
        height=height + _AXIS,
        role="img",
        tabindex="0",
        aria_label=f"{title}{under}. The table below gives the figures.",
    )


def _tick(at: float, label: str, height: float, rank: str) -> Markup:
    anchor = "start" if at < 0.04 else "end" if at > 0.96 else "middle"
    return element(
        "g",
        element("line", x1=percent(at), x2=percent(at), y1=0, y2=height, class_="grid"),
        element("text", label, x=percent(at), y=height + 15, text_anchor=anchor, class_="tick"),
        class_=rank,
    )


def _levels(ticks: Sequence[tuple[float, str]], top: float) -> list[Markup]:
    return [
        element(
            "g",
            element("line", x1=0, x2="100%", y1=top + y, y2=top + y, class_="grid"),
            element("text", label, x=2, y=top + y + 12, class_="tick value"),
        )
        for y, label in ticks
    ]


def _caption(top: float, text: str) -> Markup:
    return element("text", text, x="100%", y=top + 13, text_anchor="end", class_="panel")


def _flag(at: float, height: float) -> Markup:
    return element(
        "g",
        element("title", "anomaly"),
        element("line", x1=percent(at), x2=percent(at), y1=0, y2=height, class_="flag-line"),
        element("svg", element("path", d="M-5 0h10l-5 6z", class_="flag"), x=percent(at), y=0, overflow="visible"),
        class_="anomaly",
    )


def _peak(per_second: float) -> str:
    return f"peak {rate(per_second)}" if per_second else "none"


def _latency_scale(frame: pl.DataFrame) -> Decades:
    known = frame["latency_ns"].drop_nulls()
    return _decades(known.min(), known.max())


def _decades(smallest: object, largest: object) -> Decades:
    """A scale for latencies; where there are none, one that at least looks like it."""
    low = smallest if isinstance(smallest, int) else 1_000_000
    high = largest if isinstance(largest, int) else 10_000_000
    return Decades.between(low, high, _TALL)
