"""Ctrl-C in the middle of a long native call."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest
from schrodinger_native import HistoryFile, Recorder, Stream, check_linearizable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

ADD, READ = range(2)
FOREVER = 10**15


@pytest.fixture
def endless(tmp_path: Path) -> HistoryFile:
    """A history whose check takes hours: what may have been added or taken away is even, and the sum is odd."""
    path = tmp_path / "history.arrow"
    recorder = Recorder(path, ["add", "read"])
    stream = Stream(1, 0)
    for process in range(44):
        word, *_ = stream.words(process)
        amount = 2 * (word % 1_000_000)
        recorder.record("invoke", process, ADD, None, amount if process % 2 else -amount)
    recorder.record("invoke", 100, READ, None, None)
    recorder.record("ok", 100, READ, None, 20_000_001)
    recorder.close()
    return HistoryFile(path)


class HandlerRaisedError(Exception):
    """What the signal handler of this test raises."""


@pytest.fixture
def alarm() -> Iterator[None]:
    """Send a signal soon, whose handler raises as the one of Ctrl-C does."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise HandlerRaisedError

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_a_signal_ends_a_long_check_soon_and_raises_what_its_handler_raises(endless: HistoryFile) -> None:
    began = time.monotonic()
    with pytest.raises(HandlerRaisedError):
        check_linearizable(endless, model="counter", max_steps=FOREVER, max_bytes=500_000_000)
    assert time.monotonic() - began < 10, "the check ended by itself, or did not look at the flag"
