"""The network of a cluster on one machine: a namespace for every node, one switch, and directed links that misbehave.

The switch is in an anonymous network namespace; each target has another one, held by a file descriptor; the clients'
end is put into a namespace that the caller brings. The host's namespace gets no link, no rule and no setting, any
number of networks live side by side, and all of it vanishes with the process that holds the descriptors. What carries
the packets is chosen by trial: the quickest mechanism that can do what is asked for. The parts, each a module:

- ``network_topology`` (pure): endpoints and addresses;
- ``network_effects`` (pure): what a link can do to packets;
- ``network_links``: interfaces, cables, neighbours, by pyroute2;
- ``network_fabric``: what every mechanism promises;
- ``network_userspace``: the native switch, over TAP devices or packet sockets, which can do everything;
- ``network_bridge``, with ``network_cuts`` (pure) and ``nft``: a kernel bridge, which is faster and can only cut;
- ``network_shaping``: the same with chance and queues, where there is no native switch; of that ``network_chains`` and
  ``network_netem`` (pure) are what is asked of nftables and of netem, ``network_queues`` is where packets wait;
- ``network_trial``: a look from outside at each of these effects before they are offered;
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

from schrodinger_agent.namespaces import OWN_NAMESPACES
from schrodinger_agent.network_bridge import KernelBridge
from schrodinger_agent.network_effects import CUT, LinkEffect
from schrodinger_agent.network_report import CutReport, EdgeEvidence, EffectReport
from schrodinger_agent.network_shaping import KernelNetem, KernelShaping
from schrodinger_agent.network_switch import Switch
from schrodinger_agent.network_topology import CLIENTS, Edge, NetworkError, lay_out
from schrodinger_agent.network_trial import disproved
from schrodinger_agent.network_userspace import PacketSwitch, TapSwitch
from schrodinger_agent.nft import NftError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

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

MECHANISMS: tuple[Mechanism, ...] = (KernelBridge(), TapSwitch(), PacketSwitch(), KernelShaping(), KernelNetem())
"""What can carry packets: the quickest first, and last what has no seed."""

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
        cls,
        targets: Sequence[str],
        client_namespace_fd: int | None,
        mechanism: Mechanism = MECHANISMS[0],
        capture: Path | None = None,
    ) -> SwitchedNetwork:
        """Make the switch, plug in the targets, and the clients if there are any. The descriptor stays the caller's.

        ``capture`` is a file, not there yet, that gets every packet that is delivered, if the mechanism can do that.
        """
        endpoints = lay_out(targets, with_clients=client_namespace_fd is not None)
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="switch")
        try:
            switch = _call(thread, lambda: Switch(endpoints, client_namespace_fd, mechanism, capture))
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
    """What was found by trying: the mechanisms that are to be had, and of the first that is not, why and what helps."""

    possible: tuple[Mechanism, ...]
    reason: str = ""
    remedy: str = ""

    @property
    def available(self) -> bool:
        """Whether there can be a switched network at all."""
        return bool(self.possible)

    @property
    def kinds(self) -> frozenset[str]:
        """Every effect that one of them can have on links."""
        return frozenset[str]().union(*(mechanism.kinds for mechanism in self.possible))

    def choose(self, kinds: Collection[str] = (), *, captures: bool = False) -> Mechanism | None:
        """The quickest that can do all of these effects, and cuts, which all can; and capture, if that is wanted."""
        able = (mechanism for mechanism in self.possible if mechanism.kinds >= frozenset(kinds))
        return next((mechanism for mechanism in able if mechanism.captures or not captures), None)


def try_network(
    mechanisms: Sequence[Mechanism] = MECHANISMS, enough: Collection[str] = frozenset({CUT})
) -> NetworkTrial:
    """Find out by doing it: two targets, a cut, a heal, what else is in doubt, and everything gone again.

    One mechanism is tried after the other, until those that are to be had can do ``enough``.
    """
    trial = NetworkTrial(possible=())
    for mechanism in mechanisms:
        if trial.available and trial.kinds >= frozenset(enough):
            break
        refusal = _refusal(mechanism)
        if refusal is None:
            trial = replace(trial, possible=(*trial.possible, mechanism))
        elif not trial.reason:
            trial = replace(trial, reason=refusal.reason, remedy=refusal.remedy)
    return trial


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    remedy: str


def _refusal(mechanism: Mechanism) -> _Refusal | None:
    """Why a mechanism is not to be had, if it is not."""
    try:
        network = SwitchedNetwork.create(["one", "two"], client_namespace_fd=None, mechanism=mechanism)
    except NetworkError as error:
        return _refused(mechanism, str(error), error.__cause__)
    try:
        failures = [
            *network.cut(frozenset({("one", "two")})).failures.values(),
            *network.cut(frozenset()).failures.values(),
            *(disproved(network, ("one", "two")) if mechanism.doubtful else ()),
        ]
    except (NetworkError, OSError) as error:
        failures = [str(error)]
    failures += network.close()
    return _refused(mechanism, "; ".join(failures), None) if failures else None


def _refused(mechanism: Mechanism, reason: str, cause: BaseException | None) -> _Refusal:
    if isinstance(cause, PermissionError):
        remedy = f"run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container: --privileged), or {OWN_NAMESPACES}"
    elif isinstance(cause, NftError):
        remedy = "install libnftables (Debian and Ubuntu: apt-get install libnftables1)"
    else:
        remedy = mechanism.needs
    return _Refusal(reason, remedy)


def _call(thread: ThreadPoolExecutor, do: Callable[[], _Result]) -> _Result:
    """Do something in the switch's thread; whatever the system says no with becomes a :class:`NetworkError`."""
    try:
        return thread.submit(do).result()
    except (OSError, NetlinkError, NftError) as error:
        raise NetworkError(str(error)) from error
