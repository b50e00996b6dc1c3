"""Simulated objects that lie once: long histories of which few operations show that they are impossible."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeAlias

from schrodinger_native import HistoryFile, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from schrodinger_native.results import EventType

CLIENTS, OPERATIONS, SPOIL_AT = 4, 260, 200
FUNCTIONS = [
    "read",
    "write",
    "cas",
    "add",
    "remove",
    "contains",
    "read-all",
    "push",
    "pop",
    "enqueue",
    "dequeue",
    "txn",
]
VALUES = range(4)

Values: TypeAlias = tuple[int, ...] | None
Asked: TypeAlias = tuple[str, Values]
Event: TypeAlias = "tuple[int, EventType, str, Values]"


class Thing(Protocol):
    """An object: what clients ask of it, what it answers, and with what it can be brought into a state."""

    model: str

    def ask(self, random: Random) -> Asked:
        """What a client does next."""
        ...

    def answer(self, f: str, asked: Values) -> Values:
        """What it is told, when that takes effect now."""
        ...

    def lie(self, random: Random, f: str, told: Values) -> Values:
        """Another answer; the same where there is none."""
        ...

    def states(self, events: Sequence[Event]) -> Iterable[Sequence[Asked]]:
        """By what is done one after the other: some that may have been there before the events."""
        ...


@dataclass
class Number(Thing):
    model = "counter"
    sum: int = 0

    def ask(self, random: Random) -> Asked:
        return random.choice([("read", None), ("add", (random.randrange(1, 4),))])

    def answer(self, f: str, asked: Values) -> Values:
        self.sum += asked[0] if asked else 0
        return asked or (self.sum,)

    def lie(self, random: Random, f: str, told: Values) -> Values:
        return (told[0] + random.randrange(20, 40),) if f == "read" and told else told

    def states(self, events: Sequence[Event]) -> Iterable[Sequence[Asked]]:
        reads = [values[0] for _, kind, f, values in events if (kind, f) == ("ok", "read") and values]
        return [[("add", (sum_,))] for sum_ in range(max(0, min(reads) - 40), max(reads) + 1)]


@dataclass
class Cell(Thing):
    model = "cas-register"
    value: int | None = None

    def ask(self, random: Random) -> Asked:
        new = random.choice(VALUES)
        return random.choice([("read", None), ("write", (new,)), ("cas", (self.value or 0, new))])

    def answer(self, f: str, asked: Values) -> Values:
        if f == "read" or asked is None:
            return None if self.value is None else (self.value,)
        if f == "write" or asked[0] == self.value:
            self.value = asked[-1]
            return asked
        return ()

    def lie(self, random: Random, f: str, told: Values) -> Values:
        return ((told[0] + random.choice(VALUES)) % len(VALUES),) if f == "read" and told else told

    def states(self, events: Sequence[Event]) -> Iterable[Sequence[Asked]]:
        return [[], *([("write", (value,))] for value in VALUES)]


@dataclass
class Elements(Thing):
    model = "set"
    held: set[int] = field(default_factory=set)

    def ask(self, random: Random) -> Asked:
        f = random.choice(["add", "remove", "contains", "read-all"])
        return f, None if f == "read-all" else (random.choice(VALUES),)

    def answer(self, f: str, asked: Values) -> Values:
        if asked is None:
            return tuple(sorted(self.held))
        if f == "contains":
            return (*asked, int(asked[0] in self.held))
        (self.held.add if f == "add" else self.held.discard)(asked[0])
        return asked

    def lie(self, random: Random, f: str, told: Values) -> Values:
        if f == "contains" and told:
            return told[0], 1 - told[1]
        return tuple(sorted({*(told or ())} ^ {random.choice(VALUES)})) if f == "read-all" else told

    def states(self, events: Sequence[Event]) -> Iterable[Sequence[Asked]]:
        for there in product(("add", "remove"), repeat=len(VALUES)):
            yield [(f, (value,)) for f, value in zip(there, VALUES, strict=True)]


@dataclass
class Pool(Thing):
    model: str
    put: str
    take: str
    place: Callable[[Random, int], int]
    patience: int = 0
    """Nothing is taken while no more is inside."""
    held: list[int] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(1))

    def ask(self, random: Random) -> Asked:
        takes = len(self.held) >= self.patience and random.random() < 0.5
        return (self.take, None) if takes else (self.put, (random.choice(VALUES),))

    def answer(self, f: str, asked: Values) -> Values:
        if asked is not None:
            self.held.append(asked[0])
            return asked
        return (self.held.pop(self.place(self.random, len(self.held))),) if self.held else None

    def lie(self, random: Random, f: str, told: Values) -> Values:
        return ((told[0] + random.choice(VALUES)) % len(VALUES),) if f == self.take and told else told

    def states(self, events: Sequence[Event]) -> Iterable[Sequence[Asked]]:
        for depth in range(4):
            for held in product(VALUES, repeat=depth):
                yield [(self.put, (value,)) for value in held]


@dataclass
class Store(Thing):
    model = "multi-register"
    values: dict[int, int] = field(default_factory=dict)

    def ask(self, random: Random) -> Asked:
        steps = [
            random.choice([(0, key, -1), (2, key, 1, random.choice(VALUES))]) for key in random.sample(range(3), 2)
        ]
        return "txn", tuple(number for step in steps for number in step)

    def answer(self, f: str, asked: Values) -> Values:
        told: list[int] = []
        rest = list(asked or ())
        while rest:
            code, key, count = rest[:3]
            if code == 2:
                self.values[key] = rest[3]
            seen = [self.values[key]] if key in self.values else []
            told += [code, key, len(seen), *seen]
            rest = rest[3 + max(count, 0) :]
        return tuple(told)

    def lie(self, random: Random, f: str, told: Values) -> Values:
        if told is None or told[:1] != (0,) or told[2] == 0:
            return told
        return (*told[:3], (told[3] + random.choice(VALUES)) % len(VALUES), *told[4:])

    def states(self, events: Sequence[Event]) -> Iterable[Sequence[Asked]]:
        for held in product(VALUES, repeat=3):
            yield [("txn", tuple(number for key, value in enumerate(held) for number in (2, key, 1, value)))]


THINGS: dict[str, Callable[[], Thing]] = {
    "counter": Number,
    "cas-register": Cell,
    "set": Elements,
    "stack": lambda: Pool("stack", "push", "pop", lambda _, count: count - 1),
    "fifo-queue": lambda: Pool("fifo-queue", "enqueue", "dequeue", lambda _, _count: 0),
    "unordered-queue": lambda: Pool(
        "unordered-queue", "enqueue", "dequeue", lambda random, count: random.randrange(count), patience=4
    ),
    "multi-register": Store,
}


def simulated(thing: Thing, random: Random) -> list[Event]:
    """Operations of clients side by side, each taking effect between its call and its return; one answer is a lie."""
    events: list[Event] = []
    running: dict[int, tuple[Asked, list[Values]]] = {}
    called, lied = 0, False
    while called < OPERATIONS or running:
        client = random.randrange(CLIENTS)
        if client not in running:
            if called < OPERATIONS:
                f, asked = thing.ask(random)
                running[client] = (f, asked), []
                events.append((client, "invoke", f, asked))
                called += 1
            continue
        (f, asked), told = running[client]
        if not told:
            told.append(thing.answer(f, asked))
            continue
        answer = told[0]
        if called > SPOIL_AT and not lied:
            answer = thing.lie(random, f, answer)
            lied = answer != told[0]
        events.append((client, "fail" if answer == () and f == "cas" else "ok", f, answer or asked))
        if f == "read-all":
            events[-1] = (client, "ok", f, answer)
        del running[client]
    return events


def written(path: Path, events: Iterable[Event]) -> HistoryFile:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.blocks").unlink(missing_ok=True)
    transcript = Transcript(path, FUNCTIONS)
    for row, (process, kind, f, values) in enumerate(events):
        transcript.write(row, kind, process, FUNCTIONS.index(f), None, values)
    transcript.finish()
    return HistoryFile(path)


def overdrawn() -> list[Event]:
    """An element of a queue that is never all gone, until it comes out once more than it went in."""
    asked: list[Asked] = [("enqueue", (1,)), *[("enqueue", (1,)), ("dequeue", None)] * 20, *[("dequeue", None)] * 2]
    return [(0, kind, f, given or (1,) if kind == "ok" else given) for f, given in asked for kind in ("invoke", "ok")]
