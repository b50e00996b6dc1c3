"""The filter that makes the kernel ask about system calls, and what is answered."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.supervision import calls
from schrodinger_agent.supervision.rules import Answer, Rule, Rules

ARCHITECTURES = list(calls._ARCHITECTURES.values())
architectures = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=list(calls._ARCHITECTURES))


@architectures
@given(number=st.integers(0, 500), arguments=st.lists(st.integers(0, 2**64 - 1), min_size=6, max_size=6))
def test_the_kernel_asks_about_exactly_the_calls_of_the_table(
    architecture: calls.Architecture, number: int, arguments: list[int]
) -> None:
    program = calls.filter_of(architecture)
    call = architecture.calls.get(number)
    wanted = call is not None and (call.flags is None or bool(arguments[call.flags] & calls.CHANGING))
    assert calls.run_filter(program, architecture.audit, number, arguments) is wanted


@architectures
def test_every_call_of_the_table_is_asked_about_if_it_may_change_something(architecture: calls.Architecture) -> None:
    program = calls.filter_of(architecture)
    for number in architecture.calls:
        assert calls.run_filter(program, architecture.audit, number, [os.O_RDWR] * 6)
        assert not calls.run_filter(program, 0xC0000028, number, [os.O_RDWR] * 6), "of another architecture"


def test_an_open_for_reading_is_not_asked_about() -> None:
    program = calls.filter_of(calls._ARCHITECTURES["x86_64"])
    assert not calls.run_filter(program, 0xC000003E, 257, [0, 0, os.O_RDONLY | os.O_CLOEXEC, 0, 0, 0])


def test_of_several_answers_the_longest_delay_holds_and_an_error_outweighs_a_lie() -> None:
    rules = Rules()
    rules.set("slow", (Rule(frozenset({"sync", "open"}), Answer(delay_ns=5)), Rule(frozenset({"sync"}), Answer(3))))
    rules.set("lying", (Rule(frozenset({"sync"}), Answer(lie=True)),))
    assert rules.decide("sync") == Answer(delay_ns=5, lie=True)
    failing = Rule(frozenset({"sync"}), Answer(error=errno.EIO), every=2)
    rules.set("failing", (failing,))
    assert [rules.decide("sync").error for _ in range(4)] == [0, errno.EIO, 0, errno.EIO]
    assert rules.decide("rename") == Answer()
    assert rules.counts("failing") == {failing: (4, 2)}
    rules.set("failing", ())
    assert rules.decide("open") == Answer(delay_ns=5)


def test_each_rule_has_turns_of_its_own() -> None:
    rules = Rules()
    opens = Rule(frozenset({"open"}), Answer(error=errno.ENOSPC), every=2)
    rules.set("failing", (opens, Rule(frozenset({"sync"}), Answer(error=errno.EIO), every=3)))
    met = [rules.decide(about).error for about in ("open", "sync", "open", "sync", "open", "sync")]
    assert met == [0, 0, errno.ENOSPC, 0, 0, errno.EIO]


def test_a_rule_that_comes_later_is_told_what_came_after_it_and_one_that_has_gone_what_came_before() -> None:
    rules = Rules()
    failing, lying = Rule(frozenset({"sync"}), Answer(error=errno.EIO)), Rule(frozenset({"sync"}), Answer(lie=True))
    rules.set("both", (failing,))
    rules.decide("sync")
    rules.set("both", (failing, lying))
    rules.decide("sync")
    rules.set("both", (lying,))
    rules.decide("sync")
    assert rules.counts("both") == {failing: (2, 2), lying: (2, 2)}


def test_what_a_fault_has_met_is_counted_anew_when_it_begins_again() -> None:
    rules = Rules()
    failing = Rule(frozenset({"sync"}), Answer(error=errno.EIO), every=3)
    for _ in range(2):
        rules.set("failing", (failing,))
        assert [rules.decide("sync").error for _ in range(3)] == [0, 0, errno.EIO]
        assert rules.counts("failing") == {failing: (3, 1)}
        rules.set("failing", ())
