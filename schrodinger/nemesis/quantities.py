"""Durations, shares and rates as values: parsed once, where they come in, and never compared as text.

Each is a whole number of its smallest unit and is written as people write it, in plans too: ``20ms``, ``5%``,
``8mbit``. Reading back what was written gives the same value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from schrodinger.nemesis.invalid import InvalidValueError, require_integer

if TYPE_CHECKING:
    from typing import Self

_WRITTEN = re.compile(r"([+-]?)(\d{1,19}(?:\.\d{1,9})?) ?([a-zA-Z%µ]+)")


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """A whole number of the smallest unit of its kind."""

    UNITS: ClassVar[tuple[tuple[str, int], ...]]
    """The units by name, each as so many of the smallest, the smallest first."""
    MOST: ClassVar[int]
    """More than this is a slip of the pen."""
    SIGNED: ClassVar[bool] = False
    EXAMPLE: ClassVar[str]

    value: int

    def __post_init__(self) -> None:
        remedy = f"give a whole number of {self.UNITS[0][0]}"
        require_integer("value", self.value, at_least=-self.MOST if self.SIGNED else 0, remedy=remedy)
        if self.value > self.MOST:
            raise InvalidValueError("value", self.value, f"more than {type(self)(self.MOST)}", f"give {self.EXAMPLE}")

    @classmethod
    def parse(cls, text: object) -> Self:
        """The quantity that is written so.

        Raises:
            InvalidValueError: it is not text, has no unit or an unknown one, or is not whole, or too much.
        """
        found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
        unit = dict(cls.UNITS).get(found[3]) if found else None
        if found is None or unit is None or (found[1] and not cls.SIGNED):
            units = ", ".join(name for name, _ in cls.UNITS)
            raise InvalidValueError("", text, "not a number with a unit", f"write {cls.EXAMPLE}; the units are {units}")
        exact = Decimal(found[1] + found[2]) * unit
        smallest, _ = cls.UNITS[0]
        if exact != int(exact):
            raise InvalidValueError("", text, f"not a whole number of {smallest}", f"write {cls.EXAMPLE}")
        if abs(exact) > cls.MOST:
            raise InvalidValueError("", text, f"more than {cls(cls.MOST)}", f"write {cls.EXAMPLE}")
        return cls(int(exact))

    def __str__(self) -> str:
        units = reversed(self.UNITS) if self.value else self.UNITS
        name, unit = next((name, unit) for name, unit in units if self.value % unit == 0)
        return f"{self.value // unit:{'+' if self.SIGNED else ''}}{name}"

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True, order=True)
class Duration(Quantity):
    """A length of time, in nanoseconds."""

    UNITS = (("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000))
    MOST = 600 * 1_000_000_000
    EXAMPLE = "20ms"


@dataclass(frozen=True, slots=True, order=True)
class Offset(Quantity):
    """How far a clock is ahead or, with a minus, behind, in nanoseconds."""

    UNITS = (*Duration.UNITS, ("min", 60_000_000_000), ("h", 3_600_000_000_000), ("d", 86_400_000_000_000))
    MOST = 36_500 * 86_400_000_000_000
    EXAMPLE = "-500ms"
    SIGNED = True


@dataclass(frozen=True, slots=True, order=True)
class Percent(Quantity):
    """A share, in parts per million."""

    UNITS = (("ppm", 1), ("%", 10_000))
    MOST = 1_000_000
    EXAMPLE = "5%"

    def __str__(self) -> str:
        """In percent, however small: ``0.01%``."""
        return f"{(Decimal(self.value) / 10_000).normalize():f}%"


@dataclass(frozen=True, slots=True, order=True)
class Rate(Quantity):
    """So much in a second, in bits."""

    UNITS = (("bit", 1), ("kbit", 1_000), ("mbit", 1_000_000), ("gbit", 1_000_000_000))
    MOST = 1_000_000_000_000
    EXAMPLE = "8mbit"
