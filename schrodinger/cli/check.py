"""``schrodinger check``: judge a run or a history file again; the exit status is the verdict's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from schrodinger.checkers.catalogue import KINDS, MODELS, CheckerChoice, several, suitable
from schrodinger.checkers.words import in_words
from schrodinger.cli.execution import judge_run, report_run, summary
from schrodinger.cli.failures import Refused, blaming, plain_errors
from schrodinger.cli.history import remark
from schrodinger.cli.quantities import Budget
from schrodinger.cli.replay import read_plan
from schrodinger.cluster import load_suite
from schrodinger.history.formats import open_history
from schrodinger.runner import RunFiles, judge
from schrodinger.store import verdict_to_json

if TYPE_CHECKING:
    from schrodinger.checkers import Checker, Verdict


@click.command()
@click.argument("run_or_history", type=click.Path(path_type=Path))
@click.option(
    "--checker",
    "names",
    type=click.Choice([kind.name for kind in KINDS]),
    multiple=True,
    help="Which checker, or several; what the run used, or what suits the history's functions.",
)
@click.option("--model", type=click.Choice(MODELS), help="What the object is, for linearizable.")
@click.option("--consistency", help="What was promised, for transactions; strict-serializable when left out.")
@click.option(
    "--budget", type=Budget(), help="Steps a search may take, and bytes it may hold; not seconds, so verdicts repeat."
)
@click.option("--pattern", help="What no line of a node's log may match, for log-pattern; a crash when left out.")
@click.option("--explain", is_flag=True, help="Tell every anomaly in full, and what each part of the verdict rests on.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.pass_context
def check(
    context: click.Context,
    run_or_history: Path,
    names: tuple[str, ...],
    model: str | None,
    consistency: str | None,
    pattern: str | None,
    budget: tuple[int, int | None] | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Judge RUN_OR_HISTORY (a run directory or a history file) again. A run gets its verdict and report anew."""
    steps, most_bytes = budget or (None, None)
    choice = CheckerChoice(model=model, consistency=consistency, steps=steps, bytes=most_bytes, pattern=pattern)
    with plain_errors():
        judged = _check_run if run_or_history.is_dir() else _check_file
        verdict = judged(run_or_history, names, choice)
    if as_json:
        click.echo(verdict_to_json(verdict), nl=False)
    else:
        for line in summary(verdict, in_full=explain):
            click.echo(line)
    context.exit(verdict.validity.exit_code)


def _check_run(directory: Path, names: tuple[str, ...], choice: CheckerChoice) -> Verdict:
    plan = read_plan(directory)
    checker: Checker
    if names:
        checker = several(names, choice)
    elif choice != CheckerChoice():
        raise Refused("a run is judged by its own checker; name one with --checker to choose how")
    else:
        with blaming(plan.suite):
            checker = load_suite(plan.suite).checker(plan.workload, plan.parameters)
    files = RunFiles(directory)
    verdict = judge_run(files, checker, plan)
    report_run(files)
    return verdict


def _check_file(path: Path, names: tuple[str, ...], choice: CheckerChoice) -> Verdict:
    history = open_history(path, remark)
    functions = history.functions
    checker = several(names, choice, functions) if names else suitable(functions, choice)
    return in_words(judge(history, checker, None, ()), history.file.words)
