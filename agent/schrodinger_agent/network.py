"""The network of a cluster on one machine: a namespace for every node, one switch, and directed links that can be cut.

The switch is a kernel bridge in an anonymous network namespace; each target has another one, held by a file
descriptor; the clients' end is put into a namespace that the caller brings. The host's namespace gets no link, no rule
and no setting, any number of networks live side by side, and all of it vanishes with the process that holds the
descriptors. The parts, each in a module of its own:

- ``network_topology`` (pure): endpoints and addresses;
- ``network_links``: bridge, cables, neighbours, by pyroute2;
- ``network_cuts`` (pure) and ``nft``: which links are cut, as one nftables set;
- ``network_probes``: datagrams that prove what a link does;
- ``network_switch``: all of these in one thread, which lives in the switch's namespace;
- ``network_report``: what is said about it afterwards.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, final

from pyroute2.netlink.exceptions import NetlinkError

from schrodinger_agent.network_report import CutReport, EdgeEvidence
from schrodinger_agent.network_switch import Switch
from schrodinger_agent.network_topology import CLIENTS, Edge, NetworkError, lay_out
from schrodinger_agent.nft import NftError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from schrodinger_agent.network_topology import Endpoint

__all__ = [
    "CLIENTS",
    "CutReport",
    "Edge",
    "EdgeEvidence",
    "NetworkError",
    "NetworkTrial",
    "SwitchedNetwork",
    "try_network",
]

MECHANISM = "kernel bridge in a namespace of its own, links cut by nftables on their way to the receiver"

_Result = TypeVar("_Result")


@final
class SwitchedNetwork:
    """Targets on a switch. Methods block, but only for milliseconds; they may be called from any thread, one at a time.

    After an error of :meth:`cut` what is in force is what :meth:`observe` says; a change is one transaction, so it is
    either the old set of cuts or the new one.
    """

    def __init__(self, thread: ThreadPoolExecutor, switch: Switch, endpoints: Sequence[Endpoint]) -> None:
        self._thread = thread
        self._switch = switch
        self._closed = False
        addresses = {endpoint.name: endpoint.address for endpoint in endpoints}
        self.client_address: str | None = addresses.pop(CLIENTS, None)
        self.addresses: Mapping[str, str] = MappingProxyType(addresses)

    @classmethod
    def create(cls, targets: Sequence[str], client_namespace_fd: int | None) -> SwitchedNetwork:
        """Make the switch, plug in the targets, and the clients if there are any. The descriptor stays the caller's."""
        endpoints = lay_out(targets, with_clients=client_namespace_fd is not None)
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="switch")
        try:
            switch = _call(thread, lambda: Switch(endpoints, client_namespace_fd))
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
    """Whether a switched network can be had here: by which mechanism, or why not and what would help."""

    available: bool
    reason: str
    remedy: str
    mechanism: str


def try_network() -> NetworkTrial:
    """Find out by doing it: two targets, one cut between them, one heal, and everything gone again."""
    try:
        network = SwitchedNetwork.create(["one", "two"], client_namespace_fd=None)
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
    return NetworkTrial(available=True, reason="", remedy="", mechanism=MECHANISM)


def _refused(reason: str, cause: BaseException | None) -> NetworkTrial:
    if isinstance(cause, PermissionError):
        remedy = "run as root with CAP_SYS_ADMIN and CAP_NET_ADMIN (in a container: --privileged)"
    elif isinstance(cause, NftError):
        remedy = "install libnftables (Debian and Ubuntu: apt-get install libnftables1)"
    else:
        remedy = "use a kernel with network namespaces, veth, bridge and nf_tables (CONFIG_NF_TABLES_BRIDGE)"
    return NetworkTrial(available=False, reason=reason, remedy=remedy, mechanism="")


def _call(thread: ThreadPoolExecutor, do: Callable[[], _Result]) -> _Result:
    """Do something in the switch's thread; whatever the system says no with becomes a :class:`NetworkError`."""
    try:
        return thread.submit(do).result()
    except (OSError, NetlinkError, NftError) as error:
        raise NetworkError(str(error)) from error
