"""Aggregates over time, axes, and the drawings made of them."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.checkers.verdict import Anomaly, Involved
from schrodinger.report import charts, series, svg
from schrodinger.report.axes import MOST_BUCKETS, Decades, Grid, Linear, Span, nice
from schrodinger.report.timeline import MOST_OPERATIONS, PHONE, Compressed, decisive, during, spoken, timeline
from schrodinger.report.words import duration
from tests.fakes.pages import COLUMNS, SECOND, fault, faults, operations, stale_read

INSTANTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=40)


def _frame(*rows: tuple[str, float, float | None]) -> pl.DataFrame:
    """Operations given as (outcome, start, end) in seconds."""
    whole: list[tuple[object, ...]] = [
        (i, i, i, "read", outcome, 1, [], [], int(start * SECOND), None if end is None else int(end * SECOND), None)
        for i, (outcome, start, end) in enumerate(rows)
    ]
    return series.slim(pl.DataFrame(whole, schema=COLUMNS, orient="row"))


# Axes


@given(st.integers(1, 10**15), st.integers(0, 10**15), st.integers(0, 2_000_000))
def test_a_grid_covers_its_span_with_few_buckets_at_round_instants(length: int, begin: int, number: int) -> None:
    span = Span(begin, begin + length)
    grid = Grid.over(span, number)
    assert grid.buckets <= MOST_BUCKETS
    assert grid.first_ns <= begin
    assert grid.span.end_ns >= span.end_ns
    assert grid.first_ns % grid.width_ns == 0
    assert nice(grid.width_ns) == grid.width_ns


@given(st.integers(1, 10**14), st.integers(0, 10**14))
def test_ticks_are_few_inside_and_all_different(length: int, begin: int) -> None:
    ticks = Span(begin, begin + length).ticks(8)
    assert len(ticks) <= 9
    assert all(0 <= place <= 1 for place, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)


def test_ticks_are_labelled_with_the_digits_they_need() -> None:
    assert [label for _, label in Span(0, 30 * SECOND).ticks(8)] == [
        "0 s",
        "5 s",
        "10 s",
        "15 s",
        "20 s",
        "25 s",
        "30 s",
    ]
    assert [label for _, label in Span(SECOND, SECOND + SECOND // 10).ticks(4)] == ["1.00 s", "1.05 s", "1.10 s"]


@given(st.floats(0, 1e9), st.floats(1, 1e9))
def test_a_linear_scale_holds_its_largest_value_below_a_tick(largest: float, height: float) -> None:
    scale = Linear.up_to(largest, height)
    assert 0 <= scale.y(largest) <= height
    assert scale.ticks()[-1] == scale.top


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_a_logarithmic_scale_holds_both_values_and_has_a_few_ticks(one: int, other: int) -> None:
    low, high = sorted((one, other))
    scale = Decades.between(low, high, 200)
    assert 200 > scale.y(low) >= scale.y(high) > 0
    assert 1 <= len(scale.ticks()) <= 4


# Aggregates


def test_every_operation_counts_once_where_it_ended_or_else_began() -> None:
    frame = _frame(("ok", 0, 0.5), ("ok", 0.5, 1.5), ("fail", 1.2, 1.9), ("info", 2.5, None))
    counted = series.throughput(frame, Grid(0, SECOND, 4))
    assert counted.rows() == [(0, 1, 0, 0), (1, 1, 1, 0), (2, 0, 0, 1), (3, 0, 0, 0)]


def test_no_operation_is_lost_between_the_buckets_of_a_whole_run() -> None:
    frame = series.slim(operations(5_000, faults=faults()))
    grid = Grid.over(series.extent(frame, faults(), {}), frame.height)
    counted = series.throughput(frame, grid)
    assert sum(counted[outcome].sum() for outcome in series.OUTCOMES) == 5_000
    assert counted.height == grid.buckets


def test_latency_is_that_of_successful_operations_where_they_began() -> None:
    frame = _frame(*(("ok", 0.1, 0.1 + k / 100) for k in range(1, 101)), ("fail", 0.1, 9), ("info", 0.1, None))
    row = series.latencies(frame, Grid(0, SECOND, 10)).row(0, named=True)
    ms = 1_000_000
    assert row["count"] == 100
    assert [round(row[name] / ms) for name in ("p50", "p95", "p99", "max")] == [510, 960, 1000, 1000]


def test_the_scatter_keeps_the_slowest_of_every_outcome_and_bucket_and_is_bounded() -> None:
    frame = series.slim(operations(60_000, seconds=100, faults=faults()))
    grid = Grid.over(series.extent(frame, (), {}), frame.height)
    kept = series.extremes(frame, grid)
    slowest = frame.with_columns(took=pl.col("end_ns") - pl.col("start_ns")).group_by("type").agg(pl.col("took").max())
    for outcome, took in slowest.iter_rows():
        assert took in kept.filter(pl.col("type") == outcome)["latency_ns"].to_list()
    assert kept.height <= 3 * (grid.buckets * series.SLOWEST_PER_BUCKET + series.SLOWEST_OVERALL)
    assert kept.filter(pl.col("latency_ns").is_null()).height >= min(
        series.SLOWEST_OVERALL, frame["end_ns"].null_count()
    )


def test_counts_and_reasons_are_by_operation_and_by_frequency() -> None:
    frame = series.slim(operations(2_000, faults=faults()))
    counted = series.counts(frame)
    assert counted["f"].to_list() == ["cas", "read", "write"]
    assert sum(counted[outcome].sum() for outcome in series.OUTCOMES) == 2_000
    frequent = series.reasons(frame, 2)
    assert frequent.height == 2
    assert frequent["count"].is_sorted(descending=True)


def test_the_run_is_cut_by_what_was_in_force() -> None:
    frame = _frame(("ok", 0.5, 0.6), ("fail", 1.5, 1.6), ("ok", 2.5, 2.7), ("info", 3.5, None), ("ok", 5.0, 5.1))
    cut = (fault(0, "partition", "", 1, 3), fault(1, "kill", "", 2, 4))
    found = {window.name: window for window in series.windows(frame, cut, Span(0, 6 * SECOND))}
    assert list(found) == ["no fault", "kill", "partition"]
    assert [found["no fault"].lasted_ns, found["kill"].lasted_ns] == [3 * SECOND, 2 * SECOND]
    assert (found["no fault"].ok, found["partition"].ok, found["kill"].ok) == (2, 1, 1)
    assert (found["partition"].fail, found["kill"].info) == (1, 1)
    assert found["kill"].p50_ns == 200_000_000


def test_the_charts_show_operations_and_faults_but_not_the_quiet_before() -> None:
    frame = _frame(("ok", 5, 6), ("info", 8, None))
    assert series.extent(frame, (), {"up": 0}) == Span(5 * SECOND, 8 * SECOND)
    assert series.extent(frame, (fault(0, "kill", "", 4, 9),), {}) == Span(4 * SECOND, 9 * SECOND)
    assert series.extent(frame.clear(), (), {"up": 7}) == Span(7, 8)


# Drawings


def test_text_and_attributes_are_escaped() -> None:
    drawn = svg.element("text", '<script>&"', class_='"><b>')
    assert drawn == '<text class="&#34;&gt;&lt;b&gt;">&lt;script&gt;&amp;&#34;</text>'


def test_curves_break_at_silences_and_lonely_points_stay_visible() -> None:
    assert svg.line([(0, 1), (10, 2), (30, 3)], gap=15) == "M0 1L10 2M30 3h0"
    assert svg.band([(0, 5, 1), (10, 6, 2)], gap=15) == "M0 5L10 6L10 2L0 1Z"
    assert svg.steps([0, 10, 40], [3, 4, 5], 10, 9) == "M0 9V3H10V4H20V9M40 9V5H50V9"


def test_charts_are_well_formed_and_say_what_they_are() -> None:
    frame = series.slim(operations(3_000, faults=faults()))
    grid = Grid.over(series.extent(frame, faults(), {}), frame.height)
    drawn = [
        charts.throughput_chart(series.throughput(frame, grid), grid, faults(), [9 * SECOND]),
        charts.latency_chart(series.latencies(frame, grid), grid, faults(), []),
        charts.scatter_chart(series.extremes(frame, grid), grid, faults(), []),
    ]
    for chart in drawn:
        root = ElementTree.fromstring(str(chart))
        assert root.get("role") == "img"
        assert "under 4 faults" in (root.get("aria-label") or "")
        assert len(root.findall(".//g[@class='fault-bar']")) == 4
    assert "flag-line" in drawn[0]


def test_charts_of_nothing_are_still_charts() -> None:
    frame = series.slim(operations(0))
    grid = Grid.over(series.extent(frame, (), {}), 0)
    for chart in (
        charts.throughput_chart(series.throughput(frame, grid), grid, (), []),
        charts.latency_chart(series.latencies(frame, grid), grid, (), []),
        charts.scatter_chart(series.extremes(frame, grid), grid, (), []),
    ):
        ElementTree.fromstring(str(chart))


# The timeline of an anomaly


@given(INSTANTS)
def test_the_compressed_axis_keeps_every_instant_apart_and_in_order(instants: list[int]) -> None:
    axis = Compressed.through(instants)
    places = [axis.fraction(at) for at in sorted(set(instants))]
    assert all(before < after for before, after in itertools.pairwise(places))
    assert all(0 < place < 1 for place in places)


@given(INSTANTS, st.integers(0, 10**12), st.integers(0, 10**12))
def test_what_lies_between_instants_is_drawn_between_them(instants: list[int], one: int, other: int) -> None:
    axis = Compressed.through(instants)
    before, after = sorted((one, other))
    assert axis.fraction(before) <= axis.fraction(after)


@given(INSTANTS)
def test_labels_of_the_axis_never_touch_on_a_phone(instants: list[int]) -> None:
    extents = []
    for place, text, anchor in Compressed.through(instants).ticks():
        width = len(text) * 6.8 / PHONE
        extents.append(place - {"start": 0, "middle": width / 2, "end": width}[anchor])
        extents.append(extents[-1] + width)
    assert extents == sorted(extents)


def test_operations_of_one_process_never_cover_each_other() -> None:
    ms = 1_000_000
    crowd = [
        Involved(
            index=i, process=1, label=f"write 3 ← {i}", outcome="ok", start_ns=i * 10 * ms, end_ns=(i * 10 + 9) * ms
        )
        for i in range(12)
    ]
    labels = re.findall(
        r'<text x="([\d.]+)%" y="([\d.]+)" text-anchor="(\w+)" class="operation-label">(.*?)</text>',
        timeline(Anomaly(name="crowd", summary="", operations=tuple(crowd)), ()),
    )
    taken: dict[str, list[tuple[float, float]]] = {}
    for x, y, anchor, content in labels:
        width = len(re.sub("<[^>]*>", "", content)) * 7.2
        left = float(x) / 100 * PHONE - (width if anchor == "end" else 0)
        taken.setdefault(y, []).append((left, left + width))
    assert len(labels) == 12
    for row in taken.values():
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(sorted(row)))


def test_the_timeline_has_a_lane_for_each_process_and_the_faults_of_the_time() -> None:
    drawn = timeline(stale_read(), faults())
    root = ElementTree.fromstring(str(drawn))
    lanes = [lane.get("aria-label") for lane in root.findall(".//g[@role='list']")]
    assert lanes == [f"Process {process}" for process in (4, 9, 11, 2, 12, 7)]
    assert len(root.findall(".//rect[@class='fault']")) == 1
    assert "stale read" in drawn


def test_the_operation_that_the_anomaly_is_about_stands_out() -> None:
    assert decisive(stale_read()) == stale_read().operations[5]
    assert timeline(stale_read(), ()).count(" decisive") == 1
    assert decisive(replace(stale_read(), name="not linearizable")) == stale_read().operations[5]
    assert decisive(replace(stale_read(), operations=())) is None


def test_an_operation_speaks_for_itself() -> None:
    read = stale_read().operations[5]
    assert spoken(6, read, 3) == (
        "6. process 7: read 3 → 41, ok, stale read, from 9.444 s to 9.446 s (" + duration(2_000_000) + ")"
    )
    lost = stale_read().operations[3]
    assert spoken(4, lost, 3) == "4. process 2: write 3 ← 60, info, from 9.125 s, never completed"


def test_of_a_huge_anomaly_only_the_first_operations_are_drawn() -> None:
    many = [Involved(index=i, process=i % 7, label="add", outcome="ok", start_ns=i, end_ns=i + 1) for i in range(500)]
    assert (
        timeline(Anomaly(name="lost", summary="", operations=tuple(many)), ()).count('role="listitem"')
        == MOST_OPERATIONS
    )


@pytest.mark.parametrize(
    ("begin", "end", "met"), [(1, 2, False), (8, 9.0, True), (9.5, 9.6, True), (11, None, False), (1, None, True)]
)
def test_a_fault_belongs_to_an_anomaly_when_their_times_touch(begin: float, end: float | None, met: bool) -> None:
    one = fault(0, "kill", "kill: n1", begin, end)
    assert bool(during(stale_read().operations, (one,))) is met
