"""How fast the recorder takes events, and what they cost on disk.

The baseline, in the same run, is what a program without the recorder would do: gather the same rows in a list and
write them as one Arrow file with pyarrow when it is over. It keeps nothing when it is killed.

Bytes are measured at 1,000 events a second too, where a flush interval gathers only 100 events in a block.

Run it with ``uv run python -m benchmarks.recorder [events]``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.ipc
from schrodinger_native import HistoryFile, Recorder, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger_native.results import EventType

    Event = tuple[EventType, int, int, int, int | tuple[int, int] | None]

EVENTS = 1_000_000
SLOW_EVENTS = 3_000
SLOW_RATE = 1_000
FUNCTIONS = ["read", "write", "cas"]
SCHEMA = pa.schema(
    {
        "time": pa.int64(),
        "process": pa.int32(),
        "type": pa.dictionary(pa.int8(), pa.string()),
        "f": pa.dictionary(pa.uint8(), pa.string()),
        "key": pa.int64(),
        "value": pa.list_(pa.int64()),
        "detail": pa.string(),
    }
)


def register_events(count: int) -> Iterator[Event]:
    """Invocations and completions of reads, writes and compare-and-sets by twenty processes on a hundred keys."""
    stream = Stream(1, 0)
    for index in range(count // 2):
        process, f, key, value = stream.words(index)
        argument = (None, value >> 40, (value >> 40, value & 0xFFFF))[f % 3]
        yield "invoke", process % 20, f % 3, key % 100, argument
        yield "ok", process % 20, f % 3, key % 100, argument or value & 0xFFFF


def with_recorder(events: list[Event], path: Path) -> float:
    """Seconds to record and close."""
    began = time.perf_counter()
    recorder = Recorder(path, FUNCTIONS)
    record = recorder.record
    for type_, process, f, key, value in events:
        record(type_, process, f, key, value)
    recorder.close()
    return time.perf_counter() - began


def with_pyarrow(events: list[Event], path: Path) -> float:
    """Seconds to gather the same rows in a list and write them at the end."""
    began = time.perf_counter()
    rows: list[tuple[object, ...]] = []
    for type_, process, f, key, value in events:
        listed = value if value is None or isinstance(value, tuple) else (value,)
        rows.append((time.monotonic_ns(), process, type_, FUNCTIONS[f], key, listed, None))
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)]
    with pa.ipc.new_file(path, SCHEMA) as writer:
        writer.write_table(pa.table(columns, schema=SCHEMA))
    return time.perf_counter() - began


def at_a_rate(events: list[Event], path: Path) -> None:
    """Record a thousand events a second, as a run does."""
    recorder = Recorder(path, FUNCTIONS)
    began = time.monotonic()
    for count, (type_, process, f, key, value) in enumerate(events):
        time.sleep(max(0, began + count / SLOW_RATE - time.monotonic()))
        recorder.record(type_, process, f, key, value)
    recorder.close()


def bytes_an_event(path: Path) -> float:
    """What the history and its block list take on disk."""
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*")) / HistoryFile(path).rows


def main() -> None:
    """Print both, and the ratio."""
    events = list(register_events(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS))
    with tempfile.TemporaryDirectory() as scratch:
        fast, slow, baseline = (Path(scratch) / name for name in ("fast.arrow", "slow.arrow", "pyarrow.arrow"))
        recorder_s = with_recorder(events, fast)
        pyarrow_s = with_pyarrow(events, baseline)
        at_a_rate(events[:SLOW_EVENTS], slow)
        fast_bytes, slow_bytes = bytes_an_event(fast), bytes_an_event(slow)
        baseline_bytes = baseline.stat().st_size / len(events)
    print(f"recorder              {len(events) / recorder_s:>10,.0f} events/s   {fast_bytes:.1f} bytes an event")
    print(f"recorder, as in a run {SLOW_RATE:>10,.0f} events/s   {slow_bytes:.1f} bytes an event")
    print(f"baseline: pyarrow     {len(events) / pyarrow_s:>10,.0f} events/s   {baseline_bytes:.1f} bytes an event")
    print(f"ratio                 {pyarrow_s / recorder_s:>10.1f}")


if __name__ == "__main__":
    main()
