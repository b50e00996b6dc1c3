"""Every sentence, number and instant of the report, as a reader sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.checkers.deed import several
from schrodinger.checkers.verdict import Anomaly, Involved, Validity, Verdict, combine
from schrodinger.report import words
from schrodinger.report.sections import LOG_BUDGET, Logs, fault_summary, instant, meanwhile, plan_facts
from tests.fakes.pages import fault, faults, plan, stale_read, verdict


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (850, "850 ns"),
        (1_000, "1.00 µs"),
        (412_000, "412 µs"),
        (999_499, "999 µs"),
        (999_600, "1.00 ms"),
        (3_214_000, "3.21 ms"),
        (32_140_000, "32.1 ms"),
        (999_999_999, "1.00 s"),
        (1_500_000_000, "1.50 s"),
        (59_940_000_000, "59.9 s"),
        (59_960_000_000, "1 min 00 s"),
        (125_000_000_000, "2 min 05 s"),
        (3_720_000_000_000, "1 h 02 min"),
        (3_599_600_000_000, "1 h 00 min"),
        (-3_214_000, "-3.21 ms"),
    ],
)
def test_a_duration_has_three_digits_and_the_unit_that_fits(nanoseconds: int, text: str) -> None:
    assert words.duration(nanoseconds) == text


@given(st.integers(1, 10**16))
def test_no_duration_is_written_as_a_thousand_of_a_smaller_unit(nanoseconds: int) -> None:
    text = words.duration(nanoseconds)
    assert not text.startswith(("1000", "60.0 s", "60 min"))
    assert not text.endswith(" 60 s")


def test_levels_of_an_axis_are_written_without_needless_zeros() -> None:
    assert [words.level(ns) for ns in (100, 1_000, 10_000_000, 1_000_000_000, 100_000_000_000)] == [
        "100 ns",
        "1 µs",
        "10 ms",
        "1 s",
        "1 min 40 s",
    ]


def test_an_instant_is_given_to_the_millisecond() -> None:
    assert words.moment(12_345_600_000) == "12.346 s"
    assert words.moment(4_000_000_000_000) == "4,000.000 s"


def test_instants_closer_than_a_millisecond_get_the_digits_that_tell_them_apart() -> None:
    assert words.digits_apart([]) == 3
    assert words.digits_apart([5_000_000, 5_000_000, 9_000_000]) == 3
    assert words.digits_apart([5_927_104_000, 5_927_123_000]) == 6
    assert words.digits_apart([5_927_104_000, 5_927_104_001]) == 9
    assert words.moment(5_927_104_000, 6) == "5.927104 s"


def test_rates_counts_and_shares_are_written_for_people() -> None:
    assert [words.rate(value) for value in (0, 3.42, 512.4, 12_345)] == ["0/s", "3.4/s", "512/s", "12,345/s"]
    assert several(1, "fault") == "1 fault"
    assert several(1_200, "process", "processes") == "1,200 processes"
    assert words.listed([]) == ""
    assert words.listed(["n1"]) == "n1"
    assert words.listed(["n1", "n2", "n3"]) == "n1, n2 and n3"
    assert words.clipped("register", 5) == "regi…"


def test_a_share_is_all_or_nothing_only_when_it_is() -> None:
    assert [words.share(part, 100_000) for part in (0, 1, 50_000, 99_999, 100_000)] == [
        "0 %",
        "0.1 %",
        "50.0 %",
        "99.9 %",
        "100 %",
    ]
    assert words.share(0, 0) == "-"


def test_characters_that_hide_or_reorder_text_are_written_out() -> None:
    assert words.printable("a\x1b[31mb") == "a\\x1b[31mb"
    assert words.printable("abc\u202edef\u200b") == "abc\\u202edef\\u200b"
    assert (
        words.printable("tab\tand\nline stay, and so does Grüße 數據庫")
        == "tab\tand\nline stay, and so does Grüße 數據庫"
    )


@given(st.text())
def test_what_was_made_printable_stays_as_it_is(text: str) -> None:
    assert words.printable(words.printable(text)) == words.printable(text)


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (
            verdict(Validity.VALID),
            "14,000 operations under 4 faults in 30.0 s, and nothing wrong was found (checked: linearizable).",
        ),
        (
            verdict(Validity.VIOLATION),
            "Key 3 read as 41 although the write of 47 had been acknowledged 312 ms before the read began.",
        ),
        (
            verdict(Validity.UNKNOWN),
            "Only 12 operations succeeded while a fault was in force, too few to have found anything. "
            "The run proves nothing either way.",
        ),
        (
            verdict(Validity.INFRASTRUCTURE_ERROR),
            "The partition of n1 had no effect: 3 of 3 probes from n1 to n3 arrived. "
            "This says nothing about the database.",
        ),
    ],
    ids=[validity.value for validity in Validity],
)
def test_the_verdict_is_one_sentence(judged: Verdict, said: str) -> None:
    assert words.sentence(judged, operations=14_000, faults=4, lasted_ns=30_000_000_000) == said


def test_the_sentence_names_every_checker_that_agreed() -> None:
    both = combine([verdict(Validity.VALID), replace(verdict(Validity.VALID), checker="strength")])
    said = words.sentence(both, operations=1, faults=0, lasted_ns=2_500_000_000)
    assert said == (
        "1 operation without any fault in 2.50 s, and nothing wrong was found (checked: linearizable and strength)."
    )


def test_the_sentence_says_how_many_more_anomalies_there_are() -> None:
    judged = replace(verdict(Validity.VIOLATION), anomalies=(stale_read(), stale_read(), stale_read()))
    said = words.sentence(judged, operations=9, faults=1, lasted_ns=1)
    assert said.endswith("before the read began. (2 more anomalies below.)")


def test_of_a_reason_with_many_lines_the_sentence_takes_the_first() -> None:
    reasons = ("checker set raised:\nTraceback (most recent call last):\n  KeyError: 3",)
    judged = Verdict(validity=Validity.INFRASTRUCTURE_ERROR, checker="set", reasons=reasons)
    said = words.sentence(judged, operations=9, faults=1, lasted_ns=1)
    assert said == "Checker set raised. This says nothing about the database."


def test_a_violation_without_an_anomaly_gives_its_reason_and_names_keep_their_spelling() -> None:
    judged = Verdict(validity=Validity.VIOLATION, checker="set", reasons=("n4 lost 3 elements",))
    assert words.sentence(judged, operations=9, faults=1, lasted_ns=1) == "n4 lost 3 elements."


@pytest.mark.parametrize(
    ("outcome", "end_ns", "said"),
    [
        ("ok", 1_006_100_000, "Process 3 began read 3 at 1.000 s; it succeeded after 6.10 ms."),
        ("fail", 1_006_100_000, "Process 3 began read 3 at 1.000 s; it failed after 6.10 ms."),
        ("info", 3_000_000_000, "Process 3 began read 3 at 1.000 s; it ended without a known outcome after 2.00 s."),
        ("info", None, "Process 3 began read 3 at 1.000 s; it never completed."),
    ],
)
def test_an_operation_is_told_when_its_checker_told_no_story(outcome: str, end_ns: int | None, said: str) -> None:
    one = Involved(index=0, process=3, label="read 3", outcome=outcome, start_ns=1_000_000_000, end_ns=end_ns)
    assert words.told(one) == said


def test_the_faults_of_an_anomaly_are_told_in_a_sentence() -> None:
    assert meanwhile(()) == "No fault was in force at any time during this."
    assert meanwhile(faults()[:2]) == (
        "In force at some time during this: #0 partition ({n1, n2} cut off from {n3, n4, n5}) and #1 kill (n3)."
    )
    many = tuple(fault(i, "pause", f"pause: n{i}", i, i + 1) for i in range(8))
    assert meanwhile(many).endswith("#4 pause (n4) and 3 more.")


def test_the_fault_log_is_summed_up_in_a_sentence() -> None:
    assert fault_summary(()) == "No fault was injected."
    assert fault_summary(faults()) == "4 faults (1 kill, 2 partitions and 1 pause), each proved and healed."
    unhealed = (*faults(), fault(4, "pause", "pause: n1", 20, None))
    assert fault_summary(unhealed) == (
        "5 faults (1 kill, 2 partitions and 2 pauses), 1 of them not proved, not healed or without effect."
    )


def test_kinds_of_faults_have_their_plurals() -> None:
    losses = tuple(fault(i, "loss", "loss: 5%", i, i + 1) for i in range(2))
    assert fault_summary(losses) == "2 faults (2 losses), each proved and healed."


def test_the_plan_is_told_without_its_schedule() -> None:
    whole = replace(plan(), parameters={"read_percent": 65}, operations=20_000)
    assert dict(plan_facts(whole)) == {
        "database": "suites/etcd",
        "workload": "register",
        "version": "3.5.0",
        "reads": "serializable",
        "read percent": "65",
        "nodes": "5",
        "processes at a time": "20",
        "operations asked for": "500/s",
        "for at most": "30.0 s",
        "and at most": "20,000 operations",
        "faults planned": "3",
        "seed": "42",
    }
    assert dict(plan_facts(replace(plan(), rate=0)))["operations asked for"] == "as fast as they go"


def test_of_a_long_log_the_last_whole_lines_are_kept() -> None:
    assert Logs.of({"n1": "started\nFatal: disk\n", "n2": ""}).nodes == (
        ("n1", "last 2 lines, 1 of them with an error", "started\nFatal: disk"),
        ("n2", "empty", ""),
    )
    ((_, note, kept),) = Logs.of({"n1": "x" * LOG_BUDGET + "\nlast but one\nlast"}).nodes
    assert (note, kept) == ("last 2 lines", "last but one\nlast")
    ((_, note, kept),) = Logs.of({"n1": "x" * 2 * LOG_BUDGET}).nodes
    assert (note, len(kept)) == ("last 1 line", LOG_BUDGET)


def test_an_anomaly_is_complete_when_its_last_operation_began_or_ended() -> None:
    assert instant(stale_read()) == 10_023_000_000
    lost = Involved(index=0, process=1, label="add 1", outcome="info", start_ns=7, end_ns=None)
    assert instant(Anomaly(name="lost", summary="lost", operations=(lost,))) == 7
