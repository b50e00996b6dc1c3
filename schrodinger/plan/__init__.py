"""The plan: everything random about one run, as a frozen value that travels as JSON.

A plan is drawn from a seed and from then on is the identity of the run: ``plan.json`` replays on a machine whose
Hypothesis would draw something else. Operations are not in it; they come from a counter-based stream keyed by
(``seed``, process, index), so that leaving out a fault or a process changes no other process's operations.
"""

from schrodinger.plan.drawing import draw_plan
from schrodinger.plan.plan import Plan, PlanError

__all__ = ["Plan", "PlanError", "draw_plan"]
