"""The long-fork workload: keys that are written once, and reads of groups of them, for the order in which writes show.

Where reads are snapshots of one order of writes, no two of them disagree on which of two writes came first. From
Jepsen's long-fork. A process writes one key of its group in each round, and reads its own group and its neighbours':
so those who write a group are also those who watch it, each through its own node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schrodinger.checkers import LongFork
from schrodinger.history import ReadKey, Transaction, WriteKey
from schrodinger.workloads.drawn import DrawnWorkload, drawn
from schrodinger.workloads.parameters import WholeNumber
from schrodinger.workloads.workload import unique_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.history import Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.drawn import Parameters, Words
    from schrodinger.workloads.workload import Workload

BLOCKS: Final = 1 << 20
"""More than there are groups of processes in any run, so that rounds share no keys."""


def long_fork(client: Callable[[], Client], *, name: str = "long-fork") -> Workload:
    """Writes of single keys, reads of groups; ``client`` makes clients that understand ``Transaction``."""
    return DrawnWorkload(
        client_factory=client,
        name=name,
        functions=(Transaction.f,),
        known={"width": WholeNumber(3, least=2), "round": WholeNumber(4, least=2)},
        choices={"width": (2, 3), "round": (4, 8)},
        start=drawn(_draw),
        judge=lambda _: LongFork(),
    )


def _draw(parameters: Parameters, process: int, index: int, words: Words) -> Operation:
    width, length = parameters["width"], parameters["round"]
    number, place = divmod(index, length)
    block, member = divmod(process, width)
    # Where in its round a process writes is its own, and the same whichever operation is asked for.
    if place == (process * 7 + number) % length:
        return Transaction((WriteKey((number * BLOCKS + block) * width + member, unique_value(process, index)),))
    watched = max(block - words[0] % 2, 0)
    first = (number * BLOCKS + watched) * width
    # Each read begins at another key: where a read is no snapshot, that shows.
    return Transaction(tuple(ReadKey(first + (words[1] + place) % width) for place in range(width)))
