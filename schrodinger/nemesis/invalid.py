"""The one way in which a value of a plan is refused: which field, what it was, what is wrong with it, and what to do.

Every dataclass of the nemesis and the plan checks itself when it is built, so that an invalid one does not exist. The
message is a single line, because it is shown to somebody who has just mistyped a command or edited a file.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

_SHOWN_CHARACTERS = 60
"""Enough to recognise the value by; a whole schedule would bury the message."""


class Missing(Enum):
    """Stands where a value should have been."""

    MISSING = auto()


MISSING: Final = Missing.MISSING


class InvalidValueError(ValueError):
    """A value that cannot be part of a plan.

    Attributes:
        field: path of the field within the value that was being built, such as ``schedule[2].duration_ns``.
        value: what it was.
        problem: what is wrong with it.
        remedy: what to do about it.
    """

    def __init__(self, field: str, value: object, problem: str, remedy: str) -> None:
        path = field if field.isprintable() else json.dumps(field)
        super().__init__(f"{path} is {shown(value)}: {problem}; {remedy}")
        self.field = field
        self.value = value
        self.problem = problem
        self.remedy = remedy

    def within(self, path: str) -> Self:
        """The same mistake seen from outside: ``count`` becomes ``anchor.count``, ``[2]`` becomes ``schedule[2]``."""
        joint = "." if path and self.field and not self.field.startswith("[") else ""
        return type(self)(f"{path}{joint}{self.field}", self.value, self.problem, self.remedy)


class EmptyFaultError(InvalidValueError):
    """Nothing of a fault is left once its roles are resolved, as of a cut between the leader and the leader."""


def shown(value: object) -> str:
    """The value as JSON would write it, shortened: people see plans as JSON."""
    if value is MISSING:
        return "missing"
    plain = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
    text = json.dumps(plain, default=repr)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def choices(given: object, names: Iterable[str]) -> str:
    """The remedy for a name that is none: the one that was probably meant, else all there are."""
    known = list(names)
    near = get_close_matches(str(given), known, n=1)
    return f"did you mean {near[0]}?" if near else f"the choice is {', '.join(known)}"


def require_integer(field: str, value: object, *, at_least: int, remedy: str) -> None:
    """Refuse anything but an integer from ``at_least`` on. ``True`` is no integer here."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidValueError(field, value, "not an integer", remedy)
    if value < at_least:
        raise InvalidValueError(field, value, f"less than {at_least}", remedy)
