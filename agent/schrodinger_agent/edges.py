"""What happened to a cluster's processes, in order, for any number of watchers, each from the beginning."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from schrodinger_agent.types import ProcessEnd


@final
class EdgeLog:
    """Append-only, until it is closed. All of it is kept: a run sees hundreds of ends, not millions."""

    def __init__(self) -> None:
        self._edges: list[ProcessEnd] = []
        self._closed = False
        self._changed = asyncio.Event()

    def append(self, edge: ProcessEnd) -> None:
        """Tell every watcher."""
        self._edges.append(edge)
        self._wake()

    def close(self) -> None:
        """Nothing will happen any more: watchers end once they have seen everything."""
        self._closed = True
        self._wake()

    async def watch(self) -> AsyncIterator[ProcessEnd]:
        """Everything so far, then everything to come, until the log is closed."""
        seen = 0
        while True:
            changed = self._changed
            while seen < len(self._edges):
                yield self._edges[seen]
                seen += 1
            if self._closed:
                return
            await changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
