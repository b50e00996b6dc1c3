"""Weak isolation of registers: 10,000 to 1,000,000 transactions, by each of the three levels with sessions.

The generator is that of ``benchmarks.transactions``: 20 clients, 1 to 4 micro-operations, half of them writes. AWDIT
(in Rust, of the authors of the algorithms; on a machine of the same kind) took 2.2, 2.7 and 5.2 s for a million
transactions, 1.45 GB at most. Named baseline in the same run: polars
merely laying all values of the same history end to end.

    python -m benchmarks.weak [TRANSACTIONS ...]
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import Table, measure
from benchmarks.transactions import columns, record, unpack

if TYPE_CHECKING:
    from schrodinger_native import HistoryFile

SIZES: Final = (10_000, 100_000, 1_000_000)
MODELS: Final = ("strong-session-monotonic-atomic-view", "strong-session-read-atomic", "causal")
TARGETS: Final = dict(zip(product(MODELS, (1_000_000,)), ((1.5, 600), (2, 600), (3, 600)), strict=True))
"""Seconds and megabytes to reach, by model and transactions."""


def check(model: str, history: HistoryFile) -> str:
    """The verdict."""
    from schrodinger_native import check_rw_register

    return str(check_rw_register(history, consistency=model)["verdict"])


def main(arguments: list[str]) -> None:
    """Print one line a case."""
    sizes = [int(argument) for argument in arguments] or list(SIZES)
    table = Table("polars lays all values end to end")
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            path = Path(scratch) / f"{size}.arrow"
            record(path, size, registers=True, stale=False)
            baseline = measure(unpack, columns, path)
            for model in MODELS:
                ours = measure(partial(check, model), columns, path)
                target_s, target_mb = TARGETS.get((model, size), (None, None))
                table.line(
                    f"{model} {size:,}", ours, baseline, target_s=target_s, target_mb=target_mb, note=ours.result
                )
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
