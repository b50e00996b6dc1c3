"""Histories of other tools: which format a file has, and how it becomes one of ours, or one of ours becomes theirs.

What a file is, its beginning says, not its name:

* ``arrow``: our own, an Arrow file (:class:`schrodinger.history.History`), or another program's with our columns;
* ``edn``: Jepsen's, maps or ``#jepsen.history.Op`` records, one after the other or in one vector or list;
* ``json``: the same as objects, a line each or in one array; with the columns of a history it is our JSON Lines;
* ``log``: Jepsen's ``history.txt``, and operations among the lines of a test's log.

The reading and writing is native (``schrodinger_native.import_history``), streaming, in memory that does not grow.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from schrodinger_native import export_history as export_native
from schrodinger_native import import_history as import_native
from schrodinger_native import notation

from schrodinger.history.history import HISTORY_FILE, History

if TYPE_CHECKING:
    from collections.abc import Callable

Format: TypeAlias = Literal["arrow", "edn", "json", "log"]
"""What can be read."""
Written: TypeAlias = Literal["arrow", "edn", "jsonl"]
"""What can be written, by the ending of a file's name."""
WRITTEN: Final[tuple[Written, ...]] = ("arrow", "edn", "jsonl")
_ARROW: Final = b"ARROW1"
_OURS: Final = b"schrodinger.history"
_HEAD_BYTES: Final = 1 << 16


def format_of(path: Path) -> Format:
    """What a file is, by its beginning. Raises OSError when it can't be read."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    # An empty file may be a history whose writer was killed at once; the reader of ours knows.
    return "arrow" if beginning.startswith(_ARROW) or not beginning else notation(path)


def is_ours(path: Path) -> bool:
    """Whether an Arrow file says in its head that it is a history. Raises OSError."""
    with path.open("rb") as file:
        return _OURS in file.read(_HEAD_BYTES) or not path.stat().st_size


def open_history(path: Path, remark: Callable[[str], object] = lambda _: None) -> History:
    """Open a history of any format; one that is not ours is imported to a temporary file, which is gone once open.

    ``remark`` is called with what a user should know about how the file was understood.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no history; the message says where and why.
    """
    if path.is_dir() or (format_of(path) == "arrow" and is_ours(path)):
        return History.open(path)
    with tempfile.TemporaryDirectory(prefix="schrodinger-") as scratch:
        target = Path(scratch) / HISTORY_FILE
        import_history(path, target, remark)
        history = History.open(target)
        # Once its rows have been counted, the file stays mapped, and nothing reads it by its name again.
        assert history.rows >= 0
    return history


def import_history(source: Path, target: Path, remark: Callable[[str], object] = lambda _: None) -> None:
    """Write ``source`` as our own format at ``target``, which must not exist. Raises as :func:`open_history`."""
    if format_of(source) == "arrow":
        from schrodinger.history.foreign_arrow import import_arrow  # loads polars, see schrodinger.history.history

        import_arrow(source, target)
        return
    for found in import_native(source, target)["remarks"]:
        remark(found)


def export_history(history: History, target: Path, format_: Literal["edn", "jsonl"]) -> None:
    """Write every event as text. Raises FileExistsError when the target is there already."""
    export_native(history.file, target, format_)
