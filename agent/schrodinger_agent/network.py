"""The network of a cluster on one machine: a namespace for every node, one switch, and directed links that misbehave.

The switch is in an anonymous network namespace; each target has another one, held by a file descriptor; the clients'
end is put into a namespace that the caller brings. The host's namespace gets no link, no rule and no setting, any
number of networks live side by side, and all of it vanishes with the process that holds the descriptors. What carries
the packets is chosen by trial among three mechanisms. The parts, each in a module of its own:

- ``network_topology`` (pure): endpoints and addresses;
- ``network_effects`` (pure): what a link can do to packets;
- ``network_links``: interfaces, cables, neighbours, by pyroute2;
- ``network_fabric``: what every mechanism promises;
- ``network_userspace``: the native switch, over TAP devices or packet sockets, which can do everything;
- ``network_bridge``, with ``network_cuts`` (pure) and ``nft``: a kernel bridge, which is faster and can only cut;
- ``network_probes``: datagrams that prove what a link does;
- ``network_switch``: all of these in one thread, which lives in the switch's namespace;
- ``network_report``: what is said about it afterwards.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, final

from pyroute2.netlink.exceptions import NetlinkError

from schrodinger_agent.network_bridge import KernelBridge
from schrodinger_agent.network_effects import LinkEffect
from schrodinger_agent.network_report import CutReport, EdgeEvidence, EffectReport
from schrodinger_agent.network_switch import Switch
from schrodinger_agent.network_topology import CLIENTS, Edge, NetworkError, lay_out
from schrodinger_agent.network_userspace import PacketSwitch, TapSwitch
from schrodinger_agent.nft import NftError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from schrodinger_agent.network_fabric import Mechanism
    from schrodinger_agent.network_topology import Endpoint

__all__ = [
    "CLIENTS",
    "MECHANISMS",
    "CutReport",
    "Edge",
    "EdgeEvidence",
    "EffectReport",
    "LinkEffect",
    "NetworkError",
    "NetworkTrial",
    "SwitchedNetwork",
    "try_network",
]

MECHANISMS: tuple[Mechanism, ...] = (TapSwitch(), PacketSwitch(), KernelBridge())
"""What can carry packets, the most capable and quickest first."""

_Result = TypeVar("_Result")


@final
class SwitchedNetwork:
    """Targets on a switch. Methods block, but only for milliseconds; they may be called from any thread, one at a time.

    After an error of :meth:`cut` or :meth:`change` what is in force is what the observing methods say; a change is one
    transaction, so it is either the old state or the new one.
    """

    def __init__(self, thread: ThreadPoolExecutor, switch: Switch, endpoints: Sequence[Endpoint]) -> None:
        self._thread = thread
        self._switch = switch
        self._closed = False
        addresses = {endpoint.name: endpoint.address for endpoint in endpoints}
        self.client_address: str | None = addresses.pop(CLIENTS, None)
        self.addresses: Mapping[str, str] = MappingProxyType(addresses)

    @classmethod
    def create(
        cls, targets: Sequence[str], client_namespace_fd: int | None, mechanism: Mechanism | None = None
    ) -> SwitchedNetwork:
        """Make the switch, plug in the targets, and the clients if there are any. The descriptor stays the caller's.

        Without a ``mechanism`` it is the first of :data:`MECHANISMS` that is to be had.
        """
        mechanism = mechanism or try_network().chosen or MECHANISMS[-1]
        endpoints = lay_out(targets, with_clients=client_namespace_fd is not None)
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="switch")
        try:
            switch = _call(thread, lambda: Switch(endpoints, client_namespace_fd, mechanism))
        except BaseException:
            thread.shutdown()
            raise
        return cls(thread, switch, endpoints)

    def namespace_fd(self, target: str) -> int:
        """The network namespace of a target, for its processes to enter. The descriptor stays the network's."""
        self._require_open()
        if target not in self.addresses:
            raise NetworkError(f"no target {target!r} on this switch, which has {', '.join(self.addresses)}")
        return self._switch.namespaces[target]

    def cut(self, edges: frozenset[Edge]) -> CutReport:
        """Make exactly these directed links cut, all at once, and prove it on every link that changed."""
        self._require_open()
        return _call(self._thread, lambda: self._switch.cut(edges))

    def observe(self) -> CutReport:
        """Read back and probe what is cut, changing nothing."""
        self._require_open()
        return _call(self._thread, self._switch.observe)

    @property
    def kinds(self) -> frozenset[str]:
        """The effects that links of this network can have."""
        return self._switch.mechanism.kinds

    def change(self, kind: str, effects: frozenset[LinkEffect]) -> EffectReport:
        """Make exactly these effects of one kind be in force, all at once. Cuts are :meth:`cut`."""
        self._require_open()
        return _call(self._thread, lambda: self._switch.change(kind, effects))

    def observe_effects(self, kind: str) -> EffectReport:
        """Read back the effects of one kind, changing nothing."""
        self._require_open()
        return _call(self._thread, lambda: self._switch.observe_effects(kind))

    def close(self) -> list[str]:
        """Remove everything; returns what could not be removed. May be called again.

        A target's namespace lives on, unplugged, for as long as a process is in it.
        """
        if self._closed:
            return []
        self._closed = True
        try:
            return _call(self._thread, self._switch.close)
        finally:
            self._thread.shutdown()

    def _require_open(self) -> None:
        if self._closed:
            raise NetworkError("this network is closed")


@dataclass(frozen=True, slots=True)
class NetworkTrial:
    """Whether a switched network can be had here: by which mechanism, or why not and what would help.

    ``chosen`` is the mechanism; ``shortcomings`` says why those before it, which can do more, are not to be had.
    """

    available: bool
    reason: str
    remedy: str
    chosen: Mechanism | None
    shortcomings: str = ""

    @property
    def mechanism(self) -> str:
        """How it is done, in words; empty if it is not."""
        return self.chosen.words if self.chosen is not None else ""

    @property
    def kinds(self) -> frozenset[str]:
        """The effects that links can have."""
        return self.chosen.kinds if self.chosen is not None else frozenset()


def try_network(mechanisms: Sequence[Mechanism] = MECHANISMS) -> NetworkTrial:
    """Find out by doing it, one mechanism after the other: two targets, a cut, a heal, and everything gone again."""
    shortcomings: list[str] = []
    refusal = NetworkTrial(available=False, reason="no mechanism was tried", remedy="name one", chosen=None)
    for mechanism in mechanisms:
        trial = _try(mechanism)
        if trial.available:
            return replace(trial, shortcomings="; ".join(shortcomings))
        refusal = trial
        shortcomings.append(f"no {mechanism.words.partition(',')[0]}: {trial.reason}")
    return refusal


def _try(mechanism: Mechanism) -> NetworkTrial:
    try:
        network = SwitchedNetwork.create(["one", "two"], client_namespace_fd=None, mechanism=mechanism)
    except NetworkError as error:
        return _refused(str(error), error.__cause__)
    try:
        failures = [
            *network.cut(frozenset({("one", "two")})).failures.values(),
            *network.cut(frozenset()).failures.values(),
        ]
    except NetworkError as error:
        failures = [str(error)]
    failures += network.close()
    if failures:
        return _refused("; ".join(failures), None)
    return NetworkTrial(available=True, reason="", remedy="", chosen=mechanism)


def _refused(reason: str, cause: BaseException | None) -> NetworkTrial:
    if isinstance(cause, PermissionError):
        remedy = "run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container: --privileged)"
    elif isinstance(cause, NftError):
        remedy = "install libnftables (Debian and Ubuntu: apt-get install libnftables1)"
    else:
        remedy = "use a kernel with network namespaces, veth, bridge and nf_tables (CONFIG_NF_TABLES_BRIDGE)"
    return NetworkTrial(available=False, reason=reason, remedy=remedy, chosen=None)


def _call(thread: ThreadPoolExecutor, do: Callable[[], _Result]) -> _Result:
    """Do something in the switch's thread; whatever the system says no with becomes a :class:`NetworkError`."""
    try:
        return thread.submit(do).result()
    except (OSError, NetlinkError, NftError) as error:
        raise NetworkError(str(error)) from error
