"""The one form in which benchmarks print: work, baseline, ours, ratio, memory, and what was to be reached."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.harness.measure import Measured, Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = ("baseline s", "baseline MB", "ours s", "ours MB", "ratio", "target")


@dataclass(slots=True)
class Table:
    """Prints a line as soon as it is measured.

    Attributes:
        baseline: the name of what ours is compared with.
        width: of the column that says what the work is.
    """

    baseline: str
    width: int = 44
    missed: list[str] = field(default_factory=list)
    """The work whose target was not reached, in the order of the lines."""

    def __post_init__(self) -> None:
        print(f"baseline: {self.baseline}; MB are what the work took beyond what was there; ratio is baseline / ours")
        busy, processors = os.getloadavg()[0], os.cpu_count() or 1
        if busy > processors / 2:
            print(
                f"this machine is busy ({busy:.1f} on {processors} processors): seconds are longer than they would be"
            )
        print(f"{'work':<{self.width}}" + "".join(f"{name:>12}" for name in _HEAD[:5]) + f"  {_HEAD[5]}", flush=True)

    def line(
        self,
        work: str,
        ours: Measured,
        baseline: Measured | Unfinished | None = None,
        *,
        target_s: float | None = None,
        target_mb: float | None = None,
        note: str = "",
    ) -> None:
        """Print one line; targets are compared with ours, ``note`` is put at the end."""
        cells = [*_of_baseline(baseline), f"{ours.seconds:.4f}", f"{ours.extra_mb:.0f}", _ratio(ours, baseline)]
        misses = list(_misses(ours, target_s, target_mb))
        wanted = [f"{target_s:g} s"] if target_s is not None else []
        wanted += [f"{target_mb:g} MB"] if target_mb is not None else []
        reached = "" if not wanted else f" MISSED ({', '.join(misses)})" if misses else " reached"
        print(
            f"{work:<{self.width}}"
            + "".join(f"{cell:>12}" for cell in cells)
            + f"  {', '.join(wanted)}{reached} {note}",
            flush=True,
        )
        if misses:
            self.missed.append(work)


def _of_baseline(baseline: Measured | Unfinished | None) -> list[str]:
    match baseline:
        case Measured():
            return [f"{baseline.seconds:.4f}", f"{baseline.extra_mb:.0f}"]
        case Unfinished():
            return [f">{baseline.seconds:.0f}", f">{baseline.peak_mb:.0f}"]
        case _:
            return ["-", "-"]


def _ratio(ours: Measured, baseline: Measured | Unfinished | None) -> str:
    if baseline is None:
        return "-"
    ratio = baseline.seconds / ours.seconds
    return f"{'>' if isinstance(baseline, Unfinished) else ''}{ratio:,.{0 if ratio >= 10 else 2}f}"


def _misses(ours: Measured, target_s: float | None, target_mb: float | None) -> Iterator[str]:
    if target_s is not None and ours.seconds > target_s:
        yield "time"
    if target_mb is not None and ours.extra_mb > target_mb:
        yield "memory"
