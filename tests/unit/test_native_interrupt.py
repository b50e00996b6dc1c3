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

CAS, WRITE, READ = range(3)
FOREVER = 10**15


@pytest.fixture
def endless(tmp_path: Path) -> HistoryFile:
    """A history whose check takes hours: open compare-and-sets and a read of what none of them writes."""
    path = tmp_path / "history.arrow"
    recorder = Recorder(path, ["cas", "write", "read"])
    stream = Stream(1, 0)
    for process in range(44):
        old, new, *_ = stream.words(process)
        recorder.record("invoke", process, CAS, 0, (old % 5, new % 5))
    recorder.record("invoke", 100, WRITE, 0, 3)
    recorder.record("ok", 100, WRITE, 0, 3)
    for value in (0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 7):
        recorder.record("invoke", 101, READ, 0, None)
        recorder.record("ok", 101, READ, 0, value)
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
        check_linearizable(endless, max_steps=FOREVER, max_bytes=500_000_000)
    assert time.monotonic() - began < 10, "the check ended by itself, or did not look at the flag"
