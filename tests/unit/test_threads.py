"""A thread for each blocking call: none waits for another, nobody waits at the end, and each tells how it ended."""

from __future__ import annotations

import asyncio
import threading

import pytest

from schrodinger.runner import ThreadPerCall

MANY = 100
"""More than any pool of Python's own has threads on a machine of today."""


async def blocked_calls(over: threading.Event) -> list[asyncio.Task[bool]]:
    """Calls that do not end before ``over``."""
    asyncio.get_running_loop().set_default_executor(ThreadPerCall())
    calls = [asyncio.create_task(asyncio.to_thread(over.wait)) for _ in range(MANY)]
    await asyncio.sleep(0)
    return calls


def test_a_call_begins_however_many_never_end_and_the_loop_ends_without_them() -> None:
    over = threading.Event()

    async def answered() -> int:
        calls = await blocked_calls(over)
        answer = await asyncio.to_thread(lambda: 7)
        assert not any(call.done() for call in calls)
        return answer

    try:
        assert asyncio.run(answered()) == 7
    finally:
        over.set()


def test_what_was_given_up_does_its_work_all_the_same_and_others_are_told_how_they_ended() -> None:
    over, finished = threading.Event(), threading.Event()

    def late() -> None:
        over.wait()
        finished.set()

    def broken() -> None:
        raise LookupError("nothing there")

    async def given_up() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPerCall())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.to_thread(late)
        with pytest.raises(LookupError, match="nothing there"):
            await asyncio.to_thread(broken)

    asyncio.run(given_up())
    over.set()
    assert finished.wait(10)
