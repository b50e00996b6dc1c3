"""Notices when the runner's event loop stands still: a client that blocks, a machine that swaps.

A stalled loop sends no heartbeat and times nothing out, so what it measured can't be trusted. A heartbeat measures
its own lag; when it is missing for long, ``faulthandler`` (a thread of its own, outside the interpreter lock) writes
the stacks of all threads.
"""

from __future__ import annotations

import asyncio
import faulthandler
import time
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEAT_S: Final = 0.5
TOLERATED_S: Final = 3.0
"""Longer than any pause of a loaded machine that we saw, shorter than a third of the lease."""


class StallWatch:
    """While entered, calls ``stalled(seconds)`` once for every stall, after it, and keeps the stacks in ``stacks``."""

    def __init__(self, stacks: Path, stalled: Callable[[float], None]) -> None:
        self._path = stacks
        self._stalled = stalled
        self._file: TextIO | None = None
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("w", encoding="utf-8")
        self._task = asyncio.get_running_loop().create_task(self._beat())
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        if self._task is not None:
            self._task.cancel()
        if self._file is not None:
            self._file.close()
            if self._path.stat().st_size == 0:
                self._path.unlink()

    async def _beat(self) -> None:
        assert self._file is not None
        while True:
            faulthandler.dump_traceback_later(TOLERATED_S, file=self._file)
            asleep = time.monotonic()
            await asyncio.sleep(BEAT_S)
            lag_s = time.monotonic() - asleep - BEAT_S
            if lag_s > TOLERATED_S:
                self._stalled(lag_s)
