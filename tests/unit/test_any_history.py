"""No file and no table of events makes a checker, or the way to it, fail: what makes no sense is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_native import Transcript

from schrodinger.checkers.catalogue import KINDS, CheckerChoice, named
from schrodinger.checkers.verdict import Validity, Verdict
from schrodinger.cli import main
from schrodinger.history import History

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = sorted({f for kind in KINDS for f in kind.functions} | {"read", "read-all", "drain", "release"})
NUMBERS = st.integers(-2, 6) | st.sampled_from([-(2**63), -(2**62), 2**63 - 1, -(2**31), 2**31])
VALUES = (
    st.none() | st.lists(NUMBERS, max_size=8).map(tuple) | st.sampled_from([(0, 1, -1), (1, 1, 1, 5), (2, 1, 1, 5)])
)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from(["invoke", "ok", "fail", "info", "invoke", "ok"]),
        st.integers(0, 3),
        st.integers(0, len(FUNCTIONS) - 1),
        st.none() | NUMBERS,
        VALUES,
    ),
    max_size=12,
)


def written(path: Path, events: list[tuple[object, ...]], functions: list[str]) -> History:
    transcript = Transcript(path, functions)
    for event in events:
        transcript.write(*event)  # type: ignore[arg-type] # as EVENTS draws them
    transcript.finish()
    return History.open(path)


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
@given(data=st.data())
def test_a_checker_judges_any_table_of_events(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    own = sorted(kind.functions | {"read"}) if data.draw(st.booleans()) else FUNCTIONS
    events = [(*row[:3], row[3] % len(own), *row[4:]) for row in data.draw(EVENTS)]
    if data.draw(st.booleans()):
        # A good many are well-formed: each process completes what it began.
        events = [row for event in events for row in ((event[0], "invoke", *event[2:]), event) if event[1] != "invoke"]
    history = written(tmp_path_factory.mktemp("any") / "history.arrow", events, own)
    verdict = named(name, CheckerChoice(), own).check(history)
    assert isinstance(verdict, Verdict)
    assert verdict.validity is not Validity.INFRASTRUCTURE_ERROR


GOLDEN = b"""[#jepsen.history.Op{:index 0, :time 10, :type :invoke, :process 0, :f :txn, :value [[:append 1 2]
 [:r "x" nil]]} {:type :ok :f :txn :value [[:append 1 2] [:r "x" [2 3]]] :process 0 :error [:a {:b #{1.5 \\c}}]}
 #_ {} ; end
 {:type :info, :f :kill, :value {:from 1 :to 2}, :process :nemesis}]"""


@given(edits=st.lists(st.tuples(st.integers(0, len(GOLDEN)), st.integers(0, 8), st.binary(max_size=3)), max_size=4))
def test_the_command_takes_or_refuses_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, bytes]]
) -> None:
    text = GOLDEN
    for place, length, replacement in edits:
        text = text[:place] + replacement + text[place + length :]
    path = tmp_path_factory.mktemp("any") / "history"
    path.write_bytes(text)
    ended = CliRunner().invoke(main, ["check", str(path)])
    assert ended.exit_code in (0, 1, 2, 3), ended.output
    assert "Traceback" not in ended.output
