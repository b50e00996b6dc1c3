"""From a million operations to what a chart can show: aggregates over time, per outcome and per fault.

Every function is pure: a frame of operations as :meth:`schrodinger.history.History.operations` gives it (or its
:func:`slim` form) goes in, a small frame comes out. Nothing is sampled at random: what is left out is always the less
extreme.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from schrodinger.report.axes import Grid, Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schrodinger.history import FaultInterval

COLUMNS = {
    "process": pl.Int64,
    "f": pl.String,
    "type": pl.String,
    "key": pl.Int64,
    "start_ns": pl.Int64,
    "end_ns": pl.Int64,
    "detail": pl.String,
}
OUTCOMES = ("ok", "fail", "info")

SLOWEST_OVERALL = 200
"""Operations of each outcome that the scatter keeps whatever bucket they are in."""

SLOWEST_PER_BUCKET = 4
"""Operations of each outcome and bucket that the scatter keeps, so that bad stretches do not empty quiet ones."""

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def slim(operations: pl.DataFrame) -> pl.DataFrame:
    """The columns that charts use (:data:`COLUMNS`), with plain types."""
    return operations.lazy().select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).collect()


def extent(operations: pl.DataFrame, faults: Sequence[FaultInterval], phases: Mapping[str, int]) -> Span:
    """The time that charts show: from the first operation or fault to the last, not the cluster's start and stop."""
    instants = [fault.begin_ns for fault in faults] + [fault.end_ns for fault in faults if fault.end_ns is not None]
    if operations.height:
        ends = operations.select(
            pl.col("start_ns").min().alias("first"),
            pl.max_horizontal(pl.col("start_ns").max(), pl.col("end_ns").max()).alias("last"),
        )
        instants += [ends["first"][0], ends["last"][0]]
    instants = instants or list(phases.values()) or [0]
    return Span(min(instants), max(max(instants), min(instants) + 1))


def throughput(operations: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Operations by the bucket they ended in, or else began in: ``bucket``, ``ok``, ``fail``, ``info``."""
    ended = operations.lazy().select(
        ((pl.coalesce("end_ns", "start_ns") - grid.first_ns) // grid.width_ns)
        .clip(0, grid.buckets - 1)
        .alias("bucket"),
        "type",
    )
    counted = ended.group_by("bucket").agg(
        ((pl.col("type") == name).sum().cast(pl.Int64)).alias(name) for name in OUTCOMES
    )
    every = pl.LazyFrame({"bucket": range(grid.buckets)}, schema={"bucket": pl.Int64})
    return every.join(counted, on="bucket", how="left").fill_null(0).sort("bucket").collect()


def latencies(operations: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Latency of what succeeded, by where it began: ``bucket``, ``p50``, ``p95``, ``p99``, ``max``, ``count``."""
    return (
        operations.lazy()
        .filter(pl.col("type") == "ok", pl.col("end_ns").is_not_null())
        .select(((pl.col("start_ns") - grid.first_ns) // grid.width_ns).alias("bucket"), _latency())
        .group_by("bucket")
        .agg(
            *(pl.col("latency_ns").quantile(q, "higher").cast(pl.Int64).alias(name) for name, q in _QUANTILES.items()),
            pl.col("latency_ns").max().alias("max"),
            pl.len().cast(pl.Int64).alias("count"),
        )
        .sort("bucket")
        .collect()
    )


def extremes(operations: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """The operations worth a mark each: of every outcome the slowest overall, and the slowest of every bucket.

    Columns: process, f, type, key, start_ns, latency_ns (null if it never completed), detail; sorted by start. Those
    that never completed count as slower than any other.
    """
    ranked = (
        operations.lazy()
        .with_columns(_latency(), ((pl.col("start_ns") - grid.first_ns) // grid.width_ns).alias("bucket"))
        .with_columns(slowness=pl.col("latency_ns").fill_null(2**62))
    )
    rank = pl.col("slowness").rank("ordinal", descending=True)
    return (
        ranked.filter((rank.over("type", "bucket") <= SLOWEST_PER_BUCKET) | (rank.over("type") <= SLOWEST_OVERALL))
        .select("process", "f", "type", "key", "start_ns", "latency_ns", "detail")
        .sort("start_ns", "process")
        .collect()
    )


def counts(operations: pl.DataFrame) -> pl.DataFrame:
    """How often each operation had each outcome: ``f``, ``ok``, ``fail``, ``info``, by name."""
    return (
        operations.lazy()
        .group_by("f")
        .agg((pl.col("type") == name).sum().cast(pl.Int64).alias(name) for name in OUTCOMES)
        .sort("f")
        .collect()
    )


def reasons(operations: pl.DataFrame, most: int) -> pl.DataFrame:
    """The commonest details of operations that did not succeed: ``type``, ``detail``, ``count``."""
    return (
        operations.lazy()
        .filter(pl.col("type") != "ok")
        .group_by("type", pl.col("detail").fill_null(""))
        .agg(pl.len().cast(pl.Int64).alias("count"))
        .sort("count", "type", "detail", descending=[True, False, False])
        .head(most)
        .collect()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What clients saw while a certain kind of fault was in force, or none."""

    name: str
    lasted_ns: int
    ok: int
    fail: int
    info: int
    p50_ns: int | None
    p99_ns: int | None


def windows(operations: pl.DataFrame, faults: Sequence[FaultInterval], span: Span) -> tuple[Window, ...]:
    """The run cut by what was in force: no fault, and each kind. Where faults overlap, operations count under each."""
    edges = sorted(
        {span.begin_ns, span.end_ns}
        | {span.begin_ns + _inside(at, span) for fault in faults for at in _ends(fault, span)}
    )
    pieces = list(itertools.pairwise(edges))
    in_force = [
        tuple(sorted({f.kind for f in faults if f.begin_ns <= begin and end <= _ends(f, span)[1]}))
        for begin, end in pieces
    ]
    piece = pl.Series(edges).search_sorted(operations["start_ns"], side="right").cast(pl.Int64) - 1
    placed = operations.lazy().select("type", _latency(), piece=piece.clip(0, len(pieces) - 1)).collect()
    names = [None, *sorted({fault.kind for fault in faults})]
    found = []
    for name in names:
        chosen = [i for i, kinds in enumerate(in_force) if (name in kinds if name else not kinds)]
        lasted = sum(pieces[i][1] - pieces[i][0] for i in chosen)
        if lasted:
            found.append(_window(name or "no fault", lasted, placed.filter(pl.col("piece").is_in(chosen))))
    return tuple(found)


def _window(name: str, lasted_ns: int, operations: pl.DataFrame) -> Window:
    tally = operations.select((pl.col("type") == outcome).sum().alias(outcome) for outcome in OUTCOMES).row(0)
    latency = operations.filter(pl.col("type") == "ok")["latency_ns"].drop_nulls()
    quantiles = [int(latency.quantile(q, "higher") or 0) if latency.len() else None for q in (0.5, 0.99)]
    return Window(
        name=name,
        lasted_ns=lasted_ns,
        ok=tally[0],
        fail=tally[1],
        info=tally[2],
        p50_ns=quantiles[0],
        p99_ns=quantiles[1],
    )


def _latency() -> pl.Expr:
    return (pl.col("end_ns") - pl.col("start_ns")).alias("latency_ns")


def _ends(fault: FaultInterval, span: Span) -> tuple[int, int]:
    return fault.begin_ns, span.end_ns if fault.end_ns is None else fault.end_ns


def _inside(at_ns: int, span: Span) -> int:
    return min(max(at_ns - span.begin_ns, 0), span.length_ns)
