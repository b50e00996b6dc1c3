"""Histories written by hand: one line an event, recorded as a run would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schrodinger.history import History, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def recorded(path: Path, functions: Sequence[str], events: Iterable[tuple[Any, ...]]) -> History:
    """Events as (type, process, f, key, value), in order."""
    recorder = Recorder(path, list(functions))
    for type_, process, f, key, value in events:
        recorder.record(type_, process, functions.index(f), key, value)
    recorder.close()
    return History.open(path)
