"""A run that is watched: it stops at the first violation, and the verdict is the one that the whole history gets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from schrodinger.checkers import Linearizable, Online, SetFull, Validity, Verdict, judge
from schrodinger.history import History, Read
from schrodinger.plan import Plan
from schrodinger.runner import Run, RunFiles, read_events, strength_of
from tests.fakes.memory import MemoryClient, MemoryProvider, memory_suite

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.cluster import Suite
    from schrodinger.operations import Completion, Operation

LONG_S = 60


class Forgetful(MemoryClient):
    """Answers the hundredth read, and every later one, with what was never written."""

    reads = 0

    async def invoke(self, operation: Operation) -> Completion:
        if isinstance(operation, Read):
            Forgetful.reads += 1
            if Forgetful.reads >= 100:
                return operation.ok(-1)
        return await super().invoke(operation)


@dataclass(frozen=True)
class Broken:
    """A checker that raises."""

    name: str = "broken"
    violations_are_final: bool = True

    def check(self, history: History) -> Verdict:
        raise RuntimeError("no idea")


@dataclass(frozen=True)
class Hasty:
    """A checker that finds a violation in whatever it sees, and takes it back if asked later."""

    name: str = "hasty"
    violations_are_final: bool = True

    def check(self, history: History) -> Verdict:
        return Verdict(validity=Validity.VIOLATION, checker=self.name, reasons=("too early",), provisional=True)


def watched(directory: Path, suite: Suite, watch: Online, *, time_s: float) -> tuple[Verdict, list[str]]:
    """The verdict of a run of at most so long, and what it noted."""
    plan = Plan(
        suite="memory",
        workload="register",
        nodes=3,
        concurrency=4,
        rate=500,
        time_ns=round(time_s * 1e9),
        seed=5,
        schedule=(),
        operations=None,
    )
    files = RunFiles(directory)
    files.nodes.mkdir(parents=True)
    asyncio.run(Run(plan, suite, directory, MemoryProvider(), files, watch=watch).execute())
    events = list(read_events(files.events))
    verdict = judge(History.open(files.history), Linearizable(), events, strength_of(plan, events))
    return verdict, [event["message"] for event in events if "message" in event]


def test_a_watched_run_ends_at_the_first_violation_with_the_verdict_of_its_whole_history(tmp_path: Path) -> None:
    suite = memory_suite(lambda: Forgetful({}))
    verdict, messages = watched(tmp_path / "run", suite, Linearizable(), time_s=LONG_S)
    phases = History.open(tmp_path / "run").phases()
    assert verdict.validity is Validity.VIOLATION
    assert any(message.startswith("stopped at the first violation: ") for message in messages)
    assert phases["heal"] - phases["main"] < LONG_S * 1e9 / 2
    assert "final operations" not in phases


def test_a_watched_run_without_a_violation_goes_on_to_its_end(tmp_path: Path) -> None:
    verdict, messages = watched(tmp_path / "run", memory_suite(), Linearizable(), time_s=1.0)
    assert verdict.validity is Validity.VALID
    assert not any(message.startswith("stopped") for message in messages)
    assert "final operations" in History.open(tmp_path / "run").phases()


def test_a_violation_that_a_longer_history_may_explain_is_waited_out(tmp_path: Path) -> None:
    _, messages = watched(tmp_path / "run", memory_suite(), Hasty(), time_s=1.0)
    assert not any(message.startswith("stopped") for message in messages)
    assert "final operations" in History.open(tmp_path / "run").phases()


def test_a_checker_that_raises_while_it_watches_ends_the_run_with_its_trace(tmp_path: Path) -> None:
    verdict, messages = watched(tmp_path / "run", memory_suite(), Broken(), time_s=LONG_S)
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    assert any("RuntimeError: no idea" in message for message in messages)


@pytest.mark.parametrize(
    ("checker", "final"),
    [(Linearizable(), True), (SetFull(linearizable=True), True), (SetFull(linearizable=False), False)],
)
def test_only_violations_that_nothing_can_mend_are_watched_for(checker: Online, final: bool) -> None:
    assert isinstance(checker, Online)
    assert checker.violations_are_final is final
