"""Power loss: the node is off at once, and its disk has only what was synced; nothing may start until it is lifted.

Unlike a kill, which loses nothing that the operating system had taken: unsynced data, names, renames and removals are
gone. Each loss proves itself by a witness on the disk (:mod:`schrodinger_agent.disks.disk`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

from schrodinger_agent.injectors.held_down import HeldDown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import PowerLost, Target


@final
class PowerLoss(HeldDown):
    """The losses of power of one cluster."""

    kind: ClassVar[str] = "power-loss"
    needs: ClassVar[frozenset[str]] = frozenset({"disk"})
    mechanism: ClassVar[str] = "shutdown of the file system, SIGKILL, mount again"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._lost: dict[str, PowerLost] = {}

    async def end(self, target: Target) -> None:
        """Cut its power."""
        self._lost.pop(target.place.name, None)
        self._lost[target.place.name] = await target.lose_power_and_hold(self.kind)

    def problem(self, name: str, failure: str) -> str:
        """The disk must have lost what was not synced, and be mounted again."""
        return failure or ("" if self._lost[name].proved else "what was not synced is still on the disk")

    def affected(self, units: frozenset[str]) -> int:
        """Processes that were ended."""
        return sum(len(lost.processes) for name, lost in self._lost.items() if name in units)

    def evidence(self, units: frozenset[str]) -> dict[str, Any]:
        """What was ended, how fast, and what the witness on the disk says."""
        return {
            name: {
                "processes": len(lost.processes),
                "left": lost.left,
                "unsynced_witness": "lost" if lost.proved else "kept",
                "dark_ns": lost.dark_ns,
                "restored_ns": lost.restored_ns,
            }
            for name, lost in sorted(self._lost.items())
            if name in units
        }
