"""The fault log: when a fault was in force, and what proves it; and JSON values of any kind for a person."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.report import fault_marks, proof
from schrodinger.report.axes import Span
from schrodinger.report.facts import MOST_ROWS, quantity, rendered, words_of
from tests.fakes.pages import SECOND, fault, faults

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def test_a_partition_is_proved_by_probes_and_drops() -> None:
    assert proof.proof(faults()[0]) == "12 directed links cut. None of 36 probes arrived, 1,204 packets dropped."
    assert proof.proof(faults()[3]) == "None of 3 probes arrived, 87 packets dropped."


def test_a_fault_of_links_is_proved_by_the_packets_that_met_it() -> None:
    link = {"source": "n1", "destination": "n2"}
    lossy = {"packets": 617, "hits": 248, "dropped": 248, "mean_held_ns": 0, "longest_held_ns": 0, "edges": [link]}
    assert proof.proof(fault(1, "loss", "loss: 40% from n1 to n2", 1, 2, evidence=lossy)) == (
        "1 directed link. 248 of 617 packets hit, 248 of them dropped."
    )
    late = {"packets": 1, "hits": 1, "dropped": 0, "mean_held_ns": 20_400_000, "longest_held_ns": 31_000_000}
    assert proof.proof(fault(1, "delay", "delay: 20ms", 1, 2, evidence={**late, "edges": [link, link]})) == (
        "2 directed links. 1 of 1 packet hit, held for 20.4 ms on average and 31.0 ms at most."
    )
    uncounted = {**lossy, "hits": None, "dropped": 0}
    assert proof.proof(fault(1, "corruption", "corruption: 5%", 1, 2, evidence=uncounted)) == (
        "1 directed link. 617 packets; those hit were not counted."
    )


def test_a_kill_is_proved_by_the_processes_that_ended() -> None:
    assert proof.proof(faults()[1]) == "2 processes of n3 killed in 3.10 ms, none left."
    survived = {"n1": {"killed": [7], "processes": 1, "took_ns": 5_000_000, "left": 2}}
    assert proof.proof(fault(1, "kill", "kill: n1", 1, 2, evidence=survived)) == (
        "1 process of n1 killed in 5.00 ms, 2 left."
    )


def test_a_pause_is_proved_by_the_processes_that_stood_still() -> None:
    assert proof.proof(faults()[2]) == (
        "2 processes of n4 frozen in 1.20 ms by cgroup v2 freezer, thawed in 800 µs; "
        "2 processes of n5 frozen in 1.20 ms by cgroup v2 freezer, thawed in 800 µs."
    )
    still = {"n1": {"mechanism": "SIGSTOP to every process", "frozen": [3], "processes": 1, "freeze_ns": 40_000}}
    assert proof.proof(fault(1, "pause", "pause: n1", 1, 2, evidence=still)) == (
        "1 process of n1 frozen in 40.0 µs by SIGSTOP to every process."
    )


def test_a_power_loss_is_proved_by_the_witness_that_was_not_synced() -> None:
    dark = {"n1": {"processes": 2, "left": 0, "unsynced_witness": "lost", "dark_ns": 400_000, "restored_ns": 4_000_000}}
    assert proof.proof(fault(1, "power-loss", "power-loss: n1", 1, 2, evidence=dark)) == (
        "2 processes of n1 ended and its disk cut off in 400 µs; "
        "what was not synced was gone when it was mounted again (4.00 ms)."
    )


def test_a_wrong_clock_is_proved_by_the_processes_that_were_read_back() -> None:
    wrong = {"realtime_ahead_ns": 0, "monotonic_ahead_ns": -13_500_000_000, "wrong_in": 2, "reached": 3}
    assert proof.proof(fault(1, "monotonic-drift", "monotonic-drift: n1", 1, 2, evidence={"n1": wrong})) == (
        "the monotonic clock 13.5 s behind in 2 processes of n1 at the end, a process reached 3 times."
    )
    both = {"realtime_ahead_ns": 2_000_000_000, "monotonic_ahead_ns": 5_000_000, "wrong_in": 1, "reached": 1}
    assert proof.proof(fault(1, "clock-jump", "clock-jump: n1", 1, 2, evidence={"n1": both})) == (
        "the realtime clock 2.00 s ahead and the monotonic clock 5.00 ms ahead in 1 process of n1 at the end, "
        "a process reached 1 time."
    )


def test_a_kind_never_heard_of_shows_its_measurements_by_name() -> None:
    skewed = fault(
        1, "clock-skew", "n1 jumps", 1, 2, evidence={"offset_ms": 400, "calls": 12, "undone": True, "by": "vdso"}
    )
    assert proof.proof(skewed) == "offset: 400 ms; calls: 12; undone: yes; by: vdso."


def test_what_was_measured_node_by_node_is_told_node_by_node() -> None:
    slow = {"n1": {"processes": 1, "begin_ns": 300_000, "writes": 30}, "n2": {"processes": 2, "writes": 0}}
    assert proof.proof(fault(1, "disk-slow", "disk-slow (20 writes/s): {n1, n2}", 1, 2, evidence=slow)) == (
        "n1: processes 1, begin 300 µs, writes 30; n2: processes 2, writes 0."
    )


def test_known_kinds_with_unexpected_measurements_show_them_by_name() -> None:
    assert proof.proof(fault(1, "kill", "kill: n1", 1, 2, evidence={"killed": [3, 4]})) == "killed: 3 and 4."
    assert proof.proof(fault(1, "partition", "cut", 1, 2, evidence={"probes_sent": 3})) == "probes sent: 3."


def test_a_fault_that_measured_nothing_says_so() -> None:
    assert proof.proof(fault(1, "kill", "kill: n1", 1, 2)) == "Read back by the agent, which measured nothing more."


def test_the_log_tells_when_a_fault_was_in_force_and_how_sharp_its_edges_were() -> None:
    entry = proof.entry(faults()[1])
    assert entry.description == "n3"
    assert entry.planned == "kill: the leader"
    assert entry.standing == "proved"
    assert entry.when == "from 10.100 s to 13.400 s (3.30 s)"
    assert entry.edges == (
        "In force and read back 9.40 ms after the decision (the change took 8.30 ms); healing took 4.10 ms."
    )


def test_a_description_does_not_repeat_the_kind_that_stands_before_it() -> None:
    told = {
        "kill: {n1, n2}": "{n1, n2}",
        "kill (soon): n1": "soon: n1",
        "kill everything (soon): n1": "kill everything (soon): n1",
        "n1 (leader): all": "n1 (leader): all",
    }
    assert {text: proof.described(fault(1, "kill", text, 1, 2)) for text in told} == told


def test_a_fault_that_was_never_healed_is_not_proved() -> None:
    entry = proof.entry(fault(1, "pause", "pause: n1", 20, None))
    assert entry.standing == "not healed"
    assert entry.when == "from 20.000 s to the end of the record"
    assert entry.edges.endswith("; it was never healed.")


def test_a_fault_that_touched_nothing_is_not_proved() -> None:
    unnoticed = fault(1, "partition", "cut", 1, 2, affected=0, evidence={"probes_sent": 3})
    assert proof.entry(unnoticed).standing == "no effect"


def test_an_error_outweighs_every_measurement() -> None:
    failed = fault(
        1, "partition", "cut", 1, 2, error="3 of 3 probes from n1 to n3 arrived", evidence={"probes_sent": 3}
    )
    assert proof.entry(failed).standing == "not proved"
    assert proof.proof(failed) == "3 of 3 probes from n1 to n3 arrived"


def test_the_usual_kinds_look_the_same_on_every_page_and_no_two_kinds_alike() -> None:
    few = fault_marks.pattern_of(faults())
    assert few == {"kill": "solid", "partition": "slant", "pause": "upright"}
    more = fault_marks.pattern_of([*faults(), fault(9, "clock-skew", "", 1, 2), fault(8, "disk-full", "", 1, 2)])
    assert more | few == more
    assert len(set(more.values())) == len(more)


def test_faults_at_the_same_time_get_rows_of_their_own_up_to_the_last() -> None:
    together = [fault(i, "kill", "", 1 + i / 10, 9) for i in range(6)]
    assert fault_marks.strip_rows([*together, fault(7, "kill", "", 10, 11)]) == [0, 1, 2, 3, 3, 3, 0]


def test_a_fault_that_was_never_healed_reaches_the_end_of_the_chart() -> None:
    bands, _ = fault_marks.strip([fault(1, "kill", "", 5, None)], Span(0, 10 * SECOND), 100)
    assert 'x="50%"' in bands
    assert 'width="50%"' in bands


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("took_ns", 3_200_000, "3.20 ms"),
        ("offset_ms", 400, "400 ms"),
        ("timeout_s", 2.5, "2.50 s"),
        ("peak_bytes", 12_582_912, "12,582,912 bytes"),
        ("keys", 8, None),
        ("took_ns", True, None),
        ("took_ns", float("nan"), None),
    ],
)
def test_a_quantity_takes_its_unit_from_its_name(name: str, value: object, text: str | None) -> None:
    assert quantity(name, value) == text


def test_names_are_shown_as_words() -> None:
    assert words_of("frozen_processes") == "frozen processes"
    assert words_of("took_ns") == "took"


def test_values_are_lists_of_descriptions_and_rows_alike_are_a_table() -> None:
    html = rendered(
        {"edges": [{"source": "n1", "lost": 1}, {"source": "n2", "lost": 1_200}], "ok": True, "pids": [1211]}
    )
    assert re.findall(r"<th [^>]*>([^<]*)", html) == ["source", "lost"]
    assert [_plain(cell) for cell in re.findall(r"<td>(.*?)</td>", html)] == ["n1", "1", "n2", "1,200"]
    assert [_plain(part) for part in re.findall(r"<dd>(.*?)</dd>", html)[1:]] == ["yes", "1211"]


def test_what_is_too_long_says_how_much_it_leaves_out() -> None:
    assert f"and {100 - MOST_ROWS} more" in rendered(list(range(100)))
    assert f"and {100 - MOST_ROWS} more" in rendered([{"a": i} for i in range(100)])
    assert f"and {100 - MOST_ROWS} more" in rendered({f"k{i}": i for i in range(100)})
    assert len(rendered("x" * 10_000)) < 500


@given(JSON)
def test_any_json_value_can_be_shown_and_nothing_in_it_is_markup(value: Any) -> None:
    tags = set(re.findall(r"<\s*/?\s*([^\s>/]+)", rendered(value)))
    assert tags <= {"dl", "div", "dt", "dd", "span", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "p"}


def _plain(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)
