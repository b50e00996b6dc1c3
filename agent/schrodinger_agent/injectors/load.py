"""Load on a target's processor and memory: busy programs that compete with it, caches that are taken from it.

The programs run in the target's cgroup of the cpu controller and in no other, so nothing that kills, pauses or counts
the target's processes meets them; and they die with the agent. Where the controller shares its hierarchy with the
freezer (cgroup v2) that cannot be.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from schrodinger_agent import burden
from schrodinger_agent.errors import Failed
from schrodinger_agent.injectors.conditions import Condition, number, only
from schrodinger_agent.interpreter import bare_python

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from schrodinger_agent.target import Target

_BEGIN_S: Final = 5.0
_END_S: Final = 5.0
_POLL_S: Final = 0.002


@final
class CpuBurn(Condition[int]):
    """The busy processors of one cluster. A setting is minus the number of busy programs in the target.

    They have their share of what the target may use: with as many programs as processors about half of it is left.
    """

    kind: ClassVar[str] = "cpu-burn"
    needs: ClassVar[frozenset[str]] = frozenset({"cpu", "cpu-apart"})
    mechanism: ClassVar[str] = "busy programs in the target's cgroup"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._programs: dict[str, list[subprocess.Popen[bytes]]] = {name: [] for name in targets}

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """``programs``."""
        only(self.kind, parameters, ("programs",))
        return -number(self.kind, parameters, "programs", 1, 64)

    async def begin(self, target: Target, setting: int) -> None:
        """Have as many as that."""
        programs = self._programs[target.place.name]
        while len(programs) < -setting:
            programs.append(_start(target.group("cpu").path))
        await self._keep(target, -setting)
        deadline = asyncio.get_running_loop().time() + _BEGIN_S
        while self._busy(target) < -setting:
            if asyncio.get_running_loop().time() > deadline:
                raise Failed(f"busy programs did not start within {_BEGIN_S:g} s: is the machine overloaded?")
            await asyncio.sleep(_POLL_S)

    async def end(self, target: Target) -> None:
        """End them all."""
        await self._keep(target, 0)

    async def problem(self, target: Target, setting: int) -> str:
        """All must run."""
        busy = self._busy(target)
        return "" if busy == -setting else f"{busy} of {-setting} busy programs run"

    def measure(self, target: Target) -> dict[str, Any]:
        """How many run."""
        return {"programs": self._busy(target)}

    def _busy(self, target: Target) -> int:
        """How many are in the target's cgroup, which they join before anything else."""
        members = target.group("cpu").members()
        return sum(program.pid in members for program in self._programs[target.place.name])

    async def _keep(self, target: Target, count: int) -> None:
        programs = self._programs[target.place.name]
        surplus = programs[count:]
        del programs[count:]
        for program in surplus:
            program.send_signal(signal.SIGKILL)
        for program in surplus:
            await asyncio.to_thread(program.wait, _END_S)


def _start(cgroup: Path) -> subprocess.Popen[bytes]:
    """Start one. On the agent's main thread only: it dies with the *thread* that started it."""
    command = bare_python(burden.__file__, str(cgroup), str(os.getpid()))
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


@final
class MemoryPressure(Condition[int]):
    """The pressed memories of one cluster. A setting is the time between two squeezes, in milliseconds.

    A squeeze takes from the target whatever memory can be given back: cached files must be read again, and, where there
    is swap, the rest too.
    """

    kind: ClassVar[str] = "memory-pressure"
    needs: ClassVar[frozenset[str]] = frozenset({"memory"})
    mechanism: ClassVar[str] = "reclaim by the memory controller"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._squeezing: dict[str, asyncio.Task[None]] = {}
        self._squeezed: dict[str, dict[str, int]] = {}

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """``every_ms``."""
        only(self.kind, parameters, ("every_ms",))
        return number(self.kind, parameters, "every_ms", 1, 60_000)

    async def begin(self, target: Target, setting: int) -> None:
        """Squeeze once, to see that it can be done, and then again and again."""
        name = target.place.name
        if name in self._squeezing:
            await self._stop(name)
        else:
            self._squeezed[name] = {"squeezes": 0, "taken_bytes": 0}
        await self._squeeze(target)
        self._squeezing[name] = asyncio.create_task(self._go_on(target, setting / 1e3))

    async def end(self, target: Target) -> None:
        """Stop."""
        if target.place.name in self._squeezing:
            await self._stop(target.place.name)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - it sleeps for as long
        """It must be going on."""
        task = self._squeezing.get(target.place.name)
        if task is None or not task.done():
            return "" if task else "nobody squeezes"
        return f"the squeezing ended: {task.exception()}"

    def measure(self, target: Target) -> dict[str, Any]:
        """How often it was squeezed and how much memory that took."""
        return dict(self._squeezed[target.place.name])

    async def _go_on(self, target: Target, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._squeeze(target)

    async def _squeeze(self, target: Target) -> None:
        taken = await asyncio.to_thread(target.group("memory").reclaim)
        squeezed = self._squeezed[target.place.name]
        squeezed["squeezes"] += 1
        squeezed["taken_bytes"] += taken

    async def _stop(self, name: str) -> None:
        task = self._squeezing.pop(name)
        task.cancel()
        await asyncio.wait([task])
