"""Becoming a process of one's own: no terminal, no parent, no directory held, output to the log."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.state import VARIABLE, StateError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_READY = b"ready"

_LOG_BYTES: Final = 16 << 20
"""A log that has grown beyond this is put aside when the next agent starts; the one before it is dropped."""


@final
class Starter:
    """The way back to the process that started the agent, which waits until it hears that the agent is ready."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def ready(self) -> None:
        """Let the starter go, content."""
        self._say(_READY)

    def failed(self, why: str) -> None:
        """Let the starter go, with an error."""
        self._say(why.encode())

    def _say(self, message: bytes) -> None:
        if self._descriptor is not None:
            os.write(self._descriptor, message)
            os.close(self._descriptor)
            self._descriptor = None


def detach(log: Path) -> Starter:
    """Go on in a new process; the old one exits once that is ready, with its error if it is not.

    Call it while there is one thread, before anything is opened.

    Raises:
        StateError: the log cannot be written.
    """
    output = _opened(log)
    heard, say = os.pipe()
    if os.fork() != 0:
        os.close(say)
        with os.fdopen(heard, "rb") as pipe:
            message = pipe.read()
        if message == _READY:
            os._exit(0)
        os.write(sys.stderr.fileno(), (message or b"it ended before it was ready") + b"\n")
        os._exit(1)
    os.close(heard)
    os.setsid()
    os.chdir("/")
    with open(os.devnull, "rb") as nothing, output:  # noqa: PTH123 - a device
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    return Starter(say)


def _opened(log: Path) -> BinaryIO:
    try:
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
        log.touch(mode=0o600)
        return log.open("ab")
    except OSError as error:
        raise StateError(
            f"{log} cannot be written ({error.strerror}): choose another directory with {VARIABLE}"
        ) from None
