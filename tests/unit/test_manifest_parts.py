"""What manifests are made of: durations, recurrences, selectors, and YAML with nothing left open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schrodinger.nemesis import InvalidValueError
from schrodinger.nemesis.manifests import MIDNIGHT, Roster
from schrodinger.nemesis.manifests.documents import documents
from schrodinger.nemesis.manifests.durations import in_words, parse_duration
from schrodinger.nemesis.manifests.fields import Fields
from schrodinger.nemesis.manifests.recurrence import Every, parse_recurrence
from schrodinger.nemesis.manifests.selectors import MODES, Selection, Selector, read_selection

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3", "n4", "n5")
ROSTER = Roster.of(NODES, "etcd", labels={"tier": "storage"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10s", 10 * SECOND),
        ("1h15m30.918s", 4530_918_000_000),
        ("-1.5h", -5400 * SECOND),
        ("300ms", 300_000_000),
        ("1us", 1_000),
        ("1µs", 1_000),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("0", 0),
        ("+1m", 60 * SECOND),
        ("0.1ns", 0),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, expected: int) -> None:
    assert parse_duration(text, at_least=-(2**63)) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "s", "10 s", "1d", "1s ", "1e3s", "\u0661s", "--1s", "3000000h", "-1s", "."]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="write"):
        parse_duration(text)


@given(st.integers(0, 2**62))
@example(4_611_686_018_427_387_000)
def test_a_duration_that_is_told_is_read_as_the_same(duration_ns: int) -> None:
    assert parse_duration(in_words(duration_ns)) == duration_ns


def test_a_period_begins_after_its_first_time_or_at_once() -> None:
    assert begins("@every 15s", 3) == [15, 30, 45]
    assert begins("@every 15s", 3, at_once=True) == [0, 15, 30]
    assert begins("@every 1m30s", 2) == [90, 180]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 * * * *", [300, 3900]),
        ("*/5 * * * *", [300, 600]),
        ("*/10 * * * * *", [10, 20]),
        ("@hourly", [3600, 7200]),
        ("0 0 ? * MON", [7 * 86400, 14 * 86400]),
    ],
)
def test_a_calendar_comes_round_as_cron_says(text: str, expected: list[int]) -> None:
    assert begins(text, 2) == expected


def test_a_calendar_looks_at_the_clock_of_its_zero() -> None:
    half_past = MIDNIGHT.replace(minute=30, microsecond=250_000)
    first = parse_recurrence("@hourly").after(-1, half_past)
    assert first is not None
    assert half_past + timedelta(microseconds=first // 1000) == MIDNIGHT.replace(hour=1)


@pytest.mark.parametrize(
    "text", ["", "@every", "@every 0s", "@every 900ms", "* * * *", "61 * * * *", "0 0 30 2 *", "CRON_TZ=UTC 0 0 * * *"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_recurrence(text)


@given(st.integers(1, 10**6).map(lambda ms: ms * 1_000_000), st.integers(0, 10**15))
def test_a_period_comes_round_strictly_later_and_within_one_period(period_ns: int, previous_ns: int) -> None:
    next_ns = Every(period_ns).after(previous_ns, MIDNIGHT)
    assert next_ns is not None
    assert previous_ns < next_ns <= previous_ns + period_ns
    assert next_ns % period_ns == 0


@given(
    st.sampled_from(["*/7 * * * * *", "5 * * * *", "0 */3 1 * *"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
)
def test_a_calendar_comes_round_strictly_later(text: str, zero: datetime) -> None:
    recurrence, moments = parse_recurrence(text), [-1]
    for _ in range(3):
        next_ns = recurrence.after(moments[-1], zero.replace(tzinfo=UTC))
        assert next_ns is not None
        moments.append(next_ns)
    assert moments == sorted(set(moments))


@given(st.sampled_from(MODES), st.integers(1, 100), st.integers(0, 2**64))
def test_a_selection_is_some_of_whom_it_means_and_the_same_for_a_seed(mode: str, value: int, seed: int) -> None:
    selection = Selection("spec", Selector(("default",)), mode, 0 if mode in ("one", "all") else value)
    try:
        picked = selection.pick(ROSTER, Random(seed))
    except InvalidValueError:
        assert mode == "random-max-percent"
        assert len(NODES) * value < 100
        return
    assert picked == selection.pick(ROSTER, Random(seed))
    assert picked
    assert picked <= set(NODES)
    sizes = {
        "one": {1},
        "all": {5},
        "fixed": {min(value, 5)},
        "fixed-percent": {-(-5 * value // 100)},
        "random-max-percent": set(range(1, 5 * value // 100 + 1)),
    }
    assert len(picked) in sizes[mode]


def test_every_node_is_picked_by_some_seed() -> None:
    selection = Selection("spec", Selector(("default",)), "one")
    assert {node for seed in range(100) for node in selection.pick(ROSTER, Random(seed))} == set(NODES)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"namespaces": ["default", "other"]}, NODES),
        ({"labelSelectors": {"app": "etcd", "tier": "storage"}}, NODES),
        ({"labelSelectors": {"statefulset.kubernetes.io/pod-name": "n2"}}, ("n2",)),
        ({"pods": {"default": ["n5", "n1"]}}, ("n1", "n5")),
        ({"fieldSelectors": {"metadata.name": "n4"}}, ("n4",)),
        ({"expressionSelectors": [{"key": "app", "operator": "In", "values": ["etcd", "redis"]}]}, NODES),
        (
            {
                "expressionSelectors": [
                    {"key": "statefulset.kubernetes.io/pod-name", "operator": "NotIn", "values": ["n1", "n2"]},
                    {"key": "tier", "operator": "Exists"},
                    {"key": "zone", "operator": "DoesNotExist"},
                ]
            },
            ("n3", "n4", "n5"),
        ),
    ],
)
def test_a_selector_means_the_nodes_that_it_would_mean_as_pods(selector: object, expected: tuple[str, ...]) -> None:
    selection = read_selection(Fields({"mode": "all", "selector": selector}, "spec"), "default")
    assert selection.selector.among(ROSTER) == expected


@pytest.mark.parametrize(
    "selector",
    [
        {"namespaces": ["elsewhere"]},
        {"labelSelectors": {"app": "tikv"}},
        {"pods": {"elsewhere": ["n1"]}},
        {"pods": {"default": ["n9"]}},
        {"expressionSelectors": [{"key": "app", "operator": "DoesNotExist"}]},
    ],
)
def test_an_empty_selection_is_an_error_that_says_whom_there_is(selector: object) -> None:
    selection = read_selection(Fields({"mode": "one", "selector": selector}, "spec"), "default")
    with pytest.raises(InvalidValueError, match=r"n1") as refused:
        selection.pick(ROSTER, Random(0))
    assert refused.value.field.startswith("spec.selector")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("annotationSelectors", {"a": "b"}),
        ("podPhaseSelectors", ["Running"]),
        ("nodes", ["worker-1"]),
        ("nodeSelectors", {"disk": "ssd"}),
        ("fieldSelectors", {"status.phase": "Running"}),
        ("labelSelector", {"app": "etcd"}),
    ],
)
def test_a_selector_that_nodes_can_not_answer_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InvalidValueError) as refused:
        read_selection(Fields({"mode": "one", "selector": {field: value}}, "spec"), "default")
    assert refused.value.field.startswith("spec.selector")


@pytest.mark.parametrize(
    ("mode", "value"),
    [("fixed", None), ("fixed", "0"), ("fixed", 2), ("fixed-percent", "101"), ("fixed-percent", "4.5"), ("one", "1")],
)
def test_a_value_that_does_not_fit_its_mode_is_refused(mode: str, value: object) -> None:
    with pytest.raises(InvalidValueError) as refused:
        read_selection(
            Fields({"mode": mode, "value": value, "selector": {"namespaces": ["default"]}}, "spec"), "default"
        )
    assert refused.value.field == "spec.value"


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: &x 1\nb: *x",
        "a: !!python/name:os.system",
        "[" * 5000,
        "1: 2",
        "a: b: c",
        "\t",
        "a: 2001-99-99",
    ],
)
def test_yaml_that_is_more_than_plain_data_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        documents(text)


def test_json_is_read_as_well() -> None:
    assert documents('{"a": ["1", 2, true, null]}') == [{"a": ["1", 2, True, None]}]
    assert documents("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def begins(text: str, count: int, *, at_once: bool = False) -> list[int]:
    """The first times that it comes round after midnight, in seconds."""
    recurrence, moments = parse_recurrence(text, at_once=at_once), [-1]
    while len(moments) <= count:
        next_ns = recurrence.after(moments[-1], MIDNIGHT)
        assert next_ns is not None
        moments.append(next_ns)
    return [moment // SECOND for moment in moments[1:]]
