"""A target: the place that one node's processes live in, and what may happen there now.

The only writer of its processes. Faults hold it *down* (ended, and nothing may be started; several may do so at once)
or *frozen*. Which of them is for :mod:`schrodinger_agent.converge` to decide; this module carries it out, and never
lets one meet a spawn half-way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.clocks import NodeClocks
from schrodinger_agent.disks.disk import DATA
from schrodinger_agent.errors import NotNow
from schrodinger_agent.freezing import CgroupFreezer, SignalFreezer, settled
from schrodinger_agent.incarnation import DiskMount, Incarnation, Specification
from schrodinger_agent.supervision import Rules, Supervisor
from schrodinger_agent.supervision.calls import filter_of
from schrodinger_agent.types import ProcessEnd, Spawned, Stopped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from schrodinger_agent.controllers import Group
    from schrodinger_agent.disks import Disk
    from schrodinger_agent.freezing import Freezer
    from schrodinger_agent.incarnation import User
    from schrodinger_agent.names import NameServer
    from schrodinger_agent.supervision.calls import Architecture

_log = logging.getLogger(__name__)

DISK: Final = "disk"
"""The directory beside ``data`` at which a node's launcher mounts its disk for a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a target is made of. Without a network namespace it is on the host's; without a cgroup signals stop it.

    ``data`` is where the node finds its data. With a disk of its own only the node does: others look at the disk.
    ``supervised`` says that the agent is asked about its system calls. ``mark`` is written into what may outlive the
    agent. ``names`` answers the node's lookups, and ``files`` are mounted over those of the host to lead there.
    """

    name: str
    mark: str
    address: str
    data: Path
    network_fd: int | None
    cgroup: Path | None
    pid_namespace: bool
    disk: Disk | None = None
    groups: Mapping[str, Group] = field(default_factory=dict)
    supervised: Architecture | None = None
    names: NameServer | None = None
    files: Sequence[tuple[str, str]] = ()

    def open_data(self) -> int:
        """A descriptor of the node's data directory. It is the caller's."""
        if self.disk is not None:
            return self.disk.open_data()
        return os.open(self.data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


@dataclass(frozen=True, slots=True)
class Killed:
    """The database's processes that a kill found, and how many it left: none, or it failed."""

    processes: tuple[int, ...]
    took_ns: int
    left: int


@dataclass(frozen=True, slots=True)
class PowerLost:
    """What a loss of power ended, and whether the disk's witness proves it. ``dark_ns``: from the stop to the loss."""

    processes: tuple[int, ...]
    left: int
    proved: bool
    dark_ns: int
    restored_ns: int


@final
class Target:
    """One node's place, and the incarnations of its database."""

    def __init__(self, place: Place, on_end: Callable[[ProcessEnd], None]) -> None:
        self.place = place
        self.freezer: Freezer = CgroupFreezer(place.cgroup) if place.cgroup is not None else SignalFreezer(self._root)
        self._on_end = on_end
        self._current: Incarnation | None = None
        self._specification: Specification | None = None
        self._incarnations = 0
        self._owed = False
        self._paused = False
        self._when_spawned: dict[str, Callable[[], None]] = {}
        self.rules = Rules()
        self.clocks = NodeClocks(place.mark, self.processes, self.undisturbed)
        self._supervisors: list[Supervisor] = []
        self._holders: set[str] = set()
        self._is_over = False
        # Spawning, killing and freezing exclude each other. A stop excludes nothing: its grace must not delay a fault.
        self._lock = asyncio.Lock()

    @property
    def running(self) -> bool:
        """Whether the database is there, or anything it left behind."""
        return self._current is not None and self._current.running

    def is_held_by(self, holder: str) -> bool:
        """Whether this kind of fault keeps it down."""
        return holder in self._holders

    @property
    def disk(self) -> Disk:
        """Its disk; of a target that is prepared for faults of disks."""
        assert self.place.disk is not None, "the cluster is prepared for faults of disks"
        return self.place.disk

    @property
    def names(self) -> NameServer:
        """Its name server; of a target that has one."""
        assert self.place.names is not None, "the cluster is isolated, and prepared for faults of names"
        return self.place.names

    def group(self, controller: str) -> Group:
        """Its cgroup with a controller; of a target that is prepared for it."""
        return self.place.groups[controller]

    def processes(self) -> tuple[int, ...]:
        """The database's: init, or the launcher, is ours."""
        return tuple(process for process in self.freezer.processes() if process != self._root())

    async def spawn(
        self,
        argv: Sequence[str],
        companions: Sequence[Sequence[str]],
        *,
        environment: Mapping[str, str],
        directory: str,
        output: str,
        user: User | None = None,
    ) -> Spawned:
        """Start the database and its companions; returns when all have been executed."""
        async with self._lock:
            self._require_startable()
            self._specification = Specification(
                label=str(self.place.data.parent),
                argv=argv,
                companions=companions,
                environment=environment,
                directory=directory,
                output=output,
                user=user,
                network_fd=self.place.network_fd,
                cgroups=sorted(
                    {group.path for group in self.place.groups.values()}
                    | ({self.place.cgroup} if self.place.cgroup is not None else set())
                ),
                pid_namespace=self.place.pid_namespace,
                files=self.place.files,
                filter=None if self.place.supervised is None else filter_of(self.place.supervised),
                on_listener=self._supervise,
            )
            return await self._launch()

    async def stop(self, grace_s: float) -> Stopped:
        """Ask the database to end, wait, and end by force whatever is left of it."""
        incarnation = self._current
        if incarnation is None or not incarnation.running:
            return Stopped(was_running=False, killed=False)
        incarnation.expected = True
        incarnation.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(incarnation.ended), grace_s)
        except TimeoutError:
            async with self._lock:
                await self._kill()
            return Stopped(was_running=True, killed=True)
        return Stopped(was_running=True, killed=False)

    async def kill_and_hold(self, holder: str) -> Killed:
        """End everything in the target, by SIGKILL, and let nothing start until the holder releases it."""
        async with self._lock:
            self._holders.add(holder)
            begin_ns = time.monotonic_ns()
            found = self.processes()
            await self._kill()
            return Killed(found, time.monotonic_ns() - begin_ns, len(self.freezer.processes()))

    async def lose_power_and_hold(self, holder: str) -> PowerLost:
        """Cut the power of the node with a disk: what runs is gone, and what was not synced; nothing starts until then.

        The processes are told to stop, and the disk is lost *without waiting* for them to have done so: the wait would
        let syncs under way succeed, and hide a database that answers before its sync. Whatever one of them still does
        in these microseconds it does against a disk that fails, so no sync succeeds after the loss.

        Raises:
            Failed, DiskError, OSError: something survived, or the disk cannot be mounted again.
        """
        disk = self.disk
        async with self._lock:
            self._holders.add(holder)
            frozen_before = self.freezer.asked()
            found = self.processes()
            dark_ns = await asyncio.to_thread(self._go_dark, disk)
            await self._kill()
            left = len(self.freezer.processes())
            if not frozen_before:
                await self.freezer.thaw()
            restored_ns = -time.monotonic_ns()
            proved = await asyncio.to_thread(disk.restore_power)
            return PowerLost(found, left, proved, dark_ns, restored_ns + time.monotonic_ns())

    async def stop_and_hold(self, holder: str, grace_s: float) -> Stopped:
        """End the database as :meth:`stop` does, and let nothing start until the holder releases it."""
        async with self._lock:  # what is being started is stopped as well
            self._holders.add(holder)
        return await self.stop(grace_s)

    def when_spawned(self, holder: str, do: Callable[[], None] | None) -> None:
        """Let a kind of fault do something to whatever is started from now on, or nothing any more."""
        if do is None:
            self._when_spawned.pop(holder, None)
        else:
            self._when_spawned[holder] = do

    def release(self, holder: str) -> None:
        """Let it be started again, as far as this kind of fault is concerned."""
        self._holders.discard(holder)

    async def freeze(self) -> None:
        """Stop every process of the target."""
        async with self._lock:
            self._paused = True
            await self.freezer.freeze(held=self.is_held_up)

    @property
    def is_paused(self) -> bool:
        """Whether it was last asked to stand still, and not to go on, by us or by anybody."""
        return self._paused and self.freezer.asked()

    async def stands_still(self) -> bool:
        """Whether every process of the target is read back to. Who was held by a disk, and is no more, gets there."""
        async with self._lock:
            return await settled(self.freezer, held=self.is_held_up)

    async def while_down(self, do: Callable[[], None]) -> None:
        """End what runs, do something that nobody may see half-done, and start it again.

        Raises:
            Failed, DiskError, OSError: as :meth:`lose_power_and_hold`, or what is done does.
        """
        async with self._lock:
            running = self.running
            await self._kill()
            await asyncio.to_thread(do)
            if running:
                await self._start_again()

    async def restart(self) -> bool:
        """Kill what runs and start the same again; false if nothing runs, or nothing may start."""
        async with self._lock:
            if not self.running or self._holders or self._is_over:
                return False
            await self._kill()
            await self._start_again()
            return True

    async def _start_again(self) -> None:
        """Start the same as before; where it would stand still at once that is owed until the thaw."""
        self._owed = self.freezer.asked()
        if not self._owed and not self._holders and not self._is_over:
            await self._launch()

    async def thaw(self) -> None:
        """Let every process of the target go on, and start what was owed."""
        async with self._lock:
            self._paused = False
            await self.freezer.thaw()
            if self._owed:
                await self._start_again()

    async def end(self) -> None:
        """End everything in the target, for good: whatever is lifted or asked for from now on, nothing starts again."""
        async with self._lock:
            self._is_over = True
            await self.clocks.close()
            await self._kill()

    def rules_changed(self) -> None:
        """Let the rules about its system calls take effect on those under way."""
        for supervisor in self._supervisors:
            supervisor.rules_changed()

    def _supervise(self, listener: int) -> None:
        assert self.place.supervised is not None, "it has a filter"
        supervisor = Supervisor(listener, self.place.supervised, self.rules, str(self.place.data))
        self._supervisors.append(supervisor)
        supervisor.start()

    async def _launch(self) -> Spawned:
        assert self._specification is not None, "something was started before"
        self._incarnations += 1
        self._supervisors = []
        number = self._incarnations
        begin_ns = time.monotonic_ns()
        with self._disk_mount() as disk:
            meet = self.clocks.meet if self.clocks.wrong else None
            specification = replace(self._specification, disk=disk, on_executing=meet)
            incarnation = await Incarnation.launch(number, specification)
        self._current = incarnation
        incarnation.ended.add_done_callback(lambda ended: self._report_end(incarnation, ended.result()))
        for do in self._when_spawned.values():
            do()
        _log.debug("%s: incarnation %d is process %d", self.place.name, number, incarnation.pid)
        return Spawned(incarnation=number, pid=incarnation.pid, time_ns=begin_ns)

    async def _kill(self) -> None:
        if self._current is not None and self._current.running:
            self._current.expected = True
            if not self.is_held_up:
                await self._current.kill()
                return
            # The disk has to go on for those to end that are in the middle of a write. It does when nothing runs any
            # more: nobody is told that a write was done.
            was_frozen = self.freezer.asked()
            self.freezer.ask()
            ending = asyncio.ensure_future(self._current.kill())
            await asyncio.sleep(0)
            try:
                await asyncio.to_thread(self.disk.breathe)
                await ending
            finally:
                await asyncio.to_thread(self.disk.hold_breath)
                if not was_frozen:
                    await self.freezer.thaw()

    @asynccontextmanager
    async def undisturbed(self) -> AsyncIterator[None]:
        """While nothing is spawned, killed or frozen, for which a disk that hangs or is slow may be let go."""
        async with self._lock:
            yield

    @property
    def is_held_up(self) -> bool:
        """Whether its disk keeps processes that write from stopping or ending until it goes on."""
        return self.place.disk is not None and self.place.disk.holds

    def _go_dark(self, disk: Disk) -> int:
        begin_ns = time.monotonic_ns()
        self.freezer.ask()
        disk.lose_power()
        return time.monotonic_ns() - begin_ns

    @contextmanager
    def _disk_mount(self) -> Iterator[DiskMount | None]:
        """The node's mount of its disk, while a launcher needs it."""
        disk, home = self.place.disk, self.place.data.parent
        if disk is None:
            yield None
            return
        mount_fd = disk.mount_for_node()
        try:
            whole = home / DISK
            yield DiskMount(mount_fd=mount_fd, whole=str(whole), node=str(whole / DATA), data=str(self.place.data))
        finally:
            os.close(mount_fd)

    def _require_startable(self) -> None:
        name = self.place.name
        if self._is_over:
            raise NotNow(f"target {name} is being taken down")
        if self._holders:
            raise NotNow(f"target {name} is held down by a {min(self._holders)}: lift the fault first")
        if self.freezer.asked():
            raise NotNow(f"target {name} is frozen by a pause: lift the fault first")
        if self.running:
            raise NotNow(f"target {name} runs process {self._current and self._current.pid} already: stop it first")

    def _root(self) -> int | None:
        return self._current.root if self._current is not None and self._current.running else None

    def _report_end(self, incarnation: Incarnation, status: int) -> None:
        assert incarnation.ended_ns is not None, "it has ended"
        _log.debug("%s: incarnation %d ended with status %d", self.place.name, incarnation.number, status)
        self._on_end(
            ProcessEnd(
                target=self.place.name,
                incarnation=incarnation.number,
                status=status,
                expected=incarnation.expected,
                time_ns=incarnation.ended_ns,
            )
        )
