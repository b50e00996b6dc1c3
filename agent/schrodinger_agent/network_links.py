"""The switch and its cables, made by pyroute2: a kernel bridge and a veth pair to every endpoint.

Nothing on this network is learnt or resolved: hardware addresses, forwarding entries and neighbours are all static.
Otherwise the dynamics of ARP and of the bridge would be part of every experiment (a cut longer than a neighbour entry
lives would end with a new resolution instead of with the first packet). IPv6 is off except on the loopback, for the
same reason.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from schrodinger_agent.namespaces import inside_network, raise_loopback
from schrodinger_agent.network_topology import PREFIX_LENGTH, NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from schrodinger_agent.network_topology import Endpoint

_BRIDGE = "switch"
_INTERFACE = "eth0"

# Of linux/neighbour.h: NTF_MASTER and NUD_NOARP. A NUD_PERMANENT entry would be an address of the bridge itself.
_FORWARDED_BY_THE_BRIDGE = 0x04
_STATIC = 0x40

# BR_STATE_FORWARDING of linux/if_bridge.h.
_FORWARDING = 3
_FORWARDING_S = 5.0
_POLL_S = 0.001

_SETTINGS = (
    ("net/ipv6/conf/default/disable_ipv6", "1"),
    # A bridge normally hands its frames to the IP firewall hooks as well, where nothing of ours is.
    ("net/bridge/bridge-nf-call-iptables", "0"),
)

# TCP doubles its retransmission time-out up to two minutes. After a long cut a connection would lie still for as long
# again, and what is measured then is Linux's back-off, not the database's recovery. With at most one second between
# retries (the least the kernel takes) it resumes at once after the heal. The number of retries grows in turn, so that
# a connection outlives cuts of up to four minutes instead of dying of ETIMEDOUT after 14 seconds. Kernels before 6.15
# cannot limit the time-out; both are left alone.
_LONGEST_TIMEOUT = ("net/ipv4/tcp_rto_max_ms", "1000")
_RETRIES = ("net/ipv4/tcp_retries2", "255")


def build(endpoints: Sequence[Endpoint], namespaces: Mapping[str, int]) -> None:
    """Make the bridge in the calling thread's namespace and connect every endpoint's namespace to it."""
    _apply_settings()
    for endpoint in endpoints:
        with inside_network(namespaces[endpoint.name]):
            _apply_settings()
    with IPRoute() as route:
        route.link("add", ifname=_BRIDGE, kind="bridge", br_stp_state=0, br_mcast_snooping=0)
        bridge = _index(route, _BRIDGE)
        route.link("set", index=bridge, state="up")
        for endpoint in endpoints:
            _connect(route, bridge, endpoint, namespaces[endpoint.name])
    for endpoint in endpoints:
        with inside_network(namespaces[endpoint.name]):
            _configure(endpoint, endpoints)
    with IPRoute() as route:
        _await_forwarding(route, {endpoint.port for endpoint in endpoints})


def remove(endpoints: Sequence[Endpoint]) -> None:
    """Remove the cables, and their far ends with them. The calling thread is in the switch's namespace.

    The kernel would do it with the namespaces, but some time later; this way nothing is left when it returns. Goes on
    after an error and reports all of them.
    """
    problems = []
    with IPRoute() as route:
        for endpoint in endpoints:
            for index in route.link_lookup(ifname=endpoint.port):
                try:
                    route.link("del", index=index)
                except NetlinkError as error:
                    problems.append(f"{endpoint.name}: {error}")
    if problems:
        raise NetworkError("; ".join(problems))


def _apply_settings() -> None:
    """Settings of the calling thread's namespace."""
    for setting in _SETTINGS:
        _set(*setting)
    if _set(*_LONGEST_TIMEOUT):
        _set(*_RETRIES)


def _set(name: str, value: str) -> bool:
    """Set a kernel parameter. A kernel that lacks it lacks what it controls; returns whether it is there."""
    path = Path("/proc/sys", name)
    if not path.exists():
        return False
    path.write_text(value)
    return True


def _connect(route: IPRoute, bridge: int, endpoint: Endpoint, namespace: int) -> None:
    peer = {"ifname": _INTERFACE, "net_ns_fd": namespace, "address": endpoint.hardware_address}
    route.link("add", ifname=endpoint.port, kind="veth", peer=peer)
    port = _index(route, endpoint.port)
    route.link("set", index=port, master=bridge, state="up")
    # A frame for an unknown address would otherwise be flooded, and counted by cuts that it has nothing to do with.
    route.brport("set", index=port, learning=0, unicast_flood=0)
    route.fdb("add", ifindex=port, lladdr=endpoint.hardware_address, state=_STATIC, flags=_FORWARDED_BY_THE_BRIDGE)


def _configure(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> None:
    raise_loopback()
    with IPRoute() as route:
        interface = _index(route, _INTERFACE)
        route.addr("add", index=interface, address=endpoint.address, prefixlen=PREFIX_LENGTH)
        route.link("set", index=interface, state="up")
        for other in endpoints:
            if other is not endpoint:
                route.neigh(
                    "add", dst=other.address, lladdr=other.hardware_address, ifindex=interface, state="permanent"
                )


def _await_forwarding(route: IPRoute, ports: AbstractSet[str]) -> None:
    """Wait until the bridge forwards on every port.

    It hears of a cable that is plugged in at both ends from a work queue, on a busy machine some time later; until then
    a frame vanishes without a trace.
    """
    deadline = time.monotonic() + _FORWARDING_S
    while waiting := ports - {link.get_attr("IFLA_IFNAME") for link in route.get_links() if _forwards(link)}:
        if time.monotonic() > deadline:
            raise NetworkError(f"the switch did not begin to forward on {', '.join(sorted(waiting))}")
        time.sleep(_POLL_S)


def _forwards(link: Any) -> bool:
    return bool(link.get_nested("IFLA_LINKINFO", "IFLA_INFO_SLAVE_DATA", "IFLA_BRPORT_STATE") == _FORWARDING)


def _index(route: IPRoute, name: str) -> int:
    (index,) = route.link_lookup(ifname=name)
    return int(index)
