"""Every native model: the textbook's cases by name, each with a twin that passes, and the story that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from schrodinger_native import linearizable_models

from schrodinger.checkers import Linearizable, Validity
from schrodinger.checkers.catalogue import CheckerChoice, named, suitable
from schrodinger.checkers.object_story import OBJECTS
from tests.fakes.scripts import recorded

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.checkers import Verdict

# Each by its source: what is impossible, and the nearest that is possible.
CASES = {
    "herlihy-wing H2: a queue in which the second to go in comes out first": (
        "fifo-queue",
        "0 invoke enqueue 1\n 0 ok enqueue 1\n 1 invoke enqueue 2\n 1 ok enqueue 2\n 0 invoke dequeue\n 0 ok dequeue 2",
        "0 invoke enqueue 1\n 1 invoke enqueue 2\n 0 ok enqueue 1\n 1 ok enqueue 2\n 0 invoke dequeue\n 0 ok dequeue 2",
    ),
    "herlihy-wing H4: an element that comes out twice": (
        "fifo-queue",
        "0 invoke enqueue 1\n 0 ok enqueue 1\n 0 invoke dequeue\n 1 invoke dequeue\n 0 ok dequeue 1\n 1 ok dequeue 1",
        "0 invoke enqueue 1\n 1 invoke dequeue\n 1 ok dequeue 1\n 2 invoke enqueue 1\n 3 invoke dequeue\n"
        "3 ok dequeue 1",
    ),
    "knossos: an unordered queue gives only what it got": (
        "unordered-queue",
        "0 invoke enqueue 1\n 0 ok enqueue 1\n 1 invoke dequeue\n 1 ok dequeue 2",
        "0 invoke enqueue 1\n 0 ok enqueue 1\n 0 invoke enqueue 2\n 0 ok enqueue 2\n 1 invoke dequeue\n 1 ok dequeue 2",
    ),
    "an unordered queue that was found empty": (
        "unordered-queue",
        "0 invoke enqueue 1\n 0 ok enqueue 1\n 1 invoke dequeue\n 1 ok dequeue",
        "0 invoke enqueue 1\n 0 ok enqueue 1\n 2 invoke dequeue\n 2 info dequeue\n 1 invoke dequeue\n 1 ok dequeue",
    ),
    "lee-mathur: a priority queue in which something smaller had been put in before": (
        "priority-queue",
        "0 invoke enqueue 2\n 0 ok enqueue 2\n 0 invoke enqueue 1\n 0 ok enqueue 1\n 1 invoke dequeue\n 1 ok dequeue 2",
        "0 invoke enqueue 2\n 0 ok enqueue 2\n 0 invoke enqueue 1\n 1 invoke dequeue\n 1 ok dequeue 2\n 0 ok enqueue 1",
    ),
    "knossos: a mutex acquired twice": (
        "mutex",
        "0 invoke acquire\n 0 ok acquire\n 1 invoke acquire\n 1 ok acquire",
        "0 invoke acquire\n 0 ok acquire\n 2 invoke release\n 2 info release\n 1 invoke acquire\n 1 ok acquire",
    ),
    "knossos: a mutex released before it was acquired": (
        "mutex",
        "0 invoke release\n 0 ok release",
        "1 invoke acquire\n 1 info acquire\n 0 invoke release\n 0 ok release",
    ),
    "hazelcast: a lock released by another than its owner": (
        "owner-aware-mutex",
        "0 invoke acquire\n 0 ok acquire\n 1 invoke release\n 1 ok release",
        "0 invoke acquire 5\n 0 ok acquire 5\n 1 invoke release 5\n 1 ok release 5",
    ),
    "hazelcast: a reentrant lock given back once too few": (
        "reentrant-mutex",
        "0 invoke acquire\n 0 ok acquire\n 0 invoke acquire\n 0 ok acquire\n 0 invoke release\n 0 ok release\n"
        "1 invoke acquire\n 1 ok acquire",
        "0 invoke acquire\n 0 ok acquire\n 0 invoke acquire\n 0 ok acquire\n 0 invoke release\n 0 ok release\n"
        "0 invoke release\n 0 ok release\n 1 invoke acquire\n 1 ok acquire",
    ),
    "hazelcast: a fencing token that does not grow": (
        "fenced-mutex",
        "0 invoke acquire\n 0 ok acquire 3\n 0 invoke release\n 0 ok release\n 1 invoke acquire\n 1 ok acquire 3",
        "0 invoke acquire\n 0 ok acquire 3\n 0 invoke release\n 0 ok release\n 1 invoke acquire\n 1 ok acquire 4",
    ),
    "a fencing token without room for the one that nobody knows": (
        "fenced-mutex",
        "0 invoke acquire\n 0 ok acquire 3\n 0 invoke release\n 0 ok release\n 1 invoke acquire 1\n 1 info acquire\n"
        "2 invoke release 1\n 2 ok release 1\n 3 invoke acquire\n 3 ok acquire 4",
        "0 invoke acquire\n 0 ok acquire 3\n 0 invoke release\n 0 ok release\n 1 invoke acquire 1\n 1 info acquire\n"
        "2 invoke release 1\n 2 ok release 1\n 3 invoke acquire\n 3 ok acquire 5",
    ),
    "hazelcast: a reentrant hold with two tokens": (
        "reentrant-fenced-mutex",
        "0 invoke acquire\n 0 ok acquire 3\n 0 invoke acquire\n 0 ok acquire 4",
        "0 invoke acquire\n 0 ok acquire 3\n 0 invoke acquire\n 0 ok acquire 3",
    ),
    "a stack from which the first to go in comes out first": (
        "stack",
        "0 invoke push 1\n 0 ok push 1\n 0 invoke push 2\n 0 ok push 2\n 0 invoke pop\n 0 ok pop 1",
        "0 invoke push 1\n 0 ok push 1\n 0 invoke push 2\n 0 ok push 2\n 1 invoke pop\n 1 info pop\n 0 invoke pop\n"
        "0 ok pop 1",
    ),
    "porcupine: a set that lost an element": (
        "set",
        "0 invoke add 100\n 0 ok add 100\n 1 invoke add 5\n 1 ok add 5\n 2 invoke read-all\n 2 ok read-all 5",
        "0 invoke add 100\n 1 invoke add 5\n 1 ok add 5\n 2 invoke read-all\n 2 ok read-all 5\n 0 ok add 100",
    ),
    "a set that gained an element which was there": (
        "set",
        "0 invoke add 5\n 0 ok add 5 1\n 1 invoke add 5\n 1 ok add 5 1",
        "0 invoke add 5\n 0 ok add 5 1\n 1 invoke add 5\n 1 ok add 5 0",
    ),
    "a set without what nobody removed": (
        "set",
        "0 invoke add 5\n 0 ok add 5\n 1 invoke contains 5\n 1 ok contains 5 0",
        "0 invoke add 5\n 0 ok add 5\n 2 invoke remove 5\n 2 info remove 5\n 1 invoke contains 5\n 1 ok contains 5 0",
    ),
    "a counter that missed an addition": (
        "counter",
        "0 invoke increment\n 0 ok increment\n 1 invoke add 5\n 1 ok add 5\n 2 invoke read\n 2 ok read 5",
        "0 invoke increment\n 0 ok increment\n 1 invoke add 5\n 1 ok add 5\n 2 invoke decrement\n 2 info decrement\n"
        "3 invoke read\n 3 ok read 5",
    ),
    "knossos: a multi-register that shows half a transaction": (
        "multi-register",
        "0 invoke txn 2 1 1 7 2 2 1 7\n 0 ok txn 2 1 1 7 2 2 1 7\n1 invoke txn 0 1 -1 0 2 -1\n 1 ok txn 0 1 1 7 0 2 0",
        "0 invoke txn 2 1 1 7 2 2 1 7\n 0 info txn\n 1 invoke txn 0 1 -1 0 2 -1\n 1 ok txn 0 1 1 7 0 2 1 7",
    ),
    "porcupine: a store that forgets": (
        "key-value",
        "0 invoke put 7 @1\n 0 ok put 7 @1\n 1 invoke get @1\n 1 ok get @1",
        "0 invoke put 7 @1\n 0 ok put 7 @1\n 1 invoke get @2\n 1 ok get @2",
    ),
    "porcupine: a register read as it was before a write that another had read": (
        "register",
        "0 invoke write 200 @0\n 1 invoke read @0\n 1 ok read 200 @0\n 2 invoke read @0\n 2 ok read @0\n"
        "0 ok write 200 @0",
        "0 invoke write 100 @0\n 1 invoke read @0\n 2 invoke read @0\n 2 ok read @0\n 1 ok read 100 @0\n"
        "0 ok write 100 @0",
    ),
    "jepsen: a compare-and-set of what is not there": (
        "cas-register",
        "0 invoke write 1 @0\n 0 ok write 1 @0\n 1 invoke cas 2 3 @0\n 1 ok cas 2 3 @0",
        "0 invoke write 1 @0\n 0 ok write 1 @0\n 1 invoke cas 2 3 @0\n 1 fail cas 2 3 @0\n 1 invoke read @0\n"
        "1 ok read 1 @0",
    ),
}


def judged(path: Path, model: str, script: str) -> Verdict:
    return Linearizable(model=model).check(recorded(path / "history.arrow", script))


@pytest.mark.parametrize("name", CASES)
def test_an_impossible_history_is_a_violation(tmp_path: Path, name: str) -> None:
    model, impossible, _ = CASES[name]
    verdict = judged(tmp_path, model, impossible)
    assert verdict.validity is Validity.VIOLATION
    assert len(verdict.anomalies[0].operations) > 0


@pytest.mark.parametrize("name", CASES)
def test_its_possible_twin_is_valid(tmp_path: Path, name: str) -> None:
    model, _, possible = CASES[name]
    verdict = judged(tmp_path, model, possible)
    assert (verdict.validity, verdict.reasons) == (Validity.VALID, ())


def test_every_model_has_a_case_and_a_word_for_its_objects() -> None:
    assert {model for model, *_ in CASES.values()} == set(linearizable_models())
    assert set(OBJECTS) | {"register", "cas-register"} == set(linearizable_models())


def test_a_queue_is_told_by_what_it_held_and_who_was_stuck(tmp_path: Path) -> None:
    script = CASES["herlihy-wing H2: a queue in which the second to go in comes out first"][1]
    busy = "5 invoke enqueue 9\n5 ok enqueue 9\n6 invoke dequeue\n6 ok dequeue 9\n" * 90
    (anomaly,) = judged(tmp_path, "fifo-queue", f"{busy}\n{script}").anomalies
    assert anomaly.name == "impossible dequeue"
    assert anomaly.summary == "No order of 3 operations on the queue explains what they returned."
    assert [operation.label for operation in anomaly.operations] == ["enqueue 1", "enqueue 2", "dequeue → 2"]
    assert anomaly.story[0] == (
        "If there were an order of all operations, there would be one that begins with 180 others, after which nothing"
        " is left inside. These could not follow."
    )
    assert anomaly.story[-2] == (
        "In whatever order these took effect, the queue is [1, 2] after process 1's enqueue: process 0's dequeue of 2"
        " can't go there."
    )


def test_a_dequeue_of_what_others_had_taken_out_is_told_alone(tmp_path: Path) -> None:
    twice = "1 invoke enqueue 4\n1 ok enqueue 4\n2 invoke dequeue\n2 ok dequeue 4\n" * 2
    (anomaly,) = judged(tmp_path, "fifo-queue", f"{twice}\n3 invoke dequeue\n3 ok dequeue 4").anomalies
    assert anomaly.summary == "One operation on the queue can't have returned what it did."
    assert [operation.label for operation in anomaly.operations] == ["dequeue → 4"]
    assert "begins with 4 others" in anomaly.story[0]
    assert anomaly.story[-2] == (
        "In whatever order these took effect, the queue is []: process 3's dequeue of 4 can't go there."
    )


def test_an_element_of_a_set_is_told_as_there_or_not(tmp_path: Path) -> None:
    twice = "0 invoke add 5\n 0 ok add 5\n" * 2
    (anomaly,) = judged(tmp_path, "set", f"{twice} 1 invoke contains 5\n 1 ok contains 5 0").anomalies
    assert anomaly.story[-2] == (
        "In whatever order these took effect, element 5 of the set is there after process 0's add: process 1's"
        " contains 5 can't go there."
    )


def test_keys_and_elements_that_are_independent_are_objects_of_their_own(tmp_path: Path) -> None:
    adds = "".join(f"0 invoke add {e} @{e % 2}\n 0 ok add {e} @{e % 2}\n" for e in range(10))
    looks = "".join(f"0 invoke contains {e} @{e % 2}\n 0 ok contains {e} {int(e != 4)} @{e % 2}\n" for e in range(10))
    verdict = judged(tmp_path, "set", adds + looks)
    assert (verdict.statistics["keys"], verdict.statistics["objects"]) == (2, 10)
    assert verdict.reasons == ("1 key is not linearizable: 0",)
    assert verdict.anomalies[0].summary.startswith("Element 4 of the set 0 was there by")


def test_keys_that_no_transaction_connects_are_checked_by_themselves(tmp_path: Path) -> None:
    script = (
        "0 invoke put 1 @5\n 0 ok put 1 @5\n 0 invoke put 1 @6\n 0 ok put 1 @6\n 0 invoke put 1 @7\n 0 ok put 1 @7\n"
        "0 invoke txn 0 6 -1 0 7 -1\n 0 ok txn 0 6 1 1 0 7 1 1\n 0 invoke get @5\n 0 ok get 2 @5"
    )
    verdict = judged(tmp_path, "key-value", script)
    assert (verdict.statistics["objects"], verdict.statistics["algorithms"]) == (
        2,
        {"zones": 1, "intervals": 0, "search": 1},
    )
    assert verdict.reasons == ("1 key is not linearizable: 5",)


def test_a_transaction_of_a_store_is_told_by_its_steps(tmp_path: Path) -> None:
    script = "0 invoke txn 2 1 1 7\n 0 ok txn 2 1 1 7\n 1 invoke txn 0 1 -1 0 2 -1\n 1 ok txn 0 1 1 8 0 2 0"
    story = "\n".join(judged(tmp_path, "multi-register", script).anomalies[0].story)
    assert "Process 0 began to write 1 ← 7 at " in story
    assert "Process 1 began to read 1, read 2 at " in story
    assert " and got read 1 → [8], read 2 → [] at " in story
    assert "process 1's read 1, read 2 can't go there" in story


def test_a_function_that_the_model_does_not_have_is_named_with_those_it_has(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "stack", "0 invoke enqueue 1\n 0 ok enqueue 1")
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == (
        'the history is malformed at row 0: the model stack has no function "enqueue"; it has push, pop',
    )


def test_an_exceeded_budget_is_unknown_and_says_how_far_it_got(tmp_path: Path) -> None:
    script = "".join("0 invoke enqueue 1\n 0 ok enqueue 1\n 1 invoke dequeue\n 1 ok dequeue 1\n" for _ in range(50))
    history = recorded(tmp_path / "history.arrow", script)
    verdict = Linearizable(model="fifo-queue", max_steps=50).check(history)
    assert verdict.validity is Validity.UNKNOWN
    assert verdict.reasons == ("undecided within 50 steps; 51% can be linearized, up to row 103",)


@pytest.mark.parametrize(
    ("functions", "model"),
    [
        ({"acquire", "release"}, "mutex"),
        ({"enqueue", "dequeue"}, "fifo-queue"),
        ({"push", "pop"}, "stack"),
        ({"add", "remove", "read"}, "set"),
        ({"add", "increment", "read"}, "counter"),
        ({"get", "put"}, "key-value"),
        ({"txn"}, "multi-register"),
        ({"read", "write"}, "cas-register"),
    ],
)
def test_the_functions_of_a_history_suggest_a_model(functions: set[str], model: str) -> None:
    checker = named("linearizable", CheckerChoice(), functions)
    assert isinstance(checker, Linearizable)
    assert checker.model == model


def test_where_two_models_suit_the_user_is_asked() -> None:
    with pytest.raises(ValueError, match="say which with --model counter or --model set"):
        named("linearizable", CheckerChoice(), {"add", "read"})


@pytest.mark.parametrize("functions", [{"push"}, {"add", "remove"}, {"get", "put", "txn"}])
def test_objects_with_no_checker_of_their_own_are_judged_by_linearizability(functions: set[str]) -> None:
    assert isinstance(suitable(functions, CheckerChoice()), Linearizable)


def test_an_unknown_model_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(ValueError, match="no model is called 'fifo-queu': take one of fifo-queue"):
        named("linearizable", CheckerChoice(model="fifo-queu"), ())
