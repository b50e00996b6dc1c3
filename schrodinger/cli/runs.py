"""``schrodinger runs``: the runs on this machine."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import click

from schrodinger.cli.failures import plain_errors
from schrodinger.store import DEFAULT_ROOT, RunRecord, list_runs, validity_names


@click.command()
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_ROOT,
    show_default=True,
    help="Where runs are kept.",
)
@click.option("--suite", help="Only runs of this suite.")
@click.option("--workload", help="Only runs of this workload.")
@click.option("--verdict", type=click.Choice(validity_names()), help="Only runs that ended so.")
@click.option("--seed", type=int, help="Only runs of this seed.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many, the newest first."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a run a line.")
def runs(
    root: Path,
    suite: str | None,
    workload: str | None,
    verdict: str | None,
    seed: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, the newest first."""

    def wanted(run: RunRecord) -> bool:
        return (
            (suite is None or Path(run.plan.suite).name == Path(suite).name)
            and workload in (None, run.plan.workload)
            and verdict in (None, run.state)
            and seed in (None, run.plan.seed)
        )

    with plain_errors():
        found = list(itertools.islice(filter(wanted, list_runs(root, passed_over=_tell)), limit))
    width = max((len(str(run.files.directory)) for run in found), default=0)
    for run in found:
        click.echo(_json(run) if as_json else _line(run, width))
    if not found and not as_json:
        click.echo(f"no such run in {root}")


def _tell(directory: Path, error: Exception) -> None:
    click.echo(f"! {directory} is passed over: {error}", err=True)


def _line(run: RunRecord, width: int) -> str:
    reason = run.verdict.reasons[0].splitlines()[0] if run.verdict and run.verdict.reasons else ""
    what = f"{run.state:<20} seed {run.plan.seed:<8} {run.plan.nodes} nodes  {reason}"
    return f"{run.files.directory!s:<{width}}  {what}"[:200].rstrip()


def _json(run: RunRecord) -> str:
    return json.dumps(
        {
            "run": str(run.files.directory),
            "suite": run.plan.suite,
            "workload": run.plan.workload,
            "seed": run.plan.seed,
            "verdict": run.state,
            "reasons": list(run.verdict.reasons) if run.verdict else [],
        }
    )
