"""``schrodinger fault``: what faults are wanted of a cluster that is kept by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from schrodinger.cli.cluster import CLUSTER
from schrodinger.cli.failures import plain_errors
from schrodinger.cli.manifests import manifest_text
from schrodinger.control import Control

if TYPE_CHECKING:
    from schrodinger.control import ExperimentState


@click.group()
def fault() -> None:
    """Say what faults are wanted of a cluster that `schrodinger cluster up` keeps."""


@fault.command()
@click.option(
    "--file",
    "-f",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A manifest, ours or Chaos Mesh's; - for standard input. May be given again.",
)
@CLUSTER
def apply(files: tuple[Path, ...], cluster: str | None) -> None:
    """Want what the manifests of a FILE say; all of a file or, when one is refused, none."""
    with plain_errors():
        control = Control.find(cluster)
        for file in files:
            for name, change in control.apply(manifest_text(file), str(file)).items():
                click.echo(f"{name} {change}")
                _tell_state(control.describe(name))


@fault.command(name="list")
@CLUSTER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(cluster: str | None, as_json: bool) -> None:
    """List the experiments: what stands now, and when the next begins or ends."""
    with plain_errors():
        states = Control.find(cluster).experiments()
    if as_json:
        click.echo(json.dumps([asdict(state) for state in states], indent=2))
        return
    for state in states:
        when = " ".join(
            f"{name} {moment}"
            for name, moment in (("nextStart", state.next_start), ("nextRecover", state.next_recover))
            if moment
        )
        proved = "" if state.in_force else "NOT in force: "
        click.echo(f"{state.name:<20} {state.phase:<9} {proved}{'; '.join(state.faults) or '-'}  {when}".rstrip())
    if not states:
        click.echo("no experiment is applied")


@fault.command()
@click.argument("name")
@CLUSTER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def describe(name: str, cluster: str | None, as_json: bool) -> None:
    """Tell all about the experiment NAME, its past included."""
    with plain_errors():
        state = Control.find(cluster).describe(name)
    if as_json:
        click.echo(json.dumps(asdict(state), indent=2))
        return
    rows = [
        ("name", state.name),
        ("kind", state.kind),
        ("phase", state.phase),
        ("when", state.recurrence),
        ("nextStart", state.next_start or "-"),
        ("nextRecover", state.next_recover or "-"),
        *(("fault", f"{what}{'' if state.in_force else ' (not in force)'}") for what in state.faults),
        *(("remark", remark) for remark in state.remarks),
    ]
    for label, value in rows:
        click.echo(f"{label:<12} {value}")
    click.echo("events")
    for happening in state.happenings:
        click.echo(f"  {happening.time}  {happening.what:<14} {happening.message}".rstrip())


@fault.command()
@click.argument("name")
@CLUSTER
def pause(name: str, cluster: str | None) -> None:
    """Lift the faults of NAME, and let none begin until it is resumed."""
    with plain_errors():
        Control.find(cluster).pause(name)
    click.echo(f"{name} paused")


@fault.command()
@click.argument("name")
@CLUSTER
def resume(name: str, cluster: str | None) -> None:
    """Let NAME go on."""
    with plain_errors():
        control = Control.find(cluster)
        control.resume(name)
        click.echo(f"{name} resumed")
        _tell_state(control.describe(name))


@fault.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@CLUSTER
def delete(names: tuple[str, ...], cluster: str | None) -> None:
    """Want each NAME no more; when this returns their faults are lifted. None is deleted if one is unknown."""
    with plain_errors():
        control = Control.find(cluster)
        wanted = dict.fromkeys(names)
        for name in wanted:
            control.describe(name)
        for name in wanted:
            control.delete(name)
            click.echo(f"{name} deleted")


def _tell_state(state: ExperimentState) -> None:
    for what in state.faults:
        click.echo(f"  {'in force' if state.in_force else 'NOT in force'}: {what}")
    if not state.faults:
        last = state.happenings[-1]
        click.echo(f"  nextStart {state.next_start}" if state.next_start else f"  {last.what} {last.message}".rstrip())
    for remark in state.remarks:
        click.echo(f"  ! {remark}")
