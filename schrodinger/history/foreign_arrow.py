"""Arrow files of other programs (polars, pyarrow, DuckDB, pandas) that have the columns of a history.

The columns are found by name, in any order, and may have any type that holds the same values: wider or narrower
integers, text or dictionaries of text, lists of any kind, for ``value`` plain integers as well. ``process``, ``type``
and ``f`` must be there; ``time`` is the row's number where it is missing, the others are null. Further columns are left
out. polars reads the file piece by piece and writes JSON Lines, which are imported like any others.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars
from schrodinger_native import import_history

if TYPE_CHECKING:
    from collections.abc import Callable

_NIL: Final = -(2**63)
"""``nil`` within a list; see ``docs/histories.md``."""


def import_arrow(source: Path, target: Path) -> None:
    """Write ``source`` as a history file at ``target``, which must not exist.

    Raises:
        OSError: a file can't be read or written.
        ValueError: a column is missing, or its type does not fit; the message names it.
    """
    with tempfile.TemporaryDirectory(prefix="schrodinger-") as scratch:
        lines = Path(scratch) / "rows"
        try:
            frame = polars.scan_ipc(source)
            schema = frame.collect_schema()
            frame.select([_column(source, name, schema) for name in _FITS]).sink_ndjson(lines)
        except polars.exceptions.PolarsError as error:
            raise ValueError(f"{source} begins as an Arrow file and is none that can be read: {error}") from error
        try:
            import_history(lines, target, notation="json")
        except ValueError as error:
            # A line in between is a row of the table.
            raise ValueError(str(error).replace(f"{lines}, line ", f"{source}, row ")) from error


def _is_integer(dtype: polars.DataType) -> bool:
    return dtype.is_integer() or dtype == polars.Null


def _is_text(dtype: polars.DataType) -> bool:
    return dtype in (polars.String, polars.Categorical, polars.Enum, polars.Null)


def _is_list(dtype: polars.DataType) -> bool:
    inner = dtype.inner if isinstance(dtype, polars.List | polars.Array) else None
    return _is_integer(dtype) or (isinstance(inner, polars.DataType) and _is_integer(inner))


_FITS: Final[dict[str, tuple[str, Callable[[polars.DataType], bool]]]] = {
    "time": ("integers (nanoseconds)", _is_integer),
    "process": ("integers", _is_integer),
    "type": ("text", _is_text),
    "f": ("text", _is_text),
    "key": ("integers", _is_integer),
    "value": ("lists of integers", _is_list),
    "detail": ("text", _is_text),
}
_REQUIRED: Final = ("process", "type", "f")


def _column(source: Path, name: str, schema: polars.Schema) -> polars.Expr:
    """The column as JSON Lines have it."""
    wanted, fits = _FITS[name]
    dtype = schema.get(name)
    if dtype is None:
        if name in _REQUIRED:
            raise ValueError(f"{source} is no history: of its columns ({', '.join(schema)}) none is {name}")
        return (polars.int_range(polars.len(), dtype=polars.Int64) if name == "time" else polars.lit(None)).alias(name)
    if not fits(dtype):
        raise ValueError(f"{source}: the column {name} should be {wanted}, and is {dtype}")
    column = polars.col(name)
    if isinstance(dtype, polars.List | polars.Array):
        return column.cast(polars.List(polars.Int64)).list.eval(polars.element().fill_null(_NIL))
    if name in ("type", "f", "detail"):
        return column.cast(polars.String)
    return column.cast(polars.Int64)
