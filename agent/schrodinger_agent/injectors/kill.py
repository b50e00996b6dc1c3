"""Kill: SIGKILL of a target's whole process tree, daemons included, and nothing may start until the fault is lifted.

In a PID namespace it is one signal, to init: the kernel ends the rest before init is gone, so there is no moment at
which a survivor could act. A target in which nothing runs is held down all the same; the evidence then counts no
process, and it is for the controller to say what such a kill is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors.held_down import HeldDown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Killed, Target


@final
class Kill(HeldDown):
    """The kills of one cluster."""

    kind: ClassVar[str] = "kill"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._killed: dict[str, Killed] = {}

    async def end(self, target: Target) -> None:
        """Kill."""
        self._killed[target.place.name] = await target.kill_and_hold(self.kind)

    def affected(self, units: frozenset[str]) -> int:
        """Processes killed."""
        return sum(len(record.processes) for name, record in self._killed.items() if name in units)

    def evidence(self, units: frozenset[str]) -> dict[str, Any]:
        """How many processes were there, how long it took to end them, and how many are left."""
        return {
            name: {
                "killed": list(record.processes),
                "processes": len(record.processes),
                "took_ns": record.took_ns,
                "left": record.left,
            }
            for name, record in sorted(self._killed.items())
            if name in units
        }
