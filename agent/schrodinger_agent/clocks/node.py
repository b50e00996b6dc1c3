"""The clocks of all processes of a target, those that are still to come included.

Children that are forked have their parent's wrong clocks; a program that is executed has right ones, whoever executes
it. What the agent executes is met before its first instruction; for what others do, the target's processes are looked
at again and again, as long as the clocks are to be wrong.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.clocks.errors import ClockError
from schrodinger_agent.clocks.patch import Patch
from schrodinger_agent.clocks.process import ProcessClocks
from schrodinger_agent.clocks.skew import NOTHING, Skews, total
from schrodinger_agent.clocks.tracing import at_exec, living_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

_log = logging.getLogger(__name__)

LOOK_S: Final = 0.01
"""From one look at the processes to the next, and with it how long a new one may have right clocks."""

_SHARE: Final = 20
"""A look may take one part in so many of a processor: where it is a walk through ``/proc`` they are fewer."""

_PASSES: Final = 20
"""What forks meanwhile is met by the next pass. Nobody forks and forks for so long while nothing else happens."""

_AT_ONCE: Final = 8
"""So many processes are stopped at a time: most of it is waiting for a processor that they share with others."""

_PATIENCE_S: Final = 0.1
_GONE: Final = frozenset({errno.ENOENT, errno.ESRCH, errno.EIO})
"""What one hears of a process that ends or executes a program just now; if it is still there, one looks again."""


@final
class NodeClocks:
    """What is done to the clocks of one target. Each kind of fault has its share in it; they add up."""

    def __init__(
        self,
        owner: str,
        processes: Callable[[], tuple[int, ...]],
        undisturbed: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._owner = owner
        self._processes = processes
        self._undisturbed = undisturbed
        self._patch: Patch | None = None
        self._shares: dict[str, tuple[Skews, ...]] = {}
        self._wanted = Skews()
        self._failures: dict[int, str] = {}
        self._watching: asyncio.Task[None] | None = None
        self._is_closed = False
        self._look_took_s = 0.0
        self._look = asyncio.Event()
        self._lock = asyncio.Lock()
        self.reached = 0
        """How often a process was put under a skew, or from one under another."""

    async def set(self, kind: str, skews: tuple[Skews, ...]) -> None:
        """Let a kind of fault have this share in what is done, or none; returns when that has reached every process.

        Raises:
            ClockError: some process resists, or it is not possible here.
        """
        if skews:
            self._shares[kind] = skews
        else:
            self._shares.pop(kind, None)
        wanted = [skews for _, share in sorted(self._shares.items()) for skews in share]
        self._wanted = Skews(
            total(skews.realtime for skews in wanted if skews.realtime != NOTHING),
            total(skews.monotonic for skews in wanted if skews.monotonic != NOTHING),
        )
        if self._wanted and self._watching is None and not self._is_closed:
            self._watching = asyncio.create_task(self._watch())
        if problem := await self.problem():
            raise ClockError(problem)
        if not self._wanted:
            await self._stop_watching()

    def share_of(self, kind: str) -> tuple[Skews, ...]:
        """What a kind of fault has asked for."""
        return self._shares.get(kind, ())

    @property
    def wrong(self) -> bool:
        """Whether the clocks are to be wrong."""
        return bool(self._wanted)

    def meet(self, process: int, go_on: Callable[[], None]) -> None:
        """Change the clocks of a process that executes a program before that begins; ``go_on`` lets it execute.

        Call it in a thread that ends then. What it cannot do is done, or told, by the next look.
        """
        try:
            at_exec(process, go_on, lambda: self._receive(ProcessClocks(process, self._patch_here())))
        except (ClockError, OSError) as error:
            _log.debug("process %d was not met at once: %s", process, error)

    def _receive(self, clocks: ProcessClocks) -> None:
        wanted = self._wanted
        self.reached += bool(wanted) and clocks.put_under(self._owner, wanted, is_stopped=True)
        if (now := self._wanted) != wanted:  # it may have been overlooked by who changed that
            clocks.put_under(self._owner, now, is_stopped=True)

    def look(self) -> None:
        """Something was started: see to it now."""
        self._look.set()

    async def problem(self) -> str:
        """Which process has not the clocks that it should have; empty if all have. Looks at every one."""
        if self._watching is not None and self._watching.done():
            return f"nobody looks at new processes: {self._watching.exception()!r}"
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            await self._bring_about()
            if not (problem := self._problem()) or time.monotonic() > deadline:
                return problem
            await asyncio.sleep(LOOK_S)

    def ahead(self) -> Mapping[str, int]:
        """How far ahead the two clocks are now, in nanoseconds."""
        now_ns = time.monotonic_ns()
        return {
            "realtime_ahead_ns": self._wanted.realtime.at(now_ns),
            "monotonic_ahead_ns": self._wanted.monotonic.at(now_ns),
        }

    def under(self) -> int:
        """How many processes are under a skew, read back."""
        patch = self._patch_here()
        return sum(_is_under(ProcessClocks(process, patch), self._wanted) for process in self._processes())

    async def close(self) -> None:
        """Look at nothing any more, whatever is asked for from now on."""
        self._is_closed = True
        await self._stop_watching()

    async def _stop_watching(self) -> None:
        if self._watching is not None:
            watching, self._watching = self._watching, None
            watching.cancel()
            await asyncio.wait([watching])

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), max(LOOK_S, _SHARE * self._look_took_s))
            self._look.clear()
            await self._bring_about()

    async def _bring_about(self) -> None:
        async with self._lock:
            patch, wanted = self._patch_here(), self._wanted
            if await asyncio.to_thread(self._is_settled, patch, wanted):
                self._failures = {}
                return
            async with self._undisturbed():
                change = asyncio.ensure_future(asyncio.to_thread(self._change_all, patch, wanted))
                try:
                    await asyncio.shield(change)
                except asyncio.CancelledError:  # never let it go on by itself: others would write at the same time
                    await asyncio.wait([change])
                    raise

    def _is_settled(self, patch: Patch, wanted: Skews) -> bool:
        """Whether nothing has to be done, found without stopping anybody."""
        begin_s = time.thread_time()
        try:
            return all(_is_under(ProcessClocks(process, patch), wanted) for process in self._processes())
        finally:
            self._look_took_s = time.thread_time() - begin_s

    def _change_all(self, patch: Patch, wanted: Skews) -> None:
        failures: dict[int, str] = {}
        settled: set[int] = set()
        with ThreadPoolExecutor(_AT_ONCE, "clocks") as executor:
            for _ in range(_PASSES):
                met = [process for process in self._processes() if process not in settled]
                if not met:
                    break
                settled.update(met)
                for process, (reached, failure) in zip(
                    met, executor.map(lambda process: self._change(process, patch, wanted), met), strict=True
                ):
                    self.reached += reached
                    if failure:
                        failures[process] = failure
        self._failures = failures

    def _change(self, process: int, patch: Patch, wanted: Skews) -> tuple[bool, str]:
        """Whether it was put under a skew, and what kept it from what was wanted."""
        clocks = ProcessClocks(process, patch)
        try:
            if wanted:
                return clocks.put_under(self._owner, wanted), ""
            clocks.put_right(self._owner)
        except (ClockError, OSError) as error:
            return False, "" if _ended(process, error) else str(error)
        return False, ""

    def _problem(self) -> str:
        return "; ".join(why for _, why in sorted(self._failures.items()))

    def _patch_here(self) -> Patch:
        if self._patch is None:
            self._patch = Patch.here()
        return self._patch


def _is_under(clocks: ProcessClocks, wanted: Skews) -> bool:
    try:
        written = clocks.read()
    except (ClockError, OSError):
        return False
    return not wanted if written is None else written.whole and written.skews == wanted


def _ended(process: int, error: Exception) -> bool:
    """Whether this is what one hears of a process that is not there any more."""
    return isinstance(error, OSError) and error.errno in _GONE and not living_threads(process)
