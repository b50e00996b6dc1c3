"""Operations of a history, looked up by row and put into words: what checkers' stories are made of.

Native checkers name operations by the row of their invocation. A :class:`Deed` is such an operation with everything
that was recorded of it, and knows how to say it on a timeline.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schrodinger.checkers.verdict import Involved
from schrodinger.history import messages, transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars

_NANOSECONDS = 1_000_000_000
_SHOWN: Final = 6
"""How many elements of a list are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One operation: its rows, who did it, what was asked and answered, and when, in ns on the history's clock."""

    index: int
    completion: int | None
    process: int
    f: str
    type: str
    key: int | None
    argument: tuple[int, ...] | None
    value: tuple[int, ...] | None
    start_ns: int
    end_ns: int | None

    @property
    def is_ok(self) -> bool:
        """It certainly happened."""
        return self.type == "ok"

    @property
    def began(self) -> str:
        """When it was asked for: ``12.402 s``; ``row 17`` where the history has no times of its own."""
        return seconds(self.start_ns) if self.is_timed else f"row {self.index}"

    @property
    def ended(self) -> str | None:
        """When it was answered, likewise; ``None`` where it never was."""
        if self.completion is None or self.end_ns is None:
            return None
        return seconds(self.end_ns) if self.is_timed else f"row {self.completion}"

    @property
    def is_timed(self) -> bool:
        """What is imported without times has the numbers of its rows instead: no clock gives a nanosecond an event."""
        return self.start_ns > self.index or (self.end_ns or 0) > (self.completion or 0)

    @property
    def label(self) -> str:
        """A few characters for a timeline: ``write 3 ← 47``, ``read 3 → 41``, ``cas 3: 41 → 55``, ``add 17``.

        Of what has steps, the steps: ``send 3 ← 47, poll 4 → 11 at 0``.
        """
        if steps := next(filter(None, (steps_text(self.f, values) for values in (self.value, self.argument))), ""):
            return steps
        subject = self.f if self.key is None else f"{self.f} {self.key}"
        if self.argument is None:
            if not self.is_ok:
                return subject
            many = self.value is not None and len(self.value) != 1
            return f"{subject} → {len(self.value or ())} elements" if many else f"{subject} → {shown(self.value)}"
        if len(self.argument) == 2:
            return f"{subject}: {self.argument[0]} → {self.argument[1]}"
        return f"{self.f} {shown(self.argument)}" if self.key is None else f"{subject} ← {shown(self.argument)}"

    def involved(self, role: str = "") -> Involved:
        """As a report draws it."""
        return Involved(
            index=self.index,
            process=self.process,
            label=self.label,
            outcome=self.type,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            role=role,
        )


def lapse(duration_ns: int) -> str:
    """A duration in words: in seconds from one second on, in milliseconds below."""
    return seconds(duration_ns) if duration_ns >= _NANOSECONDS else f"{duration_ns / 1e6:.3f} ms"


def occurred(deed: Deed) -> int:
    """Operations are told in the order in which they ended; those that nobody knows the end of, as they began.

    That is the order of rows, which is what checkers believe, whatever the times say.
    """
    return deed.completion if deed.is_ok and deed.completion is not None else deed.index


def look_up(operations: polars.DataFrame, rows: Iterable[int]) -> dict[int, Deed]:
    """The operations with these invocation rows, of those that :meth:`schrodinger.history.History.operations` gives."""
    return {deed.index: deed for deed in deeds(operations.filter(operations["index"].is_in(sorted(set(rows)))))}


def on_key(operations: polars.DataFrame, key: int | None) -> polars.Series:
    """Which of the operations are on this key, or on none."""
    return operations["key"].is_null() if key is None else operations["key"] == key


def deeds(operations: polars.DataFrame) -> list[Deed]:
    """All of these operations. A long history has many: filter first."""
    return [
        Deed(
            index=row["index"],
            completion=row["completion"],
            process=row["process"],
            f=row["f"],
            type=row["type"],
            key=row["key"],
            argument=None if row["argument"] is None else tuple(row["argument"]),
            value=None if row["value"] is None else tuple(row["value"]),
            start_ns=row["start_ns"],
            end_ns=row["end_ns"],
        )
        for row in operations.iter_rows(named=True)
    ]


def seconds(instant_ns: int) -> str:
    """An instant since the run began: ``12.402 s``."""
    return f"{instant_ns / _NANOSECONDS:.3f} s"


def several(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``1 fault``, ``2,000 faults``, ``3 processes``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def steps_text(f: str, values: tuple[int, ...] | None) -> str:
    """The steps of a transaction, or on logs, as a person writes them; nothing where the values are no steps."""
    for steps, of in ((transaction.decode, ("txn",)), (messages.decode, ("txn", "send", "poll"))):
        with contextlib.suppress(ValueError):
            if f in of:
                return ", ".join(step_text(step) for step in steps(values or ()))
    return ""


def step_text(step: transaction.Step | messages.Message) -> str:
    """A list that is long by its end: that is where it differs from others."""
    if isinstance(step, transaction.ReadKey) and step.values is not None and len(step.values) > _SHOWN:
        end = " ".join(str(value) for value in step.values[-_SHOWN:])
        return f"read {step.key} → [… {end}] ({len(step.values)} elements)"
    return str(step)


def shown(values: tuple[int, ...] | None) -> str:
    """Values as a person writes them: ``nil``, ``41``, ``1, 2``."""
    return "nil" if values is None else ", ".join(str(value) for value in values)


def listed(values: Iterable[object], total: int) -> str:
    """The first few of ``total`` things: ``4, 17, 90 and 12 more``."""
    first = [str(value) for value in values]
    more = total - len(first)
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")
