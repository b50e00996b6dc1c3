"""Programs of others that benchmarks compare with, built on the spot, from sources that their checksums vouch for."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars

from benchmarks.harness.measure import Measured, Unfinished, measure_program

if TYPE_CHECKING:
    from schrodinger_native import HistoryFile

_SOURCE: Final = Path(__file__).parent / "porcupine"
_END_OF_TIME: Final = 1 << 62
_FUNCTIONS: Final = {"read": 0, "write": 1, "cas": 2}


class NotBuilt(Exception):
    """A baseline is not to be had on this machine; the message says why."""


def build_porcupine(directory: Path) -> Path:
    """Porcupine (Go), as a program in ``directory``; ``go`` fetches it at the version of ``porcupine/go.sum``.

    Raises:
        NotBuilt: there is no Go, or the sources can't be fetched or built.
    """
    if shutil.which("go") is None:
        raise NotBuilt("no Go compiler (apt-get install golang-go)")
    program = directory / "porcupine"
    built = subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=_SOURCE, capture_output=True, text=True, check=False
    )
    if built.returncode != 0:
        raise NotBuilt(f"go build failed: {built.stderr.strip()}")
    return program


def porcupine(program: Path, history: HistoryFile, scratch: Path, *, most_s: float = 60) -> Measured | Unfinished:
    """Porcupine on a history of one register. The seconds are those of the check alone, its parsing left out."""
    lines = scratch / "operations"
    lines.write_text(register_lines(history))
    measured = measure_program([str(program)], input_path=lines, most_s=most_s)
    if isinstance(measured, Unfinished):
        return measured
    verdict, seconds = measured.result.split()
    return replace(measured, seconds=float(seconds), result=verdict)


def register_lines(history: HistoryFile) -> str:
    """The operations of one register as Porcupine's program reads them; see ``porcupine/main.go``."""
    from schrodinger_native import Operations

    operations = polars.DataFrame(Operations(history)).with_columns(polars.col("f", "type").cast(polars.String))
    lines = []
    for row in operations.iter_rows(named=True):
        is_ok = row["type"] == "ok"
        if row["type"] == "fail" or (row["f"] == "read" and not is_ok):
            continue
        end = row["completion"] if is_ok else _END_OF_TIME
        argument, value = (*(row["argument"] or ()), -1, -1)[:2]
        result = row["value"][0] if is_ok and row["value"] else -1
        lines.append(f"{row['process']} {row['index']} {end} {_FUNCTIONS[row['f']]} {argument} {value} {result}\n")
    return "".join(lines)
