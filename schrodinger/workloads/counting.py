"""Workloads that count: numbers that only grow, and ids that are handed out once. From Jepsen's monotonic, unique-ids.

``monotonic`` increments numbers and reads them: a stale read, or an increment that was lost and done again, shows as a
number that went backwards. ``unique_ids`` takes ids as fast as they come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.checkers import Monotonic, UniqueIds
from schrodinger.history import Generate, Increment, Read
from schrodinger.workloads.drawn import DrawnWorkload, drawn
from schrodinger.workloads.parameters import WholeNumber
from schrodinger.workloads.workload import from_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.history import Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.drawn import Parameters, Words
    from schrodinger.workloads.workload import Workload


def monotonic(client: Callable[[], Client], *, name: str = "monotonic", sessions: bool = False) -> Workload:
    """Numbers that only grow; ``client`` makes clients that understand ``Increment`` and ``Read``.

    ``sessions`` is for databases that promise only that a client sees nothing older than it has seen itself.
    """
    return DrawnWorkload(
        client_factory=client,
        name=name,
        functions=(Increment.f, Read.f),
        known={"keys": WholeNumber(4, least=1), "read_percent": WholeNumber(50, least=0)},
        choices={"keys": (1, 2, 4), "read_percent": (50, 75)},
        start=drawn(_increment_or_read),
        judge=lambda _: Monotonic(sessions=sessions),
        end=lambda parameters, processes: from_everywhere([Read(key) for key in range(parameters["keys"])], processes),
    )


def unique_ids(client: Callable[[], Client], *, name: str = "unique-ids") -> Workload:
    """Ids that are handed out once; ``client`` makes clients that understand ``Generate``."""
    return DrawnWorkload(
        client_factory=client,
        name=name,
        functions=(Generate.f,),
        known={},
        choices={},
        start=drawn(lambda parameters, process, index, words: Generate()),  # noqa: ARG005
        judge=lambda _: UniqueIds(),
    )


def _increment_or_read(parameters: Parameters, process: int, index: int, words: Words) -> Operation:  # noqa: ARG001
    function, place, _, _ = words
    key = place % parameters["keys"]
    return Read(key) if function % 100 < parameters["read_percent"] else Increment(key)
