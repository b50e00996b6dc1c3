"""``schrodinger check``: judge a run or a history file again; the exit status is the verdict's."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from schrodinger.checkers import judge
from schrodinger.checkers.catalogue import KINDS, MODELS, CheckerChoice, several
from schrodinger.checkers.detection import suiting
from schrodinger.checkers.queues import DELIVERIES, TotalQueue
from schrodinger.checkers.registers import GUARANTEES
from schrodinger.checkers.transactional import INFERENCES
from schrodinger.checkers.words import in_words
from schrodinger.cli.choices import Words
from schrodinger.cli.failures import Refused, blaming, plain_errors
from schrodinger.cli.quantities import Budget
from schrodinger.cli.summary import remark, summary
from schrodinger.history import History
from schrodinger.history.formats import open_history

if TYPE_CHECKING:
    from schrodinger_native.results import Guarantee, Inference

    from schrodinger.checkers import Verdict
    from schrodinger.checkers.queues import Delivery
    from schrodinger.history import FaultInterval

    Faults: TypeAlias = tuple[FaultInterval, ...]


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
@click.option(
    "--initial",
    type=click.IntRange(-(2**61), 2**63 - 1),
    help="What registers, counters and keys of a store hold at first; nil when left out, of a counter 0.",
)
@click.option("--consistency", help="What was promised, for transactions; strict-serializable when left out.")
@click.option(
    "--guarantees",
    type=Words(GUARANTEES),
    help=f"What was promised, for session-guarantees: any of {', '.join(GUARANTEES)}; all when left out.",
)
@click.option(
    "--delivery",
    type=click.Choice(DELIVERIES),
    help=f"How often a queue promises to deliver, for total-queue; {TotalQueue().delivery} when left out.",
)
@click.option(
    "--inferences",
    type=Words(INFERENCES),
    help="What may be assumed of the order of a register's versions, for rw-register: any of "
    f"{', '.join(INFERENCES)}; the first two when left out.",
)
@click.option(
    "--budget", type=Budget(), help="Steps a search may take, and bytes it may hold; not seconds, so verdicts repeat."
)
@click.option("--pattern", help="What no line of a node's log may match, for log-pattern; a crash when left out.")
@click.option(
    "--plot",
    "plots",
    type=click.Path(path_type=Path, file_okay=False),
    help="Draw each anomaly as an SVG file in this directory: a cycle as its graph, anything else as a timeline.",
)
@click.option("--explain", is_flag=True, help="Tell every anomaly in full, and what each part of the verdict rests on.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.pass_context
def check(
    context: click.Context,
    run_or_history: Path,
    names: tuple[str, ...],
    model: str | None,
    initial: int | None,
    consistency: str | None,
    guarantees: tuple[Guarantee, ...] | None,
    delivery: Delivery | None,
    inferences: tuple[Inference, ...] | None,
    pattern: str | None,
    budget: tuple[int, int | None] | None,
    plots: Path | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Judge RUN_OR_HISTORY (a run directory or a history file) again.

    By its own checker a run gets its verdict and report anew; what others say of it is only told.
    """
    steps, most_bytes = budget or (None, None)
    choice = CheckerChoice(
        model=model,
        initial=initial,
        consistency=consistency,
        guarantees=guarantees,
        delivery=delivery,
        inferences=inferences,
        steps=steps,
        bytes=most_bytes,
        pattern=pattern,
    )
    with plain_errors():
        judged = _check_run if run_or_history.is_dir() else _check_file
        verdict, faults = judged(run_or_history, names, choice)
        drawn = () if plots is None else _drawn(verdict, faults, plots)
    if as_json:
        from schrodinger.checkers.verdict_json import verdict_to_json  # what it takes is loaded for nothing else

        click.echo(verdict_to_json(verdict), nl=False)
    else:
        for line in summary(verdict, in_full=explain):
            click.echo(line)
        for path in drawn:
            click.echo(f"plot        {path}")
    context.exit(verdict.validity.exit_code)


def _drawn(verdict: Verdict, faults: Faults, directory: Path) -> tuple[Path, ...]:
    from schrodinger.report import plot  # a file is judged far more often than drawn

    return plot(verdict.anomalies, faults, directory)


def _check_run(directory: Path, names: tuple[str, ...], choice: CheckerChoice) -> tuple[Verdict, Faults]:
    # Judging a file needs none of this, which takes a second to load.
    from schrodinger.cli.execution import judge_run, judged, report_run
    from schrodinger.cli.replay import read_plan
    from schrodinger.cluster import SuiteError, load_suite, suite_of_plan
    from schrodinger.runner import RunFiles

    plan, files = read_plan(directory), RunFiles(directory)
    if names:
        verdict = judged(files, several(names, choice), plan)
    elif choice != CheckerChoice():
        raise Refused("a run is judged by its own checker; name one with --checker to choose how")
    else:
        try:
            suite = load_suite(suite_of_plan(plan.suite, directory))
        except SuiteError as error:
            raise Refused(f"{error}\nA checker that is named by --checker judges a run without its suite.") from error
        with blaming(plan.suite):
            checker = suite.checker(plan.workload, plan.parameters)
        verdict = judge_run(files, checker, plan)
        report_run(files)
    with contextlib.suppress(OSError, ValueError):
        return verdict, History.open(files.history).faults()
    return verdict, ()


def _check_file(path: Path, names: tuple[str, ...], choice: CheckerChoice) -> tuple[Verdict, Faults]:
    history = open_history(path, remark)
    checker = several(names, choice, history.functions) if names else suiting(history, choice)
    return in_words(judge(history, checker), history.file.words), history.faults()
