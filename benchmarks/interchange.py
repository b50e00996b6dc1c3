"""Histories of other tools in and out: megabytes a second, and memory that does not grow with the file.

Parsing and writing the history file together, on one thread. Registers are the most operations a megabyte; transactions
of lists are mostly numbers. Named baseline in the same run: Python's own ``json`` reading the same events as JSON Lines
and doing nothing with them, counted by the size of the notation that is imported.

    python -m benchmarks.interchange [MEGABYTES]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.harness import Measured, Table, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEGABYTES_A_SECOND: Final = 200
"""To reach, of EDN."""
MOST_MEGABYTES: Final = 60
"""Of memory for an import, however large the file is; an export also maps the history."""
BASELINE_EVENTS: Final = 300_000


def registers(random: Random) -> Iterator[tuple[str, str, str]]:
    """Function, argument and answer of reads and writes."""
    last = "nil"
    while True:
        if random.random() < 0.5:
            yield ":read", "nil", last
        else:
            last = str(random.randrange(1_000_000))
            yield ":write", last, last


def transactions(random: Random) -> Iterator[tuple[str, str, str]]:
    """The same of one to four reads of lists and appends."""
    lists: dict[int, list[str]] = {}
    number = 0
    while True:
        number += 1
        asked, answered = [], []
        for _ in range(random.randint(1, 4)):
            key = number // 100 * 3 + random.randrange(10)
            elements = lists.setdefault(key, [])
            if random.random() < 0.5 and len(elements) < 32:
                elements.append(str(len(elements) + 1))
                asked.append(f"[:append {key} {elements[-1]}]")
                answered.append(asked[-1])
            else:
                asked.append(f"[:r {key} nil]")
                answered.append(f"[:r {key} [{' '.join(elements)}]]")
        yield ":txn", f"[{' '.join(asked)}]", f"[{' '.join(answered)}]"


def write_history(path: Path, megabytes: float, draw: Callable[[Random], Iterator[tuple[str, str, str]]]) -> None:
    """A history of twenty processes, of this size."""
    random = Random(1)
    written, index, time = 0, 0, 1_000_000_000
    with path.open("w") as file:
        for f, argument, answer in draw(random):
            process, time = random.randrange(20), time + random.randrange(1_000_000)
            for type_, value in (("invoke", argument), ("ok", answer)):
                operation = f":type :{type_}, :process {process}, :f {f}, :value {value}"
                written += file.write(f"#jepsen.history.Op{{:index {index}, :time {time}, {operation}}}\n")
                index += 1
            if written >= megabytes * 1e6:
                return


def paths(source: Path, target: Path) -> tuple[Path, Path]:
    """There is nothing to prepare."""
    return source, target


def take_in(files: tuple[Path, Path]) -> int:
    """One import; returns its rows."""
    from schrodinger_native import import_history

    return int(import_history(*files)["rows"])


def give_out(files: tuple[Path, Path]) -> int:
    """One export, by the ending of the name."""
    from schrodinger_native import HistoryFile, export_history

    source, target = files
    return export_history(HistoryFile(source), target, "edn" if target.suffix == ".edn" else "jsonl")


def read_lines(files: tuple[Path, Path]) -> int:
    """The baseline: the first events, read and forgotten."""
    with files[0].open() as file:
        return sum(1 for line, _ in zip(file, range(BASELINE_EVENTS), strict=False) if json.loads(line))


def main(arguments: list[str]) -> None:
    """Print the figures."""
    megabytes = float(arguments[0]) if arguments else 200
    table = Table("Python's json reads the same events, line by line, and does nothing with them")
    for draw in (registers, transactions):
        with tempfile.TemporaryDirectory() as scratch:
            edn, arrow, jsonl, again, back = (
                Path(scratch) / name for name in ("h.edn", "h.arrow", "h.jsonl", "again.arrow", "back.edn")
            )
            write_history(edn, megabytes, draw)
            into = measure(take_in, paths, edn, arrow)
            out = measure(give_out, paths, arrow, jsonl)
            rows = into.result
            some = measure(read_lines, paths, jsonl, jsonl)
            whole = Measured(
                seconds=some.seconds * rows / min(rows, BASELINE_EVENTS),
                peak_mb=some.peak_mb,
                before_mb=some.before_mb,
                result=rows,
            )

            def line(what: str, ours: Measured, file: Path, target_s: float | None = None) -> None:
                size = file.stat().st_size / 1e6
                rate = f"{size / ours.seconds:.0f} MB a second, {size / (ours.cpu_s or ours.seconds):.0f} of processor"
                target_mb = None if target_s is None else MOST_MEGABYTES
                table.line(what, ours, whole, target_s=target_s, target_mb=target_mb, note=rate)  # noqa: B023

            line(f"import of EDN, {draw.__name__}", into, edn, edn.stat().st_size / 1e6 / MEGABYTES_A_SECOND)
            line(f"export of JSON Lines, {draw.__name__}", out, jsonl)
            line(f"import of JSON Lines, {draw.__name__}", measure(take_in, paths, jsonl, again), jsonl)
            line(f"export of EDN, {draw.__name__}", measure(give_out, paths, arrow, back), back)


if __name__ == "__main__":
    main(sys.argv[1:])
