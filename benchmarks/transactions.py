"""Isolation: list-append and rw-register histories of 10,000 to 1,000,000 transactions, valid and with one stale read.

The generator follows the published comparisons: 20 clients, 1 to 4 micro-operations, half of them writes, 10 live keys
of 32 writes each, 2 % failed transactions, each applied at one instant within its interval. Registers are checked with
all inferences. Elle (JVM, warm, on a machine of the same kind) took 0.83, 5.1 and 52 s for the valid lists, up to
9.2 GB, and 9 s for 100,000 transactions on registers; with per-key inference it was not done after 200 s. Named
baseline in the same run: polars merely unpacking every read of the same history into a column.

    python benchmarks/transactions.py [TRANSACTIONS ...]
"""

from __future__ import annotations

import random
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import Table, measure

if TYPE_CHECKING:
    from schrodinger_native import HistoryFile

CLIENTS: Final = 20
LIVE_KEYS: Final = 10
APPENDS_PER_KEY: Final = 32
SIZES: Final = (10_000, 100_000, 1_000_000)
TARGETS: Final = {
    ("list-append", 10_000, False): (0.03, 30),
    ("list-append", 100_000, False): (0.2, 200),
    ("list-append", 1_000_000, False): (2.5, 1_000),
    ("list-append", 100_000, True): (0.3, None),
    ("list-append", 1_000_000, True): (3, None),
    ("rw-register", 100_000, False): (0.5, None),
}
"""Seconds and megabytes to reach, by checker, transactions and whether a read is stale."""
INFERENCES: Final = ("initial-state", "database-versions", "sequential-keys", "linearizable-keys")


def record(path: Path, transactions: int, *, registers: bool, stale: bool) -> None:
    """Write a history of a store that runs one transaction at a time; ``stale`` drops the end of one late read.

    A register shows the last element of what would be a list.
    """
    from schrodinger_native import Recorder

    rng = random.Random(transactions)
    recorder = Recorder(path, ["txn"])
    lists: dict[int, list[int]] = {key: [] for key in range(LIVE_KEYS)}
    live, next_key, fresh = list(range(LIVE_KEYS)), LIVE_KEYS, 0
    open_: list[tuple[int, list[int], bool]] = []
    idle, begun, done = list(range(CLIENTS)), 0, 0
    while done < transactions:
        if begun < transactions and idle and (not open_ or rng.random() < 0.6):
            process = idle.pop(rng.randrange(len(idle)))
            fails = rng.random() < 0.02
            asked: list[int] = []
            answered: list[int] = []
            for _ in range(rng.randint(1, 4)):
                slot = rng.randrange(LIVE_KEYS)
                key = live[slot]
                if rng.random() < 0.5:
                    fresh += 1
                    asked += [2 if registers else 1, key, 1, fresh]
                    answered += [2 if registers else 1, key, 1, fresh]
                    if not fails:
                        lists[key].append(fresh)
                        if len(lists[key]) >= APPENDS_PER_KEY:
                            live[slot], next_key = next_key, next_key + 1
                            lists[live[slot]] = []
                else:
                    seen = lists[key]
                    if stale and done > transactions * 3 // 4 and len(seen) > 4 and not fails:
                        seen, stale = seen[:-4], False
                    asked += [0, key, -1]
                    seen = seen[-1:] if registers else seen
                    answered += [0, key, len(seen), *seen]
            recorder.record("invoke", process, 0, None, asked)
            open_.append((process, asked if fails else answered, fails))
            begun += 1
        else:
            process, value, fails = open_.pop(rng.randrange(len(open_)))
            recorder.record("fail" if fails else "ok", process, 0, None, value)
            idle.append(process)
            done += 1
    recorder.close()


def columns(path: Path) -> HistoryFile:
    """The history, with its blocks checked."""
    from schrodinger_native import HistoryFile

    history = HistoryFile(path)
    assert history.rows > 0
    return history


def check_lists(history: HistoryFile) -> tuple[str, list[str]]:
    """The verdict, and the names of the anomalies."""
    from schrodinger_native import check_append

    found = check_append(history)
    assert found["verdict"] != "malformed", found["problems"]
    return found["verdict"], [anomaly["name"] for anomaly in found["anomalies"]]


def check_registers(history: HistoryFile) -> tuple[str, list[str]]:
    """The same for registers."""
    from schrodinger_native import check_rw_register

    found = check_rw_register(history, inferences=[*INFERENCES])
    assert found["verdict"] != "malformed", found["problems"]
    return found["verdict"], [anomaly["name"] for anomaly in found["anomalies"]]


def unpack(history: HistoryFile) -> int:
    """The baseline: polars reads the history and lays all values end to end."""
    import polars

    return polars.DataFrame(history).get_column("value").explode().n_unique()


def main(arguments: list[str]) -> None:
    """Print one line a case."""
    sizes = [int(argument) for argument in arguments] or list(SIZES)
    table = Table("polars lays all values end to end")
    with tempfile.TemporaryDirectory() as scratch:
        for checker, size, stale in product(("list-append", "rw-register"), sizes, (False, True)):
            path = Path(scratch) / f"{checker}-{size}-{stale}.arrow"
            record(path, size, registers=checker == "rw-register", stale=stale)
            ours = measure(check_registers if checker == "rw-register" else check_lists, columns, path)
            baseline = measure(unpack, columns, path)
            path.unlink()
            verdict, names = ours.result
            target_s, target_mb = TARGETS.get((checker, size, stale), (None, None))
            table.line(
                f"{checker} {size:,} {'stale' if stale else 'valid'}",
                ours,
                baseline,
                target_s=target_s,
                target_mb=target_mb,
                note=f"{verdict} {' '.join(names)}",
            )


if __name__ == "__main__":
    main(sys.argv[1:])
