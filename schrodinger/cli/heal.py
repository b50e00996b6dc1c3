"""``schrodinger heal``: remove anything that a crashed run left behind."""

from __future__ import annotations

import click
from schrodinger_agent import heal as heal_host

from schrodinger.cli.failures import INFRASTRUCTURE, plain_errors


@click.command()
def heal() -> None:
    """Remove what crashed runs left: processes, namespaces, rules, cgroups, directories. Living runs are left alone."""
    with plain_errors():
        report = heal_host()
    for removed in report.removed:
        click.echo(f"removed {removed}")
    for error in report.errors:
        click.echo(f"could not remove: {error}", err=True)
    if not report.removed and not report.errors:
        click.echo("nothing was left behind")
    if report.errors:
        raise SystemExit(INFRASTRUCTURE)
