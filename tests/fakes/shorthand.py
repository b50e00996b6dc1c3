"""Histories in shorthand: ``0 invoke write 1; 0 ok write 1`` is process, type, function and value of each event."""

from __future__ import annotations


def edn(events: str) -> str:
    """The events of a history in shorthand as lines of EDN."""
    rows = [event.split(" ", 3) for event in events.split("; ")]
    return "\n".join(
        f"{{:process {process}, :type :{type_}, :f :{f}, :value {value}}}" for process, type_, f, value in rows
    )
