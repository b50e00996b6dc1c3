"""The client protocol: how a suite talks to its database.

Three methods. ``open`` connects to one node, ``invoke`` does one operation and answers with its completion, ``close``
lets go of everything. The runner gives each process a client of its own, never calls it twice at once, and closes it
after any completion that leaves the connection in an unknown state, so a client never needs to repair itself.

A client never retries: a retry turns one operation into two and makes a correct database look broken. It answers
``fail`` only when the operation certainly did not happen. An exception that escapes ``invoke`` is recorded as
``info`` (as ``fail`` for an operation that only observes), except the few listed in :attr:`Client.certain_failures`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from schrodinger.history import Completion, Operation


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the cluster, as a suite sees it.

    ``data`` is where the database keeps what must survive a restart; ``log`` is the file its output goes to.
    """

    name: str
    address: str
    data: Path
    log: Path


class Indeterminate(Exception):
    """Raised by a client when it can't know whether the operation happened; the message says what it did see."""


class Client(ABC):
    """One process's connection to the database.

    Attributes:
        timeout_s: how long an operation may take before the runner gives up on it and calls it ``info``.
        certain_failures: exceptions after which the operation certainly did not happen, such as a refused connection.
        expected_errors: exceptions that faults bring about, beside OSError, TimeoutError and :class:`Indeterminate`.
            Any other is reported with its trace, and a run in which one escaped is not valid: it may be a mistake in
            the client.
    """

    timeout_s: ClassVar[float] = 2.0
    certain_failures: ClassVar[tuple[type[Exception], ...]] = ()
    expected_errors: ClassVar[tuple[type[Exception], ...]] = ()

    @abstractmethod
    async def open(self, node: Node, options: Mapping[str, str]) -> None:
        """Connect to ``node``. ``options`` are the database's options of this run."""

    @abstractmethod
    async def invoke(self, operation: Operation) -> Completion:
        """Do the operation, once; answer ``operation.ok(...)``, ``operation.fail(why)`` or ``operation.info(why)``."""

    async def close(self) -> None:
        """Let go of the connection. Called once, also after an ``open`` that failed, wherever that was."""
        return
