"""How long the page of a long run takes to write, how large it is, and how long a browser takes to open it.

The run is made up: a register workload under ten faults, recorded as the operations that a history gives. The baseline
is what a report without aggregation would do first: turn every operation into a Python object.

Run it with ``uv run python -m benchmarks.report [operations]``. Opening needs Chromium, and is left out without it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from playwright.sync_api import sync_playwright

from schrodinger.checkers.verdict import Validity, Verdict
from schrodinger.history import FaultInterval
from schrodinger.plan import Plan
from schrodinger.report import Page, render

OPERATIONS = 1_000_000
SECONDS = 600
PROMISE_BYTES = 1_500_000
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MadeUp:
    """What the page needs of a history."""

    frame: pl.DataFrame
    damage: str | None = None

    def operations(self) -> pl.DataFrame:
        """As a recorded history gives them."""
        return self.frame

    def faults(self) -> tuple[FaultInterval, ...]:
        """A partition of ten seconds every minute."""
        return tuple(_partition(i, (60 * i + 20) * NANOSECONDS) for i in range(10))

    def phases(self) -> dict[str, int]:
        """One phase."""
        return {"main": 0}


def operations(count: int) -> pl.DataFrame:
    """Operations of twenty processes; latencies and outcomes are hashes of the row, so every run has the same."""
    row = pl.int_range(count, dtype=pl.Int64)
    noise = row.hash(seed=1).mod(1_000).cast(pl.Int64)
    start = row * (SECONDS * NANOSECONDS // count)
    return pl.select(
        index=2 * row,
        completion=2 * row + 1,
        process=row.mod(20),
        f=pl.when(row.mod(3) == 0).then(pl.lit("write")).otherwise(pl.lit("read")),
        type=pl.when(noise < 5).then(pl.lit("info")).when(noise < 30).then(pl.lit("fail")).otherwise(pl.lit("ok")),
        key=row.mod(100),
        argument=pl.concat_list(row),
        value=pl.concat_list(row),
        start_ns=start,
        end_ns=pl.when(noise == 0).then(None).otherwise(start + 800_000 + noise.pow(2) * 900),
        detail=pl.when(noise < 30).then(pl.lit("timed out")),
    )


def written(page: Page) -> tuple[str, float]:
    """The page, and the seconds that it took."""
    begin = time.perf_counter()
    html = render(page)
    return html, time.perf_counter() - begin


def as_objects(frame: pl.DataFrame) -> float:
    """Seconds to make a Python object of each operation."""
    begin = time.perf_counter()
    for _ in frame.iter_rows():
        pass
    return time.perf_counter() - begin


def opened(html: str) -> str:
    """How long a browser takes until the page is complete, in words."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return "not measured (no chromium)"
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        file = Path(directory, "report.html")
        file.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, chromium_sandbox=os.geteuid() != 0)
        tab = browser.new_page()
        tab.goto(file.as_uri())
        loaded = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        browser.close()
    return f"{loaded:.0f} ms"


def _partition(number: int, begin_ns: int) -> FaultInterval:
    return FaultInterval(
        id=str(number),
        kind="partition",
        description="{n1, n2} cut off from {n3, n4, n5}",
        planned="{n1, n2} cut off from {n3, n4, n5}",
        nodes=("n1", "n2", "n3", "n4", "n5"),
        requested_ns=begin_ns - 8_000_000,
        begin_ns=begin_ns,
        end_ns=begin_ns + 10 * NANOSECONDS,
        begin_uncertainty_ns=6_000_000,
        end_uncertainty_ns=6_000_000,
        affected=1,
        evidence={"probes_sent": 36, "probes_received": 0, "packets_dropped": 900},
    )


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS
    frame = operations(count)
    plan = Plan(
        suite="made-up", workload="register", nodes=5, concurrency=20, rate=0, time_ns=SECONDS * NANOSECONDS, seed=1
    )
    page = Page(
        run="made-up",
        started="at no time",
        verdict=Verdict(validity=Validity.VALID, checker="linearizable"),
        plan=plan,
        plan_json=plan.to_json(),
        history=MadeUp(frame),
        replay="schrodinger replay made-up",
    )
    html, seconds = written(page)
    size = len(html.encode())
    print(f"operations              {count:,}")
    print(f"every one an object     {as_objects(frame):.2f} s (baseline)")
    print(f"page written in         {seconds:.2f} s")
    print(f"size                    {size:,} bytes (promise: {PROMISE_BYTES:,})")
    print(f"opened in               {opened(html)}")
    if size > PROMISE_BYTES:
        sys.exit("the page is larger than promised")


if __name__ == "__main__":
    main()
