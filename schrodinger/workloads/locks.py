"""The lock workload: processes take a lock, use what it protects, and give it back. From Jepsen's lock workloads.

How long a lock is held follows from the rate, so a low one finds more: leases end while their holders dwell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger_native import Stream

from schrodinger.checkers import Lock
from schrodinger.history import Acquire, Outcome, Release, Use
from schrodinger.workloads.drawn import DrawnWorkload
from schrodinger.workloads.parameters import WholeNumber

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.history import Completion, Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.drawn import Parameters
    from schrodinger.workloads.workload import Workload


def lock(client: Callable[[], Client], *, name: str = "lock", exclusive: bool = True, leased: bool = True) -> Workload:
    """A lock a key; ``client`` makes clients that understand ``Acquire``, ``Use`` and ``Release``.

    With ``exclusive`` no two processes may hold a lock at once; without, only its fencing tokens are judged, and what
    it protects must let nobody in with an older one. ``leased`` locks end by themselves.
    """
    return DrawnWorkload(
        client_factory=client,
        name=name,
        functions=(Acquire.f, Use.f, Release.f),
        known={"keys": WholeNumber(4, least=1)},
        choices={"keys": (2, 4, 8)},
        start=LockStream,
        judge=lambda _: Lock(exclusive=exclusive, leased=leased),
    )


class LockStream:
    """Acquire, use, release, and again with another lock; remembers the token that it got, to show it.

    What comes next is fixed: a process that did not get the lock tries to use it all the same, and is told.
    """

    __slots__ = ("_keys", "_token", "_words")

    def __init__(self, parameters: Parameters, seed: int, process: int) -> None:
        self._keys = parameters["keys"]
        self._words = Stream(seed, process).words
        self._token: int | None = None

    def operation(self, index: int) -> Operation:
        """The ``index``-th operation."""
        turn, step = divmod(index, 3)
        key = self._words(turn)[0] % self._keys
        return Acquire(key) if step == 0 else Use(key, self._token) if step == 1 else Release(key)

    def observe(self, operation: Operation, completion: Completion) -> None:
        """Remember the token of an acquire that succeeded, until the next."""
        if isinstance(operation, Acquire):
            value = completion.value if completion.outcome is Outcome.OK else None
            self._token = value if isinstance(value, int) else None
