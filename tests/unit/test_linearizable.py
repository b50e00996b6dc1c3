"""Linearizability: each anomaly by name with a twin that passes, the story in full, and every verdict's reasons."""

from __future__ import annotations

import re
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.checkers import Linearizable, Validity
from schrodinger.checkers.deed import deeds
from schrodinger.checkers.register_blocks import Touched, conflict
from tests.fakes.scripts import written

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from schrodinger.checkers import Verdict

STALE = """
    0 invoke write 41
    0 ok write 41
    1 invoke write 47
    1 ok write 47
    2 invoke read
    2 ok read 41
"""
OVERTAKEN = """
    0 invoke write 41
    0 ok write 41
    1 invoke write 47
    2 invoke read
    2 ok read 47
    3 invoke read
    3 ok read 41
    1 ok write 47
"""
GOLDEN = {
    "stale read": (STALE, STALE.replace("ok read 41", "ok read 47")),
    "nil after a write": (
        "0 invoke write 5\n 0 ok write 5\n 1 invoke read\n 1 ok read",
        "0 invoke write 5\n 1 invoke read\n 0 ok write 5\n 1 ok read",
    ),
    "a value nobody wrote": (
        "0 invoke write 5\n 0 ok write 5\n 1 invoke read\n 1 ok read 6",
        "0 invoke write 6\n 0 info write 6\n 1 invoke read\n 1 ok read 6",
    ),
    "a failed write": (
        "0 invoke write 5\n 0 fail write 5\n 1 invoke read\n 1 ok read 5",
        "0 invoke write 5\n 0 info write 5\n 1 invoke read\n 1 ok read 5",
    ),
    "a write to come": (
        "1 invoke read\n 1 ok read 5\n 0 invoke write 5\n 0 ok write 5",
        "1 invoke read\n 0 invoke write 5\n 1 ok read 5\n 0 ok write 5",
    ),
    "two compare-and-sets of one value": (
        "0 invoke write 1\n 0 ok write 1\n 0 invoke cas 1 2\n 1 invoke cas 1 3\n 0 ok cas 1 2\n 1 ok cas 1 3",
        "0 invoke write 1\n 0 ok write 1\n 0 invoke cas 1 2\n 1 invoke cas 2 3\n 0 ok cas 1 2\n 1 ok cas 2 3",
    ),
    "a compare-and-set of a value nobody wrote": (
        "0 invoke cas 1 2\n 0 ok cas 1 2",
        "1 invoke write 1\n 1 info write 1\n 0 invoke cas 1 2\n 0 ok cas 1 2",
    ),
    "a read overtaken by an earlier one": (OVERTAKEN, OVERTAKEN.replace("ok read 41", "ok read 47")),
    "an unknown write that happens twice": (
        "0 invoke write 1\n 0 info write 1\n 1 invoke read\n 1 ok read 1\n 2 invoke write 2\n 2 ok write 2\n"
        "1 invoke read\n 1 ok read 2\n 1 invoke read\n 1 ok read 1",
        "0 invoke write 1\n 0 info write 1\n 2 invoke write 2\n 2 ok write 2\n"
        "1 invoke read\n 1 ok read 2\n 1 invoke read\n 1 ok read 1",
    ),
    "an unknown compare-and-set undone": (
        "0 invoke write 1\n 0 ok write 1\n 1 invoke cas 1 2\n 1 info cas 1 2\n"
        "2 invoke read\n 2 ok read 2\n 2 invoke read\n 2 ok read 1",
        "0 invoke write 1\n 0 ok write 1\n 1 invoke cas 1 2\n 1 info cas 1 2\n"
        "2 invoke read\n 2 ok read 1\n 2 invoke read\n 2 ok read 2",
    ),
    "a stale read among repeated values": (
        "0 invoke write 1\n 0 ok write 1\n 0 invoke write 2\n 0 ok write 2\n 0 invoke write 1\n 0 ok write 1\n"
        "1 invoke read\n 1 ok read 2",
        "0 invoke write 1\n 0 ok write 1\n 0 invoke write 2\n 0 ok write 2\n 0 invoke write 1\n 0 ok write 1\n"
        "1 invoke read\n 1 ok read 1",
    ),
}
NAMES = {
    "stale read": "stale read",
    "nil after a write": "stale read",
    "a value nobody wrote": "read of a value never written",
    "a failed write": "read of a failed write",
    "a write to come": "read from the future",
    "two compare-and-sets of one value": "impossible compare-and-set",
    "a compare-and-set of a value nobody wrote": "impossible compare-and-set",
    "a read overtaken by an earlier one": "not linearizable",
    "an unknown write that happens twice": "not linearizable",
    "an unknown compare-and-set undone": "not linearizable",
    "a stale read among repeated values": "stale read",
}


def judged(path: Path, script: str, checker: Linearizable | None = None) -> Verdict:
    return (checker or Linearizable()).check(written(path / "history.arrow", script))


def timeless(lines: Iterable[str]) -> list[str]:
    return [re.sub(r"\d+\.\d{3} (s|ms)", r"T \1", line) for line in lines]


@pytest.mark.parametrize("name", GOLDEN)
def test_an_impossible_history_is_a_violation_with_its_name(tmp_path: Path, name: str) -> None:
    verdict = judged(tmp_path, GOLDEN[name][0])
    assert (verdict.validity, [anomaly.name for anomaly in verdict.anomalies]) == (Validity.VIOLATION, [NAMES[name]])


@pytest.mark.parametrize("name", GOLDEN)
def test_its_possible_twin_is_valid(tmp_path: Path, name: str) -> None:
    verdict = judged(tmp_path, GOLDEN[name][1])
    assert (verdict.validity, verdict.reasons) == (Validity.VALID, ())


def test_a_stale_read_is_told_from_the_write_to_the_guarantee(tmp_path: Path) -> None:
    verdict = judged(tmp_path, STALE)
    (anomaly,) = verdict.anomalies
    assert verdict.reasons == ("1 key is not linearizable: 1",)
    assert timeless([anomaly.summary]) == [
        "Key 1 read as 41 although the write of 47 had been acknowledged T ms before the read began."
    ]
    assert timeless(anomaly.story) == [
        "Process 0 began to write 41 to key 1 at T s and was acknowledged at T s.",
        "Process 1 began to write 47 to key 1 at T s and was acknowledged at T s.",
        "Process 2 began its read of key 1 at T s and got 41 at T s.",
        "In whatever order these took effect, key 1 holds 47 where process 2's read needs 41.",
        "What touched 41 is before what touched 47: process 0's write of 41 had ended when process 1's write of 47"
        " began.",
        "What touched 47 is before what touched 41: process 1's write of 47 had ended when process 2's read of 41"
        " began.",
        "What touched one value stands together in every order, so neither of the two can come first.",
        "Linearizability is broken: once 47 was acknowledged, no read that begins later may return what was there"
        " before.",
    ]
    assert [(operation.label, operation.role) for operation in anomaly.operations] == [
        ("write 1 ← 41", "wrote the value"),
        ("write 1 ← 47", "the write that was missed"),
        ("read 1 → 41", "stale read"),
    ]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            OVERTAKEN,
            [
                "41 is before what touched 47: process 0's write of 41 had ended when process 2's read of 47 began.",
                "47 is before what touched 41: process 2's read of 47 had ended when process 3's read of 41 began.",
            ],
        ),
        (
            GOLDEN["nil after a write"][0],
            [
                "nil is before what touched 5: key 1 held nil at first.",
                "5 is before what touched nil: process 0's write of 5 had ended when process 1's read of nil began.",
            ],
        ),
        (
            "0 invoke write 1\n 0 ok write 1\n 1 invoke cas 1 2\n 1 info cas 1 2\n 2 invoke write 7\n 2 ok write 7\n"
            "3 invoke read\n 3 ok read 2",
            [
                "1 or 2 is before what touched 7: process 0's write of 1 had ended when process 2's write of 7 began.",
                "7 is before what touched 1 or 2: process 2's write of 7 had ended when process 3's read of 2 began.",
            ],
        ),
    ],
)
def test_a_violation_is_told_by_two_blocks_and_what_forces_their_order_both_ways(
    tmp_path: Path, script: str, told: list[str]
) -> None:
    (anomaly,) = judged(tmp_path, script).anomalies
    both_ways = [line.removeprefix("What touched ") for line in anomaly.story if " is before what touched " in line]
    assert sorted(both_ways) == sorted(told)


@pytest.mark.parametrize(("last", "initial", "is_told"), [("1", "nil", False), ("2", "1", False), ("2", "nil", True)])
def test_where_a_value_is_written_twice_or_was_there_at_first_there_are_no_blocks(
    tmp_path: Path, last: str, initial: str, *, is_told: bool
) -> None:
    script = (
        f"0 invoke write 1\n 0 ok write 1\n 0 invoke write {last}\n 0 ok write {last}\n 1 invoke read\n 1 ok read 1"
    )
    first, second, read = deeds(written(tmp_path / "history.arrow", script).operations())
    touched = [Touched(first, None, "1"), Touched(second, None, last), Touched(read, "1", None)]
    assert (conflict(touched, initial) is not None) is is_told


@pytest.mark.parametrize("name", ["a value nobody wrote", "a write to come", "two compare-and-sets of one value"])
def test_what_is_wrong_within_one_block_is_not_told_by_two(tmp_path: Path, name: str) -> None:
    (anomaly,) = judged(tmp_path, GOLDEN[name][0]).anomalies
    assert not any("What touched" in line for line in anomaly.story)


def test_the_read_of_a_failed_write_shows_the_write_that_failed(tmp_path: Path) -> None:
    (anomaly,) = judged(tmp_path, GOLDEN["a failed write"][0]).anomalies
    assert timeless(anomaly.story) == [
        "Process 0 tried to write 5 to key 1 at T s; that failed at T s, so it never wrote 5 to key 1.",
        "Process 1 began its read of key 1 at T s and got 5 at T s.",
        "In whatever order these took effect, key 1 holds nil where process 1's read needs 5.",
        "Linearizability is broken: a read returns the value of a write that took effect before it.",
    ]
    assert [operation.outcome for operation in anomaly.operations] == ["fail", "ok"]


def test_only_what_is_needed_to_show_the_failure_is_told(tmp_path: Path) -> None:
    busy = "".join(f"9 invoke write {i}\n9 ok write {i}\n8 invoke read\n8 ok read {i}\n" for i in range(100, 200))
    (anomaly,) = judged(
        tmp_path, f"{busy}{STALE}{busy.replace('write 1', 'write 3').replace('read 1', 'read 3')}"
    ).anomalies
    assert [operation.label for operation in anomaly.operations] == ["write 1 ← 41", "write 1 ← 47", "read 1 → 41"]


def test_every_failing_key_is_counted_and_the_first_to_fail_is_told(tmp_path: Path) -> None:
    script = "".join(f"0 invoke read @{key}\n 0 ok read 1 @{key}\n" for key in range(130, 100, -1))
    verdict = judged(tmp_path, script)
    assert verdict.reasons[0].startswith("30 keys are not linearizable: 130, 129, 128,")
    assert verdict.reasons[0].endswith("112, 111 and 10 more")
    assert verdict.anomalies[0].operations[0].label == "read 130 → 1"
    assert verdict.statistics["failing_keys"] == 30


def test_a_register_starts_with_what_it_is_told_to(tmp_path: Path) -> None:
    script = "0 invoke read\n 0 ok read 7"
    assert judged(tmp_path, script, Linearizable(initial=7)).validity is Validity.VALID


@pytest.mark.parametrize(
    ("read", "name"),
    [("7", "stale read"), ("", "read of a value never written"), ("1", "read of a value never written")],
)
def test_what_a_register_held_at_first_may_be_stale_and_was_written_by_nobody(
    tmp_path: Path, read: str, name: str
) -> None:
    script = f"0 invoke write 9\n 0 ok write 9\n 1 invoke read\n 1 ok read {read}"
    assert [anomaly.name for anomaly in judged(tmp_path, script, Linearizable(initial=7)).anomalies] == [name]


def test_a_malformed_history_is_unknown_and_names_the_rows(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "0 invoke read\n 0 ok read 1 2\n 0 invoke cas 1\n 0 ok cas 1")
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == (
        "the history is malformed at row 1: a read returns one value or nil, not 2 values",
        "the history is malformed at row 2: a compare-and-set needs two values, the expected and the new; this has 1",
    )


def test_a_history_in_which_nothing_was_observed_is_unknown(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "0 invoke write 1\n 0 ok write 1\n 0 invoke read\n 0 fail read")
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == ("nothing was observed: no operation that tells something about the state completed ok",)


def test_an_exceeded_budget_is_unknown_and_says_how_far_it_got(tmp_path: Path) -> None:
    script = "".join(
        f"0 invoke write {i % 2}\n 0 ok write {i % 2}\n 1 invoke read\n 1 ok read {i % 2}\n" for i in range(50)
    )
    verdict = judged(tmp_path, script, Linearizable(max_steps=25))
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == ("1 key is undecided within 25 steps; of key 1, 50% can be linearized, up to row 100",)


EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 3), st.integers(1, 3)), max_size=14)


def scripted(
    draws: list[tuple[int, int, int, int]],
) -> tuple[str, list[tuple[float, float, str, tuple[int | None, ...]]]]:
    """A random script, and its operations as (call, return, f, values) without those that did not happen."""
    lines: list[str] = []
    open_: dict[int, tuple[int, str, tuple[int, ...]]] = {}
    operations: list[tuple[float, float, str, tuple[int | None, ...]]] = []
    retired = 0
    for process, choice, a, b in draws:
        who = process + 10 * retired
        row = len(lines)
        if who not in open_:
            f, values = [("read", ()), ("write", (a,)), ("cas", (a, b))][choice % 3]
            open_[who] = (row, f, values)
            lines.append(f"{who} invoke {f} {' '.join(map(str, values))}")
            continue
        call, f, values = open_.pop(who)
        outcome = "info" if choice == 9 else "fail" if choice == 8 else "ok"
        seen: tuple[int | None, ...] = values
        if f == "read":
            seen = (None,) if choice == 7 else (a,)
        shown = "" if outcome != "ok" or seen == (None,) else " ".join(map(str, seen))
        lines.append(f"{who} {outcome} {f} {shown}")
        if outcome == "ok":
            operations.append((call, row, f, seen))
        elif outcome == "info" and f != "read":
            operations.append((call, float("inf"), f, seen))
    operations += [(call, float("inf"), f, values) for call, f, values in open_.values() if f != "read"]
    return "\n".join(lines), operations


def is_explicable(operations: list[tuple[float, float, str, tuple[int | None, ...]]]) -> bool:
    """By definition: some order that respects real time, of all that returned and some of the rest, fits a register."""
    required = {index for index, operation in enumerate(operations) if operation[1] < float("inf")}
    for size in range(len(required), len(operations) + 1):
        for order in permutations(range(len(operations)), size):
            if required <= set(order) and _respects_time(operations, order) and _fits(operations, order):
                return True
    return False


def _respects_time(operations: list[tuple[float, float, str, tuple[int | None, ...]]], order: tuple[int, ...]) -> bool:
    return all(
        operations[later][1] > operations[earlier][0]
        for position, earlier in enumerate(order)
        for later in order[position + 1 :]
    )


def _fits(operations: list[tuple[float, float, str, tuple[int | None, ...]]], order: tuple[int, ...]) -> bool:
    value: int | None = None
    for index in order:
        _, _, f, values = operations[index]
        if f != "write" and value != values[0]:
            return False
        value = values[-1]
    return True


@given(EVENTS)
def test_the_verdict_on_any_small_history_is_the_definitions(
    tmp_path_factory: pytest.TempPathFactory, draws: list[tuple[int, int, int, int]]
) -> None:
    script, operations = scripted(draws)
    verdict = judged(tmp_path_factory.mktemp("history"), script)
    observed = any(end < float("inf") and f != "write" for _, end, f, _ in operations)
    expected = Validity.VIOLATION if not is_explicable(operations) else Validity.VALID if observed else Validity.UNKNOWN
    assert verdict.validity is expected, f"\n{script}\n{verdict.reasons}"
