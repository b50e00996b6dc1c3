"""The plan: everything random about one run, as a frozen value that travels as JSON.

A plan is drawn from a seed (:mod:`schrodinger.nemesis.strategies`) and from then on is the identity of the run: ``plan.json``
replays on a machine whose Hypothesis would draw something else. Operations are not in it; they come from a counter-based stream
keyed by (``seed``, process, index), so that leaving out a fault or a process changes no other process's operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger.nemesis.schedule import Schedule

PLAN_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run.

    Attributes:
        suite: name of the suite, or the path it was loaded from.
        workload: name of the workload, and ``parameters`` its parameters.
        options: the database's options (``version``, ``reads``), as text.
        nodes: how many nodes; they are called ``n1`` to ``n<nodes>``.
        concurrency: how many processes are active at any time.
        rate: invocations a second over all processes; 0 means as fast as they go.
        time_ns: how long the main phase lasts at most.
        operations: how many operations the main phase invokes at most, or ``None``.
        seed: the seed that the plan was drawn from, which also keys the operation streams.
        schedule: the faults.
        version: of this format.
    """

    suite: str
    workload: str
    nodes: int
    concurrency: int
    rate: float
    time_ns: int
    seed: int
    schedule: Schedule = ()
    operations: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    version: int = PLAN_VERSION
