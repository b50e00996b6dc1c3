"""``schrodinger cluster``: a cluster to work with by hand, kept until it is taken down."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schrodinger.cli.failures import INFRASTRUCTURE, Refused, blaming, plain_errors
from schrodinger.cli.manifests import roster_of, roster_options
from schrodinger.cli.run import SEED_BITS, fault_kinds, suite_options
from schrodinger.cluster import binary_of, load_suite
from schrodinger.control import Control, Wanted, bring_up, clusters
from schrodinger.control.entering import command_inside
from schrodinger.store import DEFAULT_ROOT

if TYPE_CHECKING:
    from schrodinger.control import ClusterState

CLUSTER = click.option("--cluster", help="Which cluster; the only one when left out.")


@click.group()
def cluster() -> None:
    """Keep a cluster for work by hand: up, status, shell, down. `schrodinger fault` injects faults into it."""


@cluster.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("suite")
@click.option("--nodes", type=click.IntRange(1, 63), default=5, show_default=True, help="How many nodes.")
@click.option("--name", help="Name of the cluster; that of the suite when left out.")
@click.option(
    "--faults", default="all", show_default=True, help="Kinds of faults that it is prepared for; `none` for none."
)
@click.option("--seed", type=click.IntRange(min=0), help="Choices of nodes follow from it; a fresh one when left out.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_ROOT,
    show_default=True,
    help="Where its logs are kept.",
)
@click.option(
    "--isolated/--loopback", default=None, help="Nodes in namespaces of their own, or as processes on loopback."
)
@roster_options
@click.pass_context
def up(
    context: click.Context,
    /,
    suite: str,
    nodes: int,
    name: str | None,
    faults: str,
    seed: int | None,
    root: Path,
    isolated: bool | None,
    namespace: str,
    label: tuple[str, ...],
) -> None:
    """Bring a cluster of SUITE up, and keep it until `schrodinger cluster down`.

    Options of the suite itself follow as --NAME VALUE, as for `schrodinger run`.
    """
    with plain_errors():
        loaded = load_suite(suite)
        with blaming(suite):
            options = loaded.settle_options(suite_options(context.args))
            binary_of(loaded.database, options.get("version"))
        names = tuple(f"n{number}" for number in range(1, nodes + 1))
        roster = roster_of(names, loaded.name, namespace, label)
        chosen = name or re.sub(r"[^a-z0-9]+", "-", loaded.name.lower()).strip("-")
        if chosen in clusters():
            raise Refused(f"cluster {chosen} is kept already; give this one another --name")
        kinds = None if faults == "all" else fault_kinds(faults)
        wanted = Wanted(
            name=chosen,
            suite=suite,
            nodes=names,
            directory=str(_directory(root, chosen)),
            seed=secrets.randbits(SEED_BITS) if seed is None else seed,
            options=options,
            kinds=kinds,
            isolated=isolated,
            namespace=namespace,
            labels=roster.labels,
        )
        for remark in bring_up(wanted):
            click.echo(f"! {remark}")
        _show(Control.find(chosen).status())


@cluster.command()
@CLUSTER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(cluster: str | None, as_json: bool) -> None:
    """Say which clusters are kept, and how their nodes are."""
    with plain_errors():
        wanted = (Control.find(cluster),) if cluster else tuple(Control(name) for name in clusters())
        states = [control.status() for control in wanted]
    if as_json:
        click.echo(json.dumps([asdict(state) for state in states], indent=2))
        return
    for state in states:
        _show(state)
    if not states:
        click.echo("no cluster is kept by hand here")


@cluster.command(context_settings={"ignore_unknown_options": True})
@click.argument("node")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@CLUSTER
def shell(node: str, command: tuple[str, ...], cluster: str | None) -> None:
    """Run COMMAND, or a shell, inside NODE: its network, its processes, its data. `clients` is where clients are."""
    with plain_errors():
        argv = command_inside(Control.find(cluster).status(), node, command or (os.environ.get("SHELL", "/bin/sh"),))
        os.execvp(argv[0], argv)  # noqa: S606 - no shell: the status of the command becomes ours


@cluster.command()
@CLUSTER
def down(cluster: str | None) -> None:
    """Take a cluster down. Its faults are lifted, and nothing of it stays but its logs."""
    with plain_errors():
        control = Control.find(cluster)
        left = control.down()
    for problem in left:
        click.echo(f"could not be removed: {problem}", err=True)
    if left:
        raise SystemExit(INFRASTRUCTURE)
    click.echo(f"cluster {control.cluster} is down")


def _directory(root: Path, name: str) -> Path:
    """A folder for the logs of a cluster, beside those of runs."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return (root / f"{stamp}-cluster-{name}").absolute()


def _show(state: ClusterState) -> None:
    click.echo(f"cluster {state.name}: {state.suite}, {len(state.nodes)} nodes, seed {state.seed}")
    for node in state.nodes:
        role = "  leads" if node.name in state.leaders else ""
        click.echo(f"  {node.name:<4} {node.address:<15} {node.state}{role}")
    click.echo(f"  logs {state.directory}")
