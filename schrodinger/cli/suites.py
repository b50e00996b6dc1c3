"""``schrodinger suites``: what suites, workloads, versions, options and faults there are."""

from __future__ import annotations

import json
from typing import Any

import click

from schrodinger.cli.failures import blaming, plain_errors
from schrodinger.cluster import Leader, Suite, SuiteError, find_suites, load_suite, why_unfit
from schrodinger.nemesis import FAULTS


@click.command()
@click.argument("suites", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def suites(suites: tuple[str, ...], as_json: bool) -> None:
    """What suites, workloads, versions and faults exist: the SUITES given, or all below ./suites."""
    with plain_errors():
        references = suites or tuple(str(path.parent) for path in find_suites())
        if not references:
            raise SuiteError("there is no suite below ./suites; give the path of one")
        found = []
        for reference in references:
            with blaming(reference):
                found.append({"path": reference, **_describe(load_suite(reference))})
    click.echo(json.dumps(found, indent=2) if as_json else "\n\n".join(_text(suite) for suite in found))


def _describe(suite: Suite) -> dict[str, Any]:
    return {
        "suite": suite.name,
        "workloads": [workload.name for workload in suite.workloads],
        "versions": [version for source in suite.database.sources for version in source.versions],
        "options": {name: list(values) for name, values in suite.database.options.items()},
        "faults": [kind for kind in FAULTS.kinds if why_unfit(kind, suite.database, None) is None],
        "roles": ["leader"] if isinstance(suite.database, Leader) else [],
    }


def _text(suite: dict[str, Any]) -> str:
    options = [f"--{name} {'|'.join(values)}" for name, values in suite["options"].items()]
    rows = [
        ("workloads", suite["workloads"]),
        ("versions", suite["versions"] or ["what the PATH has"]),
        ("options", options),
        ("faults", suite["faults"]),
        ("roles", suite["roles"]),
    ]
    return "\n".join(
        [
            f"{suite['suite']}  ({suite['path']})",
            *(f"  {name:<10} {', '.join(values)}" for name, values in rows if values),
        ]
    )
