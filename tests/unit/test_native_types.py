"""What the native package returns is what its types say: no key or word that they lack, and none that never comes.

Each function's declared type is read from the stub. Random small histories, most of them impossible, are given to every
checker; their results are compared with the type, and each alternative that the type allows has to come up.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import count
from random import Random
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NotRequired,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import pytest
import schrodinger_native
from schrodinger_native import HistoryFile, Transcript, import_history, results

from tests.fakes import lies
from tests.fakes.shorthand import edn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STUB = ast.parse((files("schrodinger_native") / "_native.pyi").read_text(encoding="utf-8"))
DECLARED = {
    node.name: eval(ast.unparse(node.returns), vars(results))
    for node in STUB.body
    if isinstance(node, ast.FunctionDef) and node.name.startswith(("check_", "import_")) and node.returns
}
"""The return type of each function that returns plain data."""

HISTORIES = 150
Values: TypeAlias = tuple[int, ...] | None


@dataclass
class Comparison:
    """Values compared with types; what the types leave open is remembered as it comes up."""

    met: set[tuple[str, object]] = field(default_factory=set)

    def compare(self, value: object, hint: Any, where: str) -> None:
        """Fail where ``value`` is nothing that ``hint`` declares."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Literal:
            assert value in arguments, f"{where} is {value!r}"
            self.met.add((where, value))
        elif origin in (Union, UnionType):
            (fitting,) = [each for each in arguments if _fits(value, each)]
            self.met.add((where, fitting))
            self.compare(value, fitting, where)
        elif origin is list:
            assert isinstance(value, list), where
            for each in value:
                self.compare(each, arguments[0], where)
        elif origin is dict:
            assert isinstance(value, dict), where
            for key, each in value.items():
                self.compare(key, arguments[0], where)
                self.compare(each, arguments[1], where)
        elif fields := _fields(hint):
            assert _fits(value, hint), f"{where} is {value!r}"
            assert isinstance(value, dict)
            for key, each in fields.items():
                if _required(each) is not each:
                    self.met.add((f"{where}.{key}", key in value))
                if key in value:
                    self.compare(value[key], _required(each), f"{_name(hint)}.{key}")
        else:
            assert type(value) is hint, f"{where} is {value!r}, no {hint}"


def open_choices(hint: Any, where: str) -> Iterator[tuple[str, object]]:
    """All that ``hint`` leaves open, as :class:`Comparison` remembers it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        yield from ((where, word) for word in arguments)
    elif fields := _fields(hint):
        for key, each in fields.items():
            if _required(each) is not each:
                yield from ((f"{where}.{key}", there) for there in (False, True))
            yield from open_choices(_required(each), f"{_name(hint)}.{key}")
    else:
        for argument in arguments:
            if origin in (Union, UnionType):
                yield where, argument
            yield from open_choices(argument, where)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value looks like this member of a union: a dictionary by its keys, anything else by its type."""
    if fields := _fields(hint):
        required = {key for key, each in fields.items() if _required(each) is each}
        return isinstance(value, dict) and required <= set(value) <= set(fields)
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    return type(value) is hint


def _fields(hint: Any) -> dict[str, Any]:
    """The keys of a TypedDict with their types; none of anything else."""
    of = get_origin(hint) or hint
    if not hasattr(of, "__total__"):
        return {}
    given = dict(zip(getattr(of, "__parameters__", ()), get_args(hint), strict=True))
    hints = get_type_hints(of, include_extras=True)
    return {key: _given(each, given) for key, each in hints.items()}


def _given(hint: Any, given: dict[TypeVar, Any]) -> Any:
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(given[each] for each in parameters)] if parameters else hint


def _required(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def _name(hint: Any) -> str:
    return str((get_origin(hint) or hint).__name__)


Operation: TypeAlias = tuple[str, Values, Values]
"""A function, what it is asked and what it answers."""


def of(**functions: tuple[int, int]) -> Callable[[Random, int], Operation]:
    """Operations of these functions: how many numbers each is asked with, and answers at most, all of them small.

    What is asked is answered where nothing else is.
    """

    def draw(random: Random, _: int) -> Operation:
        f = random.choice(sorted(functions))
        asked, answered = functions[f]
        argument = tuple(random.randrange(4) for _ in range(asked)) or None
        value = tuple(random.randrange(4) for _ in range(random.randrange(answered + 1))) or None
        return f.replace("_", "-"), argument, value if answered else argument

    return draw


def once(put: str, take: str, *, whole: bool = False) -> Callable[[Random, int], Operation]:
    """Every other operation puts an element in that no other does; those between take one out, or read nearly all."""

    def draw(random: Random, serial: int) -> Operation:
        if serial % 2 == 0:
            return put, (serial,), (serial,)
        if whole:
            return take, None, tuple(each for each in range(0, serial + 2, 2) if random.random() < 0.8)
        return take, None, random.choice([None, *((each,) for each in range(0, serial + 2, 2))])

    return draw


def message(random: Random, serial: int) -> Operation:
    """A message that is sent to a log, or a poll of it."""
    offset = random.randrange(4)
    if random.random() < 0.5:
        return "send", (4, 1, 1, serial), (4, 1, 2, offset, serial)
    return "poll", (), (5, 1, 2, offset, random.randrange(4))


def element(random: Random, serial: int) -> Operation:
    """An element that is added to a set once, removed, and looked for."""
    f = "add" if serial == 0 else random.choice(["remove", "contains", "contains", "contains"])
    return f, (7,), (7,) if f == "add" else (7, random.randrange(2))


def transaction(code: int) -> Callable[[Random, int], Operation]:
    """Transactions that read, and append (1) or write (2) what nobody else does, and now and then a version."""

    def draw(random: Random, serial: int) -> Operation:
        asked: list[int] = []
        answered: list[int] = []
        for step in range(random.randrange(1, 4)):
            key = random.randrange(2)
            if random.random() < 0.5:
                written = [code, key, 1, 3 * serial + step]
                asked += written
                answered += written
            else:
                seen = sorted({random.randrange(9) for _ in range(random.randrange(5))})[: 9 if code == 1 else 1]
                asked += [0, key, -1]
                answered += [0, key, len(seen), *seen]
            if code == 2 and random.random() < 0.2:
                answered += [3, key, 1, random.randrange(9)]
        return "txn", tuple(asked), tuple(answered)

    return draw


SETS = ("set", once("add", "read-all", whole=True)), ("set", element)
POOLS = [(model, once("enqueue", "dequeue")) for model in ("fifo-queue", "unordered-queue")]
REGISTERS = of(read=(0, 1), write=(1, 0), cas=(2, 0))
ALL_INFERENCES = list(get_args(results.Inference))
CHECKS: dict[str, list[tuple[dict[str, Any], Callable[[Random, int], Operation]]]] = {
    "check_linearizable": [
        *(({"model": model}, draw) for model, draw in (*SETS, *POOLS, ("stack", once("push", "pop")))),
        *(
            ({"model": "stack"} | budget, of(push=(1, 0), pop=(0, 1)))
            for budget in ({"max_bytes": 1}, {"max_steps": 1}, {})
        ),
        ({"model": "register"}, REGISTERS),
        ({"model": "cas-register"}, REGISTERS),
        ({"model": "counter"}, of(add=(1, 0), read=(0, 1))),
    ],
    "check_set": [({}, once("add", "read-all", whole=True)), ({}, of(add=(1, 0), read_all=(0, 3)))],
    "check_append": [({}, transaction(1)), ({"consistency": "causal"}, transaction(1))],
    "check_rw_register": [
        ({"inferences": [inference], "consistency": consistency}, transaction(2))
        for inference in ALL_INFERENCES
        for consistency in ("strict-serializable", "causal", "monotonic-atomic-view")
    ],
    "check_sequential": [({}, REGISTERS)],
    "check_session_guarantees": [({}, REGISTERS)],
    "check_unique_ids": [({}, of(generate=(0, 1)))],
    "check_counter": [({}, of(add=(1, 0), read=(0, 1)))],
    "check_bank": [({"total": 3}, of(read=(0, 4)))],
    "check_queue": [({}, of(enqueue=(1, 0), dequeue=(0, 1), drain=(0, 3)))],
    "check_total_queue": [({"redelivers": again}, of(enqueue=(1, 0), dequeue=(0, 1))) for again in (False, True)],
    "check_final_set": [({}, of(add=(1, 0), read=(0, 3)))],
    "check_monotonic": [({}, of(inc=(0, 1), read=(0, 1), read_all=(0, 4)))],
    "check_long_fork": [({}, transaction(2))],
    "check_lock": [({"leased": leased}, of(acquire=(0, 1), release=(0, 1), use=(1, 0))) for leased in (False, True)],
    "check_log": [({}, message)],
}


FUNCTIONS = [
    *("read", "write", "cas", "add", "read-all", "remove", "contains", "enqueue", "dequeue", "drain", "push", "pop"),
    *("txn", "generate", "inc", "acquire", "release", "use", "send", "poll"),
]
ENDS: tuple[results.EventType, ...] = ("ok", "ok", "ok", "ok", "fail", "info")


def recorded(path: Path, random: Random, draw: Callable[[Random, int], Operation]) -> HistoryFile:
    """Operations of three clients side by side, on one key or none; a few fail, and of a few nobody knows."""
    transcript = Transcript(path, FUNCTIONS)
    running: dict[int, Operation] = {}
    processes = [0, 1, 2]
    key = random.choice([None, 1])
    serials = count()
    for row in range(random.randrange(4, 24)):
        client = random.randrange(3)
        begins = client not in running
        if begins:
            running[client] = draw(random, next(serials))
        f, asked, answered = running[client]
        kind: results.EventType = "invoke" if begins else random.choice(ENDS)
        value = answered if kind == "ok" else asked
        transcript.write(row, kind, processes[client], FUNCTIONS.index(f), key, value)
        if not begins:
            del running[client]
            processes[client] += 3 * (kind == "info")
    transcript.finish()
    return HistoryFile(path)


@pytest.mark.parametrize("kind", dict.fromkeys(DECLARED[name] for name in CHECKS))
def test_results_are_what_their_types_say_and_whatever_these_allow_comes_up(tmp_path: Path, kind: Any) -> None:
    comparison, where = Comparison(), "found"
    for name in (name for name in CHECKS if DECLARED[name] == kind):
        random, check = Random(name), getattr(schrodinger_native, name)
        for options, draw in CHECKS[name]:
            comparison.compare(check(malformed(tmp_path), **options), kind, where)
            for _ in range(HISTORIES):
                history = recorded(tmp_path / "history.arrow", random, draw)
                comparison.compare(check(history, **options), kind, where)
                for file in tmp_path.iterdir():
                    file.unlink()
    if kind == DECLARED["check_linearizable"]:
        # Of long histories only the end is told.
        long = [("counter", lies.simulated(lies.THINGS["counter"](), Random(seed))) for seed in range(8)]
        for model, events in [*long, ("unordered-queue", lies.overdrawn())]:
            history = lies.written(tmp_path / "long.arrow", events)
            comparison.compare(schrodinger_native.check_linearizable(history, model=model), kind, where)
    never = set(open_choices(kind, where)) - comparison.met
    assert not never, f"declared, and never returned: {never}"


def malformed(directory: Path) -> HistoryFile:
    """A completion of nothing."""
    transcript = Transcript(directory / "malformed.arrow", FUNCTIONS)
    transcript.write(0, "ok", 0, 0, None, None)
    transcript.finish()
    return HistoryFile(directory / "malformed.arrow")


def test_every_function_with_a_type_of_its_own_is_compared() -> None:
    assert {*DECLARED} == {*CHECKS, "import_history"}


@pytest.mark.parametrize(
    "text", [edn("0 invoke write :x; 0 ok write :x"), '{"type": "invoke", "process": 0, "f": "read"}']
)
def test_what_importing_tells_is_what_its_type_says(tmp_path: Path, text: str) -> None:
    (tmp_path / "text").write_text(text)
    told = import_history(tmp_path / "text", tmp_path / "history.arrow")
    Comparison().compare(told, DECLARED["import_history"], "import_history")


def test_the_stub_has_the_signatures_and_names_of_the_compiled_module(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text(r"schrodinger_native\._native\.__all__")  # the stub has the names themselves
    ended = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "schrodinger_native._native", "--allowlist", "allowed"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout
