"""What a user sees while a run goes on: a live panel on a terminal, plain lines elsewhere, JSON lines for machines.

A display only looks at the runner's :class:`~schrodinger.runner.Progress`, a few times a second; nothing waits for it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from schrodinger.runner import Progress

LIVE_REFRESH_S: Final = 0.25
LINE_EVERY_S: Final = 5.0
POLL_S: Final = 0.1


class Display(Protocol):
    """Shows a run's progress until it is cancelled."""

    async def show(self, progress: Progress) -> None:
        """Follow ``progress``."""
        ...


def choose_display(*, as_json: bool) -> Display:
    """The display that suits standard output."""
    if as_json:
        return JsonLines()
    return LivePanel() if sys.stdout.isatty() else PlainLines()


class Rate:
    """Completions a second, over the time since the last look."""

    def __init__(self) -> None:
        self._count, self._time_s, self._rate = 0, time.monotonic(), 0.0

    def look(self, progress: Progress) -> float:
        """The rate since the last look, if that was at least half a second ago; else the one before."""
        count, now_s = progress.completed, time.monotonic()
        if now_s - self._time_s >= 0.5:
            self._rate = (count - self._count) / (now_s - self._time_s)
            self._count, self._time_s = count, now_s
        return self._rate


class LivePanel:
    """A panel that is redrawn in place."""

    async def show(self, progress: Progress) -> None:
        """Redraw until cancelled; notes scroll by above the panel."""
        rate, noted = Rate(), 0
        with Live(console=Console(), auto_refresh=False, transient=True) as live:
            while True:
                for note in progress.notes[noted:]:
                    live.console.print(Text(f"! {note.splitlines()[0]}", style="yellow"))
                noted = len(progress.notes)
                live.update(_panel(progress, rate.look(progress)), refresh=True)
                await asyncio.sleep(LIVE_REFRESH_S)


class PlainLines:
    """A line at every change of phase or faults, and every few seconds."""

    async def show(self, progress: Progress) -> None:
        """Print until cancelled."""
        rate, noted, due_s = Rate(), 0, 0.0
        last: tuple[str, tuple[str, ...]] = ("", ())
        while True:
            for note in progress.notes[noted:]:
                click.echo(f"! {note.splitlines()[0]}")
            noted = len(progress.notes)
            current = (progress.phase, tuple(progress.faults.values()))
            if current != last or time.monotonic() >= due_s:
                click.echo(plain_line(progress, rate.look(progress)))
                last, due_s = current, time.monotonic() + LINE_EVERY_S
            await asyncio.sleep(POLL_S)


class JsonLines:
    """One JSON object a second, and one at every change of phase."""

    async def show(self, progress: Progress) -> None:
        """Print until cancelled."""
        rate, phase, due_s = Rate(), "", 0.0
        while True:
            if progress.phase != phase or time.monotonic() >= due_s:
                click.echo(json.dumps({"progress": snapshot(progress, rate.look(progress))}))
                phase, due_s = progress.phase, time.monotonic() + 1.0
            await asyncio.sleep(POLL_S)


def plain_line(progress: Progress, rate: float) -> str:
    """Everything the panel shows, in one line."""
    remaining_s = progress.main_total_s - progress.main_elapsed_s
    clock = f" {progress.main_elapsed_s:.0f} s, {remaining_s:.0f} s left" if progress.phase == "main" else ""
    faults = "; ".join(progress.faults.values()) or "none"
    counts = f"ok {progress.ok}  fail {progress.fail}  info {progress.info}"
    return f"{progress.phase}{clock}  {rate:.0f} ops/s  {counts}  faults: {faults}  checker: {progress.checker}"


def snapshot(progress: Progress, rate: float) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "phase": progress.phase,
        "elapsed_s": round(progress.main_elapsed_s, 1),
        "remaining_s": round(progress.main_total_s - progress.main_elapsed_s, 1),
        "operations_per_s": round(rate, 1),
        "invoked": progress.invoked,
        "ok": progress.ok,
        "fail": progress.fail,
        "info": progress.info,
        "faults": list(progress.faults.values()),
        "checker": progress.checker,
    }


def _panel(progress: Progress, rate: float) -> Group:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column()
    remaining_s = progress.main_total_s - progress.main_elapsed_s
    bar = ProgressBar(total=progress.main_total_s or 1.0, completed=progress.main_elapsed_s, width=40)
    table.add_row("phase", Text(progress.phase, style="bold"))
    table.add_row("time", Group(Text(f"{progress.main_elapsed_s:.0f} s, {remaining_s:.0f} s left"), bar))
    table.add_row("operations", f"{progress.invoked}  at {rate:.0f}/s")
    outcomes = Text.assemble(
        ("ok ", "green"),
        str(progress.ok),
        ("   fail ", "yellow"),
        str(progress.fail),
        ("   info ", "magenta"),
        str(progress.info),
    )
    table.add_row("outcomes", outcomes)
    table.add_row(
        "faults", Text("\n".join(progress.faults.values()) or "none", style="red" if progress.faults else "dim")
    )
    table.add_row("checker", Text(progress.checker))
    return Group(table)
