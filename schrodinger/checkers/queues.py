"""Queues and logs: what was put in comes out, and nothing else. After Jepsen's ``queue``, ``total-queue``, ``kafka``.

The work is native, in one pass (``schrodinger_native.check_queue`` and its like). Whether a queue keeps an order is for
``linearizable`` with a model of it to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from schrodinger_native import check_log, check_queue, check_total_queue

from schrodinger.checkers.findings import verdict_of

if TYPE_CHECKING:
    from schrodinger.checkers.verdict import Verdict
    from schrodinger.history import History


Delivery: TypeAlias = Literal["exactly-once", "at-least-once"]
"""How often what was put in comes out. Whoever waits for an acknowledgement, and delivers again if none comes, promises
the second."""

DELIVERIES: Final[tuple[Delivery, ...]] = get_args(Delivery)


@dataclass(frozen=True, slots=True)
class Queue:
    """What comes out of a queue was put in, and not more often than that; it may keep whatever it likes."""

    enqueue: str = "enqueue"
    dequeue: str = "dequeue"
    drain: str = "drain"
    name: str = "queue"

    @property
    def violations_are_final(self) -> bool:
        """What came out too early, or too often, did so for ever."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_queue(history.file, enqueue=self.enqueue, dequeue=self.dequeue, drain=self.drain)
        return verdict_of(self.name, history, found)


@dataclass(frozen=True, slots=True)
class TotalQueue:
    """What was put into a queue comes out, and nothing else does, in whatever order; once, or at least once."""

    enqueue: str = "enqueue"
    dequeue: str = "dequeue"
    drain: str = "drain"
    delivery: Delivery = "exactly-once"
    name: str = "total-queue"

    def __post_init__(self) -> None:
        if self.delivery not in DELIVERIES:
            raise ValueError(f"delivery is {self.delivery!r}: take one of {', '.join(DELIVERIES)}")

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_total_queue(
            history.file,
            enqueue=self.enqueue,
            dequeue=self.dequeue,
            drain=self.drain,
            redelivers=self.delivery == "at-least-once",
        )
        return verdict_of(self.name, history, found)


@dataclass(frozen=True, slots=True)
class Log:
    """Messages of logs with offsets are there once, in one order, for everybody who polls; none is lost.

    A message is lost when it was acknowledged at an offset below one that was polled, and never polled itself:
    consumers together read each log from its beginning.
    """

    send: str = "send"
    poll: str = "poll"
    transaction: str = "txn"
    assign: str = "assign"
    subscribe: str = "subscribe"
    name: str = "log"

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_log(
            history.file,
            send=self.send,
            poll=self.poll,
            transaction=self.transaction,
            assign=self.assign,
            subscribe=self.subscribe,
        )
        return verdict_of(self.name, history, found)
