"""Import of a Jepsen history: megabytes a second, and memory that does not grow with the file.

Named baseline in the same run: Python reading the same file line by line and doing nothing with it.

    python -m benchmarks.interchange [MEGABYTES]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Table, measure

MEGABYTES_A_SECOND = 200
"""To reach."""


def write_history(path: Path, megabytes: int) -> int:
    """A register history of this size; returns its operations."""
    lines = []
    for number in range(10_000):
        f, value = ("read", "nil") if number % 2 else ("write", str(number))
        process, begun = number % 20, number * 1000
        lines.append(
            f"{{:type :invoke, :f :{f}, :value {value}, :process {process}, :time {begun}, :index {2 * number}}}"
        )
        answer = f"{number - 1}" if number % 2 else value
        ended = begun + 500
        lines.append(
            f"{{:type :ok, :f :{f}, :value {answer}, :process {process}, :time {ended}, :index {2 * number + 1}}}"
        )
    text = "\n".join(lines) + "\n"
    times = megabytes * 1_000_000 // len(text) + 1
    with path.open("w") as file:
        for _ in range(times):
            file.write(text)
    return times * 10_000


def both(source: Path, target: Path) -> tuple[Path, Path]:
    """What there is to prepare: nothing."""
    return source, target


def convert(paths: tuple[Path, Path]) -> int:
    """One import; returns its rows."""
    from schrodinger_native import import_history

    return int(import_history(*paths)["rows"])


def read_lines(paths: tuple[Path, Path]) -> int:
    """The baseline: the lines, and nothing done with them."""
    with paths[0].open("rb") as file:
        return sum(1 for _ in file)


def main(arguments: list[str]) -> None:
    """Print the figures."""
    megabytes = int(arguments[0]) if arguments else 200
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "history.edn"
        write_history(source, megabytes)
        size = source.stat().st_size / 1e6
        table = Table("Python reads the lines and does nothing with them")
        ours = measure(convert, both, source, Path(scratch) / "history.arrow")
        baseline = measure(read_lines, both, source, source)
        assert ours.result == baseline.result
        table.line(
            f"import of {size:,.0f} MB of EDN, {ours.result:,} events",
            ours,
            baseline,
            target_s=size / MEGABYTES_A_SECOND,
            note=f"{size / ours.seconds:.0f} MB/s",
        )


if __name__ == "__main__":
    main(sys.argv[1:])
