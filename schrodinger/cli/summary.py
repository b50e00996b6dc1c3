"""The last lines that a user reads: the verdict, its anomalies with their stories, and every reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from schrodinger.checkers import Validity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger.checkers import Verdict


def remark(text: str) -> None:
    """Say what a user should know about how a history was understood, apart from the result."""
    click.echo(f"remark      {text}", err=True)


TOLD = 3
"""Anomalies that are told when nobody asks for all."""


def summary(verdict: Verdict, *, in_full: bool = False) -> Iterator[str]:
    """The verdict, anomalies with their stories, every reason; ``in_full`` all anomalies and what each part found."""
    colour = {Validity.VALID: "green", Validity.VIOLATION: "red"}.get(verdict.validity, "yellow")
    yield click.style(f"verdict     {verdict.validity}", fg=colour, bold=True)
    told = len(verdict.anomalies) if in_full else TOLD
    for anomaly in verdict.anomalies[:told]:
        yield f"anomaly     {anomaly.name}: {anomaly.summary}"
        yield from (f"            {sentence}" for sentence in anomaly.story)
    if len(verdict.anomalies) > told:
        yield f"            and {len(verdict.anomalies) - told} more; `schrodinger check --explain` tells them all"
    for reason in verdict.reasons:
        first, *more = reason.splitlines()
        yield f"reason      {first}"
        yield from (f"            {line}" for line in more)
    for part in verdict.parts if in_full else ():
        yield f"part        {part.checker}: {part.validity}"
        yield from (f"            {name}: {json.dumps(value)}" for name, value in part.statistics.items())
