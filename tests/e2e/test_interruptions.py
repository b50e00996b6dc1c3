"""Whatever ends a run, nothing stays behind, and what was recorded can be read and judged.

``SCHRODINGER_STORM=10`` makes ten rounds of each kind instead of one.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from schrodinger.history import History
from schrodinger.store import list_runs
from tests.fakes.command import schrodinger, start
from tests.fakes.leftovers import Machine, eventually, pids_of

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = int(os.environ.get("SCHRODINGER_STORM", "1"))
LEASE_S = 10.0
MOMENTS = [random.Random(seed).uniform(0.3, 9.0) for seed in range(ROUNDS)]
"""Seconds after the start of a run of about twelve: start-up, set-up, and the main phase with its faults."""


def begin(tmp_path: Path, seed: int) -> tuple[Path, list[str]]:
    state = tmp_path / "state"
    arguments = ["run", "suites/etcd", "--nodes", "3", "--time", "10", "--rate", "200", "--seed", str(seed)]
    arguments += ["--faults", "partition,kill,pause,delay,loss,rate"]
    return state, [*arguments, "--root", str(tmp_path / "runs")]


def assert_clean(before: Machine, state: Path) -> None:
    """Nothing is left, at the latest when the lease has lapsed and the idle agent has gone."""
    eventually(lambda: not Machine.look(state).beyond(before), LEASE_S + 10)
    assert Machine.look(state).beyond(before) == []
    assert not list((state / "clusters").glob("*")) if (state / "clusters").exists() else True


def assert_readable(root: Path) -> None:
    """Every history that was begun opens, is well-formed, and gets a verdict that is no violation."""
    for run in list_runs(root, passed_over=lambda directory, error: pytest.fail(f"{directory}: {error}")):
        if run.files.history.exists() and run.files.history.stat().st_size > 0:
            history = History.open(run.files.history)
            assert history.problems() == []
            assert history.operations().height <= history.rows
            assert schrodinger("check", str(run.files.directory)).status in (0, 3, 4)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_controller_leaves_nothing_and_a_readable_history(tmp_path: Path, moment: float) -> None:
    state, arguments = begin(tmp_path, seed=int(moment * 100))
    before = Machine.look(state)
    run = start(*arguments, state=state)
    time.sleep(moment)  # the moment of the kill is what the test varies
    run.kill()
    run.wait()
    assert_clean(before, state)
    assert_readable(tmp_path / "runs")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_agent_ends_the_run_as_an_infrastructure_error_and_leaves_nothing(
    tmp_path: Path, moment: float
) -> None:
    state, arguments = begin(tmp_path, seed=int(moment * 100))
    before = Machine.look(state)
    run = start(*arguments, state=state)
    assert eventually(lambda: bool(pids_of(state, "serve")), within_s=10)
    time.sleep(moment)  # the moment of the kill is what the test varies
    for pid in pids_of(state, "serve"):
        os.kill(pid, signal.SIGKILL)
    status = run.wait(timeout=90)
    assert status in (0, 4)  # 0 when the run had ended before the kill
    assert_clean(before, state)
    assert_readable(tmp_path / "runs")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    state, arguments = begin(tmp_path, seed=1)
    before = Machine.look(state)
    run = start(*arguments, state=state)
    assert eventually(lambda: len(pids_of(state, "etcd")) >= 3, within_s=60)
    run.send_signal(number)
    assert run.wait(timeout=60) == 130
    assert_clean(before, state)
    assert_readable(tmp_path / "runs")


SLOW = """
import time
from pathlib import Path
from schrodinger import Client, Database, OnPath, Suite, workloads


class Nothing(Database):
    sources = (OnPath("sleep"),)

    def command(self, binary, node, cluster):
        return [str(binary), "1000"]

    async def ready(self, node, cluster):
        return True


class Nobody(Client):
    async def open(self, node, options):
        pass

    async def invoke(self, operation):
        return operation.fail("nobody is there")


class Slow:
    name = "slow"

    def check(self, history):
        Path(__file__).with_name("checking").touch()
        time.sleep(1000)


suite = Suite("slow", Nothing(), workloads=[workloads.register(Nobody)], checkers=[Slow()])
"""


def test_a_run_that_is_interrupted_while_it_is_judged_ends_at_once_and_can_be_judged_later(tmp_path: Path) -> None:
    (tmp_path / "suite.py").write_text(SLOW)
    arguments = ["run", str(tmp_path), "--nodes", "1", "--time", "1", "--faults", "none"]
    state = tmp_path / "state"
    before = Machine.look(state)
    run = start(*arguments, "--root", str(tmp_path / "runs"), state=state)
    assert eventually((tmp_path / "checking").exists, within_s=60)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=20) == 130
    assert_clean(before, state)
    (kept,) = list_runs(tmp_path / "runs", passed_over=lambda directory, error: pytest.fail(f"{directory}: {error}"))
    assert schrodinger("check", str(kept.files.directory), "--checker", "linearizable").status == 3


def test_heal_removes_what_a_killed_run_and_its_killed_agent_left(tmp_path: Path) -> None:
    state, arguments = begin(tmp_path, seed=2)
    before = Machine.look(state)
    run = start(*arguments, state=state)
    assert eventually(lambda: len(pids_of(state, "etcd")) >= 3, within_s=60)
    for pid in [*pids_of(state, "serve"), run.pid]:
        os.kill(pid, signal.SIGKILL)
    run.wait()
    assert schrodinger("heal", state=state).status == 0
    assert_clean(before, state)
    assert "nothing was left behind" in schrodinger("heal", state=state).out
