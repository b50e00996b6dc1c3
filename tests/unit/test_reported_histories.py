"""Histories like those of which users of other checkers said that the verdict was wrong: each with the right one.

The trackers are those of Elle, elle-cli, Maelstrom, Jepsen, Knossos, Hedgehog and others; the histories are written
anew, as small as they show it. Where the report itself was mistaken, the verdict says so too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from schrodinger.cli import main
from tests.fakes.shorthand import edn

if TYPE_CHECKING:
    from pathlib import Path

SWAPPED = (
    "1 invoke txn [[:r 7 nil]]; 1 ok txn [[:r 7 nil]]; 2 invoke txn [[:r 7 nil]]; 2 ok txn [[:r 7 nil]]; "
    "1 invoke txn [[:w 7 1]]; 1 ok txn [[:w 7 1]]; 2 invoke txn [[:w 7 2]]; 2 ok txn [[:w 7 2]]; "
    "1 invoke txn [[:r 7 nil]]; 1 ok txn [[:r 7 2]]; 2 invoke txn [[:r 7 nil]]; 2 ok txn [[:r 7 1]]"
)
MISSED_OWN = (
    "0 invoke txn [[:append 1 1]]; 0 ok txn [[:append 1 1]]; 0 invoke txn [[:r 1 nil]]; 0 ok txn [[:r 1 []]]; "
    "1 invoke txn [[:r 1 nil]]; 1 ok txn [[:r 1 [1]]]"
)
TORN = (
    "3 invoke txn [[:r 0 nil] [:w 0 10] [:w 0 11]]; 2 invoke txn [[:w 0 1] [:r 0 nil] [:w 0 2]]; "
    "3 ok txn [[:r 0 1] [:w 0 10] [:w 0 11]]; 2 ok txn [[:w 0 1] [:r 0 10] [:w 0 2]]"
)

# who reported it, the options of the check, events as "process type function value; …", validity, anomalies
REPORTS: list[tuple[str, str, str, str, set[str]]] = [
    (
        "elle 21: a cycle of reads and the order of a process",
        "--consistency strong-session-snapshot-isolation",
        "1 invoke txn [[:r 1 nil] [:append 2 1]]; 1 ok txn [[:r 1 [1]] [:append 2 1]]; 2 invoke txn [[:r 2 nil]]; "
        "2 ok txn [[:r 2 [1]]]; 2 invoke txn [[:append 1 1]]; 2 ok txn [[:append 1 1]]",
        "violation",
        {"G1c-process"},
    ),
    (
        "elle 21: a transaction reads what it appends later",
        "--consistency read-committed",
        "1 invoke txn [[:r 1 nil] [:append 1 1]]; 1 ok txn [[:r 1 [1]] [:append 1 1]]",
        "violation",
        {"future-read"},
    ),
    (
        "elle 19: the example of the handbook, without invocations",
        "--consistency serializable",
        "0 ok txn [[:append 1 1] [:r 2 [1]]]; 1 ok txn [[:append 1 2] [:append 2 1]]; 2 ok txn [[:r 1 [1 2]]]",
        "violation",
        {"G1c"},
    ),
    (
        "elle 20: the example of the paper",
        "--consistency serializable",
        "0 ok txn [[:append 1 1] [:append 1 2] [:append 2 5] [:append 3 7] [:append 3 8]]; "
        "1 ok txn [[:append 2 6] [:r 1 [1 2]]]; 2 ok txn [[:append 3 9] [:r 2 [5 6]] [:r 3 [7 8 9]] [:r 1 [1 2]]]; "
        "3 ok txn [[:r 1 [1 2]] [:r 2 [5]] [:append 3 10]]; 4 ok txn [[:r 3 [7 8 9 10]]]",
        "violation",
        {"G-single-item"},
    ),
    (
        "elle 25: consistent view knows no processes",
        "--consistency consistent-view",
        MISSED_OWN,
        "valid",
        set(),
    ),
    (
        "elle 25: a model with sessions does",
        "--consistency strong-session-snapshot-isolation",
        MISSED_OWN,
        "violation",
        {"G-single-item-process"},
    ),
    (
        "elle 28: what was read before it was written is no lost update",
        "--consistency serializable",
        "0 invoke txn [[:r 1 nil] [:w 1 2]]; 1 invoke txn [[:r 1 nil] [:w 1 3]]; 0 ok txn [[:r 1 2] [:w 1 2]]; "
        "1 ok txn [[:r 1 2] [:w 1 3]]",
        "violation",
        {"future-read"},
    ),
    (
        "elle 30: versions that the database told, where nothing else orders them",
        "--consistency serializable",
        "0 invoke txn [[:w 1 10]]; 1 invoke txn [[:w 1 11] [:w 2 20]]; 0 ok txn [[:w 1 10] [:version 1 3]]; "
        "1 ok txn [[:w 1 11] [:version 1 4] [:w 2 20]]; 2 invoke txn [[:r 1 nil] [:r 2 nil]]; "
        "2 ok txn [[:r 1 10] [:version 1 3] [:r 2 20]]",
        "violation",
        {"G-single-item"},
    ),
    (
        "elle, pull request 7: a value that nobody wrote",
        "--consistency read-committed",
        "0 invoke txn [[:w 1 1]]; 0 ok txn [[:w 1 1]]; 0 invoke txn [[:r 1 nil]]; 0 ok txn [[:r 1 2]]",
        "violation",
        {"garbage-read"},
    ),
    ("elle-cli 47: reads that are swapped", "", SWAPPED, "violation", {"fractured-read-process"}),
    (
        "elle-cli 47: the same by what is assumed of keys",
        "--inferences initial-state,linearizable-keys",
        SWAPPED,
        "violation",
        {"cyclic-versions"},
    ),
    (
        "maelstrom 56: only what is installed is a version, so no write cycle",
        "--consistency read-committed",
        TORN,
        "violation",
        {"G1b", "internal"},
    ),
    (
        "jepsen 482: an update of a list that is lost",
        "--consistency snapshot-isolation",
        "0 invoke txn [[:r 1 nil] [:append 1 1]]; 1 invoke txn [[:r 1 nil] [:append 1 2]]; "
        "0 ok txn [[:r 1 []] [:append 1 1]]; 1 ok txn [[:r 1 []] [:append 1 2]]; "
        "2 invoke txn [[:r 1 nil]]; 2 ok txn [[:r 1 [1]]]; 3 invoke txn [[:r 1 nil]]; 3 ok txn [[:r 1 [2]]]",
        "violation",
        {"incompatible-order", "lost-update"},
    ),
    (
        "yugabyte 53: two appends of one's own, in the order in which they were made",
        "",
        "1 invoke txn [[:r 3 nil] [:append 3 1] [:append 3 2] [:r 3 nil]]; "
        "1 ok txn [[:r 3 nil] [:append 3 1] [:append 3 2] [:r 3 [1 2]]]",
        "valid",
        set(),
    ),
    (
        "ydb 33080: write skew between two tables",
        "--consistency serializable",
        "0 invoke txn [[:r 1 nil] [:r 2 nil] [:append 1 1]]; 1 invoke txn [[:r 1 nil] [:r 2 nil] [:append 2 1]]; "
        "0 ok txn [[:r 1 []] [:r 2 []] [:append 1 1]]; 1 ok txn [[:r 1 []] [:r 2 []] [:append 2 1]]",
        "violation",
        {"G2-item"},
    ),
    (
        "knossos 13: a swap that overlaps a write, and what is read between",
        "--initial 4",
        "3 invoke cas [4 2]; 1 invoke write 0; 1 ok write 0; 3 ok cas [4 2]; 3 invoke read nil; 3 ok read 2",
        "violation",
        {"not linearizable"},
    ),
    (
        "knossos 10: a write of unknown end may be seen later",
        "",
        "0 invoke write 1; 0 ok write 1; 1 invoke write 2; 1 info write 2; 0 invoke read nil; 0 ok read 1; "
        "0 invoke read nil; 0 ok read 2",
        "valid",
        set(),
    ),
    (
        "knossos 7: why a swap failed is no evidence",
        "",
        "0 invoke write 1; 0 ok write 1; 1 invoke cas [1 2]; 1 fail cas [1 2]; 0 invoke read nil; 0 ok read 1",
        "valid",
        set(),
    ),
    (
        "knossos 8: a history that starts in the middle",
        "",
        "0 ok read 1; 0 invoke read nil; 0 ok read 1",
        "unknown",
        set(),
    ),
    (
        "hedgehog 104: a read before the write that it saw",
        "",
        "0 invoke write 0; 0 ok write 0; 1 invoke read nil; 1 ok read 1; 0 invoke write 1; 0 ok write 1",
        "violation",
        {"read from the future"},
    ),
    (
        "hedgehog 104: the same where they overlap",
        "",
        "0 invoke write 0; 0 ok write 0; 1 invoke read nil; 0 invoke write 1; 1 ok read 1; 0 ok write 1",
        "valid",
        set(),
    ),
    (
        "jepsen 303: an addition that failed was counted",
        "--checker counter",
        "1 invoke read nil; 2 invoke add 1; 2 fail add 1; 1 ok read 1",
        "violation",
        {"impossible-count"},
    ),
    (
        "jepsen 303: between the bounds and no sum of any additions",
        "--checker linearizable --model counter",
        "1 invoke add 2; 2 invoke add 2; 3 invoke read nil; 3 ok read 3; 1 ok add 2; 2 ok add 2",
        "violation",
        {"impossible read"},
    ),
    (
        "jepsen 304: a decrement under way may have happened",
        "--checker counter",
        "0 invoke add 5; 0 ok add 5; 1 invoke add -3; 2 invoke read nil; 2 ok read 5; 2 invoke read nil; 2 ok read 2; "
        "1 ok add -3; 2 invoke read nil; 2 ok read 2",
        "valid",
        set(),
    ),
    (
        "jepsen 304: one that is acknowledged has",
        "--checker counter",
        "0 invoke add 5; 0 ok add 5; 1 invoke add -3; 1 ok add -3; 2 invoke read nil; 2 ok read 5",
        "violation",
        {"impossible-count"},
    ),
    (
        "jepsen 126: acknowledged and lost, beside one of which nobody knows",
        "--checker total-queue",
        "0 invoke enqueue 8; 0 info enqueue 8; 1 invoke enqueue 9; 1 ok enqueue 9; 2 invoke drain nil; 2 ok drain []",
        "violation",
        {"lost"},
    ),
    (
        "atlasdb 1316: one timestamp three times",
        "--checker unique-ids",
        "0 invoke generate nil; 0 ok generate 7; 0 invoke generate nil; 0 ok generate 7; "
        "0 invoke generate nil; 0 ok generate 7",
        "violation",
        {"duplicate-id"},
    ),
]


@pytest.mark.parametrize(
    ("options", "events", "validity", "anomalies"), [report[1:] for report in REPORTS], ids=[one[0] for one in REPORTS]
)
def test_what_others_were_said_to_judge_wrongly_gets_the_right_verdict(
    tmp_path: Path, options: str, events: str, validity: str, anomalies: set[str]
) -> None:
    (tmp_path / "history.edn").write_text(edn(events))
    ended = CliRunner().invoke(main, ["check", str(tmp_path / "history.edn"), "--json", *options.split()])
    verdict = json.loads(ended.stdout)
    assert (verdict["validity"], {anomaly["name"] for anomaly in verdict["anomalies"]}) == (validity, anomalies)
