"""Parts of histories: whole operations, with the faults of the time and the doubts that a part leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.cli import main
from schrodinger.history import NEMESIS, History
from schrodinger.history.formats import open_history
from schrodinger.history.slicing import Part, write_part

if TYPE_CHECKING:
    from pathlib import Path

HISTORY = """{:type :invoke, :f :write, :value [:x 1], :process 0, :time 0}
{:type :ok, :f :write, :value [:x 1], :process 0, :time 1000000000}
{:type :info, :f :start, :value "cut", :process :nemesis, :time 2000000000}
{:type :invoke, :f :read, :value [:y nil], :process 1, :time 3000000000}
{:type :invoke, :f :write, :value [:x 2], :process 0, :time 4000000000}
{:type :ok, :f :read, :value [:y 7], :process 1, :time 5000000000}
{:type :info, :f :stop, :value "healed", :process :nemesis, :time 6000000000}
"""


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.edn"
    path.write_text(HISTORY)
    return path


def sliced(source: Path, *options: str) -> tuple[list[int], str]:
    """The times, in seconds, of the rows that are left, and what was said."""
    target = source.with_name("part.jsonl")
    target.unlink(missing_ok=True)
    ended = CliRunner().invoke(main, ["history", "slice", str(source), str(target), *options])
    assert ended.exit_code == 0, ended.output
    return [row[1] // 10**9 for row in open_history(target).file.events()], ended.output


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ([], [0, 1, 2, 3, 4, 5, 6]),
        (["--from", "2", "--until", "4"], [2, 3, 5]),
        (["--until", "3"], [0, 1, 2]),
        (["--rows", "1:3"], [0, 1, 2]),
        (["--keys", ":y"], [2, 3, 5, 6]),
        (["--processes", "0"], [0, 1, 2, 4, 6]),
        (["--functions", "read"], [2, 3, 5, 6]),
        (["--from", "5"], [3, 4, 5, 6]),
    ],
)
def test_whole_operations_are_taken_by_what_is_asked(history: Path, options: list[str], times: list[int]) -> None:
    assert sliced(history, *options)[0] == times


def test_what_is_cut_and_what_that_costs_is_said(history: Path) -> None:
    _, said = sliced(history, "--from", "5")
    assert "events      4 of 7" in said
    assert "operations  2 of 3" in said
    assert "what was there before is not known" in said
    assert "remark" not in sliced(history, "--until", "6")[1]
    assert "looks as if nobody did it" in sliced(history, "--processes", "1")[1]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--keys", ":z"], "neither a number nor a word"),
        (["--functions", "dance"], "no function 'dance'; it has"),
        (["--rows", "5:5"], "no range of rows"),
        (["--processes", "a"], "no list of whole numbers"),
        (["--from", "-1"], "--from"),
    ],
)
def test_what_cannot_be_taken_is_refused(history: Path, options: list[str], complaint: str) -> None:
    target = history.with_name("part.arrow")
    ended = CliRunner().invoke(main, ["history", "slice", str(history), str(target), *options])
    assert (ended.exit_code, complaint in ended.output, target.exists()) == (2, True, False), ended.output


def test_a_part_keeps_the_words(history: Path, tmp_path: Path) -> None:
    write_part(open_history(history), Part(), tmp_path / "part.arrow", "arrow")
    assert History.open(tmp_path / "part.arrow").file.words == open_history(history).file.words
    assert list(open_history(history).file.words.values()) == [":x", ":y"]


@given(st.data())
def test_every_part_of_a_well_formed_history_is_well_formed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("part")
    lines = []
    for process in range(3):
        times = sorted(data.draw(st.lists(st.integers(0, 50), max_size=6)))
        for number, time in enumerate(times):
            type_ = "ok" if number % 2 else "invoke"
            lines.append((time, f'{{"type": "{type_}", "f": "read", "process": {process}, "time": {time}}}\n'))
    lines.append((25, '{"type": "info", "f": "kill", "process": -1, "time": 25}\n'))
    source = directory / "history.jsonl"
    source.write_text("".join(line for _, line in sorted(lines, key=lambda line: line[0])))
    whole = open_history(source)
    first = data.draw(st.integers(0, whole.rows))
    part = Part(
        from_ns=data.draw(st.none() | st.integers(0, 50)),
        until_ns=data.draw(st.none() | st.integers(0, 50)),
        rows=data.draw(st.none() | st.tuples(st.just(first), st.integers(first + 1, whole.rows + 1))),
        processes=data.draw(st.none() | st.tuples(st.integers(0, 2))),
    )
    cut = write_part(whole, part, directory / "part.arrow", "arrow")
    found = History.open(directory / "part.arrow")
    assert found.problems() == []
    assert (found.rows, len(found.operations())) == (cut.kept_rows, cut.kept_operations)
    assert {row[1:] for row in found.file.events()} <= {row[1:] for row in whole.file.events()}
    assert all(row[2] != NEMESIS or row[1] == 25 for row in found.file.events())
