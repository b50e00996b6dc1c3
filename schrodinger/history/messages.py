"""Messages of logs with offsets: what an operation sent, and what it polled.

A history records both as it records a transaction: one flat list of integers, for each step its code (4 sends, 5
polls), the log, how many values follow, and those values. A send has its message, with the offset before it once that
is known; a poll has offsets and messages in turn, or a count of -1 while nobody knows what it saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from schrodinger.history.transaction import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEND: Final = 4
POLL: Final = 5
_SHOWN: Final = 6
"""A poll of more messages is told by its first and its last: that is where it is wrong as a rule."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Send ``message`` to ``log``; ``offset`` is where it went, ``None`` while nobody knows."""

    log: int
    message: int
    offset: int | None = None

    def __str__(self) -> str:
        where = "" if self.offset is None else f" at offset {self.offset}"
        return f"send {self.log} ← {self.message}{where}"


@dataclass(frozen=True, slots=True)
class Polled:
    """Poll ``log``; ``messages`` are offsets with what was there, ``None`` while nobody knows."""

    log: int
    messages: tuple[tuple[int, int], ...] | None = None

    def __str__(self) -> str:
        if self.messages is None:
            return "poll"
        if not self.messages:
            return f"poll {self.log} → nothing"
        shown = [f"{message} at {offset}" for offset, message in self.messages]
        if len(shown) > _SHOWN:
            shown = [*shown[: _SHOWN // 2], f"… ({len(shown)} messages)", *shown[-_SHOWN // 2 :]]
        return f"poll {self.log} → {', '.join(shown)}"


Message: TypeAlias = Sent | Polled


def decode(values: Sequence[int]) -> tuple[Message, ...]:
    """Back from what a history records.

    Raises:
        ValueError: the values are no sends and polls.
    """
    return tuple(_decoded(values))


def _decoded(values: Sequence[int]) -> Iterator[Message]:
    for code, log, found in split(values):
        if code == SEND and found is not None and len(found) in (1, 2):
            yield Sent(log, found[-1], found[0] if len(found) == 2 else None)
        elif code == POLL and found is None:
            yield Polled(log)
        elif code == POLL and found is not None and len(found) % 2 == 0:
            yield Polled(log, tuple(zip(found[::2], found[1::2], strict=True)))
        else:
            raise ValueError(f"no step of a log has code {code} and values {found}")
