"""Other ways for a database to end than SIGKILL of all of it: asked to by SIGTERM, again and again, or one process.

An orderly end is worth testing, because it writes what a crash does not: a database may trust a file that only a clean
shutdown leaves.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

from schrodinger_agent.errors import Failed
from schrodinger_agent.freezing import state_of
from schrodinger_agent.injectors.conditions import Condition, no_more, number, only

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schrodinger_agent.target import Target

_GRACE_S: Final = 4.0
"""What an orderly end may take; a call of the controller waits for it."""

_PATIENCE_S: Final = 2.0
_POLL_S: Final = 0.002
_ENDED: Final = ("", "Z", "X")
"""States of a process that has ended; one that is not there any more has none."""
_HALTED: Final = ("T", *_ENDED)

Picks: TypeAlias = tuple[int, ...]
"""Which of a target's processes: each number, modulo how many there are, is a place in the order of their ages."""


@final
class Terminate(Condition[int]):
    """The targets of one cluster that were asked to end, and may not start. There is but one setting."""

    kind: ClassVar[str] = "terminate"
    needs: ClassVar[frozenset[str]] = frozenset()
    mechanism: ClassVar[str] = "SIGTERM, and SIGKILL to what is left after 4 s"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._ended: dict[str, str] = {}

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """No parameters."""
        no_more(self.kind, parameters)
        return 0

    async def begin(self, target: Target, setting: int) -> None:  # noqa: ARG002 - there is but one
        """Ask, wait, and hold."""
        stopped = await target.stop_and_hold(self.kind, _GRACE_S)
        how = "killed" if stopped.killed else "by itself"
        self._ended[target.place.name] = how if stopped.was_running else "did not run"

    async def end(self, target: Target) -> None:
        """Let it be started again."""
        target.release(self.kind)

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - as above
        """Nothing may be left."""
        left = target.processes()
        return f"processes {list(left)} are left" if left else ""

    def measure(self, target: Target) -> dict[str, Any]:
        """How it ended."""
        return {"ended": self._ended.get(target.place.name, "")}


@final
class RestartLoop(Condition[int]):
    """The targets of one cluster that crash again and again. A setting is how long each lives, in milliseconds."""

    kind: ClassVar[str] = "restart-loop"
    needs: ClassVar[frozenset[str]] = frozenset()
    mechanism: ClassVar[str] = "SIGKILL of the whole tree and the same command again, periodically"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._loops: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}
        self._restarts: dict[str, int] = {}

    def setting(self, parameters: Mapping[str, Any]) -> int:
        """``every_ms``."""
        only(self.kind, parameters, ("every_ms",))
        return number(self.kind, parameters, "every_ms", 10, 600_000)

    async def begin(self, target: Target, setting: int) -> None:
        """Restart it now, and then again and again."""
        name = target.place.name
        if name in self._loops:
            await self._stop(name)
        else:
            self._restarts[name] = 0
        await self._restart(target)
        stop = asyncio.Event()
        self._loops[name] = stop, asyncio.create_task(self._go_on(target, setting / 1e3, stop))

    async def end(self, target: Target) -> None:
        """Let the last one run."""
        if target.place.name in self._loops:
            await self._stop(target.place.name)
            self._measure(target.place.name)  # one may have been under way

    async def problem(self, target: Target, setting: int) -> str:  # noqa: ARG002 - it waits for as long
        """The loop must be going on."""
        _, loop = self._loops.get(target.place.name, (None, None))
        if loop is None or not loop.done():
            return "" if loop else "nothing is restarted"
        return f"the loop ended: {loop.exception()}"

    def measure(self, target: Target) -> dict[str, Any]:
        """How often it was restarted."""
        return {"restarts": self._restarts[target.place.name]}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Restarts."""
        return int(measured.get("restarts", 0))

    async def _go_on(self, target: Target, every_s: float, stop: asyncio.Event) -> None:
        """From one start to the next end, not by the clock: a restart that takes long must leave some time to run."""
        while True:
            try:
                await asyncio.wait_for(stop.wait(), every_s)
            except TimeoutError:
                await self._restart(target)
            else:
                return

    async def _restart(self, target: Target) -> None:
        self._restarts[target.place.name] += await target.restart()

    async def _stop(self, name: str) -> None:
        """Never in the middle of a restart, which would leave the target down."""
        stop, loop = self._loops.pop(name)
        stop.set()
        await asyncio.wait([loop])


class _OneProcess(Condition[Picks]):
    """What faults of single processes share: which."""

    needs: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._hit: dict[str, dict[int, int]] = {name: {} for name in targets}

    def setting(self, parameters: Mapping[str, Any]) -> Picks:
        """``pick``."""
        only(self.kind, parameters, ("pick",))
        return (number(self.kind, parameters, "pick", 0, 1 << 31),)

    def combined(self, settings: Sequence[Picks]) -> Picks:
        """All of them."""
        return tuple(sorted({pick for setting in settings for pick in setting}))

    def measure(self, target: Target) -> dict[str, Any]:
        """The processes that were hit."""
        return {"hit": sorted(set(self._hit[target.place.name].values()))}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """How many were hit."""
        return len(measured.get("hit", ()))

    def _pick(self, target: Target, pick: int) -> int | None:
        processes = sorted(target.processes())
        return processes[pick % len(processes)] if processes else None


@final
class KillProcess(_OneProcess):
    """Targets of one cluster of which a single process was killed. The rest does about it whatever it does."""

    kind: ClassVar[str] = "kill-process"
    mechanism: ClassVar[str] = "SIGKILL to one process of the tree"

    async def begin(self, target: Target, setting: Picks) -> None:
        """Kill those that were not killed before."""
        hit = self._hit[target.place.name]
        for pick in setting:
            if pick in hit or (process := self._pick(target, pick)) is None:
                continue
            descriptor = os.pidfd_open(process)
            try:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            finally:
                os.close(descriptor)
            hit[pick] = process
            await _until(target, process, _ENDED, "survived SIGKILL")

    async def end(self, target: Target) -> None:
        """It is over already."""
        self._measure(target.place.name)
        self._hit[target.place.name] = {}

    async def problem(self, target: Target, setting: Picks) -> str:  # noqa: ARG002 - it was waited for
        """None: each was seen to have ended."""
        return ""


@final
class PauseProcess(_OneProcess):
    """Targets of one cluster of which a single process stands still."""

    kind: ClassVar[str] = "pause-process"
    mechanism: ClassVar[str] = "SIGSTOP to one process of the tree"

    async def begin(self, target: Target, setting: Picks) -> None:
        """Stop those that were not stopped before, and let those go on that are not to be any more."""
        hit = self._hit[target.place.name]
        for pick in [pick for pick in hit if pick not in setting]:
            if (process := hit.pop(pick)) not in hit.values():  # another pick may have met the same one
                _send(process, signal.SIGCONT)
        self._stop(target, setting)
        target.when_spawned(self.kind, lambda: self._stop(target, setting))

    async def end(self, target: Target) -> None:
        """Let all go on."""
        target.when_spawned(self.kind, None)
        for process in self._hit[target.place.name].values():
            _send(process, signal.SIGCONT)
        self._measure(target.place.name)
        self._hit[target.place.name] = {}

    async def problem(self, target: Target, setting: Picks) -> str:
        """Each must be stopped, if it is there; where it has ended another one is picked."""
        self._stop(target, setting)
        hit = self._hit[target.place.name]
        # What a pause has frozen stops when that is over, before it does anything else: until then it cannot.
        if not target.is_paused and any(state_of(process) not in _HALTED for process in hit.values()):
            for process in set(hit.values()):
                await _until(target, process, _HALTED, "did not heed SIGSTOP")
        return "" if hit or not target.processes() else "no process is stopped"

    def _stop(self, target: Target, setting: Picks) -> None:
        hit = self._hit[target.place.name]
        there = set(target.processes())
        for pick in setting:
            if hit.get(pick) in there:
                continue
            hit.pop(pick, None)
            if (process := self._pick(target, pick)) is not None:
                _send(process, signal.SIGSTOP)
                hit[pick] = process


def _send(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


async def _until(target: Target, process: int, states: tuple[str, ...], otherwise: str) -> None:
    """Wait until a signal has its effect. One that a disk holds meets it before it executes anything of its own."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while (state := state_of(process)) not in states and not (state == "D" and target.is_held_up):
        if asyncio.get_running_loop().time() > deadline:
            raise Failed(f"process {process} {otherwise} for {_PATIENCE_S:g} s")
        await asyncio.sleep(_POLL_S)
