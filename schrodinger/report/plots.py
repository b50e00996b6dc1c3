"""Drawings as files of their own: one SVG an anomaly, which any browser shows, in light and dark."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from schrodinger.report.fault_marks import patterns
from schrodinger.report.graph import WIDTH, graph
from schrodinger.report.svg import element
from schrodinger.report.timeline import timeline
from schrodinger.report.words import clipped, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schrodinger.checkers.verdict import Anomaly
    from schrodinger.history import FaultInterval

_MARGIN: Final = 16
_HEAD: Final = 52
_CHARACTERS: Final = 104


def plot(anomalies: Sequence[Anomaly], faults: Sequence[FaultInterval], directory: Path) -> tuple[Path, ...]:
    """Draw each anomaly: the graph of its dependencies if it has any, a timeline of its operations otherwise.

    Anomalies without operations have nothing to draw. Files are called ``01-G-single-item.svg`` and so on, in the order
    of the verdict; what was there under such a name is replaced.

    Raises:
        OSError: the directory or a file can't be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    drawn = [one for one in anomalies if one.dependencies or one.operations]
    paths = []
    for place, anomaly in enumerate(drawn, 1):
        path = directory / f"{place:02}-{re.sub(r'[^A-Za-z0-9.-]+', '-', anomaly.name)}.svg"
        path.write_text(whole(anomaly, faults), encoding="utf-8")
        paths.append(path)
    return tuple(paths)


def whole(anomaly: Anomaly, faults: Sequence[FaultInterval]) -> str:
    """The drawing of one anomaly as a document of its own."""
    drawing = graph(anomaly) if anomaly.dependencies else timeline(anomaly, faults)
    height = float(re.findall(r' height="([\d.]+)"', str(drawing).split(">", 1)[0])[-1]) + _HEAD + _MARGIN
    width = WIDTH + 2 * _MARGIN
    document = element(
        "svg",
        element("title", printable(anomaly.name)),
        element("style", Markup(drawing_style())),  # noqa: S704 - our own file
        *([] if anomaly.dependencies else [patterns()]),
        element("rect", width="100%", height="100%", style="fill: var(--card)"),
        element("text", printable(anomaly.name), x=_MARGIN, y=24, style="fill: var(--violation); font-weight: 700"),
        element(
            "text",
            clipped(printable(anomaly.summary), _CHARACTERS),
            x=_MARGIN,
            y=44,
            style="fill: var(--text); font-size: 14px",
        ),
        element("svg", drawing, x=_MARGIN, y=_HEAD, width=WIDTH, height=height),
        xmlns="http://www.w3.org/2000/svg",
        width=width,
        height=height,
        viewBox=f"0 0 {width} {height}",
        style="font-family: system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    )
    return f"{document}\n"


def drawing_style() -> str:
    """What drawings look like."""
    return files("schrodinger.report").joinpath("templates", "drawing.css").read_text(encoding="utf-8")
