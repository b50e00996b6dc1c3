"""A budget that ends before the answer: the verdict is unknown, says how far it got, and the command exits with 3."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from schrodinger.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def check(path: Path, *arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(main, ["check", str(path), *arguments])
    return ended.exit_code, ended.output


def operation(kind: str, process: int, f: str, value: object) -> str:
    return json.dumps({"type": kind, "process": process, "f": f, "value": value}) + "\n"


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """Two values, written and read in turn."""
    path = tmp_path / "register.jsonl"
    turns = (
        operation("invoke", 0, "write", i % 2)
        + operation("ok", 0, "write", i % 2)
        + operation("invoke", 1, "read", None)
        + operation("ok", 1, "read", i % 2)
        for i in range(50)
    )
    path.write_text("".join(turns))
    return path


@pytest.fixture
def transactions(tmp_path: Path) -> Path:
    """A cycle with several anti-dependencies, on which two transactions more hang: something to look at."""
    steps = [
        [["r", 1, []], ["append", 2, 1]],
        [["append", 1, 1], ["append", 3, 1]],
        [["r", 3, [1]], ["r", 2, []]],
        [["r", 2, [1]], ["r", 1, []]],
        [["r", 2, [1]], ["r", 1, []]],
    ]
    asked = [[[f, key, None if f == "r" else value] for f, key, value in transaction] for transaction in steps]
    path = tmp_path / "transactions.jsonl"
    path.write_text(
        "".join(operation("invoke", process, "txn", value) for process, value in enumerate(asked))
        + "".join(operation("ok", process, "txn", value) for process, value in enumerate(steps))
    )
    return path


def test_a_search_that_runs_out_of_steps_says_which_returns_it_passed(register: Path) -> None:
    status, said = check(register, "--checker", "linearizable", "--budget", "25")
    assert status == 3
    assert "undecided within 25 steps; 50% can be linearized, up to row 100" in said
    assert check(register, "--checker", "linearizable")[0] == 0


def test_a_search_that_runs_out_of_bytes_says_so(register: Path) -> None:
    status, said = check(register, "--checker", "linearizable", "--budget", "1M,1k")
    assert status == 3
    assert "undecided within 1,000 bytes; 0% can be linearized, up to row 1" in said


def test_a_search_for_cycles_that_runs_out_of_edges_says_how_many_it_looked_at(transactions: Path) -> None:
    arguments = ("--checker", "list-append", "--consistency", "consistent-view")
    status, said = check(transactions, *arguments, "--budget", "1")
    assert status == 3
    assert "the search for cycles with exactly one anti-dependency ended before it was done" in said
    assert re.search("; [1-9][0-9]* edges were looked at", said)
    assert check(transactions, *arguments)[0] == 0


def test_a_verdict_that_is_the_acyclicity_of_a_graph_has_no_budget(transactions: Path) -> None:
    for model, status in [("read-committed", 0), ("snapshot-isolation", 1), ("serializable", 1)]:
        assert check(transactions, "--checker", "list-append", "--consistency", model, "--budget", "1")[0] == status
