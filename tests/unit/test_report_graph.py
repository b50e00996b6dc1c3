"""Graphs of cycles: every operation and dependency is there, in the page and in files of their own."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from schrodinger.checkers.verdict import Anomaly, Dependency, Involved
from schrodinger.cli import main
from schrodinger.report import plot
from schrodinger.report.graph import MOST_BOXES, graph
from tests.fakes.pages import faults, stale_read

if TYPE_CHECKING:
    from pathlib import Path

SKEW = """{:type :invoke, :f :txn, :value [[:r 1 nil] [:append 2 1]], :process 0}
{:type :invoke, :f :txn, :value [[:r 2 nil] [:append 1 1]], :process 1}
{:type :ok, :f :txn, :value [[:r 1 []] [:append 2 1]], :process 0}
{:type :ok, :f :txn, :value [[:r 2 []] [:append 1 1]], :process 1}
{:type :invoke, :f :txn, :value [[:append 3 1]], :process 1}
{:type :fail, :f :txn, :value [[:append 3 1]], :process 1}
{:type :invoke, :f :txn, :value [[:r 3 nil]], :process 0}
{:type :ok, :f :txn, :value [[:r 3 [1]]], :process 0}
"""
SVG = "{http://www.w3.org/2000/svg}"


def circle(length: int, *more: Dependency, label: str = "read 1 → [], append 2 ← 1") -> Anomaly:
    """A cycle through so many transactions."""
    return Anomaly(
        name="G2-item",
        summary="Nobody saw anybody.",
        operations=tuple(
            Involved(
                index=row,
                process=row,
                label=label,
                outcome="ok",
                start_ns=row * 1_000,
                end_ns=row * 1_000 + 500,
                role=f"T{row + 1}",
            )
            for row in range(length)
        ),
        dependencies=(
            *(
                Dependency(earlier=row, later=(row + 1) % length, kind="rw", why=f"T{row + 1} missed the next")
                for row in range(length)
            ),
            *more,
        ),
    )


def texts(drawing: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(drawing).iter() if one.tag.endswith("text")]


def test_every_transaction_and_every_dependency_is_in_the_graph_in_the_order_of_the_circle() -> None:
    drawn = texts(graph(circle(3)))
    names = [text.split("process")[0] for text in drawn if text.startswith("T") and "process" in text]
    assert names == ["T1", "T2", "T3"]
    assert [text for text in drawn if "missed" in text] == [f"T{number} missed the next" for number in (1, 2, 3)]
    assert drawn.count("rw") == 3


def test_a_circle_goes_down_and_comes_back_on_the_left() -> None:
    paths = re.findall(r'<path d="([^"]+)"', graph(circle(4)))
    straight = [path for path in paths if re.fullmatch(r"M110 \S+V\S+", path)]
    assert (len(paths), len(straight)) == (4, 3)


def test_boxes_and_arrows_stay_inside_and_do_not_overlap() -> None:
    back = Dependency(earlier=2, later=0, kind="realtime", why="T3 had completed when T1 was invoked")
    drawing = graph(circle(5, back, label=", ".join(f"read {key} → [1 2 3 4 5 6]" for key in range(40))))
    root = ElementTree.fromstring(drawing)
    height = float(root.get("height", "0"))
    boxes = sorted(
        (float(box.get("y", "0")), float(box.get("height", "0"))) for box in root.iter() if box.tag.endswith("rect")
    )
    assert all(top + tall < after for (top, tall), (after, _) in pairwise(boxes))
    assert boxes[-1][0] + boxes[-1][1] < height
    assert max(float(text.get("y", "0")) for text in root.iter() if text.tag.endswith("text")) < height


def test_a_very_long_circle_is_cut_and_says_so() -> None:
    drawn = texts(graph(circle(MOST_BOXES + 7)))
    assert drawn[-1] == "7 more operations …"


def test_what_comes_from_a_database_is_only_ever_text() -> None:
    hostile = circle(2, label="</text><script>alert(1)</script>\u202e")
    assert "<script" not in graph(hostile)
    assert "\\u202e" in graph(hostile)


def test_each_anomaly_becomes_a_file_that_is_a_whole_document_in_light_and_dark(tmp_path: Path) -> None:
    paths = plot([circle(3), stale_read()], faults(), tmp_path / "plots")
    assert [path.name for path in paths] == ["01-G2-item.svg", "02-stale-read.svg"]
    for path in paths:
        root = ElementTree.fromstring(path.read_text())
        assert root.tag == f"{SVG}svg"
        assert "prefers-color-scheme: dark" in path.read_text()
        used = set(re.findall(r"var\((--[a-z-]+)\)", path.read_text()))
        defined = set(re.findall(r"(--[a-z-]+):", path.read_text()))
        assert used <= defined, used - defined


def test_check_draws_what_it_finds(tmp_path: Path) -> None:
    history = tmp_path / "history.edn"
    history.write_text(SKEW)
    ended = CliRunner().invoke(main, ["check", str(history), "--plot", str(tmp_path / "plots")])
    assert ended.exit_code == 1
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["01-G2-item.svg", "02-G1a.svg"]
    drawn = (tmp_path / "plots" / "01-G2-item.svg").read_text()
    assert "T1 observed key 1 empty, without 1, which T2 wrote" in drawn
    assert "T2 observed key 2 empty, without 1, which T1 wrote" in drawn
    assert "T1 failed" in (tmp_path / "plots" / "02-G1a.svg").read_text()


def test_a_plot_directory_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    history = tmp_path / "history.edn"
    history.write_text(SKEW)
    ended = CliRunner().invoke(main, ["check", str(history), "--plot", str(history / "plots")])
    assert (ended.exit_code, "history.edn" in ended.output) == (2, True), ended.output


@pytest.mark.parametrize("inferences", ["wishful-thinking", "initial-state,,sequential-keys"])
def test_an_inference_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path, inferences: str) -> None:
    ended = CliRunner().invoke(main, ["check", str(tmp_path), "--inferences", inferences])
    assert ended.exit_code == 2
    assert "give any of initial-state, database-versions, sequential-keys, linearizable-keys, or none" in ended.output
