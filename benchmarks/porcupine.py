"""Linearizability of one register, compared with Porcupine on the same histories.

Porcupine (Athalye, github.com/anishathalye/porcupine) is a Wing-Gong-Lowe search in Go. It is fetched and built when
the benchmark runs; without a Go compiler the baseline is polars sorting the operations by their ends, which says
little. All written values are different. Porcupine is stopped after a minute, or at 8 GB; its seconds are those of its
check alone, its memory that of the whole program. Ours has one thread; seconds include decoding the columns.

    python -m benchmarks.porcupine
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schrodinger_native import HistoryFile

from benchmarks.harness import Measured, Table, Unfinished, measure
from benchmarks.harness.baselines import NotBuilt, build_porcupine, porcupine
from benchmarks.linearizable import Case, Register, check, columns

if TYPE_CHECKING:
    from collections.abc import Callable

CASES: Final = (
    (Case(operations=10_000, clients=10, info_percent=0, stale=False, unique=True), 0.005, None),
    (Case(operations=100_000, clients=5, info_percent=0, stale=False, unique=True), 0.03, 40),
    (Case(operations=1_000, clients=50, info_percent=0, stale=False, unique=True), None, None),
    (Case(operations=1_000, clients=10, info_percent=5, stale=True, unique=True), None, None),
)
"""Histories, with the seconds and megabytes to reach."""


def sort(history: HistoryFile) -> int:
    """What there is to compare with where Porcupine is not to be had."""
    import polars
    from schrodinger_native import Operations

    return len(polars.DataFrame(Operations(history)).sort("end_ns"))


def baseline(scratch: Path) -> tuple[str, Callable[[Path], Measured | Unfinished]]:
    """The name of what is compared with, and how a history is given to it."""
    try:
        program = build_porcupine(scratch)
    except NotBuilt as error:
        print(f"Porcupine is left out: {error}")
        return "polars sorts the operations by their ends", lambda path: measure(sort, columns, path)
    return "Porcupine", lambda path: porcupine(program, HistoryFile(path), scratch)


def main() -> None:
    """Print the table; fails if a verdict differs."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        name, compare = baseline(scratch)
        table = Table(name)
        for number, (case, target_s, target_mb) in enumerate(CASES):
            path = scratch / f"{number}.arrow"
            Register(case, path).record()
            ours, theirs = measure(check, columns, path, rounds=3), compare(path)
            work = f"{case.operations:,} x {case.clients} clients, {case.info_percent} % info, {case.name}"
            verdict, _ = ours.result
            note = theirs.why if isinstance(theirs, Unfinished) else ""
            table.line(work, ours, theirs, target_s=target_s, target_mb=target_mb, note=f"{verdict} {note}")
            if isinstance(theirs, Measured) and theirs.result in ("valid", "violation"):
                assert theirs.result == verdict, f"Porcupine says {theirs.result}"


if __name__ == "__main__":
    main()
