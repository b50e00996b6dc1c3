"""Carrying out a plan from the command line: run, judge, report, and the last lines that a user reads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from schrodinger.checkers import Validity, Verdict, judge, machinery
from schrodinger.checkers.verdict_json import verdict_to_json
from schrodinger.cli.failures import INTERRUPTED
from schrodinger.cli.summary import summary
from schrodinger.history import History
from schrodinger.report import write_report
from schrodinger.runner import Progress, Run, RunFiles, read_events, strength_of
from schrodinger.store import replay_command, write_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schrodinger.checkers import Checker, Online
    from schrodinger.cli.display import Display
    from schrodinger.cluster import LocalProvider, Suite
    from schrodinger.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A plan that is ready to run: everything that could be refused has been looked at."""

    plan: Plan
    suite: Suite
    binary: Path
    provider: LocalProvider
    files: RunFiles
    display: Display
    watch: Online | None = None


async def execute(execution: Execution) -> tuple[Verdict, Progress, bool]:
    """Run, judge and report. Returns the verdict, the last progress, and whether the run was interrupted.

    Does not return when it is interrupted afterwards: nothing is left to take down, the history is kept, and a check
    may have a long way to go.
    """
    run = Run(
        execution.plan,
        execution.suite,
        execution.binary,
        execution.provider,
        execution.files,
        watch=execution.watch,
    )
    shown = asyncio.create_task(execution.display.show(run.progress))
    interrupted = False
    try:
        with interruptible("healing and taking the cluster down (once more to give up)"):
            try:
                await run.execute()
            except asyncio.CancelledError:
                interrupted = True
        judging = shlex.join(["schrodinger", "check", str(execution.files.directory)])
        with interruptible(f"not judged to the end, which `{judging}` does"):
            try:
                verdict = await _judge_and_report(execution, run.progress)
            except asyncio.CancelledError:
                await _end(shown)
                os._exit(INTERRUPTED)  # or the check, in a thread that can't be stopped, would have to end first
    finally:
        await _end(shown)
    return verdict, run.progress, interrupted


async def _judge_and_report(execution: Execution, progress: Progress) -> Verdict:
    checker = execution.suite.checker(execution.plan.workload, execution.plan.parameters)
    progress.phase, progress.checker = "check", f"{checker.name} is checking the history"
    verdict = await asyncio.to_thread(judge_run, execution.files, checker, execution.plan)
    # Not "report": what stands behind that word at the beginning of a line is where the report is.
    progress.phase, progress.checker = "reporting", f"{checker.name} is done: {verdict.validity}"
    await asyncio.to_thread(report_run, execution.files)
    return verdict


async def _end(shown: asyncio.Task[None]) -> None:
    shown.cancel()
    await asyncio.gather(shown, return_exceptions=True)


def judge_run(files: RunFiles, checker: Checker, plan: Plan) -> Verdict:
    """Judge a run by its own checker, and write the verdict there. That it can't be written hides no verdict."""
    verdict = judged(files, checker, plan)
    try:
        write_verdict(verdict, files.verdict)
    except OSError as error:
        click.echo(f"! the verdict could not be written: {error}", err=True)
    return verdict


def judged(files: RunFiles, checker: Checker, plan: Plan) -> Verdict:
    """What a checker says of what a run directory holds, which stays as it is."""
    events = list(read_events(files.events))
    try:
        history = History.open(files.history)
    except (OSError, ValueError) as error:
        unreadable = Verdict(
            validity=Validity.INFRASTRUCTURE_ERROR,
            checker="history",
            reasons=(f"there is no history to check: {error}",),
        )
        return unreadable if not events else machinery(None, [*events, _as_event(unreadable)])
    return judge(history, checker, events, strength_of(plan, events))


def report_run(files: RunFiles) -> None:
    """Write the report of a judged run. That it can't be written is told, and hides no verdict."""
    try:
        write_report(files.directory)
    except OSError as error:
        click.echo(f"! the report could not be written: {error}", err=True)
    except Exception:
        click.echo(f"! the report could not be made, please report this:\n{traceback.format_exc()}", err=True)


def conclude(verdict: Verdict, progress: Progress, files: RunFiles, *, interrupted: bool, as_json: bool) -> int:
    """Print how the run ended; returns the exit status."""
    status = INTERRUPTED if interrupted else verdict.validity.exit_code
    if as_json:
        click.echo(json.dumps({"result": _result(verdict, progress, files, status)}))
        return status
    click.echo("")
    for line in summary(verdict):
        click.echo(line)
    click.echo(f"operations  {progress.completed}: {progress.ok} ok, {progress.fail} fail, {progress.info} info")
    click.echo(f"run         {files.directory}")
    click.echo(f"report      {files.report if files.report.is_file() else 'could not be written'}")
    click.echo(f"replay      {replay_command(files.directory)}")
    return status


def _result(verdict: Verdict, progress: Progress, files: RunFiles, status: int) -> dict[str, Any]:
    return {
        **json.loads(verdict_to_json(verdict)),
        "operations": {
            "completed": progress.completed,
            "ok": progress.ok,
            "fail": progress.fail,
            "info": progress.info,
        },
        "run": str(files.directory),
        "report": str(files.report) if files.report.is_file() else None,
        "replay": replay_command(files.directory),
        "exit_code": status,
    }


def _as_event(verdict: Verdict) -> dict[str, str]:
    return {"kind": "error", "validity": str(verdict.validity), "message": verdict.reasons[0]}


@contextlib.contextmanager
def interruptible(then: str) -> Iterator[None]:
    """SIGINT and SIGTERM cancel what is done here, which tells what comes ``then``; a second one ends the process.

    The agent cleans up after a process that ended.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def interrupt() -> None:
        # Not by click, which has a stream of its own: a live panel lets what is written here stand above it.
        sys.stderr.write(f"\ninterrupted: {then}\n")
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
