"""A violation that is found while a history grows is the one that is found in the whole: for each checker that runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

import pytest
from schrodinger_native import Recorder

from schrodinger.checkers import Bank, Linearizable, ListAppend, Online, SetFull, Validity
from schrodinger.history import History
from schrodinger.runner.progress import Progress
from schrodinger.runner.watch import ViolationWatch

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.checkers import Verdict

Operations: TypeAlias = list[tuple[str, int | None, tuple[int, ...] | None, tuple[int, ...] | None]]
"""Function, key, what was asked and what was answered, one operation after the other."""

READ_LIST = (0, 1, -1)
# checker, how the history begins, the operations that violate, their twin
CASES: dict[str, tuple[Online, Operations, Operations, Operations]] = {
    "register": (
        Linearizable(),
        [("write", 1, (1,), (1,)), ("read", 1, None, (1,))],
        [("write", 1, (2,), (2,)), ("read", 1, None, (1,))],
        [("write", 1, (2,), (2,)), ("read", 1, None, (2,))],
    ),
    "set": (
        SetFull(),
        [("add", None, (1,), (1,)), ("read-all", None, None, (1,))],
        [("read-all", None, None, (1, 7))],
        [("read-all", None, None, (1,))],
    ),
    "append": (
        ListAppend(),
        [("txn", None, (1, 1, 1, 10), (1, 1, 1, 10)), ("txn", None, READ_LIST, (0, 1, 1, 10))],
        [("txn", None, READ_LIST, (0, 1, 0))],
        [("txn", None, READ_LIST, (0, 1, 1, 10))],
    ),
    "bank": (
        Bank(),
        [("read", None, None, (0, 10, 1, 10)), ("transfer", None, (0, 1, 5), (0, 1, 5))],
        [("read", None, None, (0, 5, 1, 10))],
        [("read", None, None, (0, 5, 1, 15))],
    ),
}


class Growing:
    """A history that is written while it is watched."""

    def __init__(self, path: Path, checker: Online, functions: list[str]) -> None:
        self.path = path
        self.functions = functions
        self.recorder = Recorder(path, functions)
        self.progress = Progress()
        self.watch = ViolationWatch(checker, path, self.recorder.flush, self.progress)

    def record(self, operations: Operations) -> None:
        for f, key, asked, answered in operations:
            code = self.functions.index(f)
            self.recorder.record("invoke", 0, code, key, asked)
            self.recorder.record("ok", 0, code, key, answered)


def found(verdict: Verdict) -> tuple[Validity, list[str]]:
    return verdict.validity, [anomaly.summary for anomaly in verdict.anomalies]


@pytest.mark.parametrize("name", CASES)
def test_what_is_found_while_a_history_grows_is_what_is_found_in_the_whole(tmp_path: Path, name: str) -> None:
    checker, beginning, violating, twin = CASES[name]
    growing = Growing(tmp_path / "history.arrow", checker, sorted({row[0] for row in beginning}))

    async def watched() -> Verdict:
        growing.record(beginning)
        watch = asyncio.create_task(growing.watch.run())
        await asyncio.to_thread(growing.watch._look, 0)
        assert not watch.done()
        growing.record(violating)
        return await watch

    early = asyncio.run(watched())
    assert growing.progress.checker.startswith(f"{checker.name}: a violation up to row ")
    growing.record(twin)
    growing.recorder.close()
    whole = checker.check(History.open(growing.path))
    assert early.validity is Validity.VIOLATION
    assert found(early)[1][0] in found(whole)[1]


@pytest.mark.parametrize("name", CASES)
def test_the_twin_of_each_is_valid_at_every_look(tmp_path: Path, name: str) -> None:
    checker, beginning, _, twin = CASES[name]
    growing = Growing(tmp_path / "history.arrow", checker, sorted({row[0] for row in beginning}))
    rows = 0
    for operation in [*beginning, *twin]:
        growing.record([operation])
        rows, verdict = growing.watch._look(rows)
        assert verdict is not None
        assert verdict.validity is not Validity.VIOLATION
    growing.recorder.close()
    assert checker.check(History.open(growing.path)).validity is Validity.VALID
