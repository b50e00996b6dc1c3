"""Resources that are short: processor time, memory, processes. Limits of the target's own cgroups, by its controllers.

A limit holds for everything in the target, also for what is started on it later. It ends with its cgroup.
"""

from __future__ import annotations

import asyncio
import errno
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from schrodinger_agent.injectors.conditions import Condition, looks, no_more, number, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.target import Target

_MIB: Final = 1 << 20
_LEAST_PROCESSES: Final = 2
"""The target's init and the database: without them nothing could be started under the limit, and nothing would be."""
_LEAST_BYTES: Final = 32 * _MIB
"""Likewise: what init needs, and some to begin with."""
_SQUEEZE_S: Final = 2.0
"""How long a memory limit may take to get below what is used: caches are given back first."""


@final
class CpuLimit(Condition[int]):
    """The short processors of one cluster. A setting is a percentage of one processor."""

    kind: ClassVar[str] = "cpu-limit"
    needs: ClassVar[frozenset[str]] = frozenset({"cpu"})
    mechanism: ClassVar[str] = "quota of the cpu controller"
    counters: ClassVar[tuple[str, ...]] = ("throttled_periods",)

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """``percent``."""
        only(self.kind, parameters, ("percent",))
        return number(self.kind, parameters, "percent", 1, 10_000)

    async def begin(self, target: Target, setting: int) -> None:
        """Set the quota."""
        target.group("cpu").limit_cpu(setting)

    async def end(self, target: Target) -> None:
        """Lift it."""
        target.group("cpu").limit_cpu(None)

    async def problem(self, target: Target, setting: int) -> str:
        """The kernel must say that it has the quota."""
        percent = target.group("cpu").cpu_percent()
        return "" if percent == setting else f"the quota is {percent} %, not {setting} %"

    def measure(self, target: Target) -> dict[str, Any]:
        """Periods in which somebody had to wait."""
        return {"throttled_periods": target.group("cpu").cpu_throttled()}


@final
class MemoryLimit(Condition[int]):
    """The short memories of one cluster. A setting is how many MiB more than it uses (or 32) a target may use.

    What goes beyond is refused, and then the kernel kills the largest process in the target.
    """

    kind: ClassVar[str] = "memory-limit"
    needs: ClassVar[frozenset[str]] = frozenset({"memory"})
    mechanism: ClassVar[str] = "limit of the memory controller"
    counters: ClassVar[tuple[str, ...]] = ("limit_met", "killed")

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """``headroom_mib``."""
        only(self.kind, parameters, ("headroom_mib",))
        return number(self.kind, parameters, "headroom_mib", 0, 1 << 20)

    async def begin(self, target: Target, setting: int) -> None:
        """Set the limit. Of what is used now caches may be given back at once, so what is used can shrink."""
        group = target.group("memory")
        deadline = time.monotonic() + _SQUEEZE_S
        while True:
            try:
                group.limit_memory(max(_LEAST_BYTES, group.memory_used()) + setting * _MIB)
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > deadline:  # it has grown meanwhile
                    raise
                await asyncio.sleep(0)
            else:
                return

    async def end(self, target: Target) -> None:
        """Lift it."""
        target.group("memory").limit_memory(None)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - it was relative to what was used
        """The kernel must say that there is a limit."""
        return "" if target.group("memory").memory_limit() < 1 << 50 else "there is no limit of memory"

    def measure(self, target: Target) -> dict[str, Any]:
        """The limit, what is used, how often the limit was met, and how many processes were killed for it."""
        group = target.group("memory")
        met, killed = group.memory_events()
        return {
            "limit_bytes": group.memory_limit(),
            "used_bytes": group.memory_used(),
            "limit_met": met,
            "killed": killed,
        }


@final
class ProcessLimit(Condition[int]):
    """Targets of one cluster in which no process and no thread can be made any more. There is but one setting."""

    kind: ClassVar[str] = "process-limit"
    needs: ClassVar[frozenset[str]] = frozenset({"pids"})
    mechanism: ClassVar[str] = "limit of the pids controller"
    counters: ClassVar[tuple[str, ...]] = ("refused",)

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """No parameters."""
        no_more(self.kind, parameters)
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Allow as many as there are; some may end, and make room."""
        group = target.group("pids")
        there_are = min([group.processes() async for _ in looks()])
        group.limit_processes(max(_LEAST_PROCESSES, there_are))

    async def end(self, target: Target) -> None:
        """Lift it."""
        target.group("pids").limit_processes(None)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """The kernel must say that there is a limit."""
        return "" if target.group("pids").process_limit() is not None else "there is no limit of processes"

    def measure(self, target: Target) -> dict[str, Any]:
        """The limit, how many there are, and how often one more was refused."""
        group = target.group("pids")
        return {"limit": group.process_limit(), "there_are": group.processes(), "refused": group.forks_refused()}
