"""One value of a Hypothesis strategy for a seed: from property-based testing to runs that cost a minute each.

The obvious ``@seed(s)`` with one example is a trap: the first example of every seed is the same, simplest one. So the
strategy is fed bytes, as a fuzzer would feed it (``fuzz_one_input``, a public interface), from a generator keyed by the
seed. That touches no example database, runs no health check, and gives one well-spread value a call.

The value is the same on every machine with the same Hypothesis, and may differ under another one. Whoever needs it to
last keeps the value, not the seed.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

from hypothesis import Verbosity, given, settings

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

_BYTES = 8 * 1024
"""As many as Hypothesis takes of one input. A schedule of sixty events uses under a quarter."""

_ATTEMPTS = 100
"""A strategy that turns down so many inputs in a row is at fault itself."""


def drawn(strategy: SearchStrategy[T], seed: int) -> T:
    """The value of ``strategy`` for ``seed``.

    An input that the strategy turns down, or that is too short for it, is followed by the next of the same seed.
    Inside a property of Hypothesis this is a property within a property, which that one must allow (``nested_given``).
    """
    values: list[T] = []

    @settings(database=None, verbosity=Verbosity.quiet)
    @given(strategy)
    def keep(value: T) -> None:
        values.append(value)

    fuzz_one_input = keep.hypothesis.fuzz_one_input  # type: ignore[attr-defined]  # added by given, unknown to its type
    for attempt in range(_ATTEMPTS):
        fuzz_one_input(Random(f"{seed}/{attempt}").randbytes(_BYTES))
        if values:
            return values[0]
    raise ValueError(f"{strategy} turned down {_ATTEMPTS} inputs of seed {seed}: draw less, or filter less")
