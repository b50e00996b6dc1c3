"""Plain JSON values (statistics, evidence) for a person: nested description lists, and tables where rows are alike.

Names are shown as words and quantities by the unit in their name, so a kind of fault or a checker that this package has
never heard of is still readable. Whatever is too long says how much it leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schrodinger.report.svg import element, together
from schrodinger.report.words import clipped, count, duration, printable

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_ROWS = 40
"""Rows of a table and entries of a list; a fully cut 7-node cluster has 42 links."""

LONGEST = 400
"""Characters of one value."""

_DEEPEST = 6


def rendered(value: object, depth: int = 0) -> Markup:
    """Any JSON value."""
    if isinstance(value, Mapping):
        return _pairs(value, depth) if value and depth < _DEEPEST else _text(value or None)
    if isinstance(value, Sequence) and not isinstance(value, str):
        rows = _alike(value)
        if rows:
            return _table(rows, depth)
        if any(isinstance(item, Mapping | list | tuple) for item in value) and depth < _DEEPEST:
            items = [element("li", rendered(item, depth + 1)) for item in value[:MOST_ROWS]]
            return element("ul", *items, *_left_out(len(value), "li"), class_="facts")
        return element("span", _inline(value))
    return _text(value)


def words_of(name: str) -> str:
    """A field's name as words, without the unit that its value shows: ``frozen_processes``, ``took_ns`` → ``took``."""
    stem = name.removesuffix("_ns").removesuffix("_ms").removesuffix("_s").removesuffix("_bytes")
    return printable(stem.replace("_", " ").replace("-", " "))


def quantity(name: str, value: object) -> str | None:
    """A number with the unit of its name, or ``None`` when the name has none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    for suffix, unit in (("_ns", 1), ("_ms", 1_000_000), ("_s", 1_000_000_000)):
        if name.endswith(suffix):
            return duration(round(value * unit))
    return f"{count(round(value))} bytes" if name.endswith("_bytes") else None


def _pairs(value: Mapping[Any, object], depth: int) -> Markup:
    parts: list[Markup] = []
    for key, item in list(value.items())[:MOST_ROWS]:
        name = str(key)
        measured = quantity(name, item)
        shown = element("span", measured) if measured is not None else rendered(item, depth + 1)
        parts.append(element("div", element("dt", words_of(name) or "-"), element("dd", shown)))
    return element("dl", *parts, *_left_out(len(value), "div"), class_="facts")


def _table(rows: Sequence[Mapping[Any, object]], depth: int) -> Markup:
    names = list(rows[0])
    head = element("tr", *(element("th", words_of(str(name)), scope="col") for name in names))
    body = together(
        element(
            "tr", *(element("td", quantity(str(name), row[name]) or rendered(row[name], depth + 1)) for name in names)
        )
        for row in rows[:MOST_ROWS]
    )
    note = together(_left_out(len(rows), "p"))
    table = element("table", element("thead", head), element("tbody", body), class_="facts")
    return element("div", table, note, class_="wide", tabindex="0", role="region", aria_label="Table of measurements")


def _alike(value: Sequence[object]) -> list[Mapping[Any, object]]:
    rows = [item for item in value if isinstance(item, Mapping)]
    same = len(rows) == len(value) > 0 and bool(rows[0]) and all(list(row) == list(rows[0]) for row in rows)
    return rows if same else []


def _inline(value: Sequence[object]) -> str:
    if not value:
        return "none"
    listed = ", ".join(str(item) if isinstance(item, int) else _plain(item) for item in value[:MOST_ROWS])
    more = f" and {count(len(value) - MOST_ROWS)} more" if len(value) > MOST_ROWS else ""
    return clipped(listed, LONGEST) + more


def _plain(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int():
            return count(value)
        case float():
            return f"{value:,.4g}"
        case _:
            return printable(str(value))


def _text(value: object) -> Markup:
    text = _plain(value)
    return element("span", clipped(text, LONGEST) if text else "empty")


def _left_out(total: int, tag: str) -> list[Markup]:
    return [element(tag, f"and {count(total - MOST_ROWS)} more")] if total > MOST_ROWS else []
