"""What a look at a run that goes on takes: the history so far is opened and judged from its start (``--fail-fast``).

After a look the watch rests nine times as long as the look took, so a violation is found at most ten looks and the
rest of the one under way after it was recorded. Histories are valid and sequential, by ten clients in turn; a set's
reads hold all of it, so its histories are short. Named baseline in the same run: opening the history and reading its
columns into polars.

    python -m benchmarks.watching [OPERATIONS ...]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from benchmarks.harness import Table, measure
from schrodinger.checkers import Bank, Linearizable, ListAppend, Lock, Monotonic, Queue, SetFull, UniqueIds
from schrodinger.history import History, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger.checkers import Online

Event: TypeAlias = tuple[str, int | None, Any, Any]
CLIENTS: Final = 10
SIZES: Final = (10_000, 100_000, 1_000_000)
SET_SIZES: Final = (10_000, 30_000)
CHECKERS: Final[dict[str, Online]] = {
    "register": Linearizable(),
    "append": ListAppend(),
    "bank": Bank(total=80),
    "set": SetFull(),
    "unique-ids": UniqueIds(),
    "monotonic": Monotonic(),
    "queue": Queue(),
    "lock": Lock(),
}


def events(kind: str, operations: int) -> Iterator[Event]:
    """Operations of one kind as (function, key, asked, answered)."""
    for number in range(operations):
        key = number // 208 * 8 + number % 8
        match kind:
            case "register":
                yield ("write", key, number, number) if number % 16 < 8 else ("read", key, None, number - 8)
            case "append":
                read = (0, number // 16, number % 16, *range(number // 16 * 16, number))
                asked = (0, number // 16, -1, 1, number // 16, 1, number)
                yield "txn", None, asked, (*read, 1, number // 16, 1, number)
            case "bank":
                yield "read", None, None, tuple(part for account in range(8) for part in (account, 10))
            case "set":
                is_read = number % 51 == 50
                yield ("read-all", None, None, elements(number)) if is_read else ("add", None, number, number)
            case "unique-ids":
                yield "generate", None, None, number
            case "monotonic":
                yield ("inc", key, None, number) if number % 2 else ("read", None, None, number)
            case "queue":
                element = number // 2
                yield ("enqueue", None, element, element) if number % 2 == 0 else ("dequeue", None, None, element)
            case "lock":
                yield ("acquire", None, None, number) if number % 2 == 0 else ("release", None, None, None)


def elements(before: int) -> tuple[int, ...]:
    """What was added by then."""
    return tuple(number for number in range(before) if number % 51 != 50)


def record(path: Path, kind: str, operations: int) -> None:
    """Write the history; an operation ends before the next begins."""
    made = list(dict.fromkeys(event[0] for event in events(kind, min(operations, 200))))
    recorder = Recorder(path, made)
    for number, (f, key, asked, answered) in enumerate(events(kind, operations)):
        process = number // 2 % CLIENTS
        recorder.record("invoke", process, made.index(f), key, asked)
        recorder.record("ok", process, made.index(f), key, answered)
    recorder.close()


def prepared(path: str, kind: str) -> tuple[str, str]:
    """Nothing is kept from one look to the next."""
    return path, kind


def look(prepared: tuple[str, str]) -> str:
    """Open and judge."""
    path, kind = prepared
    return str(CHECKERS[kind].check(History.open(path)).validity)


def read(prepared: tuple[str, str]) -> int:
    """Open and read."""
    return History.open(prepared[0]).to_polars().height


def main() -> None:
    """Measure every kind at every size."""
    sizes = [int(argument) for argument in sys.argv[1:]]
    table = Table("opening the history and reading its columns into polars")
    with tempfile.TemporaryDirectory() as scratch:
        for kind in CHECKERS:
            for operations in sizes or (SET_SIZES if kind == "set" else SIZES):
                path = Path(scratch) / f"{kind}-{operations}.arrow"
                record(path, kind, operations)
                ours = measure(look, prepared, str(path), kind, rounds=3)
                baseline = measure(read, prepared, str(path), kind, rounds=3)
                assert ours.result != "violation", kind
                table.line(
                    f"{kind}, {operations:,} operations", ours, baseline, note=f"every {10 * ours.seconds:.2f} s"
                )
                path.unlink()


if __name__ == "__main__":
    main()
