"""Manifests on the command line: reading the file, and how the nodes of a cluster look to its selectors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from schrodinger.cli.failures import Refused
from schrodinger.nemesis.manifests import DEFAULT_NAMESPACE, Experiment, Roster, read_experiments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def roster_options(command: click.decorators.FC) -> click.decorators.FC:
    """Options about how nodes look to selectors."""
    for option in (
        click.option(
            "--namespace",
            default=DEFAULT_NAMESPACE,
            show_default=True,
            help="The namespace of the nodes, for manifests of Chaos Mesh.",
        ),
        click.option(
            "--label",
            multiple=True,
            metavar="[NODE:]NAME=VALUE",
            help="A label of all nodes, or of one, for manifests of Chaos Mesh.",
        ),
    ):
        command = option(command)
    return command


def roster_of(nodes: tuple[str, ...], suite: str, namespace: str, labels: Sequence[str]) -> Roster:
    """The nodes, with the labels that they have of themselves and those that were given."""
    roster = Roster.of(nodes, suite, namespace=namespace)
    given = {node: dict(roster.of_node(node)) for node in nodes}
    for text in labels:
        whose, colon, label = text.rpartition(":") if text.partition("=")[0].count(":") else ("", "", text)
        name, equals, value = label.partition("=")
        if not equals or not name or (colon and whose not in nodes):
            raise Refused(
                f"label {text!r} is not NAME=VALUE or NODE:NAME=VALUE; for example --label n1:zone=east, "
                f"the nodes are {', '.join(nodes)}"
            )
        for node in (whose,) if colon else nodes:
            given[node][name] = value
    return Roster(nodes=nodes, namespace=namespace, container=suite, labels=given)


def read_manifest(path: Path) -> tuple[Experiment, ...]:
    """The experiments of a file, or of standard input where it is called ``-``."""
    return read_experiments(manifest_text(path), source=str(path))


def manifest_text(path: Path) -> str:
    """The text of a file, or of standard input where it is called ``-``."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Refused(f"{path} can't be read as a manifest ({why}); give a file of YAML or JSON") from error


def tell_remarks(experiments: Iterable[Experiment], *, tell: bool) -> None:
    """Say what is slightly other than the manifest's author may think."""
    for experiment in experiments if tell else ():
        for remark in experiment.remarks:
            click.echo(f"! {experiment.name}: {remark}")
