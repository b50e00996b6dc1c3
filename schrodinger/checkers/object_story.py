"""The story of a queue, lock, set or any other object that could not be linearized, told operation by operation.

The native checker names the operation whose return no order can explain, the operations that show it, and the states in
which every order of them ends before that return. Registers, whose anomalies have names of their own, are told by
:mod:`schrodinger.checkers.register_story`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schrodinger.checkers.deed import Deed, look_up, occurred, several, shown, steps_text
from schrodinger.checkers.verdict import Anomaly

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars
    from schrodinger_native.results import Configuration, Failure

OBJECTS: Final[Mapping[str, str]] = {
    "counter": "the counter",
    "set": "the set",
    "fifo-queue": "the queue",
    "unordered-queue": "the queue",
    "priority-queue": "the queue",
    "stack": "the stack",
    "mutex": "the mutex",
    "owner-aware-mutex": "the lock",
    "reentrant-mutex": "the lock",
    "fenced-mutex": "the lock",
    "reentrant-fenced-mutex": "the lock",
    "multi-register": "the store",
    "key-value": "the store",
}
"""What is told of an object of each native model, other than a register."""

_ROLES: Final = {"source": "brought it about", "overwrite": "took effect before", "observer": "saw the state"}
_TOLD: Final = 100
"""Longer witnesses are told by their end, which is where it goes wrong."""


def object_anomaly(operations: polars.DataFrame, failure: Failure, *, model: str) -> Anomaly:
    """The anomaly of a ``failure`` as ``check_linearizable`` describes it, of an object of this ``model``."""
    roles = {entry["row"]: entry["role"] for entry in failure["witness"]}
    found = look_up(operations, [failure["blocked"], *roles])
    blocked = found[failure["blocked"]]
    witness = sorted((found[row] for row in roles), key=occurred)
    name = f"impossible {blocked.f}"
    where = place(failure, model)
    told = witness[-_TOLD:]
    left = len(witness) - len(told)
    earlier = (f"{several(left, 'earlier operation is', 'earlier operations are')} not told.",) if left else ()
    parts = [(deed, name if deed is blocked else _ROLES[roles[deed.index]]) for deed in told]
    return Anomaly(
        name=name,
        summary=(
            f"No order of {len(witness):,} operations on {where} explains what they returned."
            if len(witness) > 1
            else f"One operation on {where} can't have returned what it did."
        ),
        story=(
            *_beginning(failure),
            *left_out(operations, failure, _thing(failure, model)),
            *earlier,
            *(sentence(deed) for deed in told),
            *_reasons(failure, found, blocked, where),
            "Linearizability is broken: each operation takes effect at one instant between its call and its return.",
        ),
        operations=tuple(deed.involved(role) for deed, role in sorted(parts, key=lambda part: part[0].index)),
    )


def _beginning(failure: Failure) -> list[str]:
    """What is said of the operations that are left out because an order of all could begin with them."""
    if not failure["beginning"]:
        return []
    first = several(failure["beginning"], "other", "others")
    if_any = "If there were an order of all operations, there would be one"
    return [f"{if_any} that begins with {first}, after which nothing is left inside. These could not follow."]


def left_out(operations: polars.DataFrame, failure: Failure, thing: str) -> list[str]:
    """What is said of all that returned before the story begins, and of what the object held then."""
    if failure["start"] is None:
        return []
    began = look_up(operations, [failure["start"]])[failure["start"]].began
    if failure["held"] is not None:
        return [f"Whatever had begun before {began} had returned, and left {failure['held']} in {thing}."]
    return [f"What returned before {began} is left out: whatever {thing} held then, what follows is impossible."]


def sentence(deed: Deed) -> str:
    """What one operation did, and when, such as "Process 1 began to dequeue at 0.100 s and got 3 at 0.200 s"."""
    steps = steps_text(deed.f, deed.argument)
    what = deed.f if deed.argument is None else steps or f"{deed.f} {shown(deed.argument)}"
    if deed.key is not None:
        what = f"{what} on key {deed.key}"
    began = f"Process {deed.process} began to {what} at {deed.began}"
    if not deed.is_ok or deed.end_ns is None:
        return f"{began}; nobody knows whether or when it did."
    repeated = (None,) if deed.argument is None or deed.f == "contains" else (None, deed.argument)
    tells_nothing = deed.value in repeated
    if tells_nothing and deed.f in _ANSWERED:
        return f"{began} and got nothing at {deed.ended}."
    if tells_nothing:
        return f"{began} and was acknowledged at {deed.ended}."
    got = steps_text(deed.f, deed.value) if steps else shown(deed.value)
    return f"{began} and got {got or 'nothing'} at {deed.ended}."


_ANSWERED: Final = frozenset({"dequeue", "pop", "read", "get", "read-all"})
"""Functions of which no answer is an answer."""


def place(failure: Failure, model: str) -> str:
    """What an object of this ``model`` is called in sentences, or its element that they are about."""
    thing = _thing(failure, model)
    return thing if failure["element"] is None else f"element {failure['element']} of {thing}"


def _thing(failure: Failure, model: str) -> str:
    thing = OBJECTS.get(model, "the object")
    is_named = failure["key"] is not None and model not in ("multi-register", "key-value")
    return f"{thing} {failure['key']}" if is_named else thing


def _reasons(failure: Failure, found: Mapping[int, Deed], blocked: Deed, where: str) -> list[str]:
    """In which states orders of the operations end, and who is then stuck."""
    told = []
    for entry in failure["configurations"]:
        since = None if entry["since"] is None else found[entry["since"]]
        after = "" if since is None else f" after process {since.process}'s {since.f}"
        others = [found[stuck["row"]] for stuck in entry["stuck"] if stuck["row"] != blocked.index]
        also = f", nor can {_listed(others)}" if others else ""
        told.append(
            f"In one order {where} is {_state(entry, failure)}{after}: process {blocked.process}'s"
            f" {_label(blocked)} can't go there{also}."
        )
    if len(told) == 1 and failure["exhaustive"]:
        return [told[0].replace("In one order", "In whatever order these took effect,", 1)]
    return told


def _state(entry: Configuration, failure: Failure) -> str:
    state = entry["state"]
    if failure["element"] is not None:
        return {"0": "not there", "1": "there"}.get(state, state)
    return state


def _label(deed: Deed) -> str:
    if deed.argument is None and deed.is_ok and deed.value is not None:
        return f"{deed.f} of {shown(deed.value)}"
    if deed.argument is None:
        return deed.f
    return steps_text(deed.f, deed.argument) or f"{deed.f} {shown(deed.argument)}"


def _listed(deeds: list[Deed]) -> str:
    return " or ".join(f"process {deed.process}'s {_label(deed)}" for deed in deeds)
