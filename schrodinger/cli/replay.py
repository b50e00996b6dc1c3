"""``schrodinger replay``: run the plan of a run, or of a plan file, once more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

from schrodinger.cli.failures import Refused, blaming, plain_errors
from schrodinger.cli.run import local_provider, online_checker, require_possible, run_options, run_plan
from schrodinger.cluster import binary_of, load_suite, suite_of_plan
from schrodinger.plan import Plan
from schrodinger.runner import RunFiles


@click.command()
@click.argument("run_or_plan", type=click.Path(path_type=Path))
@run_options
@click.pass_context
def replay(
    context: click.Context,
    run_or_plan: Path,
    root: Path,
    as_json: bool,
    fail_fast: bool,
    isolated: bool | None,
    capture: bool,
    debug: bool,
) -> None:
    """Run the plan of RUN_OR_PLAN again: the same faults at the same anchors, the same operations.

    RUN_OR_PLAN is a run directory or a plan.json.
    """
    with plain_errors():
        plan = read_plan(run_or_plan)
        plan = replace(plan, suite=suite_of_plan(plan.suite, run_or_plan))
        suite = load_suite(plan.suite)
        with blaming(plan.suite):
            plan = replace(plan, options=suite.settle_options(plan.options))
            workload = suite.workload(plan.workload)
            workload.stream(plan.parameters, 0, 0)
            watch = online_checker(suite, plan.workload, plan.parameters) if fail_fast else None
            binary = binary_of(suite.database, plan.options.get("version"))

        async def replayed() -> int:
            async with local_provider(isolated=isolated, capture=capture, debug=debug) as provider:
                require_possible(plan, suite, await provider.capabilities(), tell=not as_json)
                return await run_plan(plan, suite, binary, provider, root=root, as_json=as_json, watch=watch)

        status = asyncio.run(replayed())
    context.exit(status)


def read_plan(path: Path) -> Plan:
    """The plan in a run directory or a file. Raises PlanError or :class:`Refused`, with one clear message."""
    file = RunFiles(path).plan if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Refused(
            f"{file} can't be read as a plan ({why}); give a run directory or a plan.json, "
            "`schrodinger runs` lists the runs here"
        ) from error
    return Plan.from_json(text, source=str(file))
