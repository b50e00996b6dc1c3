"""The stall watch: an event loop that stands still is noticed afterwards, with the stacks of the moment."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from schrodinger.runner.stalls import StallWatch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is a stall."""
    monkeypatch.setattr("schrodinger.runner.stalls.BEAT_S", 0.01)
    monkeypatch.setattr("schrodinger.runner.stalls.TOLERATED_S", 0.5)


def block_the_loop(seconds: float) -> None:
    """What a client must not do."""
    time.sleep(seconds)


@pytest.mark.usefixtures("impatient")
def test_a_loop_that_stood_still_is_reported_with_its_stacks(tmp_path: Path) -> None:
    async def stalling() -> float:
        lag: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        with StallWatch(tmp_path / "stalled.txt", lambda lag_s: None if lag.done() else lag.set_result(lag_s)):
            await asyncio.sleep(0.05)
            block_the_loop(0.8)
            return await asyncio.wait_for(lag, 10)

    assert asyncio.run(stalling()) > 0.5
    assert "block_the_loop" in (tmp_path / "stalled.txt").read_text()


def test_a_loop_that_kept_going_leaves_no_file(tmp_path: Path) -> None:
    lags: list[float] = []

    async def lively() -> None:
        with StallWatch(tmp_path / "stalled.txt", lags.append):
            for _ in range(5):
                await asyncio.sleep(0.01)

    asyncio.run(lively())
    assert lags == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("impatient")
def test_a_loop_that_is_still_blocked_at_the_end_leaves_its_stacks(tmp_path: Path) -> None:
    async def ending_in_a_stall() -> None:
        with StallWatch(tmp_path / "stalled.txt", lambda _: None):
            await asyncio.sleep(0.05)
            block_the_loop(0.8)

    asyncio.run(ending_in_a_stall())
    assert "block_the_loop" in (tmp_path / "stalled.txt").read_text()
