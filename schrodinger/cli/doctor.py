"""``schrodinger doctor``: what this machine can inject, by which mechanism; why not, and what would help."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

import click

from schrodinger.cli.failures import plain_errors
from schrodinger.cluster import Capability, LocalProvider


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Say what this machine can inject, and what to do about what it can't. Everything is found by trying it."""
    with plain_errors():
        capabilities = asyncio.run(_probe())
    if as_json:
        click.echo(json.dumps([asdict(capability) for capability in capabilities], indent=2))
        return
    for heading, faults in (("Mechanisms", False), ("Faults", True)):
        click.echo(heading)
        for capability in capabilities:
            if capability.is_fault is faults:
                click.echo(_line(capability))


async def _probe() -> tuple[Capability, ...]:
    provider = LocalProvider("doctor")
    try:
        return await provider.capabilities()
    finally:
        await provider.down()


def _line(capability: Capability) -> str:
    if capability.available:
        return f"  yes  {capability.name:<22} {capability.mechanism}"
    return f"  no   {capability.name:<22} {capability.reason}\n{'':<30}{capability.remedy}"
