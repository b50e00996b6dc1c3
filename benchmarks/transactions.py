"""Isolation: list-append histories of 10,000 to 1,000,000 transactions, valid and with one stale read.

The generator follows the published comparisons: 20 clients, 1 to 4 micro-operations, half of them appends, 10 live keys
of 32 appends each, 2 % failed transactions, each applied at one instant within its interval. Elle (JVM, warm, on a
machine of the same kind) took 0.83, 5.1 and 52 s for the valid histories, and up to 9.2 GB. Named baseline in the same
run: polars merely unpacking every read of the same history into a column.

    python benchmarks/transactions.py [TRANSACTIONS ...]
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

CLIENTS: Final = 20
LIVE_KEYS: Final = 10
APPENDS_PER_KEY: Final = 32
SIZES: Final = (10_000, 100_000, 1_000_000)


def record(path: Path, transactions: int, *, stale: bool) -> None:
    """Write a history of a store that runs one transaction at a time; ``stale`` drops the end of one late read."""
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
                    asked += [1, key, 1, fresh]
                    answered += [1, key, 1, fresh]
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


def measure(path: Path) -> None:
    """In a process of its own: the time of one check, and the peak of the memory."""
    from schrodinger_native import HistoryFile, check_append

    history = HistoryFile(path)
    rows = history.rows
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    found = check_append(history)
    elapsed = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names = [anomaly["name"] for anomaly in found["anomalies"]]
    result = {
        "s": elapsed,
        "peak_mb": peak / 1024,
        "before_mb": before / 1024,
        "rows": rows,
        "verdict": found["verdict"],
        "anomalies": names,
    }
    print(json.dumps(result))


def baseline(path: Path) -> None:
    """In a process of its own: polars reads the history and lays all values end to end."""
    import polars
    from schrodinger_native import HistoryFile

    history = HistoryFile(path)
    begun = time.perf_counter()
    polars.DataFrame(history).get_column("value").explode().n_unique()
    print(json.dumps({"s": time.perf_counter() - begun}))


def main(arguments: list[str]) -> None:
    """Print one line a case."""
    if arguments[:1] in (["--measure"], ["--baseline"]):
        (measure if arguments[0] == "--measure" else baseline)(Path(arguments[1]))
        return
    sizes = [int(argument) for argument in arguments] or list(SIZES)
    print(f"{'transactions':>12} {'history':>8} {'check s':>9} {'peak MB':>8} {'polars s':>9} {'ratio':>6}  verdict")
    with tempfile.TemporaryDirectory() as scratch:
        for size in sizes:
            for stale in (False, True):
                path = Path(scratch) / f"{size}-{stale}.arrow"
                record(path, size, stale=stale)
                ours, theirs = (
                    json.loads(
                        subprocess.run(
                            [sys.executable, __file__, how, str(path)], check=True, capture_output=True, text=True
                        ).stdout
                    )
                    for how in ("--measure", "--baseline")
                )
                kind = "stale" if stale else "valid"
                print(
                    f"{size:>12,} {kind:>8} {ours['s']:>9.3f} {ours['peak_mb']:>8.0f} {theirs['s']:>9.3f} "
                    f"{ours['s'] / theirs['s']:>6.2f}  {ours['verdict']} {' '.join(ours['anomalies'])}"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
