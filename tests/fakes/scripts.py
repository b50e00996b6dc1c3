"""Histories written by hand: one event a line, as a person reads them.

``process type f values``, for example ``3 ok read 7``. A ``read`` without a value returned nil, a ``read-all`` without
values the empty set. ``@5`` at the end of a line is the key; registers have key 1 otherwise, other objects none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.history import History, Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger_native.results import EventType

FUNCTIONS = ["read", "write", "cas", "add", "read-all", "remove", "contains", "enqueue", "dequeue", "push", "pop"]
_REGISTER = {"read", "write", "cas"}
_TYPES: tuple[EventType, ...] = ("invoke", "ok", "fail", "info")


def written(path: Path, script: str) -> History:
    """The history that ``script`` tells, recorded at ``path`` and opened."""
    recorder = Recorder(path, FUNCTIONS)
    for line in filter(str.strip, script.splitlines()):
        event, _, key = line.partition("@")
        process, kind, f, *values = event.split()
        elements = tuple(int(value) for value in values)
        recorder.record(
            _TYPES[_TYPES.index(kind)],
            int(process),
            FUNCTIONS.index(f),
            int(key) if key else 1 if f in _REGISTER else None,
            elements if elements or (f == "read-all" and kind == "ok") else None,
        )
    recorder.close()
    return History.open(path)


def recorded(path: Path, script: str) -> History:
    """The history that ``script`` tells, with whatever functions it has. No values are nil, no ``@`` is no key."""
    events = [line.partition("@") for line in script.splitlines() if line.strip()]
    functions = sorted({event.split()[2] for event, _, _ in events})
    recorder = Recorder(path, functions)
    for event, _, key in events:
        process, kind, f, *values = event.split()
        value = tuple(int(value) for value in values)
        recorder.record(
            _TYPES[_TYPES.index(kind)], int(process), functions.index(f), int(key) if key else None, value or None
        )
    recorder.close()
    return History.open(path)
