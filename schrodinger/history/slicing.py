"""A part of a history: the operations of some time, rows, keys, processes and functions, each of them whole.

An operation is taken with its invocation and its completion, whichever of them made it wanted, so a part of a
well-formed history is well-formed. What the nemesis did in that time comes along, because it explains what is seen.

A part proves less than the whole: what was there before it began is not known, and what other processes did is not
shown. :class:`Cut` says so.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars
from schrodinger_native import copy_rows

from schrodinger.history.formats import export_history
from schrodinger.history.history import HISTORY_FILE, History
from schrodinger.history.intervals import NEMESIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schrodinger.history.formats import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to take; ``None`` takes all.

    Attributes:
        from_ns: operations that end at this time, on the history's clock, or later, or never.
        until_ns: operations that begin before this time.
        rows: operations under way somewhere among these rows, the first and the one after the last.
        keys: operations on these independent keys.
        processes: operations of these processes.
        functions: operations of these functions.
    """

    from_ns: int | None = None
    until_ns: int | None = None
    rows: tuple[int, int] | None = None
    keys: tuple[int, ...] | None = None
    processes: tuple[int, ...] | None = None
    functions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What was taken of what there was, and why a verdict on it may differ from one on the whole."""

    rows: int
    kept_rows: int
    operations: int
    kept_operations: int
    doubts: tuple[str, ...]


def key_numbers(history: History, keys: Sequence[str]) -> tuple[int, ...]:
    """The keys that are written so: numbers, or words of the tool that recorded the history.

    Raises:
        ValueError: one is neither; the message names it.
    """
    numbers = {word: number for number, word in history.file.words.items()}
    found = []
    for key in keys:
        if key in numbers or f'"{key}"' in numbers:
            found.append(numbers.get(key, numbers.get(f'"{key}"', 0)))
            continue
        try:
            found.append(int(key))
        except ValueError:
            raise ValueError(f"{key!r} is neither a number nor a word of this history") from None
    return tuple(found)


def write_part(history: History, part: Part, target: Path, format_: Written) -> Cut:
    """Write the part as ``target``, which must not exist.

    Raises:
        OSError: the file can't be written; FileExistsError: it is there already.
        ValueError: a function is not in the history.
    """
    for f in part.functions or ():
        if f not in history.functions:
            raise ValueError(f"the history has no function {f!r}; it has {', '.join(history.functions)}")
    operations = history.operations()
    kept = operations.filter(_wanted(part))
    rows = _rows(history, part, kept)
    if format_ == "arrow":
        copy_rows(history.file, rows, target)
    else:
        with tempfile.TemporaryDirectory(prefix="schrodinger-") as scratch:
            copy = Path(scratch) / HISTORY_FILE
            copy_rows(history.file, rows, copy)
            export_history(History.open(copy), target, format_)
    return Cut(
        rows=history.rows,
        kept_rows=len(rows),
        operations=len(operations),
        kept_operations=len(kept),
        doubts=_doubts(part, operations, kept),
    )


def _wanted(part: Part) -> polars.Expr:
    """Which operations to take."""
    wanted = polars.lit(True)
    if part.from_ns is not None:
        wanted &= polars.col("end_ns").is_null() | (polars.col("end_ns") >= part.from_ns)
    if part.until_ns is not None:
        wanted &= polars.col("start_ns") < part.until_ns
    if part.rows is not None:
        first, end = part.rows
        wanted &= (polars.col("index") < end) & (
            polars.col("completion").is_null() | (polars.col("completion") >= first)
        )
    if part.keys is not None:
        wanted &= polars.col("key").is_in(part.keys)
    if part.processes is not None:
        wanted &= polars.col("process").is_in(part.processes)
    if part.functions is not None:
        wanted &= polars.col("f").cast(polars.String).is_in(part.functions)
    return wanted


def _rows(history: History, part: Part, kept: polars.DataFrame) -> list[int]:
    """The rows of the operations, and those of the nemesis in the same time, in order."""
    marks = history.to_polars().lazy().filter(polars.col("process") == NEMESIS).select("index", "time")
    if part.from_ns is not None:
        marks = marks.filter(polars.col("time") >= part.from_ns)
    if part.until_ns is not None:
        marks = marks.filter(polars.col("time") < part.until_ns)
    if part.rows is not None:
        marks = marks.filter(polars.col("index").is_between(*part.rows, closed="left"))
    rows = [kept["index"], kept["completion"].drop_nulls(), marks.collect()["index"]]
    found: list[int] = polars.concat([each.cast(polars.Int64) for each in rows]).sort().to_list()
    return found


def _doubts(part: Part, operations: polars.DataFrame, kept: polars.DataFrame) -> tuple[str, ...]:
    doubts = []
    if len(kept) and int(kept["index"].min()) > int(operations["index"].min()):  # type: ignore[arg-type] # integers
        doubts.append(
            "it begins in the middle: what was there before is not known, so what is read of it looks impossible"
        )
    if part.processes is not None or part.functions is not None:
        doubts.append(
            "operations of other processes or functions are left out: what they did looks as if nobody did it"
        )
    return tuple(doubts)
