"""The queue workload: unique elements go in and come out; what is left is drained in the end. From Jepsen's queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.checkers import TotalQueue
from schrodinger.history import Dequeue, Drain, Enqueue
from schrodinger.workloads.drawn import DrawnWorkload, drawn
from schrodinger.workloads.parameters import WholeNumber
from schrodinger.workloads.workload import unique_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.checkers.queues import Delivery
    from schrodinger.history import Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.drawn import Parameters, Words
    from schrodinger.workloads.workload import Workload


def queue(client: Callable[[], Client], *, name: str = "queue", delivery: Delivery = "exactly-once") -> Workload:
    """A queue of whatever order; ``client`` makes clients that understand ``Enqueue``, ``Dequeue`` and ``Drain``.

    With ``delivery="at-least-once"`` an element may come out again, as from a broker whose consumers acknowledge.

    Raises:
        ValueError: ``delivery`` is neither.
    """
    judge = TotalQueue(delivery=delivery)
    return DrawnWorkload(
        client_factory=client,
        name=name,
        functions=(Enqueue.f, Dequeue.f, Drain.f),
        known={"enqueue_percent": WholeNumber(50, least=1)},
        choices={"enqueue_percent": (50, 60)},
        start=drawn(_draw),
        judge=lambda _: judge,
        end=lambda _, __: [Drain()],
    )


def _draw(parameters: Parameters, process: int, index: int, words: Words) -> Operation:
    if words[0] % 100 < parameters["enqueue_percent"]:
        return Enqueue(unique_value(process, index))
    return Dequeue()
