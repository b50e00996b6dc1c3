"""How long the search takes for objects other than registers with distinct values, and how much memory.

Histories of one object, the hard case, by closed-loop clients (:mod:`benchmarks.closed_loop`): elements are drawn from
64, so that no check of its own decides them. In a *spoilt* history one answer, three quarters in, is not what the
object did; that may happen to be explicable.

Each case runs in a process of its own, on one thread. Seconds are those of the check alone, of columns in memory.

Run it with ``uv run python -m benchmarks.models [operations ...] [model ...]``.
"""

# ruff: noqa: D102 - the methods of a Thing say in its protocol what they are

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from schrodinger_native import HistoryFile, check_linearizable

from benchmarks.closed_loop import ClosedLoop, Value
from benchmarks.harness import Table, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.closed_loop import Thing

SIZES = (10_000, 100_000)
ELEMENTS = 64
CLIENTS = 10
TARGET_S = {"valid": 0.5, "spoilt": 1.5}
TARGET_MB = 200


class Register:
    """Half reads, 35 % writes, 15 % compare-and-sets, of which half expect what is there."""

    functions: Final = ["read", "write", "cas"]
    keyed: Final = ()

    def __init__(self) -> None:
        self.value: int | None = None

    def ask(self, random: Random, _client: int) -> tuple[str, Value]:
        draw, new = random.random(), random.randrange(ELEMENTS)
        if draw < 0.5:
            return "read", None
        if draw < 0.85:
            return "write", (new,)
        return "cas", ((self.value or 0) if random.random() < 0.5 else random.randrange(ELEMENTS), new)

    def answer(self, f: str, argument: Value, _client: int) -> tuple[bool, Value]:
        if f == "read" or argument is None:
            return True, None if self.value is None else (self.value,)
        if f == "cas" and (self.value != argument[0] or argument[0] == argument[1]):
            return False, argument
        self.value = argument[-1]
        return True, argument

    def lie(self, f: str, value: Value) -> tuple[bool, Value]:
        return (True, ((value[0] + 7) % ELEMENTS,)) if f == "read" and value else (False, value)


class Counter:
    """As many reads as additions."""

    functions: Final = ["add", "read"]
    keyed: Final = ()

    def __init__(self) -> None:
        self.sum = 0

    def ask(self, random: Random, _client: int) -> tuple[str, Value]:
        return ("read", None) if random.random() < 0.5 else ("add", (random.randrange(1, 6),))

    def answer(self, f: str, argument: Value, _client: int) -> tuple[bool, Value]:
        if f == "read" or argument is None:
            return True, (self.sum,)
        self.sum += argument[0]
        return True, argument

    def lie(self, f: str, value: Value) -> tuple[bool, Value]:
        return (True, (value[0] + 100,)) if f == "read" and value else (False, value)


class Set:
    """Adds, removes, a few looks at one element, and a few at all."""

    functions: Final = ["add", "remove", "contains", "read-all"]
    keyed: Final = ()

    def __init__(self) -> None:
        self.elements: set[int] = set()

    def ask(self, random: Random, _client: int) -> tuple[str, Value]:
        draw, element = random.random(), (random.randrange(ELEMENTS),)
        if draw < 0.1:
            return "read-all", None
        return ("contains" if draw < 0.4 else "add" if draw < 0.7 else "remove"), element

    def answer(self, f: str, argument: Value, _client: int) -> tuple[bool, Value]:
        if f == "read-all" or argument is None:
            return True, tuple(sorted(self.elements))
        element = argument[0]
        if f == "contains":
            return True, (element, int(element in self.elements))
        (self.elements.add if f == "add" else self.elements.discard)(element)
        return True, argument

    def lie(self, f: str, value: Value) -> tuple[bool, Value]:
        return (True, (value or ())[1:]) if f == "read-all" and value else (False, value)


class Pool:
    """A queue or a stack: as much goes in as comes out."""

    keyed: Final = ()

    def __init__(self, put: str, take: str, place: Callable[[Random, int], int]) -> None:
        self.functions = [put, take]
        self.place = place
        self.random = Random(7)
        self.elements: list[int] = []

    def ask(self, random: Random, _client: int) -> tuple[str, Value]:
        if random.random() < 0.5:
            return self.functions[0], (random.randrange(ELEMENTS),)
        return self.functions[1], None

    def answer(self, f: str, argument: Value, _client: int) -> tuple[bool, Value]:
        if f == self.functions[0] and argument is not None:
            self.elements.append(argument[0])
            return True, argument
        if not self.elements:
            return True, None
        return True, (self.elements.pop(self.place(self.random, len(self.elements))),)

    def lie(self, f: str, value: Value) -> tuple[bool, Value]:
        return (True, ((value[0] + 7) % ELEMENTS,)) if f == self.functions[1] and value else (False, value)


class Mutex:
    """Clients that take the lock, and give it back."""

    functions: Final = ["acquire", "release"]
    keyed: Final = ()

    def __init__(self) -> None:
        self.holder: int | None = None
        self.wants_release: set[int] = set()

    def ask(self, _random: Random, client: int) -> tuple[str, Value]:
        if client in self.wants_release:
            self.wants_release.discard(client)
            return "release", (client,)
        self.wants_release.add(client)
        return "acquire", (client,)

    def answer(self, f: str, argument: Value, client: int) -> tuple[bool, Value]:
        if f == "acquire":
            taken = self.holder is None
            if taken:
                self.holder = client
            else:
                self.wants_release.discard(client)
            return taken, argument
        held = self.holder == client
        if held:
            self.holder = None
        return held, argument

    def lie(self, f: str, value: Value) -> tuple[bool, Value]:
        del f
        return False, value


class Store:
    """Transactions of one to three steps over eight keys."""

    functions: Final = ["txn"]
    keyed: Final = ()

    def __init__(self) -> None:
        self.values: dict[int, int] = {}

    def ask(self, random: Random, _client: int) -> tuple[str, Value]:
        steps: list[int] = []
        for _ in range(random.randrange(1, 4)):
            key = random.randrange(8)
            steps += [0, key, -1] if random.random() < 0.6 else [2, key, 1, random.randrange(ELEMENTS)]
        return "txn", tuple(steps)

    def answer(self, _f: str, argument: Value, _client: int) -> tuple[bool, Value]:
        told: list[int] = []
        steps = iter(argument or ())
        for code in steps:
            key, count = next(steps), next(steps)
            if code == 0:
                told += [0, key, 1, self.values[key]] if key in self.values else [0, key, 0]
            else:
                self.values[key] = next(steps)
                told += [code, key, count, self.values[key]]
        return True, tuple(told)

    def lie(self, f: str, value: Value) -> tuple[bool, Value]:
        del f
        if value is None or len(value) != 4 or value[0] != 0:
            return False, value
        return True, (*value[:3], (value[3] + 7) % ELEMENTS)


class KeyedStore:
    """Such transactions beside reads, writes and compare-and-sets of one key, of which half expect what is there."""

    functions: Final = ["txn", "get", "put", "cas"]
    keyed: Final = ("get", "put", "cas")

    def __init__(self) -> None:
        self.store = Store()

    def ask(self, random: Random, client: int) -> tuple[str, Value]:
        draw, key, new = random.random(), random.randrange(8), random.randrange(ELEMENTS)
        if draw < 0.4:
            return self.store.ask(random, client)
        if draw < 0.7:
            return "get", (key,)
        if draw < 0.85:
            return "put", (key, new)
        return "cas", (key, self.store.values.get(key, 0) if random.random() < 0.5 else random.randrange(ELEMENTS), new)

    def answer(self, f: str, argument: Value, client: int) -> tuple[bool, Value]:
        if f == "txn" or argument is None:
            return self.store.answer(f, argument, client)
        key = argument[0]
        if f == "get":
            return True, argument + ((self.store.values[key],) if key in self.store.values else ())
        if f == "cas" and (self.store.values.get(key) != argument[1] or argument[1] == argument[2]):
            return False, argument
        self.store.values[key] = argument[-1]
        return True, argument

    def lie(self, f: str, value: Value) -> tuple[bool, Value]:
        if f == "txn":
            return self.store.lie(f, value)
        return (
            (True, (value[0], (value[1] + 7) % ELEMENTS)) if f == "get" and value and len(value) > 1 else (False, value)
        )


MODELS: Final[dict[str, Callable[[], Thing]]] = {
    "cas-register": Register,
    "counter": Counter,
    "set": Set,
    "fifo-queue": lambda: Pool("enqueue", "dequeue", lambda _random, _count: 0),
    "unordered-queue": lambda: Pool("enqueue", "dequeue", lambda random, count: random.randrange(count)),
    "stack": lambda: Pool("push", "pop", lambda _random, _count: -1),
    "owner-aware-mutex": Mutex,
    "multi-register": Store,
    "key-value": KeyedStore,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table."""

    model: str
    operations: int
    info_percent: int
    spoilt: bool

    def record(self, path: Path) -> None:
        """Record the history."""
        thing = MODELS[self.model]()
        loop = ClosedLoop(thing, path, Random(self.operations), clients=CLIENTS, info_percent=self.info_percent)
        loop.record(self.operations, spoil_at=self.operations * 3 // 4 if self.spoilt else -1)


def check(given: tuple[HistoryFile, str]) -> tuple[str, int]:
    """Verdict and steps."""
    history, model = given
    found = check_linearizable(history, model=model, threads=1, max_steps=20_000_000, max_bytes=1_000_000_000)
    assert found["verdict"] != "malformed", found["problems"]
    return found["verdict"], found["steps"]


def columns(path: tuple[Path, str]) -> tuple[HistoryFile, str]:
    """The history, with its blocks checked."""
    history = HistoryFile(path[0])
    assert history.rows > 0
    return history, path[1]


def main(sizes: list[int], models: list[str]) -> None:
    """Print the table."""
    table = Table("none; Porcupine ends above 8 GB on registers of 10,000 such operations", width=60)
    for size, model, info, spoilt in product(sizes, models, (0, 5), (False, True)):
        if model == "owner-aware-mutex" and spoilt:
            continue
        case = Case(model=model, operations=size, info_percent=info, spoilt=spoilt)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "history.arrow"
            case.record(path)
            ours = measure(check, columns, (path, model))
        verdict, steps = ours.result
        kind = "spoilt" if spoilt else "valid"
        table.line(
            f"{model}, {size:,} x {CLIENTS} clients, {info} % info, {kind}",
            ours,
            target_s=TARGET_S[kind],
            target_mb=TARGET_MB,
            note=f"{verdict}, {steps:,} steps",
        )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        [int(argument) for argument in arguments if argument.isdecimal()] or list(SIZES),
        [argument for argument in arguments if argument in MODELS] or list(MODELS),
    )
