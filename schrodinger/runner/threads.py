"""Threads for what blocks: the driver that a client calls by ``asyncio.to_thread``.

Python's own pool has a handful of threads, and waits for each of them at the end. A client that is given up leaves its
call behind, which blocks for as long as the driver likes: on a connection that a partition has cut, for ever. A few of
them, and nobody else's call would begin, those of other clients as little as the check of the history; and the command
would not end. So each call has a thread of its own, for which nobody waits.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING, ParamSpec, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


@final
class ThreadPerCall(ThreadPoolExecutor):
    """What an event loop runs blocking calls by (it takes nothing but a pool): a daemon thread for each of them."""

    def submit(self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Begin the call at once."""
        future: Future[T] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = function(*arguments, **named)
            except BaseException as error:  # as a pool does it: whoever waits for the result is told
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=call, name=getattr(function, "__name__", "call"), daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing: what is under way may never end, and nobody needs its result any more."""
