"""Watches for a violation while the run goes on, so that it can stop at the first (``--fail-fast``).

The history so far is judged again and again, from the file that the recorder is writing, by the very checker that will
judge the whole: a violation found early is found again at the end, and nothing is decided twice in two ways. Only a
checker whose violations no continuation can mend may be asked (:class:`schrodinger.checkers.Online`), and one that it
calls provisional is waited out. Native checkers
judge a million operations in a fraction of a second without the interpreter lock; after each look the watch rests for
:data:`REST` times as long as the look took, so it costs a tenth of a core however long the run. When it looks depends
on the clock; what it sees does not.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, final

from schrodinger.checkers import Validity
from schrodinger.history import History

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from schrodinger.checkers import Online, Verdict
    from schrodinger.runner.progress import Progress

REST: Final = 9.0
"""How long to rest after a look, in lengths of the look."""
SHORTEST_REST_S: Final = 0.2
"""The recorder writes what it has every 100 ms; looking more often shows nothing new."""


@final
class ViolationWatch:
    """Judges the history at ``path`` while it grows; ``flush`` makes the recorder write what it has."""

    def __init__(self, checker: Online, path: Path, flush: Callable[[], None], progress: Progress) -> None:
        self._checker = checker
        self._path = path
        self._flush = flush
        self._progress = progress

    async def run(self) -> Verdict:
        """Returns the first verdict that is a violation, however long that takes. Raises what the checker raises."""
        seen = 0
        while True:
            begun = time.monotonic()
            rows, verdict = await asyncio.to_thread(self._look, seen)
            if verdict is not None:
                found = verdict.validity is Validity.VIOLATION and not verdict.provisional
                self._progress.checker = f"{self._checker.name}: {'a' if found else 'no'} violation up to row {rows}"
                if found:
                    return verdict
            seen = rows
            await asyncio.sleep(max(SHORTEST_REST_S, REST * (time.monotonic() - begun)))

    def _look(self, seen: int) -> tuple[int, Verdict | None]:
        """How many rows there are now, and what they come to, unless these rows were judged before."""
        self._flush()
        history = History.open(self._path)
        rows = history.rows
        return rows, self._checker.check(history) if rows > seen else None
