"""Histories of other tools: which format a file has, and how it becomes one of ours.

Three formats go in and out, told apart by what the file begins with, not by its name:

* ``arrow``: our own, an Arrow file (:class:`schrodinger.history.History`);
* ``edn``: Jepsen's, maps or ``#jepsen.history.Op`` records, a line each or in one vector;
* ``jsonl``: an object a line, with the columns of a history: time, process, type, f, key, value, detail.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from schrodinger_native import Transcript, import_edn

from schrodinger.history.history import HISTORY_FILE, History

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schrodinger_native import Row

Format: TypeAlias = Literal["arrow", "edn", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = ("arrow", "edn", "jsonl")
_TYPES: Final = ("invoke", "ok", "fail", "info", "inject", "heal")


def format_of(path: Path) -> Format:
    """What a file is, by its beginning. Raises OSError when it can't be read."""
    with path.open("rb") as file:
        beginning = file.read(4096)
    if beginning.startswith(b"ARROW1") or not beginning.strip():
        return "arrow"
    text = beginning.lstrip()
    name, _, rest = text[1:].lstrip().removeprefix(b'"').partition(b'"')
    is_object = text.startswith(b"{") and rest.lstrip().startswith(b":") and not name.startswith(b":")
    return "jsonl" if is_object else "edn"


def open_history(path: Path) -> History:
    """Open a history of any format; one that is not ours is imported to a temporary file, which is gone once open.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no history; the message says where and why.
    """
    if path.is_dir() or format_of(path) == "arrow":
        return History.open(path)
    with tempfile.TemporaryDirectory(prefix="schrodinger-") as scratch:
        target = Path(scratch) / HISTORY_FILE
        import_history(path, target)
        history = History.open(target)
        # Once its rows have been counted, the file stays mapped, and nothing reads it by its name again.
        assert history.rows >= 0
    return history


def import_history(source: Path, target: Path) -> None:
    """Write ``source`` as our own format at ``target``, which must not exist. Raises as :func:`open_history`."""
    if format_of(source) == "jsonl":
        _import_json_lines(source, target)
    else:
        import_edn(source, target)


def export_history(history: History, target: Path, format_: Format) -> None:
    """Write every event as text, ``edn`` or ``jsonl``. Raises FileExistsError when the target is there already."""
    line = _edn_line if format_ == "edn" else _json_line
    with target.open("x", encoding="utf-8") as file:
        file.writelines(line(row) + "\n" for row in _rows(history))


def _rows(history: History, at_once: int = 100_000) -> Iterator[Row]:
    for start in range(0, history.rows, at_once):
        yield from history.file.events(start, start + at_once)


def _json_line(row: Row) -> str:
    _, time, process, type_, f, key, value, detail = row
    event = {"time": time, "process": process, "type": type_, "f": f, "key": key, "value": value, "detail": detail}
    return json.dumps(event, ensure_ascii=False)


def _edn_line(row: Row) -> str:
    index, time, process, type_, f, key, value, detail = row
    who = str(process) if process >= 0 else ":nemesis"
    kind = type_ if type_ in _TYPES[:4] else "info"
    numbers = "nil" if value is None else str(value[0]) if len(value) == 1 else f"[{' '.join(map(str, value))}]"
    keyed = numbers if key is None else f"[{key} {numbers}]"
    error = "" if detail is None else f", :error {json.dumps(detail, ensure_ascii=False)}"
    name = f.replace(" ", "-")
    return f"{{:index {index}, :time {time}, :type :{kind}, :process {who}, :f :{name}, :value {keyed}{error}}}"


def _import_json_lines(source: Path, target: Path) -> None:
    with source.open(encoding="utf-8") as file:
        functions = list(dict.fromkeys(event["f"] for _, event in _events(source, file)))
    transcript = Transcript(target, functions or ["none"])
    codes = {name: code for code, name in enumerate(functions)}
    try:
        with source.open(encoding="utf-8") as file:
            for number, event in _events(source, file):
                value = event.get("value")
                try:
                    transcript.write(
                        event.get("time", number - 1),
                        event["type"],
                        event["process"],
                        codes[event["f"]],
                        event.get("key"),
                        tuple(value) if isinstance(value, list) else value,
                        event.get("detail"),
                    )
                except (TypeError, OverflowError, ValueError) as error:
                    raise ValueError(f"{source}, line {number}: {error}") from error
        transcript.finish()
    except BaseException:
        target.unlink(missing_ok=True)
        target.with_name(target.name + ".blocks").unlink(missing_ok=True)
        raise


def _events(source: Path, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{source}, line {number}: no JSON ({error})") from error
        if not isinstance(event, dict) or not isinstance(event.get("f"), str):
            raise ValueError(f"{source}, line {number}: {line[:60]!r} is no event: it needs type, process and f")
        if event.get("type") not in _TYPES or not isinstance(event.get("process"), int):
            types = ", ".join(_TYPES)
            raise ValueError(f"{source}, line {number}: an event needs a process (a number) and a type out of {types}")
        yield number, event
