"""Jepsen's published examples of its checkers, by name, written anew as histories of its kind, with its verdicts.

Where ours is another, the example says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import Validity
from schrodinger.checkers.catalogue import CheckerChoice, named
from schrodinger.history.formats import open_history
from tests.fakes.shorthand import edn

if TYPE_CHECKING:
    from pathlib import Path

VALID, VIOLATION, UNKNOWN = Validity.VALID, Validity.VIOLATION, Validity.UNKNOWN

# name of the example, checker, events as "process type function value; …", verdict, names of the anomalies
EXAMPLES = [
    (
        "stats",
        "stats",
        "0 invoke foo 1; 0 ok foo 1; 1 invoke bar 1; 1 fail bar 1",
        UNKNOWN,
        set(),
    ),
    # Of an enqueue alone nothing is proven.
    (
        "queue: possible enqueue but no dequeue",
        "queue",
        "1 invoke enqueue 1",
        UNKNOWN,
        set(),
    ),
    (
        "queue: concurrent enqueue and dequeue",
        "queue",
        "2 invoke dequeue nil; 1 invoke enqueue 1; 2 ok dequeue 1",
        VALID,
        set(),
    ),
    (
        "queue: dequeue but no enqueue",
        "queue",
        "1 invoke dequeue nil; 1 ok dequeue 1",
        VIOLATION,
        {"unexpected"},
    ),
    (
        "total-queue: sane",
        "total-queue",
        "1 invoke enqueue 1; 2 invoke enqueue 2; 2 ok enqueue 2; 3 invoke dequeue nil; 3 ok dequeue 1; "
        "3 invoke dequeue nil; 3 ok dequeue 2",
        VALID,
        set(),
    ),
    # The enqueued one is no loss of ours: nobody saw the queue empty.
    (
        "total-queue: pathological",
        "total-queue",
        "1 invoke enqueue :hung; 2 invoke enqueue :enqueued; 2 ok enqueue :enqueued; 3 invoke enqueue :dup; "
        "3 ok enqueue :dup; 4 invoke dequeue nil; 5 invoke dequeue nil; 5 ok dequeue :wtf; "
        "6 invoke dequeue nil; 6 ok dequeue :dup; 7 invoke dequeue nil; 7 ok dequeue :dup",
        VIOLATION,
        {"unexpected", "duplicated"},
    ),
    (
        "counter: initial read",
        "counter",
        "0 invoke read nil; 0 ok read 0",
        VALID,
        set(),
    ),
    (
        "counter: ignore failed ops",
        "counter",
        "0 invoke add 1; 0 fail add 1; 0 invoke read nil; 0 ok read 0",
        VALID,
        set(),
    ),
    (
        "counter: initial invalid read",
        "counter",
        "0 invoke read nil; 0 ok read 1; 0 invoke add 1; 0 ok add 1",
        VIOLATION,
        {"impossible-count"},
    ),
    (
        "counter: interleaved concurrent reads and writes",
        "counter",
        "0 invoke read nil; 1 invoke add 1; 2 invoke read nil; 3 invoke add 2; 4 invoke read nil; "
        "5 invoke add 4; 6 invoke read nil; 7 invoke add 8; 8 invoke read nil; 0 ok read 6; 1 ok add 1; "
        "2 ok read 0; 3 ok add 2; 4 ok read 3; 5 ok add 4; 6 ok read 100; 7 ok add 8; 8 ok read 15",
        VIOLATION,
        {"impossible-count"},
    ),
    (
        "counter: rolling reads and writes",
        "counter",
        "0 invoke read nil; 1 invoke add 1; 0 ok read 0; 0 invoke read nil; 1 ok add 1; 1 invoke add 2; "
        "0 ok read 3; 0 invoke read nil; 1 ok add 2; 0 ok read 5",
        VIOLATION,
        {"impossible-count"},
    ),
    (
        "set: lost, unexpected and recovered",
        "set",
        "0 invoke add 1; 0 ok add 1; 1 invoke add 2; 1 info add 2; 2 invoke read nil; 2 ok read #{2 9}",
        VIOLATION,
        {"lost", "unexpected"},
    ),
    # Jepsen reads keys that nobody is seen to write; that is told as well.
    (
        "long-fork: checker",
        "long-fork",
        "0 invoke read [[:r 0 nil] [:r 1 nil] [:r 2 nil]]; 1 invoke read [[:r 2 nil] [:r 0 nil] [:r 1 nil]]; "
        "0 ok read [[:r 0 1] [:r 1 1] [:r 2 nil]]; 1 ok read [[:r 2 1] [:r 0 1] [:r 1 nil]]",
        VIOLATION,
        {"long-fork", "unexpected"},
    ),
    (
        "bank: wrong total",
        "bank",
        "0 invoke transfer {:from 0 :to 1 :amount 5}; 0 ok transfer {:from 0 :to 1 :amount 5}; "
        "0 invoke read nil; 0 ok read {0 10, 1 0}; 0 invoke read nil; 0 ok read {0 5, 1 0}",
        VIOLATION,
        {"wrong-total"},
    ),
    (
        "kafka: inconsistent offsets in a real-world example",
        "log",
        "379 invoke send [[:send 11 641]]; 379 ok send [[:send 11 [537 641]]]; "
        "363 invoke send [[:send 11 645]]; 363 ok send [[:send 11 [537 645]]]",
        VIOLATION,
        {"inconsistent-offsets"},
    ),
    (
        "kafka: lost write, consistent",
        "log",
        "0 invoke send [[:send :x :a]]; 0 ok send [[:send :x [0 :a]]]; "
        "0 invoke send [[:send :x :b] [:send :x :d]]; 0 ok send [[:send :x [1 :b]] [:send :x [3 :d]]]; "
        "1 invoke send [[:send :x :c]]; 1 info send [[:send :x :c]]; 0 invoke poll [[:poll]]; "
        "0 ok poll [[:poll {:x [[2 :c]]}]]",
        VIOLATION,
        {"lost-write"},
    ),
    (
        "kafka: duplicate, aborted txns",
        "log",
        "0 invoke send [[:send :x 0]]; 0 ok send [[:send :x [1 0]]]; 0 invoke send [[:send :x 1]]; "
        "0 fail send [[:send :x [2 1]]]; 1 invoke poll [[:poll]]; 1 fail poll [[:poll {:x [[11 0] [12 1]]}]]",
        VIOLATION,
        {"duplicate"},
    ),
    (
        "kafka: its twin, where who failed saw the message where it is",
        "log",
        "0 invoke send [[:send :x 0]]; 0 ok send [[:send :x [1 0]]]; 1 invoke poll [[:poll]]; "
        "1 fail poll [[:poll {:x [[1 0]]}]]; 1 invoke poll [[:poll]]; 1 ok poll [[:poll {:x [[1 0]]}]]",
        VALID,
        set(),
    ),
    # Jepsen rewinds whoever fails, and calls it a skip; what only they saw is lost by either.
    (
        "kafka: an abort that doesn't roll back",
        "log",
        "0 invoke send [[:send :x 0] [:send :x 1] [:send :x 2]]; "
        "0 ok send [[:send :x [0 0]] [:send :x [1 1]] [:send :x [2 2]]]; 1 invoke txn [[:poll]]; "
        "1 ok txn [[:poll {:x [[0 0]]}]]; 1 invoke txn [[:poll]]; 1 fail txn [[:poll {:x [[1 1]]}]]; "
        "1 invoke txn [[:poll]]; 1 ok txn [[:poll {:x [[2 2]]}]]",
        VIOLATION,
        {"lost-write"},
    ),
    # In Jepsen a process that subscribes elsewhere may send backwards; here nobody's later send is put before.
    (
        "kafka: nonmonotonic send with intermediate subscribe",
        "log",
        "0 invoke send [[:send :x :d]]; 0 ok send [[:send :x [4 :d]]]; 0 invoke subscribe [:y]; 0 ok subscribe [:y]; "
        "0 invoke send [[:send :x :a]]; 0 ok send [[:send :x [1 :a]]]",
        VIOLATION,
        {"nonmonotonic-send"},
    ),
    # Who never called assign may have been moved: Jepsen calls this nonmonotonic-poll.
    (
        "kafka: nonmonotonic poll of whom nobody assigned",
        "log",
        "0 invoke send [[:send :x :a] [:send :x :b]]; 0 ok send [[:send :x [1 :a]] [:send :x [2 :b]]]; "
        "0 invoke poll [[:poll]]; 0 ok poll [[:poll {:x [[1 :a] [2 :b]]}]]; 0 invoke poll [[:poll]]; "
        "0 ok poll [[:poll {:x [[1 :a] [2 :b]]}]]",
        VALID,
        set(),
    ),
    (
        "kafka: nonmonotonic poll of whom somebody assigned",
        "log",
        "0 invoke send [[:send :x :a] [:send :x :b]]; 0 ok send [[:send :x [1 :a]] [:send :x [2 :b]]]; "
        "0 invoke assign [:x]; 0 ok assign [:x]; 0 invoke poll [[:poll]]; "
        "0 ok poll [[:poll {:x [[1 :a] [2 :b]]}]]; 0 invoke poll [[:poll]]; 0 ok poll [[:poll {:x [[1 :a] [2 :b]]}]]",
        VIOLATION,
        {"nonmonotonic-poll"},
    ),
    # Jepsen is content that it was seen; here nobody looked for it once it was acknowledged.
    (
        "set-full: concurrent read before",
        "set-full",
        "1 invoke read nil; 0 invoke add 0; 1 ok read #{0}; 0 ok add 0",
        UNKNOWN,
        set(),
    ),
    # Both miss a read. Jepsen calls 0 lost, since a read that began later missed it; here one that ended later had it.
    (
        "set-full: write, flutter, stable/lost",
        "set-full",
        "0 invoke add 0; 0 ok add 0; 1 invoke add 1; 2 invoke read nil; 2 ok read #{1}; 1 ok add 1; "
        "2 invoke read nil; 3 invoke read nil; 3 ok read #{1}; 2 ok read #{0}",
        VIOLATION,
        {"stale read"},
    ),
    (
        "set-full: write, present, missing",
        "set-full",
        "0 invoke add 0; 1 invoke add 1; 2 invoke read nil; 2 ok read #{1}; 0 ok add 0; 1 ok add 1; "
        "2 invoke read nil; 2 ok read #{0 1}; 2 invoke read nil; 2 ok read #{0}; 2 invoke read nil; 2 ok read #{}",
        VIOLATION,
        {"lost element"},
    ),
    # Knossos' data: a cas that crashed, a write that failed, and reads that neither explains.
    (
        "knossos: cas-failure",
        "linearizable",
        "78 invoke write 0; 78 ok write 0; 77 invoke cas [1 1]; 76 invoke write 2; 74 invoke read nil; 76 ok write 2; "
        "74 ok read 0; 77 info cas [1 1]; 70 invoke read nil; 70 ok read 0",
        VIOLATION,
        {"stale read"},
    ),
    (
        "knossos: rethink-fail-smaller",
        "linearizable",
        "68 invoke write 0; 68 ok write 0; 62 invoke cas [3 4]; 67 invoke write 1; 62 info cas [3 4]; "
        "67 info write 1; 5 invoke write 3; 12 invoke read nil; 12 ok read 3; 5 fail write 3",
        VIOLATION,
        {"read of a failed write"},
    ),
    (
        "knossos: its twin, where nobody knows about that write",
        "linearizable",
        "68 invoke write 0; 68 ok write 0; 62 invoke cas [3 4]; 67 invoke write 1; 62 info cas [3 4]; "
        "67 info write 1; 5 invoke write 3; 12 invoke read nil; 12 ok read 3; 5 info write 3",
        VALID,
        set(),
    ),
]


@pytest.mark.parametrize(
    ("checker", "events", "validity", "anomalies"), [case[1:] for case in EXAMPLES], ids=[case[0] for case in EXAMPLES]
)
def test_examples_of_jepsen_get_their_verdict(
    tmp_path: Path, checker: str, events: str, validity: Validity, anomalies: set[str]
) -> None:
    (tmp_path / "history.edn").write_text(edn(events))
    history = open_history(tmp_path / "history.edn")
    verdict = named(checker, CheckerChoice(), history.functions).check(history)
    assert (verdict.validity, {anomaly.name for anomaly in verdict.anomalies}) == (validity, anomalies), verdict
