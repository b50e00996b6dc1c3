"""``schrodinger check``: judge a run or a history file again; the exit status is the verdict's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from schrodinger.checkers import Linearizable, SetChecker, Verdict
from schrodinger.cli.execution import judge_run, report_run, summary
from schrodinger.cli.failures import Refused, blaming, plain_errors
from schrodinger.cli.replay import read_plan
from schrodinger.cluster import load_suite
from schrodinger.history import History
from schrodinger.runner import RunFiles, judge
from schrodinger.store import verdict_to_json

if TYPE_CHECKING:
    from schrodinger.checkers import Checker

CHECKERS: Final = ("linearizable", "set")


@click.command()
@click.argument("run_or_history", type=click.Path(path_type=Path))
@click.option(
    "--checker",
    type=click.Choice(CHECKERS),
    help="Which checker; what the run used, or what suits the history's functions.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.pass_context
def check(context: click.Context, run_or_history: Path, checker: str | None, as_json: bool) -> None:
    """Judge RUN_OR_HISTORY (a run directory or a history.arrow) again. A run gets its verdict and report anew."""
    with plain_errors():
        verdict = (
            _check_run(run_or_history, checker) if run_or_history.is_dir() else _check_file(run_or_history, checker)
        )
    if as_json:
        click.echo(verdict_to_json(verdict), nl=False)
    else:
        for line in summary(verdict):
            click.echo(line)
    context.exit(verdict.validity.exit_code)


def _check_run(directory: Path, name: str | None) -> Verdict:
    plan = read_plan(directory)
    with blaming(plan.suite):
        checker = _named(name) if name else load_suite(plan.suite).workload(plan.workload).checker(plan.parameters)
    files = RunFiles(directory)
    verdict = judge_run(files, checker, plan)
    report_run(files)
    return verdict


def _check_file(path: Path, name: str | None) -> Verdict:
    history = History.open(path)
    return judge(history, _named(name) if name else _suitable(history), None, ())


def _named(name: str) -> Checker:
    return Linearizable(model="cas-register") if name == "linearizable" else SetChecker(linearizable=True)


def _suitable(history: History) -> Checker:
    functions = set(history.functions)
    if functions & {"read", "write", "cas"}:
        return _named("linearizable")
    if functions & {"add", "read-all"}:
        return _named("set")
    raise Refused(
        f"no checker suits the functions {', '.join(sorted(functions))}; choose one with --checker {'|'.join(CHECKERS)}"
    )
