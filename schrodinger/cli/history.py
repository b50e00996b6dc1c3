"""``schrodinger history``: convert histories between formats, cut a part out of one, and say what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
import polars

from schrodinger.cli.failures import Refused, plain_errors
from schrodinger.cli.quantities import Listed, Quantity, RowRange
from schrodinger.cli.summary import remark
from schrodinger.history.formats import (
    WRITTEN,
    Written,
    export_history,
    format_of,
    import_history,
    is_ours,
    open_history,
)
from schrodinger.history.slicing import Part, key_numbers, write_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger.history import History

_FILE = click.Path(path_type=Path)


@click.group()
def history() -> None:
    """Histories as files: Arrow (ours and others'), EDN and logs (Jepsen's), JSON."""


@history.command()
@click.argument("source", type=_FILE)
@click.argument("target", type=_FILE)
@click.option(
    "--to", type=click.Choice(get_args(Written)), help="The format to write; by the target's name when left out."
)
def convert(source: Path, target: Path, to: Written | None) -> None:
    """Write the history SOURCE, of whatever format, as TARGET, which must not exist."""
    with plain_errors():
        wanted = _wanted(target, to)
        if wanted != "arrow":
            export_history(open_history(source, remark), target, wanted)
        elif source.is_dir() or (format_of(source) == "arrow" and is_ours(source)):
            raise Refused(f"{source} is an Arrow history already; copy it")
        else:
            import_history(source, target, remark)


def _wanted(target: Path, to: Written | None) -> Written:
    """The format to write, where a file can be written at all."""
    if target.exists():
        raise Refused(f"{target} is there already; a history is never overwritten")
    if to is not None:
        return to
    for name in WRITTEN:
        if target.suffix == f".{name}":
            return name
    raise Refused(f"the name {target} says no format; end it in .{', .'.join(WRITTEN)} or give --to")


@history.command("slice")
@click.argument("source", type=_FILE)
@click.argument("target", type=_FILE)
@click.option("--from", "from_s", type=Quantity(min=0), help="Operations that end at this second or later.")
@click.option("--until", "until_s", type=Quantity(min=0), help="Operations that begin before this second.")
@click.option("--rows", type=RowRange(), help="Operations under way in these rows: FIRST:END, END left out.")
@click.option(
    "--keys", type=Listed(), help="Operations on these independent keys: 1,7 (or words, as stats shows them)."
)
@click.option("--processes", type=Listed(int), help="Operations of these processes: 0,3,12.")
@click.option("--functions", type=Listed(), help="Operations of these functions: read,write.")
@click.option("--to", type=click.Choice(get_args(Written)), help="The format to write; by the target's name.")
def slice_(
    source: Path,
    target: Path,
    from_s: float | None,
    until_s: float | None,
    rows: tuple[int, int] | None,
    keys: tuple[str, ...] | None,
    processes: tuple[int, ...] | None,
    functions: tuple[str, ...] | None,
    to: Written | None,
) -> None:
    """Write a part of the history SOURCE as TARGET: whole operations, with the faults of that time."""
    with plain_errors():
        wanted = _wanted(target, to)
        opened = open_history(source, remark)
        part = Part(
            from_ns=_nanoseconds(from_s),
            until_ns=_nanoseconds(until_s),
            rows=rows,
            keys=None if keys is None else key_numbers(opened, keys),
            processes=processes,
            functions=functions,
        )
        cut = write_part(opened, part, target, wanted)
    click.echo(f"events      {cut.kept_rows:,} of {cut.rows:,}")
    click.echo(f"operations  {cut.kept_operations:,} of {cut.operations:,}")
    for doubt in cut.doubts:
        remark(doubt)


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)


@history.command()
@click.argument("source", type=_FILE)
def stats(source: Path) -> None:
    """Say what is in the history SOURCE: operations by outcome, their latencies, faults, what is malformed."""
    with plain_errors():
        opened = open_history(source, remark)
        for line in _lines(opened):
            click.echo(line)


def _lines(opened: History) -> Iterator[str]:
    operations = opened.operations()
    names = operations.with_columns(polars.col("f", "type").cast(polars.String))
    duration_ns = opened.duration_ns
    yield f"events      {opened.rows:,}" + (
        ", without times" if duration_ns is None else f" in {duration_ns / 1e9:.3f} s"
    )
    yield f"operations  {len(operations):,} by {operations['process'].n_unique():,} processes"
    yield f"keys        {operations['key'].drop_nulls().n_unique():,}"
    for f in sorted(names["f"].unique()):
        of = names.filter(polars.col("f") == f)
        counts = ", ".join(f"{(of['type'] == type_).sum():,} {type_}" for type_ in ("ok", "fail", "info"))
        took = of.filter(polars.col("type") == "ok").select((polars.col("end_ns") - polars.col("start_ns")) / 1e6)
        middle, late = (took.to_series().quantile(share) for share in (0.5, 0.99))
        unknown = duration_ns is None or middle is None or late is None
        latency = "" if unknown else f"; ok in {middle:.3f} ms, 99 % in {late:.3f} ms"
        yield f"            {f}: {counts}{latency}"
    yield f"faults      {len(opened.faults()):,}"
    if opened.damage is not None:
        yield f"damage      {opened.damage}"
    for problem in opened.problems():
        yield f"malformed   {problem}"
