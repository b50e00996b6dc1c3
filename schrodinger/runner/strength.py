"""What the strength of a run is measured by: its plan, and what the runner has told already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schrodinger.checkers import Strength
from schrodinger.checkers.strength import FINAL_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schrodinger.plan import Plan


def strength_of(plan: Plan, events: Iterable[Mapping[str, Any]]) -> Strength:
    """The checker of the strength of a run of ``plan`` that left these ``events``."""
    told = any(FINAL_FAILED in event.get("message", "") for event in events)
    return Strength(planned_faults=len(plan.schedule), nodes=plan.nodes, clients=plan.concurrency, final=not told)
