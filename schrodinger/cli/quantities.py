"""Numbers on the command line, checked at the edge."""

from __future__ import annotations

import math
from typing import Any

import click


class Quantity(click.FloatRange):
    """A finite number in a range; click's own range lets ``nan`` and ``inf`` through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse, check the range, check that it is finite."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number that can be waited for; give a finite one", param, ctx)
        return number
