"""``schrodinger heal``: remove anything that a crashed run left behind."""

from __future__ import annotations

import asyncio

import click
from schrodinger_agent.heal import heal as heal_host
from schrodinger_agent.lock import LockError
from schrodinger_agent.state import StateError
from schrodinger_agent.types import AgentError

from schrodinger.cli.failures import INFRASTRUCTURE, Refused


@click.command()
def heal() -> None:
    """Remove what crashed runs left: processes, namespaces, cgroups, disks, directories. Living runs are left alone."""
    try:
        report = asyncio.run(heal_host())
    except (AgentError, LockError, StateError) as error:
        raise Refused(str(error)) from error
    for removed in report.removed:
        click.echo(f"removed {removed}")
    for problem in report.errors:
        click.echo(f"could not remove: {problem}", err=True)
    if not report.removed and not report.errors:
        click.echo("nothing was left behind")
    if report.errors:
        raise SystemExit(INFRASTRUCTURE)
