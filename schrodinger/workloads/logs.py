"""The log workload: messages are sent to logs and polled from them, for lost, doubled and reordered messages.

Each process begins anew at the beginning of all logs now and then, as one does that takes over from another. In the
end each reads all logs whole, so that what was acknowledged and then lost shows wherever it is missing. From Jepsen's
kafka workload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.checkers import Log
from schrodinger.history import Assign, Poll, PollAll, Send
from schrodinger.workloads.drawn import DrawnWorkload, drawn
from schrodinger.workloads.parameters import WholeNumber
from schrodinger.workloads.workload import EVERYWHERE, unique_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schrodinger.history import Operation
    from schrodinger.workloads.client import Client
    from schrodinger.workloads.drawn import Parameters, Words
    from schrodinger.workloads.workload import Workload


def log(client: Callable[[], Client], *, name: str = "log") -> Workload:
    """Logs with offsets; ``client`` makes clients that understand ``Assign``, ``Send``, ``Poll``, ``PollAll``."""
    return DrawnWorkload(
        client_factory=client,
        name=name,
        functions=(Assign.f, Send.f, Poll.f),
        known={
            "logs": WholeNumber(2, least=1),
            "send_percent": WholeNumber(50, least=1),
            "assign_every": WholeNumber(50, least=2),
        },
        choices={"logs": (1, 2, 4), "send_percent": (40, 60), "assign_every": (25, 100)},
        start=drawn(_draw),
        judge=lambda _: Log(),
        end=_end,
    )


def _draw(parameters: Parameters, process: int, index: int, words: Words) -> Operation:
    if index % parameters["assign_every"] == 0:
        return Assign(_all(parameters))
    if words[0] % 100 < parameters["send_percent"]:
        return Send(words[1] % parameters["logs"], unique_value(process, index))
    return Poll()


def _end(parameters: Parameters, processes: int) -> Sequence[Operation]:
    """From everywhere. A process that had been somewhere else in the logs is told to go back first.

    Operations next to each other are done by different processes, so whoever reads all has been told.
    """
    everything, readers = _all(parameters), min(processes, EVERYWHERE)
    return [*[Assign(everything)] * processes, *[PollAll(everything)] * readers]


def _all(parameters: Parameters) -> tuple[int, ...]:
    return tuple(range(parameters["logs"]))
