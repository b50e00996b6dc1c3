"""``schrodinger run``: draw a plan from a seed and run it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schrodinger.checkers import watchable
from schrodinger.cli.display import choose_display
from schrodinger.cli.execution import Execution, conclude, execute
from schrodinger.cli.failures import Refused, blaming, plain_errors
from schrodinger.cli.manifests import read_manifest, roster_of, roster_options, tell_remarks
from schrodinger.cli.quantities import Quantity
from schrodinger.cluster import (
    Leader,
    LocalProvider,
    Membership,
    PowerLoss,
    Suite,
    binary_of,
    goes_by_names,
    load_suite,
    why_unfit,
    why_unreachable,
)
from schrodinger.nemesis import FAULTS, LEADER, USUAL_FAULTS
from schrodinger.nemesis.manifests import MIDNIGHT, timeline
from schrodinger.nemesis.strategies import Length, Stretch
from schrodinger.plan import Plan, draw_plan
from schrodinger.store import DEFAULT_ROOT, create_run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from schrodinger.checkers import Online
    from schrodinger.cluster import Capability
    from schrodinger.nemesis.manifests import Experiment, Roster

SEED_BITS = 32
LONGEST_S = 31 * 24 * 3600.0
"""A month. Beyond that a number is a slip of the finger."""
MOST_CLIENTS = 10_000
"""Each is an open connection; one process can have no more file descriptors than a few times this."""


def run_options(command: click.decorators.FC) -> click.decorators.FC:
    """Options that every command which runs a plan has."""
    for option in (
        click.option(
            "--root",
            type=click.Path(path_type=Path, file_okay=False),
            default=DEFAULT_ROOT,
            show_default=True,
            help="Where runs are kept.",
        ),
        click.option(
            "--debug", is_flag=True, help="Let an agent that this run starts log every step, to agent.log in its state."
        ),
        click.option("--capture", is_flag=True, help="Keep every packet that is delivered, in nodes/network.pcap."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON lines."),
        click.option("--fail-fast", is_flag=True, help="Judge while the run goes on, and stop at the first violation."),
        click.option(
            "--isolated/--loopback", default=None, help="Nodes in namespaces of their own, or as processes on loopback."
        ),
    ):
        command = option(command)
    return command


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("suite")
@click.option("--workload", help="Which of the suite's workloads; its first when left out.")
@click.option(
    "--faults",
    default=",".join(USUAL_FAULTS),
    show_default=True,
    help="Kinds of faults to draw from; `all` for whatever is possible, `none` for none.",
)
@click.option(
    "--schedule",
    type=click.Path(path_type=Path),
    help="Instead of drawn faults those of a manifest, ours or Chaos Mesh's; the seed picks the nodes.",
)
@roster_options
@click.option("--nodes", type=click.IntRange(1, 63), default=5, show_default=True, help="How many nodes.")
@click.option(
    "--time",
    "time_s",
    type=Quantity(min=1.0, max=LONGEST_S),
    default=60.0,
    show_default=True,
    help="Seconds that the main phase lasts.",
)
@click.option(
    "--rate",
    type=Quantity(min=0.0),
    help="Operations a second, 0 for as fast as they go; drawn from the seed when left out.",
)
@click.option(
    "--concurrency", type=click.IntRange(1, MOST_CLIENTS), help="Concurrent clients; drawn from the seed when left out."
)
@click.option("--operations", type=click.IntRange(min=1), help="At most so many operations.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Everything random follows from it; a fresh one when left out."
)
@click.option(
    "--parameter",
    "-p",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the workload, instead of a drawn one.",
)
@run_options
@click.pass_context
def run(
    context: click.Context, /, suite: str, seed: int | None, root: Path, as_json: bool, fail_fast: bool, **chosen: Any
) -> None:
    """Run SUITE (a name below ./suites, a path, or a module) under faults drawn from a seed, and judge it.

    Options of the suite itself follow as --NAME VALUE, for example --reads serializable; `schrodinger suites` lists
    them, and the versions that --version picks from.
    """
    with plain_errors():
        loaded = load_suite(suite)
        parameters = workload_parameters(chosen["parameter"])
        with blaming(suite):
            options = loaded.settle_options(suite_options(context.args))
            workload = loaded.workload(chosen["workload"])
            workload.stream(parameters, 0, 0)
            binary = binary_of(loaded.database, options.get("version"))
        experiments = scheduled_experiments(context, chosen["schedule"])
        wanted = () if experiments else fault_kinds(chosen["faults"])
        seed = secrets.randbits(SEED_BITS) if seed is None else seed

        async def drawn_and_run() -> int:
            async with local_provider(
                isolated=chosen["isolated"], capture=chosen["capture"], debug=chosen["debug"]
            ) as provider:
                able = suited_faults(wanted, loaded, options, tell=not as_json)
                kinds = possible_faults(able, await provider.capabilities(), tell=not as_json)
                if wanted and not kinds:
                    raise Refused(
                        f"none of {', '.join(wanted)} is possible for suite {loaded.name} on this machine; "
                        "`schrodinger suites` and `schrodinger doctor` say what is, or give --faults none"
                    )
                require_names(loaded, options, await provider.capabilities())
                with blaming(suite):
                    plan = draw_plan(
                        seed,
                        suite=suite,
                        workload=workload.name,
                        parameters=workload.parameters().map(lambda drawn: {**drawn, **parameters}),
                        options=options,
                        faults=kinds,
                        leader=isinstance(loaded.database, Leader),
                        disks=isinstance(loaded.database, PowerLoss),
                        membership=isinstance(loaded.database, Membership),
                        names=goes_by_names(loaded.database, options),
                        nodes=chosen["nodes"],
                        time_ns=round(chosen["time_s"] * 1e9),
                        rate=chosen["rate"],
                        concurrency=chosen["concurrency"],
                        operations=chosen["operations"],
                    )
                if experiments:
                    roster = roster_of(plan.node_names, loaded.name, chosen["namespace"], chosen["label"])
                    plan = with_schedule(plan, experiments, roster)
                    tell_remarks(experiments, tell=not as_json)
                    require_possible(plan, loaded, await provider.capabilities(), tell=not as_json)
                with blaming(suite):
                    watch = online_checker(loaded, workload.name, plan.parameters) if fail_fast else None
                return await run_plan(plan, loaded, binary, provider, root=root, as_json=as_json, watch=watch)

        status = asyncio.run(drawn_and_run())
    context.exit(status)


@contextlib.asynccontextmanager
async def local_provider(*, isolated: bool | None, capture: bool, debug: bool) -> AsyncIterator[LocalProvider]:
    """Nodes on this machine for one run; let go of whether the run came to be or was refused."""
    provider = LocalProvider(f"run-{secrets.token_hex(4)}", isolated=isolated, capture=capture, debug=debug)
    try:
        yield provider
    finally:
        await provider.down()


def online_checker(suite: Suite, workload: str, parameters: Mapping[str, Any]) -> Online:
    """Those of the run's checkers that can judge while it goes on."""
    checker = suite.checker(workload, parameters)
    watched = watchable(checker)
    if watched is None:
        raise Refused(
            f"checker {checker.name} of workload {workload} can judge only whole histories; leave out --fail-fast"
        )
    return watched


async def run_plan(
    plan: Plan,
    suite: Suite,
    binary: Path,
    provider: LocalProvider,
    *,
    root: Path,
    as_json: bool,
    watch: Online | None = None,
) -> int:
    """Run a plan that is known to be possible here; returns the exit status."""
    files = create_run(plan, root)
    if not as_json:
        click.echo(
            f"seed {plan.seed}: {plan.suite}, workload {plan.workload}, {plan.nodes} nodes, {len(plan.schedule)} faults"
        )
        if provider.degradation:
            click.echo(f"! {provider.degradation}")
    execution = Execution(
        plan=plan,
        suite=suite,
        binary=binary,
        provider=provider,
        files=files,
        display=choose_display(as_json=as_json),
        watch=watch,
    )
    verdict, progress, interrupted = await execute(execution)
    return conclude(verdict, progress, files, interrupted=interrupted, as_json=as_json)


def fault_kinds(text: str) -> tuple[str, ...]:
    """The kinds in a comma-separated list, or all there are. Raises ValueError naming an unknown one."""
    kinds = tuple(kind.strip() for kind in text.split(",") if kind.strip())
    if kinds == ("all",):
        return FAULTS.kinds
    return () if kinds in ((), ("none",)) else FAULTS.select(kinds).kinds


def scheduled_experiments(context: click.Context, manifest: Path | None) -> tuple[Experiment, ...]:
    """The experiments of the manifest that stands in place of drawn faults; none where none was given."""
    given = [name for name in ("namespace", "label") if _is_given(context, name)]
    if manifest is None:
        if given:
            raise Refused(f"--{given[0]} is for the selectors of a manifest; give one by --schedule FILE")
        return ()
    if _is_given(context, "faults"):
        raise Refused("--faults are drawn and --schedule says all of them; give one of the two")
    return read_manifest(manifest)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def with_schedule(plan: Plan, experiments: Sequence[Experiment], roster: Roster) -> Plan:
    """The plan with the experiments in it, from when a run has warmed up to its end."""
    length = Length.of(time_ns=plan.time_ns, rate=plan.rate, operations=plan.operations)
    stretch = Stretch(length.window.start_ns, plan.time_ns)
    return replace(plan, schedule=timeline(experiments, roster, plan.seed, stretch, zero=MIDNIGHT))


def require_possible(plan: Plan, suite: Suite, capabilities: Sequence[Capability], *, tell: bool) -> None:
    """Refuse a plan whose faults this machine or this suite can't have."""
    if not isinstance(suite.database, Leader) and any(LEADER in event.fault.names for event in plan.schedule):
        raise Refused(f"this plan aims at the leader, and suite {suite.name} can't tell who leads; name a node instead")
    needed = sorted({event.fault.kind for event in plan.schedule})
    for kind in needed:
        if why := why_unfit(kind, suite.database, plan.options):
            raise Refused(f"this plan needs {kind}, and suite {suite.name} {why}")
    require_names(suite, plan.options, capabilities)
    possible = possible_faults(needed, capabilities, tell=tell)
    missing = [kind for kind in needed if kind not in possible]
    if missing:
        raise Refused(
            f"this plan needs {', '.join(missing)}, which this machine can't do; `schrodinger doctor` says why"
        )


def require_names(suite: Suite, options: Mapping[str, str], capabilities: Sequence[Capability]) -> None:
    """Refuse options by which nodes go by names where they have none."""
    if why := why_unreachable(suite.database, options, capabilities):
        raise Refused(f"with these options suite {suite.name} {why}")


def suited_faults(wanted: Sequence[str], suite: Suite, options: Mapping[str, str], *, tell: bool) -> tuple[str, ...]:
    """Those of the wanted kinds that the suite's database is fit for; says which are not, and what would help."""
    unfit: dict[str, list[str]] = {}
    for kind in wanted:
        if why := why_unfit(kind, suite.database, options):
            unfit.setdefault(why, []).append(kind)
    if tell and unfit:
        told = "; ".join(f"no {', '.join(kinds)} faults, for it {why}" for why, kinds in unfit.items())
        click.echo(f"! suite {suite.name}: {told}")
    left_out = {kind for kinds in unfit.values() for kind in kinds}
    return tuple(kind for kind in wanted if kind not in left_out)


def possible_faults(wanted: Sequence[str], capabilities: Sequence[Capability], *, tell: bool) -> tuple[str, ...]:
    """Those of the wanted kinds that can be injected here; says which can't, and why."""
    known = {capability.name: capability for capability in capabilities}
    for kind in wanted:
        if tell and not known[kind].available:
            click.echo(f"! no {kind} faults on this machine: {known[kind].reason}; {known[kind].remedy}")
    return tuple(kind for kind in wanted if known[kind].available)


def suite_options(arguments: Sequence[str]) -> Mapping[str, str]:
    """Pairs from ``--name value`` and ``--name=value``."""
    options: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or not name:
            raise Refused(f"unexpected argument {argument!r}; options of the suite are given as --NAME VALUE")
        if not equals:
            try:
                value = next(rest)
            except StopIteration:
                raise Refused(f"option --{name} has no value; give one as --{name} VALUE") from None
        options[name] = value
    return options


def workload_parameters(texts: Sequence[str]) -> dict[str, Any]:
    """Parameters from ``name=value`` texts; whole numbers become numbers."""
    parameters: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refused(f"parameter {text!r} is not NAME=VALUE; for example -p keys=4")
        parameters[name] = int(value) if re.fullmatch(r"-?[0-9]{1,40}", value) else value
    return parameters
