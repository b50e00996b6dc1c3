"""The clients' end of the switch: the network namespace that the controller's own thread moves into.

Nodes live on a network of their own, and so must whoever talks to them. The thread that runs the clients unshares its
network namespace and the agent puts the clients' cable into it; the host's namespace is not touched. A namespace
belongs to a *thread*: threads started afterwards inherit it, threads that were there before do not. Two consequences:

- gRPC opens its connections from threads of its own, which it starts at the first use in the process and keeps. So
  nothing may use gRPC before :meth:`ClientNamespace.enter`, not even for the agent (whose Unix socket is reachable
  from any namespace). And because those threads can never be moved, one process keeps one client namespace for all of
  its runs: :meth:`ClientNamespace.leave` does not give it up, and the next :meth:`ClientNamespace.enter` returns to it.
- A process started inside would be cut off from the host's network, so the agent is started
  :meth:`ClientNamespace.outside`.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

from schrodinger_agent.namespaces import enter_network, open_network, raise_loopback, unshare_network

if TYPE_CHECKING:
    from collections.abc import Iterator


@final
class ClientNamespace:
    """A network namespace for a thread to go in and out of. Made by the first :meth:`enter`, gone after :meth:`close`.

    All methods are for the thread that first entered.
    """

    def __init__(self) -> None:
        self._namespace: int | None = None
        self._home: int | None = None
        self._thread = 0

    @property
    def thread(self) -> int:
        """The native id of the thread that is inside, by which the agent finds the namespace."""
        if self._home is None:
            raise RuntimeError("no thread is in the clients' namespace; enter() it first")
        return self._thread

    def enter(self) -> None:
        """Move the calling thread into the namespace; a no-op when it is inside.

        Raises:
            PermissionError: it may not make a namespace.
        """
        if self._home is not None:
            self._require_thread()
            return
        home = open_network()
        try:
            self._move_in()
        except BaseException:
            enter_network(home)
            os.close(home)
            raise
        self._home = home
        self._thread = threading.get_native_id()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Be back in the host's namespace for a moment, to start something that must live there."""
        if self._home is None or self._namespace is None:
            yield
            return
        self._require_thread()
        enter_network(self._home)
        try:
            yield
        finally:
            enter_network(self._namespace)

    def leave(self) -> None:
        """Return to where the thread came from; a no-op when it is outside."""
        if self._home is None:
            return
        self._require_thread()
        enter_network(self._home)
        os.close(self._home)
        self._home = None

    def close(self) -> None:
        """Leave, and give the namespace up. May be called again."""
        self.leave()
        if self._namespace is not None:
            os.close(self._namespace)
            self._namespace = None

    def _move_in(self) -> None:
        if self._namespace is not None:
            enter_network(self._namespace)
            return
        unshare_network()
        raise_loopback()
        self._namespace = open_network()

    def _require_thread(self) -> None:
        here = threading.get_native_id()
        if here != self._thread:
            raise RuntimeError(f"thread {self._thread} is in the clients' namespace, so thread {here} cannot move it")
