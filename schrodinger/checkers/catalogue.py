"""All checkers by name: what each is for, what it can be told, and which histories suggest it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from schrodinger_native import consistency_aliases, consistency_models, linearizable_models

from schrodinger.checkers.availability import Availability
from schrodinger.checkers.clock import Clock
from schrodinger.checkers.invariants import Bank, Counter, LongFork, Monotonic, UniqueIds
from schrodinger.checkers.linearizable import Linearizable
from schrodinger.checkers.lock import Lock
from schrodinger.checkers.log_pattern import CRASHES, LogPattern
from schrodinger.checkers.queues import Delivery, Log, Queue, TotalQueue
from schrodinger.checkers.registers import GUARANTEES, Sequential, SessionGuarantees
from schrodinger.checkers.set import FinalSet, SetFull
from schrodinger.checkers.stats import Stats
from schrodinger.checkers.together import All
from schrodinger.checkers.transactional import ListAppend, RwRegister

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from schrodinger_native.results import Guarantee, Inference

    from schrodinger.checkers.verdict import Checker

Option: TypeAlias = Literal[
    "model", "initial", "consistency", "guarantees", "delivery", "inferences", "steps", "bytes", "pattern"
]
"""What a checker can be told: the object and what it held at first, the promise, what may be assumed, how much it may
spend, what to look for in logs."""

MODELS: Final = tuple(linearizable_models())

_MODEL_OF: Final = (
    ({"acquire", "release"}, "mutex"),
    ({"enqueue", "dequeue"}, "fifo-queue"),
    ({"push", "pop"}, "stack"),
    ({"remove", "contains", "read-all"}, "set"),
    ({"increment", "inc", "decrement", "dec"}, "counter"),
    ({"get", "put"}, "key-value"),
    ({"txn"}, "multi-register"),
    ({"write", "cas"}, "cas-register"),
)
"""Functions, each of which suggests a model of a linearizable object; the first that fits."""

_ONLY_LINEARIZABLE: Final = frozenset({"push", "pop", "remove", "contains", "get", "put"})
"""Functions of objects that are judged by linearizability and by nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckerChoice:
    """What a user says about a checker; ``None`` is the checker's own default."""

    model: str | None = None
    initial: int | None = None
    consistency: str | None = None
    guarantees: tuple[Guarantee, ...] | None = None
    delivery: Delivery | None = None
    inferences: tuple[Inference, ...] | None = None
    steps: int | None = None
    bytes: int | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class CheckerKind:
    """One checker, with the ``options`` it takes and the ``functions`` of histories that suggest it."""

    name: str
    summary: str
    options: frozenset[Option]
    functions: frozenset[str]
    make: Callable[[CheckerChoice, frozenset[str]], Checker]


def _linearizable(choice: CheckerChoice, functions: frozenset[str]) -> Checker:
    defaults = Linearizable()
    if choice.model not in (None, *MODELS):
        near = difflib.get_close_matches(choice.model or "", MODELS, n=3)
        raise ValueError(f"no model is called {choice.model!r}: take one of {', '.join(near or MODELS)}")
    return Linearizable(
        model=choice.model or _model_of(functions),
        initial=choice.initial,
        max_steps=defaults.max_steps if choice.steps is None else choice.steps,
        max_bytes=defaults.max_bytes if choice.bytes is None else choice.bytes,
    )


def _model_of(functions: frozenset[str]) -> str:
    if "add" in functions and not functions & {"remove", "contains", "read-all", "increment", "decrement"}:
        raise ValueError("add suits a counter and a set; say which with --model counter or --model set")
    suits = (model for suggesting, model in _MODEL_OF if functions & suggesting)
    return next(suits, "cas-register")


def _list_append(choice: CheckerChoice, _: frozenset[str]) -> Checker:
    steps = ListAppend().max_search if choice.steps is None else choice.steps
    return ListAppend(consistency=_consistency(choice), max_search=steps)


def _rw_register(choice: CheckerChoice, _: frozenset[str]) -> Checker:
    defaults = RwRegister()
    return RwRegister(
        consistency=_consistency(choice),
        inferences=defaults.inferences if choice.inferences is None else choice.inferences,
        max_search=defaults.max_search if choice.steps is None else choice.steps,
    )


def _sequential(choice: CheckerChoice, _: frozenset[str]) -> Checker:
    defaults = Sequential()
    return Sequential(
        initial=choice.initial,
        max_steps=defaults.max_steps if choice.steps is None else choice.steps,
        max_bytes=defaults.max_bytes if choice.bytes is None else choice.bytes,
    )


_OF_ONE_OBJECT: Final = ("linearizable", "sequential", "pram")


def _consistency(choice: CheckerChoice) -> str:
    """The model's own name, from any of its names."""
    wanted = (choice.consistency or ListAppend().consistency).lower()
    names = {name: name for name in consistency_models()} | consistency_aliases()
    if wanted in names:
        return names[wanted]
    message = f"no consistency model of transactions is called {choice.consistency!r}"
    if wanted in _OF_ONE_OBJECT:
        message += f" ({wanted} is a promise of single objects)"
    if near := difflib.get_close_matches(wanted, names, n=3, cutoff=0.5):
        message += f"; did you mean {' or '.join(near)}?"
    raise ValueError(f"{message}\nthe models are {', '.join(consistency_models())}")


def _set_full(_: CheckerChoice, functions: frozenset[str]) -> Checker:
    return SetFull(read=_read_of_all(functions))


def _final_set(_: CheckerChoice, functions: frozenset[str]) -> Checker:
    return FinalSet(read=_read_of_all(functions))


def _read_of_all(functions: frozenset[str]) -> str:
    """Other tools call it ``read`` to read all elements."""
    return "read" if "read" in functions and "read-all" not in functions else "read-all"


def _of(checker: Checker) -> Callable[[CheckerChoice, frozenset[str]], Checker]:
    """A checker that takes no options."""
    return lambda _, __: checker


NONE: Final[frozenset[Option]] = frozenset()
BY_NAME: Final[frozenset[str]] = frozenset()
"""Its functions look like those of another checker, or it suits any history: it must be asked for."""


KINDS: Final = (
    CheckerKind("unique-ids", "no id is handed out twice", NONE, frozenset({"generate"}), _of(UniqueIds())),
    CheckerKind("bank", "all balances always add up to the same", NONE, frozenset({"transfer"}), _of(Bank())),
    CheckerKind(
        "log",
        "messages of logs with offsets are there once, in one order, and none is lost",
        NONE,
        frozenset({"send", "poll"}),
        _of(Log()),
    ),
    CheckerKind(
        "total-queue",
        "what was put into a queue comes out once (or at least once), in whatever order",
        frozenset({"delivery"}),
        frozenset({"enqueue", "dequeue"}),
        lambda choice, _: TotalQueue(delivery=choice.delivery or TotalQueue().delivery),
    ),
    CheckerKind("queue", "what comes out of a queue was put in; it may keep what it got", NONE, BY_NAME, _of(Queue())),
    CheckerKind(
        "lock",
        "two processes never certainly hold a lock at once, and its fencing tokens rise",
        NONE,
        frozenset({"acquire", "release"}),
        _of(Lock()),
    ),
    CheckerKind(
        "counter",
        "every read lies between what must and what may have been added",
        frozenset({"initial"}),
        BY_NAME,
        lambda choice, _: Counter(initial=choice.initial or 0),
    ),
    CheckerKind("monotonic", "what is incremented and never set back only grows", NONE, BY_NAME, _of(Monotonic())),
    CheckerKind(
        "set-full", "what was added and acknowledged is in every later read", NONE, frozenset({"add"}), _set_full
    ),
    CheckerKind("set", "what was added and acknowledged is in the last read", NONE, BY_NAME, _final_set),
    CheckerKind("clock", "how far nodes' clocks stray and jump", NONE, frozenset({"clock"}), _of(Clock())),
    CheckerKind(
        "linearizable",
        "each key is an object on which every operation takes effect at one instant",
        frozenset({"model", "initial", "steps", "bytes"}),
        frozenset({"read", "write", "cas"}),
        _linearizable,
    ),
    CheckerKind(
        "sequential",
        "one order of all operations on all registers keeps that of each process",
        frozenset({"initial", "steps", "bytes"}),
        BY_NAME,
        _sequential,
    ),
    CheckerKind(
        "session-guarantees",
        "a process may rely on what it did and saw itself",
        frozenset({"guarantees", "initial"}),
        BY_NAME,
        lambda choice, _: SessionGuarantees(choice.guarantees or GUARANTEES, initial=choice.initial),
    ),
    CheckerKind(
        "list-append",
        "transactions that read lists and append to them satisfy a consistency model",
        frozenset({"consistency", "steps"}),
        frozenset({"txn"}),
        _list_append,
    ),
    CheckerKind(
        "rw-register",
        "transactions that read and write registers satisfy a consistency model",
        frozenset({"consistency", "inferences", "steps"}),
        frozenset(),
        _rw_register,
    ),
    CheckerKind(
        "long-fork", "reads of the same keys, each written once, agree on one order", NONE, BY_NAME, _of(LongFork())
    ),
    CheckerKind("stats", "every function succeeded now and then", NONE, BY_NAME, _of(Stats())),
    CheckerKind(
        "availability",
        "operations succeed within ten seconds after faults are healed",
        NONE,
        BY_NAME,
        _of(Availability()),
    ),
    CheckerKind(
        "log-pattern",
        "no node logged that it crashed, or what the pattern says",
        frozenset({"pattern"}),
        BY_NAME,
        lambda choice, _: LogPattern(choice.pattern or CRASHES),
    ),
)


def named(name: str, choice: CheckerChoice, functions: Iterable[str] = ()) -> Checker:
    """The checker of this name, as chosen, for a history with these functions.

    Raises:
        ValueError: no checker has the name, or it does not take what was chosen.
    """
    kind = next((kind for kind in KINDS if kind.name == name), None)
    if kind is None:
        raise ValueError(f"no checker is called {name!r}: take one of {', '.join(kind.name for kind in KINDS)}")
    for option in get_args(Option):
        if getattr(choice, option) is not None and option not in kind.options:
            takes = ", ".join(sorted(kind.options)) or "no options"
            raise ValueError(f"checker {name} has no {option}; it takes {takes}")
    return kind.make(choice, frozenset(functions))


def several(names: Sequence[str], choice: CheckerChoice, functions: Iterable[str] = ()) -> Checker:
    """The checkers of these names, together; each takes of what was chosen what it knows.

    Raises:
        ValueError: no checker has the name, two are the same, or what was chosen is for none of them.
    """
    if len(names) == 1:
        return named(names[0], choice, functions)
    kinds = [kind for kind in KINDS if kind.name in names]
    for option in get_args(Option):
        if getattr(choice, option) is not None and not any(option in kind.options for kind in kinds):
            raise ValueError(f"none of the checkers {', '.join(names)} has a {option}")
    present = frozenset(functions)
    return All(tuple(named(name, _understood(name, choice), present) for name in names))


def _understood(name: str, choice: CheckerChoice) -> CheckerChoice:
    """The part of ``choice`` that the checker of this name takes."""
    kind = next((kind for kind in KINDS if kind.name == name), None)
    known = kind.options if kind else frozenset()
    return replace(choice, **{option: None for option in get_args(Option) if option not in known})


def suitable(functions: Iterable[str], choice: CheckerChoice) -> Checker:
    """The checker that a history with these functions suggests.

    Raises:
        ValueError: none does, or it does not take what was chosen.
    """
    present = frozenset(functions)
    return named(suggested(present), choice, present)


def suggested(functions: Iterable[str]) -> str:
    """The name of the checker that a history with these functions suggests. Raises ValueError when none does."""
    present = set(functions)
    if present & _ONLY_LINEARIZABLE:
        return "linearizable"
    for kind in KINDS:
        if present & kind.functions:
            return kind.name
    names = "|".join(kind.name for kind in KINDS)
    raise ValueError(
        f"no checker suits the functions {', '.join(sorted(present)) or '(none)'}; choose one with --checker {names}"
    )
