"""Import of a Jepsen history: megabytes a second, and memory that does not grow with the file.

Named baseline in the same run: Python reading the same file line by line and doing nothing with it.

    python benchmarks/interchange.py [MEGABYTES]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


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


def measure(source: Path, target: Path) -> None:
    """In a process of its own: one import."""
    from schrodinger_native import import_edn

    begun = time.perf_counter()
    rows = import_edn(source, target)["rows"]
    elapsed = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": elapsed, "rows": rows, "peak_mb": peak}))


def main(arguments: list[str]) -> None:
    """Print the figures."""
    if arguments[:1] == ["--measure"]:
        measure(Path(arguments[1]), Path(arguments[2]))
        return
    megabytes = int(arguments[0]) if arguments else 200
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "history.edn"
        write_history(source, megabytes)
        size = source.stat().st_size / 1e6
        begun = time.perf_counter()
        with source.open("rb") as file:
            lines = sum(1 for _ in file)
        plain = time.perf_counter() - begun
        command = [sys.executable, __file__, "--measure", str(source), str(Path(scratch) / "history.arrow")]
        ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert ours["rows"] == lines
        print(f"import       {size:.0f} MB, {ours['rows']:,} events in {ours['s']:.2f} s: {size / ours['s']:.0f} MB/s")
        print(f"peak memory  {ours['peak_mb']:.0f} MB")
        print(
            f"python       only reading the lines: {plain:.2f} s, {ours['s'] / plain:.1f} times as fast as the import"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
