"""One agent at a time: whose turn it is to be the agent of a state directory."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schrodinger_agent.state import StateDirectory

_LOCK_S: Final = 15.0
"""How long an agent that is on its way out may hold the lock: as long as it takes to end its processes."""

_POLL_S: Final = 0.01


class LockError(Exception):
    """Another process holds the state directory and answers nobody."""


def lock_or_yield(state: StateDirectory) -> int | None:
    """The lock of the directory; or ``None`` as soon as another agent answers at the door and serves in our place.

    Raises:
        LockError: neither happened in time.
    """
    deadline = time.monotonic() + _LOCK_S
    while (lock := state.try_lock()) is None:
        if _answers(state):
            return None
        if time.monotonic() > deadline:
            raise LockError(
                f"{state.lock} is held by a process that serves nobody: find it with `fuser {state.lock}`, and end it"
            )
        time.sleep(_POLL_S)
    return lock


def _answers(state: StateDirectory) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(str(state.door_socket))
            return bool(caller.recv(1))
        except OSError:
            return False
