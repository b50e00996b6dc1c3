"""The page a run leaves behind: one HTML file that needs nothing else, however many operations the run had.

The verdict comes first, then why, then what clients saw over time under which faults, then everything needed to doubt
it: the proof of each fault, the counts, the logs, the plan and the command that runs it again. Text from databases,
logs and plans is escaped and bounded, and a content security policy admits only this package's own script, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from schrodinger.report import series
from schrodinger.report.plots import drawing_style
from schrodinger.report.sections import Anomalies, Charts, Faults, Hero, Logs, Tally, plan_facts
from schrodinger.report.words import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars

    from schrodinger.checkers.verdict import Verdict
    from schrodinger.history import FaultInterval
    from schrodinger.plan import Plan


class Recorded(Protocol):
    """What the page needs of a history; :class:`schrodinger.history.History` is one."""

    @property
    def damage(self) -> str | None:
        """Why the tail of the record is not used."""
        ...

    def operations(self) -> polars.DataFrame:
        """Client operations, a row each."""
        ...

    def faults(self) -> tuple[FaultInterval, ...]:
        """When which fault was in force."""
        ...

    def phases(self) -> dict[str, int]:
        """When each phase began."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything the page tells.

    Attributes:
        run: the run's name, which is its directory's.
        started: when it started, as text with its time zone.
        verdict: what was concluded.
        plan: what was to be done, and ``plan_json`` exactly as replayed.
        history: what was recorded.
        replay: the command that runs the plan again.
        logs: the last lines of each node's log.
        versions: of the framework, the database, the kernel and whatever else may matter to a reader in a year.
        notes: what else went wrong or was left out, a sentence each.
    """

    run: str
    started: str
    verdict: Verdict
    plan: Plan
    plan_json: str
    history: Recorded
    replay: str
    logs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def render(page: Page) -> str:
    """The page as HTML."""
    operations = series.slim(page.history.operations())
    faults = page.history.faults()
    script = _resource("page.js")
    return (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            hero=Hero.of(page.verdict, page.plan, operations, faults),
            anomalies=Anomalies.of(page.verdict.anomalies, faults),
            charts=Charts.of(operations, faults, page.history.phases(), page.verdict.anomalies),
            faults=Faults.of(faults),
            tally=Tally.of(operations),
            logs=Logs.of(page.logs),
            notes=_notes(page),
            plan=plan_facts(page.plan),
            style=Markup(drawing_style() + _resource("page.css")),  # noqa: S704 - our own files
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _notes(page: Page) -> tuple[str, ...]:
    damage = page.history.damage
    return (*([f"Not all of the history could be read: {damage}."] if damage else []), *page.notes)


def _resource(name: str) -> str:
    return files("schrodinger.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("schrodinger.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment


def _shown(value: object) -> object:
    """What the template writes for a value: text that is not ours must not hide or reorder anything."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
