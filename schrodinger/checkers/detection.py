"""Which checker suits a history when nobody says: by its functions, and where those leave a choice, by its values.

Transactions over lists, over registers and over logs are all called ``txn``, and adding to a set or to a counter is
both called ``add``. One look at what is written, or added twice, tells them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schrodinger.checkers.catalogue import CheckerChoice, named, suggested
from schrodinger.history.messages import POLL, SEND
from schrodinger.history.transaction import WriteKey, decode

if TYPE_CHECKING:
    import polars

    from schrodinger.checkers.verdict import Checker
    from schrodinger.history import History

_LOOKED_AT: Final = 10_000
"""Operations; a history of transactions that reads so often before it writes anything is none of ours."""


def suiting(history: History, choice: CheckerChoice) -> Checker:
    """The checker that a history suggests. Raises ValueError when none does, or it does not take what was chosen."""
    functions = frozenset(history.functions)
    name = suggested(functions)
    if name == "list-append" and _sends_or_polls(history):
        name = "log"
    elif name == "list-append" and _writes_registers(history):
        name = "rw-register"
    elif name == "set-full" and _adds_twice(history):
        name = "counter"
    return named(name, choice, functions)


def _writes_registers(history: History) -> bool:
    return any(isinstance(step, WriteKey) for value in _asked(history, "txn") for step in _steps(value))


def _sends_or_polls(history: History) -> bool:
    return any(not {SEND, POLL}.isdisjoint(value[:1]) for value in _asked(history, "txn"))


def _adds_twice(history: History) -> bool:
    """What is counted may be the same twice; the elements of a set, or of the set of a key, are not."""
    added = _invoked(history, "add").select("key", "value").rows()
    return len({(key, *value) for key, value in added}) < len(added)


def _asked(history: History, f: str) -> list[list[int]]:
    """What the first operations of this function were invoked with."""
    return _invoked(history, f)["value"].to_list()


def _invoked(history: History, f: str) -> polars.DataFrame:
    """The first invocations of this function that had a value."""
    rows = history.to_polars()
    return rows.filter(rows["type"] == "invoke", rows["f"] == f, rows["value"].is_not_null()).head(_LOOKED_AT)


def _steps(value: list[int]) -> tuple[object, ...]:
    try:
        return decode(value)
    except ValueError:
        # The checker says what is wrong with it.
        return ()
