"""Numbers on the command line, checked at the edge."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import click


class Quantity(click.FloatRange):
    """A finite number in a range; click's own range lets ``nan`` and ``inf`` through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse, check the range, check that it is finite."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number that can be waited for; give a finite one", param, ctx)
        return number


_SCALES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


class Budget(click.ParamType[tuple[int, int | None]]):
    """``STEPS`` or ``STEPS,BYTES``, each a whole number that may end in k, M or G: ``50M,2G``."""

    name = "steps[,bytes]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int | None]:
        """Steps, and bytes if they were given."""
        if isinstance(value, tuple):
            return value
        numbers = [self._number(text, param, ctx) for text in str(value).split(",")]
        if len(numbers) > 2:
            self.fail(f"{value} has {len(numbers)} parts; give steps, or steps and bytes: 50M,2G", param, ctx)
        return numbers[0], numbers[1] if len(numbers) == 2 else None

    def _number(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d{1,15})([kmg]?)b?", text.strip().lower())
        if found is None or int(found[1]) == 0:
            self.fail(f"{text!r} is no budget; give a whole number such as 50M or 2G", param, ctx)
        return int(found[1]) * _SCALES[found[2]]


class RowRange(click.ParamType[tuple[int, int]]):
    """``FIRST:END``, rows of a history from FIRST on, END left out."""

    name = "first:end"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Both numbers."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d{1,15}):(\d{1,15})", str(value))
        if found is None or int(found[1]) >= int(found[2]):
            self.fail(f"{value!r} is no range of rows; give the first and the end, such as 100:250", param, ctx)
        return int(found[1]), int(found[2])


class Listed(click.ParamType[tuple[Any, ...]]):
    """``ONE,TWO,THREE``, each of a kind."""

    name = "one,two"

    def __init__(self, of: type[int] | type[str] = str) -> None:
        self.of = of

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Any, ...]:
        """Every part."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.of(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers such as 0,3,12", param, ctx)
