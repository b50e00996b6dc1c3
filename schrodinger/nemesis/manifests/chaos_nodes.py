"""PodChaos, IOChaos, StressChaos, TimeChaos and DNSChaos: what is done to nodes, each by itself.

A node is a pod with one container and one volume, its data directory. A database that was killed is started again by
us, as a pod is by Kubernetes; it finds its data as it was, as with a persistent volume.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from schrodinger.nemesis.clocks import ClockJump, MonotonicJump
from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.manifests.experiment import MOMENT_NS, OfNodes
from schrodinger.nemesis.manifests.selectors import read_selection
from schrodinger.nemesis.names import DnsFailure
from schrodinger.nemesis.processes import Kill
from schrodinger.nemesis.quantities import Offset
from schrodinger.nemesis.resources import CpuBurn
from schrodinger.nemesis.system_calls import ERRORS, IoDelay, IoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from schrodinger.nemesis.manifests.experiment import Template
    from schrodinger.nemesis.manifests.fields import Fields

_MS_NS = 1_000_000
_LARGEST_BURN = 8192

METHODS = {"fsync": "sync", "fsyncdir": "sync", "open": "open", "create": "open", "rename": "rename"}
"""Operations of FUSE that an IOChaos names, and the classes of system calls here that they come from."""


CLOCKS: Mapping[str, type[ClockJump | MonotonicJump]] = {
    "CLOCK_REALTIME": ClockJump,
    "CLOCK_MONOTONIC": MonotonicJump,
}
"""Clocks that a TimeChaos names, the one that it means first, and what moves them."""


@dataclass(frozen=True, slots=True)
class Inflicted:
    """What a spec asks for.

    ``lasts_ns``: it is of a length of its own, whatever the manifest says; ``needs_duration``: it must say one.
    """

    template: Template
    remarks: tuple[str, ...] = ()
    lasts_ns: int | None = None
    needs_duration: bool = False


def pod_chaos(spec: Fields, namespace: str) -> Inflicted:
    """The spec of a PodChaos. Raises InvalidValueError."""
    action = spec.choice("action", ("pod-kill", "pod-failure", "container-kill"))
    selection = read_selection(spec, namespace)
    if spec.integer("gracePeriod", 0):
        problem = "pod-kill is a SIGKILL here, without grace"
        raise InvalidValueError(spec.at("gracePeriod"), "not 0", problem, "write 0, or take our terminate")
    if action == "container-kill" and not selection.containers:
        raise InvalidValueError(spec.at("containerNames"), None, "it says what is killed", "name the nodes' container")
    failing = action == "pod-failure"
    return Inflicted(OfNodes(selection, (Kill,)), lasts_ns=None if failing else MOMENT_NS, needs_duration=failing)


def io_chaos(spec: Fields, namespace: str) -> Inflicted:
    """The spec of an IOChaos. Raises InvalidValueError."""
    action = spec.choice("action", ("latency", "fault", "attrOverride", "mistake"))
    if action == "attrOverride":
        raise InvalidValueError(spec.at("action"), action, "attributes of files are not faked here", "write fault")
    if action == "mistake":
        problem = "what is read and written is not changed under way"
        raise InvalidValueError(spec.at("action"), action, problem, "take our file-damage, which changes files")
    selection = read_selection(spec, namespace)
    volume = spec.text("volumePath")
    _all_files(spec, volume)
    calls = _calls(spec)
    percent = spec.integer("percent", 100)
    remarks = [f"{spec.at('volumePath')}: {volume} stands for each node's data directory, the one volume that it has"]
    if action == "latency":
        if percent != 100:
            problem = "a delay holds every call of its classes"
            raise InvalidValueError(spec.at("percent"), percent, problem, "write 100")
        delay_ns = spec.duration_ns("delay", at_least=_MS_NS)
        if delay_ns % _MS_NS:
            raise InvalidValueError(spec.at("delay"), delay_ns, "not whole milliseconds", "write 10ms, say")
        late = partial(IoDelay, calls=calls, delay_ms=delay_ns // _MS_NS)
        return Inflicted(OfNodes(selection, (late,)), tuple(remarks))
    error = _error(spec)
    if not 0 < percent <= 100 or 100 % percent:
        problem = "every so many-th call fails, not a share by chance"
        raise InvalidValueError(spec.at("percent"), percent, problem, "write 100, 50, 25, 20, 10, 5, 4, 2 or 1")
    if percent < 100:
        remarks.append(f"{spec.at('percent')}: it is every {100 // percent}th call that fails, not a share by chance")
    failing = partial(IoError, calls=calls, error=error, every=100 // percent)
    return Inflicted(OfNodes(selection, (failing,)), tuple(remarks))


def stress_chaos(spec: Fields, namespace: str) -> Inflicted:
    """The spec of a StressChaos. Raises InvalidValueError."""
    selection = read_selection(spec, namespace)
    spec.refuse("stressngStressors", "there is no stress-ng here", "write stressors.cpu")
    stressors = spec.object("stressors")
    stressors.refuse(
        "memory", "nothing here fills memory; a fault limits it", "take our memory-limit or memory-pressure"
    )
    cpu = stressors.object("cpu")
    stressors.close()
    workers = cpu.integer("workers", at_least=1)
    if workers > _LARGEST_BURN:
        raise InvalidValueError(cpu.at("workers"), workers, f"more than {_LARGEST_BURN}", "write fewer")
    if (load := cpu.integer("load", 100)) != 100:
        raise InvalidValueError(cpu.at("load"), load, "a program is busy or not", "write 100, or take our cpu-limit")
    cpu.refuse("options", "they are options of stress-ng, which is not used", "remove them")
    cpu.close()
    return Inflicted(OfNodes(selection, (partial(CpuBurn, programs=workers),)))


def time_chaos(spec: Fields, namespace: str) -> Inflicted:
    """The spec of a TimeChaos. Raises InvalidValueError."""
    selection = read_selection(spec, namespace)
    offset_ns = spec.duration_ns("timeOffset", at_least=-Offset.MOST)
    try:
        offset = Offset(offset_ns)
    except InvalidValueError as error:
        raise error.within(spec.at("timeOffset")) from error
    if not offset:
        raise InvalidValueError(spec.at("timeOffset"), "0", "moves no clock", "write 10m or -10m, say")
    names = spec.texts("clockIds") or (next(iter(CLOCKS)),)
    for name in names:
        if name not in CLOCKS:
            problem = "no clock that can be moved by itself"
            raise InvalidValueError(spec.at("clockIds"), name, problem, f"the choice is {', '.join(CLOCKS)}")
    jumps = tuple(partial(CLOCKS[name], offset=offset) for name in dict.fromkeys(names))
    return Inflicted(OfNodes(selection, jumps))


def dns_chaos(spec: Fields, namespace: str) -> Inflicted:
    """The spec of a DNSChaos, whose server answers every failing lookup by SERVFAIL. Raises InvalidValueError."""
    action = spec.choice("action", ("error", "random"))
    if action == "random":
        problem = "a name stands for the address of some node here, not for any address"
        raise InvalidValueError(spec.at("action"), action, problem, "write error, or take our dns-lie")
    selection = read_selection(spec, namespace)
    for pattern in spec.texts("patterns"):
        if pattern != "*":
            problem = "either all names fail on a node or none"
            raise InvalidValueError(spec.at("patterns"), pattern, problem, "remove it, or write *")
    return Inflicted(OfNodes(selection, (partial(DnsFailure, how="servfail"),)))


def _all_files(spec: Fields, volume: str) -> None:
    """Refuse a path that means some files only."""
    if not volume.startswith("/") or volume.strip("/") == "":
        problem = "not the place of a volume within a pod"
        raise InvalidValueError(spec.at("volumePath"), volume, problem, "write where the database keeps its data")
    everything = {"*", "**", "**/*", *(f"{volume.rstrip('/')}/{pattern}" for pattern in ("*", "**", "**/*"))}
    path = spec.text("path", "*")
    if path not in everything:
        raise InvalidValueError(
            spec.at("path"), path, "calls are told apart by what they do, not by the file", "remove it, or write **/*"
        )


def _calls(spec: Fields) -> frozenset[str]:
    methods = spec.texts("methods")
    if not methods:
        problem = "left out it means reads and writes as well, which are let pass here"
        raise InvalidValueError(spec.at("methods"), None, problem, f"name some of {', '.join(METHODS)}")
    return _classes(spec, methods)


def _classes(spec: Fields, methods: Iterable[str]) -> frozenset[str]:
    for method in methods:
        if method not in METHODS:
            problem = "calls of this sort are let pass here"
            raise InvalidValueError(spec.at("methods"), method, problem, f"the choice is {', '.join(METHODS)}")
    return frozenset(METHODS[method] for method in methods)


def _error(spec: Fields) -> str:
    number = spec.integer("errno", at_least=1)
    name = errno.errorcode.get(number, "")
    if name not in ERRORS:
        known = ", ".join(f"{getattr(errno, error)} ({error})" for error in ERRORS)
        raise InvalidValueError(spec.at("errno"), number, "not an error of storage", f"the choice is {known}")
    return name
