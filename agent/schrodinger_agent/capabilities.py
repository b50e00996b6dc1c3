"""What this host can do, found by doing it once: namespaces made and left, a cgroup frozen and thawed, a link cut."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from schrodinger_agent import cgroups
from schrodinger_agent.clocks import ClockError
from schrodinger_agent.clocks.trial import try_clocks
from schrodinger_agent.controllers import CONTROLLERS, find_controllers
from schrodinger_agent.disks import DiskError
from schrodinger_agent.disks.trial import try_disk
from schrodinger_agent.errors import RequestError
from schrodinger_agent.freezing import CgroupFreezer, FreezeError, SignalFreezer
from schrodinger_agent.incarnation import Incarnation, Specification
from schrodinger_agent.injectors import PREPARED
from schrodinger_agent.injectors.kill import Kill
from schrodinger_agent.injectors.partition import Partition
from schrodinger_agent.injectors.pause import Pause
from schrodinger_agent.injectors.registry import LINK_KINDS
from schrodinger_agent.interpreter import bare_python
from schrodinger_agent.names import NameServer, write_files
from schrodinger_agent.names.server import ADDRESS
from schrodinger_agent.namespaces import OWN_NAMESPACES, new_network, outer_user
from schrodinger_agent.network import try_network
from schrodinger_agent.network_effects import CUT
from schrodinger_agent.network_effects import KINDS as KINDS_OF_EFFECTS
from schrodinger_agent.supervision import Rules, Supervisor
from schrodinger_agent.supervision.calls import filter_of, this_architecture
from schrodinger_agent.supervision.rules import Answer, Rule
from schrodinger_agent.types import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from schrodinger_agent.controllers import Controller
    from schrodinger_agent.network import NetworkTrial
    from schrodinger_agent.state import StateDirectory


_SYNC_ONCE: Final = """
import os
try:
    os.fsync(0)
except OSError as error:
    os._exit(error.errno)
"""
"""A program that tells with its status how its sync ended."""


_LOOK_UP: Final = "import socket, sys; sys.exit(socket.gethostbyname(sys.argv[1]) != sys.argv[2])"
"""A program that tells with its status whether a name stands for an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What was found.

    ``network`` says what can carry packets; ``cgroups`` is where cgroups of ours can be made, if anywhere,
    ``controllers`` which resources they can limit; ``lacking`` is why targets cannot have what some faults need, by the
    name of that.
    """

    isolated: bool
    network: NetworkTrial
    pid_namespaces: bool
    cgroups: Path | None
    controllers: Mapping[str, Controller]
    lacking: Mapping[str, str]
    entries: tuple[Capability, ...]


async def probe(state: StateDirectory) -> Abilities:
    """Try every mechanism. Takes a fraction of a second and leaves nothing behind."""
    network = await asyncio.to_thread(_try_network_namespaces)
    trial = await asyncio.to_thread(try_network, enough=KINDS_OF_EFFECTS)
    switch = _switch(trial)
    pid = await _try_pid_namespaces()
    hierarchy = cgroups.find_hierarchy()
    freeze = await _try_freeze(hierarchy, state.mark)
    disk = await _try_disk(state, pid)
    isolated = network.available and switch.available and pid.available
    obstacle = next((trial for trial in (network, switch, pid) if not trial.available), None)
    links = _faults_of_links(trial, obstacle)
    kill = _fault(Kill.kind, "SIGKILL of a PID namespace" if pid.available else "SIGKILL to every process of the tree")
    pause = _fault(Pause.kind, freeze.mechanism if freeze.available else SignalFreezer.mechanism)
    controllers = find_controllers()
    needs = {"disk": disk, "supervision": await _try_supervision(), "names": await _try_names(state, network, pid)}
    needs |= {name: _try_controller(name, controllers.get(name), state.mark) for name in CONTROLLERS}
    needs["clocks"] = await _try_clocks(state.mark)
    needs["cpu-apart"] = _cpu_apart(controllers.get("cpu"))
    prepared = [_prepared(injector.kind, injector.mechanism, injector.needs, needs) for injector in PREPARED]
    return Abilities(
        isolated=isolated,
        network=trial,
        pid_namespaces=pid.available,
        cgroups=hierarchy if freeze.available else None,
        controllers={name: found for name, found in controllers.items() if needs[name].available},
        lacking={name: need.reason for name, need in needs.items() if not need.available},
        entries=(*links, kill, pause, *prepared, network, switch, pid, freeze, *needs.values()),
    )


def _fault(kind: str, mechanism: str) -> Capability:
    return Capability(name=kind, is_fault=True, available=True, mechanism=mechanism)


def _prepared(kind: str, mechanism: str, needed: frozenset[str], needs: Mapping[str, Capability]) -> Capability:
    """A fault is as available as everything it needs."""
    for name in sorted(needed):
        if not needs[name].available:
            return replace(needs[name], name=kind, is_fault=True)
    return _fault(kind, mechanism)


def _mechanism(name: str, mechanism: str) -> Capability:
    return Capability(name=name, is_fault=False, available=True, mechanism=mechanism)


def _missing(name: str, reason: str, remedy: str) -> Capability:
    return Capability(name=name, is_fault=False, available=False, reason=reason, remedy=remedy)


def _try_network_namespaces() -> Capability:
    name = "network-namespaces"
    try:
        os.close(new_network())
    except OSError as error:
        return _missing(name, str(error.strerror), _remedy(error, "network namespaces", own_is_enough=True))
    return _mechanism(name, "anonymous, held by the agent's descriptors")


def _switch(trial: NetworkTrial) -> Capability:
    if not trial.available:
        return _missing("switch", trial.reason, trial.remedy)
    return _mechanism("switch", "; ".join(mechanism.words for mechanism in trial.possible))


def _faults_of_links(trial: NetworkTrial, obstacle: Capability | None) -> list[Capability]:
    """Partitions wherever there is a switch, everything else where one can do it."""
    lacking = obstacle or trial
    faults = []
    for kind, effect in ((Partition.kind, CUT), *((kind, kind) for kind in LINK_KINDS)):
        mechanism = trial.choose({effect}) if obstacle is None else None
        if mechanism is not None:
            faults.append(_fault(kind, mechanism.words))
        else:
            faults.append(
                Capability(name=kind, is_fault=True, available=False, reason=lacking.reason, remedy=lacking.remedy)
            )
    return faults


async def _try_pid_namespaces() -> Capability:
    name = "pid-namespaces"
    trial = Specification(
        label="trial",
        argv=bare_python("-c", ""),
        environment={},
        directory="/",
        output=os.devnull,
        network_fd=None,
        cgroups=(),
        pid_namespace=True,
    )
    try:
        incarnation = await Incarnation.launch(1, trial)
        await incarnation.ended
    except RequestError as error:
        return _missing(name, str(error), _privilege("PID namespaces", own_is_enough=True))
    return _mechanism(name, "a PID namespace and a /proc of its own for each database")


async def _try_freeze(hierarchy: Path | None, mark: str) -> Capability:
    name = "cgroup-freeze"
    if hierarchy is None:
        return _missing(name, "no cgroup v2 hierarchy is mounted", "run `mount -t cgroup2 none /sys/fs/cgroup`")
    trial = hierarchy / f"{mark}_trial"
    try:
        trial.mkdir()
        try:
            freezer = CgroupFreezer(trial)
            await freezer.freeze()
            await freezer.thaw()
        finally:
            cgroups.remove(trial)
    except FreezeError as error:
        return _missing(name, str(error), "use a kernel with the cgroup v2 freezer (5.2 or newer)")
    except OSError as error:
        return _missing(name, f"{error.filename}: {error.strerror}", _remedy(error, "the cgroup v2 freezer"))
    return _mechanism(name, f"{CgroupFreezer.mechanism} at {hierarchy}")


def _try_controller(name: str, controller: Controller | None, mark: str) -> Capability:
    """Make a cgroup with it; without one there is nothing to limit."""
    entry = f"cgroup-{name}"
    if controller is None:
        return _missing(entry, f"the {name} controller is in no hierarchy", f"mount one: mount -t cgroup -o {name}")
    trial = controller.hierarchy / f"{mark}_trial"
    try:
        trial.mkdir(exist_ok=True)
        cgroups.remove(trial)
    except OSError as error:
        return _missing(entry, f"{error.filename}: {error.strerror}", _remedy(error, f"the {name} controller"))
    return _mechanism(entry, f"cgroup {'v2' if controller.unified else 'v1'} at {controller.hierarchy}")


def _cpu_apart(cpu: Controller | None) -> Capability:
    """Whether programs of ours can share a target's processor without being among its processes."""
    name = "cpu-apart"
    if cpu is None or cpu.unified:
        return _missing(name, "the cpu controller has no hierarchy of its own", "mount it: mount -t cgroup -o cpu")
    return _mechanism(name, f"the cpu controller has a hierarchy of its own, {cpu.hierarchy}")


async def _try_supervision() -> Capability:
    """Let a program's sync fail, and hear from it that it did."""
    name = "supervision"
    architecture = this_architecture()
    if architecture is None:
        return _missing(name, f"system calls of {os.uname().machine} are not known", "use x86-64 or arm64")
    rules = Rules()
    rules.set(name, (Rule(frozenset({"sync"}), Answer(error=errno.EIO)),))
    trial = Specification(
        label="trial",
        argv=bare_python("-c", _SYNC_ONCE),
        environment={},
        directory="/",
        output=os.devnull,
        network_fd=None,
        cgroups=(),
        pid_namespace=False,
        filter=filter_of(architecture),
        on_listener=lambda listener: Supervisor(listener, architecture, rules, "/").start(),
    )
    try:
        status = await (await Incarnation.launch(1, trial)).ended
    except RequestError as error:
        return _missing(name, str(error), "use a kernel with seccomp user notification (5.5 or newer)")
    if status != errno.EIO:
        return _missing(
            name, f"a sync that was to fail ended with {status}", "use a kernel with seccomp (5.5 or newer)"
        )
    return _mechanism(name, "seccomp user notification, set when a database is started")


async def _try_clocks(mark: str) -> Capability:
    """Let a program's clocks be wrong, and hear from it that they are."""
    name = "clocks"
    try:
        await asyncio.to_thread(try_clocks, f"{mark}trial")
    except ClockError as error:
        return _missing(name, str(error), "use x86-64 or arm64, a kernel whose vDSO has room, and schrodinger-native")
    except OSError as error:
        return _missing(name, str(error), "allow ptrace(2) of own children, and writing to their /proc/PID/mem")
    return _mechanism(name, "the vDSO of a process rewritten while it runs; calls that go to the kernel see true time")


async def _try_names(state: StateDirectory, network: Capability, pid: Capability) -> Capability:
    """Let a program in namespaces of its own look up a name that only its own server knows."""
    name = "names"
    for needed in (network, pid):
        if not needed.available:
            return _missing(name, "a node's name server is in its namespaces", needed.remedy)
    place = state.clusters / "_names"  # no cluster's name; swept like one
    address = "10.77.0.77"
    namespace = new_network()
    try:
        place.mkdir(parents=True)
        server = NameServer(namespace, {"trial": address})
        try:
            trial = Specification(
                label="trial",
                argv=bare_python("-c", _LOOK_UP, "trial", address),
                environment={},
                directory="/",
                output=os.devnull,
                network_fd=namespace,
                cgroups=(),
                pid_namespace=True,
                files=write_files(place / "files", ADDRESS, ["trial"]),
            )
            status = await (await Incarnation.launch(1, trial)).ended
        finally:
            server.close()
    except (OSError, RequestError) as error:
        return _missing(name, str(error), "let /etc/resolv.conf be a file")
    finally:
        os.close(namespace)
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
    if status != 0:
        return _missing(name, f"a lookup ended with status {status}", "let /etc/resolv.conf be a file")
    return _mechanism(name, f"for each node a name server of the agent at {ADDRESS}, found by files of its own in /etc")


async def _try_disk(state: StateDirectory, pid: Capability) -> Capability:
    """Make a disk, let it lose its power, and see what is left."""
    name = "disk"
    if not pid.available:
        return _missing(name, "a node's disk is mounted in its namespace", pid.remedy)
    place = state.clusters / "_trial"  # no cluster's name; swept like one
    try:
        await asyncio.to_thread(try_disk, place)
    except DiskError as error:
        return _missing(name, str(error), "use a kernel with ext4 and its shutdown (4.14 or newer)")
    except OSError as error:
        reason = f"{error.filename or place}: {error.strerror}"
        if error.errno in {errno.EPERM, errno.EACCES, errno.EROFS}:
            return _missing(name, reason, _privilege("loop devices and mounts"))
        return _missing(name, reason, "use a kernel with loop devices and ext4 (5.8 or newer), and e2fsprogs")
    return _mechanism(name, f"for each node a loop device, a sparse image in {state.clusters}, ext4")


def _remedy(error: OSError, subject: str, *, own_is_enough: bool = False) -> str:
    if error.errno in {errno.EPERM, errno.EACCES, errno.EROFS}:
        return _privilege(subject, own_is_enough=own_is_enough)
    return f"use a kernel with {subject}"


def _privilege(subject: str, *, own_is_enough: bool = False) -> str:
    """Who may have it: root, or also an ordinary user in namespaces of one's own."""
    if outer_user() != 0:
        return f"run as root, or in namespaces of your own: {OWN_NAMESPACES}" if own_is_enough else "run as root"
    return f"the container forbids {subject}: run it with --privileged, or --cap-add SYS_ADMIN"
