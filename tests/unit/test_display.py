"""Displays: the same facts on a panel, in lines and as JSON, told when they change."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.live import Live

from schrodinger.cli import display
from schrodinger.cli.display import JsonLines, LivePanel, PlainLines, Rate, choose_display, plain_line, snapshot
from schrodinger.cli.execution import interruptible
from schrodinger.runner import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.cli.display import Display


def busy() -> Progress:
    """Twelve seconds into a minute, under two faults."""
    return Progress(
        phase="main",
        main_elapsed_s=12.4,
        main_total_s=60.0,
        invoked=105,
        ok=90,
        fail=7,
        info=3,
        faults={"0": "kill: n3", "4": "nothing from n1 to n2"},
    )


def watched(shown: Display, progress: Progress, until: Callable[[], bool], change: Callable[[], None]) -> None:
    """Let a display follow ``progress`` through a ``change`` of it, until it has shown what it should."""

    async def watching() -> None:
        task = asyncio.create_task(shown.show(progress))
        await asyncio.sleep(0)
        change()
        async with asyncio.timeout(10):
            while not until():  # noqa: ASYNC110 - what is printed sets no event
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(watching())


def test_a_line_has_everything() -> None:
    assert plain_line(busy(), 250.4) == (
        "main 12 s, 48 s left  250 ops/s  ok 90  fail 7  info 3  "
        "faults: kill: n3; nothing from n1 to n2  checker: waiting for the history"
    )


def test_outside_of_the_main_phase_there_is_no_clock() -> None:
    line = plain_line(Progress(phase="setup", main_total_s=60.0), 0)
    assert line.startswith("setup  0 ops/s  ok 0")
    assert "faults: none" in line


def test_a_machine_gets_the_same() -> None:
    assert snapshot(busy(), 250.44) == {
        "phase": "main",
        "elapsed_s": 12.4,
        "remaining_s": 47.6,
        "operations_per_s": 250.4,
        "invoked": 105,
        "ok": 90,
        "fail": 7,
        "info": 3,
        "faults": ["kill: n3", "nothing from n1 to n2"],
        "checker": "waiting for the history",
    }


def test_the_panel_has_the_same() -> None:
    console = Console(width=100)
    with console.capture() as captured:
        console.print(display._panel(busy(), 250.4))
    for fact in ("main", "12 s, 48 s left", "105  at 250/s", "ok 90   fail 7   info 3", "kill: n3", "nothing from n1"):
        assert fact in captured.get()


def test_a_rate_is_of_the_time_since_the_last_look_and_steady_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=lambda: clock.now))
    rate, progress = Rate(), Progress()
    seen = []
    for now, ok in ((100.2, 50), (101.0, 200), (101.3, 300), (102.0, 300)):
        clock.now, progress.ok = now, ok
        seen.append(rate.look(progress))
    assert seen == pytest.approx([0.0, 200.0, 200.0, 100.0])


def test_lines_come_when_phase_or_faults_change_and_notes_as_they_are_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress, said = busy(), []

    def change() -> None:
        progress.phase = "heal"
        progress.faults.clear()
        progress.notes.append("n3 ended\nwith a trace")

    def told() -> bool:
        said.extend(capsys.readouterr().out.splitlines())
        return len(said) >= 3

    watched(PlainLines(), progress, told, change)
    assert said[0].startswith("main 12 s")
    assert said[1] == "! n3 ended"
    assert said[2].startswith("heal  ")
    assert "faults: none" in said[2]


def test_json_is_an_object_a_line_at_every_change_of_phase(capsys: pytest.CaptureFixture[str]) -> None:
    progress, said = busy(), []

    def told() -> bool:
        said.extend(capsys.readouterr().out.splitlines())
        return len(said) >= 2

    watched(JsonLines(), progress, told, lambda: setattr(progress, "phase", "heal"))
    assert [json.loads(line)["progress"]["phase"] for line in said[:2]] == ["main", "heal"]


def test_the_live_panel_prints_notes_above_itself(capsys: pytest.CaptureFixture[str]) -> None:
    progress, said = busy(), []

    def told() -> bool:
        said.append(capsys.readouterr().out)
        return "! n3 ended" in "".join(said)

    watched(LivePanel(), progress, told, lambda: progress.notes.append("n3 ended\nwith a trace"))
    assert "with a trace" not in "".join(said)


def test_what_is_no_terminal_gets_lines() -> None:
    assert isinstance(choose_display(as_json=True), JsonLines)
    assert isinstance(choose_display(as_json=False), PlainLines)


def test_what_an_interruption_says_stands_above_the_live_panel_and_is_not_wiped_out_with_it() -> None:
    panel = io.StringIO()

    async def interrupted() -> None:
        with interruptible("all is taken down"):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)

    with Live("panel", console=Console(file=panel, force_terminal=True), auto_refresh=False):
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(interrupted())
        assert "interrupted: all is taken down" in panel.getvalue()
