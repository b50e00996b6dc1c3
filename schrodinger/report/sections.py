"""The sections of the page as plain values: what each one says, before any markup is put around it.

Each is built from the run's facts by its ``of`` and knows its own bounds; the template only arranges them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from schrodinger.checkers.deed import several
from schrodinger.report import charts, facts, fault_marks, series
from schrodinger.report.axes import Grid
from schrodinger.report.graph import graph
from schrodinger.report.icons import favicon, icon
from schrodinger.report.proof import Entry, Standing, described, entry, standing
from schrodinger.report.timeline import MOST_OPERATIONS, bar_swatch, during, instants_of, timeline
from schrodinger.report.words import (
    HEADLINES,
    clipped,
    count,
    digits_apart,
    duration,
    listed,
    moment,
    printable,
    rate,
    sentence,
    share,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from markupsafe import Markup

    from schrodinger.checkers.verdict import Anomaly, Verdict
    from schrodinger.history import FaultInterval
    from schrodinger.plan import Plan

MOST_ANOMALIES = 5
"""Anomalies with a story. One is enough to act on; five show whether they are of one kind."""

MOST_IN_TABLE = 100
"""Operations of one anomaly in its table."""

MOST_FAULTS = 300
MEASUREMENT_BUDGET = 300_000
"""Characters of measurements in the fault log; later faults keep their sentence of proof."""

MOST_REASONS = 12
LONGEST_DETAIL = 160
LOG_BUDGET = 250_000
"""Characters of log tails on the page, all nodes together; the whole logs are in the run directory."""

_TOLD = ("type", "process", "f", "key", "latency_ns")
"""What the tooltip of a mark tells, in the order in which the script takes it."""

_ALARMING = ("panic", "fatal", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hero:
    """The top of the page: the verdict, its reasons, the key figures."""

    state: str
    icon: Markup
    favicon: Markup
    headline: str
    sentence: str
    reasons: tuple[str, ...]
    title: str
    subject: str
    figures: tuple[tuple[str, str], ...]
    checkers: tuple[tuple[str, str, tuple[str, ...], Markup | None], ...]

    @classmethod
    def of(cls, verdict: Verdict, plan: Plan, operations: pl.DataFrame, faults: Sequence[FaultInterval]) -> Hero:
        """From the verdict and what the run amounted to."""
        span = series.extent(operations, faults, {})
        tally = {outcome: int((operations["type"] == outcome).sum()) for outcome in series.OUTCOMES}
        proved = sum(standing(fault) is Standing.PROVED for fault in faults)
        said = sentence(verdict, operations=operations.height, faults=len(faults), lasted_ns=span.length_ns)
        suite = plan.suite.rstrip("/").rsplit("/", 1)[-1]
        return cls(
            state=verdict.validity.value,
            icon=icon(verdict.validity),
            favicon=favicon(verdict.validity),
            headline=HEADLINES[verdict.validity],
            sentence=said,
            reasons=tuple(
                reason
                for reason in verdict.reasons[:MOST_REASONS]
                if printable(reason).strip().rstrip(".").lower() not in said.lower()
            ),
            title=f"{HEADLINES[verdict.validity]}: {suite} {plan.workload}, seed {plan.seed}",
            subject=f"{suite} · {plan.workload}",
            figures=(
                ("operations", count(operations.height)),
                ("ok", count(tally["ok"])),
                ("fail", count(tally["fail"])),
                ("info", count(tally["info"])),
                ("faults proved", f"{proved} of {len(faults)}" if faults else "none"),
                ("nodes", count(plan.nodes)),
                ("lasted", duration(span.length_ns) if operations.height else "-"),
                ("seed", str(plan.seed)),
            ),
            checkers=tuple(
                (
                    part.checker,
                    HEADLINES[part.validity],
                    part.reasons[:MOST_REASONS],
                    facts.rendered(part.statistics) if part.statistics else None,
                )
                for part in (verdict.parts or (verdict,))
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One anomaly: its story, its graph if it is a cycle, its timeline, and the same content as a table."""

    name: str
    summary: str
    story: tuple[str, ...]
    meanwhile: str
    graph: Markup | None
    picture: Markup | None
    rows: tuple[tuple[str, ...], ...]
    left_out: str

    @classmethod
    def of(cls, anomaly: Anomaly, faults: Sequence[FaultInterval]) -> Told:
        """From an anomaly and the faults of its run."""
        operations = anomaly.operations
        story = anomaly.story or tuple(told(operation) for operation in operations[:MOST_OPERATIONS])
        hidden = len(operations) - MOST_OPERATIONS
        digits = digits_apart(at for operation in operations for at in instants_of(operation))
        return cls(
            name=anomaly.name,
            summary=anomaly.summary,
            story=story,
            meanwhile=meanwhile(during(operations, faults)) if operations else "",
            graph=graph(anomaly) if anomaly.dependencies else None,
            picture=timeline(anomaly, faults) if operations else None,
            rows=tuple(
                (
                    str(i),
                    str(operation.process),
                    clipped(operation.label, LONGEST_DETAIL),
                    operation.outcome,
                    moment(operation.start_ns, digits),
                    "never" if operation.end_ns is None else moment(operation.end_ns, digits),
                    operation.role,
                )
                for i, operation in enumerate(operations[:MOST_IN_TABLE], 1)
            ),
            left_out=f"{several(hidden, 'further operation')} not drawn." if hidden > 0 else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomalies:
    """The anomalies with a story, and how many have none."""

    told: tuple[Told, ...]
    more: int

    @classmethod
    def of(cls, anomalies: Sequence[Anomaly], faults: Sequence[FaultInterval]) -> Anomalies:
        """The first ones, in the order of the checker, which puts the clearest first."""
        return cls(
            told=tuple(Told.of(anomaly, faults) for anomaly in anomalies[:MOST_ANOMALIES]),
            more=max(0, len(anomalies) - MOST_ANOMALIES),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """The run over time: three charts, what their tooltips say, and the same run cut by fault as a table."""

    patterns: Markup
    throughput: Markup
    latency: Markup
    scatter: Markup
    kinds: tuple[tuple[str, Markup], ...]
    swatches: Mapping[str, Markup]
    bars: Mapping[str, Markup]
    resolution: str
    marks: str
    windows: tuple[tuple[str, ...], ...]
    phases: tuple[tuple[str, str], ...]
    empty: bool
    data: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        operations: pl.DataFrame,
        faults: Sequence[FaultInterval],
        phases: Mapping[str, int],
        anomalies: Sequence[Anomaly],
    ) -> Charts:
        """Aggregate and draw."""
        span = series.extent(operations, faults, phases)
        grid = Grid.over(span, operations.height)
        rates = series.throughput(operations, grid)
        times = series.latencies(operations, grid)
        points = series.extremes(operations, grid)
        marks = [instant(anomaly) for anomaly in anomalies[:MOST_ANOMALIES] if anomaly.operations]
        fills = fault_marks.pattern_of(faults)
        return cls(
            patterns=fault_marks.patterns(),
            throughput=charts.throughput_chart(rates, grid, faults, marks),
            latency=charts.latency_chart(times, grid, faults, marks),
            scatter=charts.scatter_chart(points, grid, faults, marks),
            kinds=tuple((kind, fault_marks.fault_swatch(fills[kind])) for kind in fills),
            swatches={name: charts.swatch(name) for name in charts.SWATCHES},
            bars={outcome: bar_swatch(outcome) for outcome in series.OUTCOMES},
            resolution=duration(grid.width_ns),
            marks=count(points.height),
            windows=tuple(_window_row(window) for window in series.windows(operations, faults, span)),
            phases=tuple((name, moment(at)) for name, at in phases.items()),
            empty=not (operations.height or faults),
            data=_tooltips(grid, rates, times, points),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The fault log."""

    entries: tuple[Entry, ...]
    swatches: Mapping[str, Markup]
    more: int
    summary: str

    @classmethod
    def of(cls, faults: Sequence[FaultInterval]) -> Faults:
        """In the order they began."""
        entries = []
        budget = MEASUREMENT_BUDGET
        for fault in faults[:MOST_FAULTS]:
            one = entry(fault)
            budget -= len(one.measurements or "")
            entries.append(one if budget >= 0 else replace(one, measurements=None))
        fills = fault_marks.pattern_of(faults)
        return cls(
            entries=tuple(entries),
            swatches={kind: fault_marks.fault_swatch(fill) for kind, fill in fills.items()},
            more=max(0, len(faults) - MOST_FAULTS),
            summary=fault_summary(faults),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts by operation and outcome, and why operations did not succeed."""

    rows: tuple[tuple[str, str, str, str, str, str], ...]
    reasons: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, operations: pl.DataFrame) -> Tally:
        """With a last row for all operations when there are several."""
        frame = series.counts(operations)
        rows = [_tally_row(str(f), ok, fail, info) for f, ok, fail, info in frame.iter_rows()]
        if len(rows) > 1:
            rows.append(_tally_row("all", *(int(frame[outcome].sum()) for outcome in series.OUTCOMES)))
        found = series.reasons(operations, MOST_REASONS)
        return cls(
            rows=tuple(rows),
            reasons=tuple(
                (outcome, clipped(detail, LONGEST_DETAIL) or "no detail", count(number))
                for outcome, detail, number in found.iter_rows()
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """The end of each node's log."""

    nodes: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, logs: Mapping[str, str]) -> Logs:
        """As much of each as the budget allows, always the last lines."""
        budget = LOG_BUDGET // max(1, len(logs))
        return cls(nodes=tuple((node, *_tail(text, budget)) for node, text in logs.items()))


def plan_facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What the plan asked for, without its schedule, which the fault log tells as it really went."""
    settings = {**plan.options, **plan.parameters}
    return (
        ("database", plan.suite),
        ("workload", plan.workload),
        *((facts.words_of(str(name)), str(value)) for name, value in settings.items()),
        ("nodes", count(plan.nodes)),
        ("processes at a time", count(plan.concurrency)),
        ("operations asked for", rate(plan.rate) if plan.rate else "as fast as they go"),
        ("for at most", duration(plan.time_ns)),
        *([("and at most", several(plan.operations, "operation"))] if plan.operations is not None else []),
        ("faults planned", count(len(plan.schedule))),
        ("seed", str(plan.seed)),
    )


def instant(anomaly: Anomaly) -> int:
    """The moment at which an anomaly was complete, which charts flag: the last begin or end of its operations."""
    return max(operation.start_ns if operation.end_ns is None else operation.end_ns for operation in anomaly.operations)


def meanwhile(faults: Sequence[FaultInterval]) -> str:
    """Which faults were in force during an anomaly, as a sentence."""
    if not faults:
        return "No fault was in force at any time during this."
    names = [f"#{fault.id} {fault.kind} ({described(fault)})" for fault in faults[:5]]
    more = [several(len(faults) - 5, "more", "more")] if len(faults) > 5 else []
    return f"In force at some time during this: {listed(names + more)}."


def fault_summary(faults: Sequence[FaultInterval]) -> str:
    """How many faults there were and whether all are proved, as a sentence."""
    if not faults:
        return "No fault was injected."
    kinds = sorted({fault.kind for fault in faults})
    plurals = {kind: kind + ("es" if kind.endswith("s") else "s") for kind in kinds}
    counted = listed([several(sum(fault.kind == kind for fault in faults), kind, plurals[kind]) for kind in kinds])
    unproved = sum(standing(fault) is not Standing.PROVED for fault in faults)
    every = f"{unproved} of them not proved, not healed or without effect" if unproved else "each proved and healed"
    return f"{several(len(faults), 'fault')} ({counted}), {every}."


def _tally_row(name: str, ok: int, fail: int, info: int) -> tuple[str, str, str, str, str, str]:
    return name, count(ok + fail + info), count(ok), count(fail), count(info), share(ok, ok + fail + info)


def _window_row(window: series.Window) -> tuple[str, ...]:
    total = window.ok + window.fail + window.info
    return (
        window.name,
        duration(window.lasted_ns),
        rate(total * 1e9 / window.lasted_ns),
        share(window.ok, total),
        "-" if window.p50_ns is None else duration(window.p50_ns),
        "-" if window.p99_ns is None else duration(window.p99_ns),
    )


def _tail(text: str, budget: int) -> tuple[str, str]:
    kept = text[-budget:]
    if len(text) > budget and "\n" in kept[:-1]:
        kept = kept.partition("\n")[2]
    lines = kept.splitlines()
    alarming = sum(any(word in line.lower() for word in _ALARMING) for line in lines)
    note = f"last {several(len(lines), 'line')}" if lines else "empty"
    if alarming:
        note += f", {count(alarming)} of them with an error"
    return note, "\n".join(lines)


def _tooltips(grid: Grid, rates: pl.DataFrame, times: pl.DataFrame, points: pl.DataFrame) -> dict[str, Any]:
    """What the script shows on hover: columns by bucket, and the marks of the scatter."""
    return {
        "first": grid.first_ns,
        "width": grid.width_ns,
        "buckets": grid.buckets,
        "throughput": {name: rates[name].to_list() for name in series.OUTCOMES},
        "latency": {name: times[name].to_list() for name in ("bucket", "p50", "p95", "p99", "max", "count")},
        "scatter": [
            (*place, *row)
            for place, row in zip(charts.places(points, grid), points.select(_TOLD).iter_rows(), strict=True)
        ],
    }
