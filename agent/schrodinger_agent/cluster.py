"""A cluster on this host: targets, the network between them, faults in force. It comes up whole or not at all."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.controllers import Group
from schrodinger_agent.converge import Converger
from schrodinger_agent.disks import Disk
from schrodinger_agent.disks.disk import IMAGE
from schrodinger_agent.edges import EdgeLog
from schrodinger_agent.errors import Failed, InvalidRequest, NotFound, NotNow
from schrodinger_agent.injectors import KINDS, LINK_KINDS, injectors_for, needs_of
from schrodinger_agent.journal import Resource
from schrodinger_agent.loopback import LoopbackBlock
from schrodinger_agent.names import NameServer, write_files
from schrodinger_agent.names.server import ADDRESS
from schrodinger_agent.network import CLIENTS, NetworkError, SwitchedNetwork
from schrodinger_agent.network_topology import MOST_TARGETS
from schrodinger_agent.supervision.calls import this_architecture
from schrodinger_agent.sweep import remove
from schrodinger_agent.target import DISK, Place, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from schrodinger_agent.capabilities import Abilities
    from schrodinger_agent.converge import WireFault
    from schrodinger_agent.journal import Journal
    from schrodinger_agent.network_fabric import Mechanism
    from schrodinger_agent.state import StateDirectory
    from schrodinger_agent.types import Observed

_log = logging.getLogger(__name__)

_CLUSTER_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
_TARGET_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")

NAMES: Final = "names"
"""The directory beside ``data`` with the files that lead a node's programs to its name server."""

_REMOVE_S: Final = 30.0
"""How long the removal of one resource may keep the rest waiting. Large data directories take seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRequest:
    """A cluster that is wanted. Names become parts of paths and of cgroups' names, hence their alphabet.

    ``kinds`` are the faults that may be asked for; what they need is there before the first process. ``capture`` is a
    file that gets every packet that is delivered.
    """

    name: str
    targets: tuple[str, ...]
    lease_ns: int
    isolated: bool
    kinds: frozenset[str] = frozenset()
    capture: Path | None = None

    def __post_init__(self) -> None:
        if not _CLUSTER_NAME.fullmatch(self.name):
            raise InvalidRequest(f"cluster {self.name!r} is not a name: use 1 to 40 of a-z, 0-9 and '-'")
        if not 1 <= len(self.targets) <= MOST_TARGETS:
            raise InvalidRequest(f"targets: {len(self.targets)} is not a size: use 1 to {MOST_TARGETS}")
        for target in self.targets:
            if not _TARGET_NAME.fullmatch(target) or target == CLIENTS or self.targets.count(target) > 1:
                raise InvalidRequest(
                    f"targets: {target!r} is no name of its own: use 1 to 40 letters, digits, '_' and '-', "
                    f"each name once, and not {CLIENTS!r}"
                )
        if self.lease_ns <= 0:
            raise InvalidRequest(f"lease_ns is {self.lease_ns}: use a positive time, in nanoseconds")
        if self.capture is not None and not (self.isolated and self.capture.is_absolute()):
            raise InvalidRequest(f"capture is {self.capture}: give the whole path of a file, and isolated=true")
        for kind in sorted(self.kinds):
            if kind not in KINDS:
                raise InvalidRequest(f"kinds: {kind!r} is no kind of fault: use {', '.join(KINDS)}")


@final
class Cluster:
    """A cluster that is up, or coming up, or going down."""

    def __init__(self, request: ClusterRequest, journal: Journal) -> None:
        self.name = request.name
        self.edges = EdgeLog()
        self.targets: dict[str, Target] = {}
        self.network: SwitchedNetwork | None = None
        self._journal = journal
        self._resources: list[Resource] = []
        self._loopback: LoopbackBlock | None = None
        self._disks: dict[str, Disk] = {}
        self._names: dict[str, NameServer] = {}
        self._converger: Converger | None = None
        self._changing_faults = asyncio.Lock()

    @classmethod
    async def up(
        cls,
        request: ClusterRequest,
        *,
        abilities: Abilities,
        state: StateDirectory,
        journal: Journal,
        client_namespace: int | None,
    ) -> Cluster:
        """Make it. When that fails half-way, what was made is removed again."""
        if request.isolated and not abilities.isolated:
            why = "; ".join(entry.reason for entry in abilities.entries if not entry.available)
            raise NotNow(
                f"isolated clusters are not possible on this host ({why}): ask Capabilities, or use isolated=false"
            )
        for need in sorted(needs_of(request.kinds) & abilities.lacking.keys()):
            raise NotNow(f"{', '.join(sorted(request.kinds))}: no {need} for targets here ({abilities.lacking[need]})")
        cluster = cls(request, journal)
        try:
            await cluster._make(request, abilities, state, client_namespace)
        except BaseException as error:
            problems = await cluster.down()
            if isinstance(error, (OSError, NetworkError)):
                raise Failed("; ".join([f"cluster {request.name} cannot be made: {error}", *problems])) from error
            raise
        return cluster

    def target(self, name: str) -> Target:
        """One of its targets."""
        if name not in self.targets:
            raise NotFound(f"cluster {self.name} has no target {name!r}, only {', '.join(self.targets)}")
        return self.targets[name]

    async def set_faults(self, generation: int, desired: Sequence[WireFault]) -> Observed:
        """Make exactly these faults be in force."""
        async with self._changing_faults:
            return await self._faults().set(generation, desired)

    async def observe(self) -> Observed:
        """Read back the faults."""
        async with self._changing_faults:
            return await self._faults().observe()

    async def down(self) -> list[str]:
        """Remove everything that it owns. Goes on after an error; returns all of them. Bounded in time."""
        ended = await asyncio.gather(*(target.end() for target in self.targets.values()), return_exceptions=True)
        problems = [f"{name}: {error}" for name, error in zip(self.targets, ended, strict=True) if error is not None]
        async with self._changing_faults:  # a change that has begun needs what is removed below
            self._converger = None
        self.edges.close()
        while self._names:
            self._names.popitem()[1].close()
        if self.network is not None:
            problems += await asyncio.to_thread(self.network.close)
        if self._loopback is not None:
            self._loopback.release()
        for left in await asyncio.gather(*(asyncio.to_thread(disk.close) for disk in self._disks.values())):
            problems += left
        for resource in reversed(self._resources):
            try:
                problem = await asyncio.wait_for(asyncio.to_thread(remove, resource, self._journal), _REMOVE_S)
            except TimeoutError:
                problem = f"{resource.kind} {resource.path} was not removed within {_REMOVE_S:g} s"
            problems += [problem] if problem else []
        _log.info("cluster %s is down%s", self.name, f", but {'; '.join(problems)}" if problems else "")
        return problems

    def _faults(self) -> Converger:
        if self._converger is None:
            raise NotNow(f"cluster {self.name!r} is being taken down")
        return self._converger

    async def _make(
        self, request: ClusterRequest, abilities: Abilities, state: StateDirectory, client_namespace: int | None
    ) -> None:
        home = state.clusters / request.name
        needs = needs_of(request.kinds)
        frozen = _cgroups(abilities.cgroups, request, state)
        groups = {
            name: _cgroups(abilities.controllers[name].hierarchy, request, state)
            for name in needs & abilities.controllers.keys()
        }
        cgroups = {path for paths in (frozen, *groups.values()) for path in paths.values()}
        self._resources = [Resource("directory", str(home), request.name)]
        self._resources += [Resource("cgroup", str(path), request.name) for path in sorted(cgroups)]
        images = {name: home / name / IMAGE for name in request.targets} if "disk" in needs else {}
        self._resources += [Resource("disk", str(path), request.name) for path in images.values()]
        self._journal.about_to_make(self._resources)
        home.mkdir(parents=True)
        for target in request.targets:
            (home / target / "data").mkdir(parents=True)
            (home / target / DISK).mkdir()
        for path in cgroups:
            path.mkdir()
        if request.isolated:
            mechanism = _mechanism(request, abilities)
            self.network = await asyncio.to_thread(
                SwitchedNetwork.create, request.targets, client_namespace, mechanism, request.capture
            )
            addresses = self.network.addresses
        else:
            self._loopback = LoopbackBlock.claim(request.targets)
            addresses = self._loopback.addresses
        await self._make_disks(images)
        names = self._serve_names() if self.network is not None and "names" not in abilities.lacking else {}
        for name in request.targets:
            place = Place(
                name=name,
                mark=f"{state.mark}{request.name}.{name}",
                address=addresses[name],
                data=home / name / "data",
                network_fd=None if self.network is None else self.network.namespace_fd(name),
                cgroup=frozen.get(name),
                pid_namespace=abilities.pid_namespaces,
                disk=self._disks.get(name),
                names=names.get(name),
                files=write_files(home / name / NAMES, ADDRESS, request.targets) if name in names else (),
                supervised=this_architecture() if "supervision" in needs else None,
                groups={
                    controller: Group(paths[name], abilities.controllers[controller].unified)
                    for controller, paths in groups.items()
                },
            )
            self.targets[name] = Target(place, self.edges.append)
        self._converger = Converger(injectors_for(self.targets, self.network, request.kinds))
        _log.info("cluster %s is up: %s", self.name, dict(addresses))

    def _serve_names(self) -> Mapping[str, NameServer]:
        """Let every target know the others by name; those that serve are ours, also when another could not."""
        assert self.network is not None, "names are of isolated targets"
        for name in self.network.addresses:
            self._names[name] = NameServer(self.network.namespace_fd(name), self.network.addresses)
        return self._names

    async def _make_disks(self, images: Mapping[str, Path]) -> None:
        """All at once; those that were made are ours, also when another could not be."""
        makings = (asyncio.to_thread(Disk.create, image) for image in images.values())
        made = await asyncio.gather(*makings, return_exceptions=True)
        self._disks = {name: disk for name, disk in zip(images, made, strict=True) if isinstance(disk, Disk)}
        for problem in made:
            if isinstance(problem, BaseException):
                raise problem


def _mechanism(request: ClusterRequest, abilities: Abilities) -> Mechanism:
    """The quickest that can do to links what the cluster is prepared for."""
    kinds = request.kinds & frozenset(LINK_KINDS)
    mechanism = abilities.network.choose(kinds, captures=request.capture is not None)
    if mechanism is None:
        wanted = ", ".join([*sorted(kinds), *(["a capture"] if request.capture else [])])
        raise NotNow(
            f"no switch of this host can do all of {wanted} ({abilities.network.reason}): "
            f"{abilities.network.remedy}, or ask for less"
        )
    return mechanism


def _cgroups(hierarchy: Path | None, request: ClusterRequest, state: StateDirectory) -> Mapping[str, Path]:
    """The cgroup of each target in a hierarchy."""
    if hierarchy is None:
        return {}
    # The dot, which is in no cluster's name, lets a sweep tell the cluster from the target.
    return {target: hierarchy / f"{state.mark}{request.name}.{target}" for target in request.targets}
