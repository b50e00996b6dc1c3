"""Cables and interfaces, made by pyroute2: what every fabric needs at its endpoints.

Nothing on this network is learnt or resolved: hardware addresses and neighbours are all static. Otherwise the dynamics
of ARP would be part of every experiment (a cut longer than a neighbour entry lives would end with a new resolution
instead of with the first packet). IPv6 is off except on the loopback, for the same reason.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from schrodinger_agent.namespaces import raise_loopback
from schrodinger_agent.network_topology import PREFIX_LENGTH, NetworkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schrodinger_agent.network_topology import Endpoint

INTERFACE: Final = "eth0"
"""What an endpoint's end of its cable is called, in the endpoint's namespace."""

# Of linux/sockios.h and linux/ethtool.h.
_SIOCETHTOOL: Final = 0x8946
_OFFLOADS: Final = {
    "TCP segmentation": 0x1F,
    "generic segmentation": 0x24,
    "transmit checksums": 0x17,
}
_POINTER_REQUEST: Final = struct.Struct("16sP16x")
"""``struct ifreq`` of netdevice(7), with a pointer."""

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


def apply_settings() -> None:
    """Settings of the calling thread's namespace. Before there is an interface in it."""
    for setting in _SETTINGS:
        _set(*setting)
    if _set(*_LONGEST_TIMEOUT):
        _set(*_RETRIES)


def add_cable(route: IPRoute, endpoint: Endpoint, namespace: int) -> int:
    """Lay a veth pair from the calling thread's namespace to an endpoint's; returns the index of the near end."""
    peer = {"ifname": INTERFACE, "net_ns_fd": namespace, "address": endpoint.hardware_address}
    route.link("add", ifname=endpoint.port, kind="veth", peer=peer)
    return index_of(route, endpoint.port)


def remove_cables(endpoints: Sequence[Endpoint]) -> None:
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


def configure(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> None:
    """Give the interface of an endpoint its address, and the addresses of all others, and bring it up.

    The calling thread is in the endpoint's namespace, where the interface is.
    """
    raise_loopback()
    with IPRoute() as route:
        interface = index_of(route, INTERFACE)
        route.addr("add", index=interface, address=endpoint.address, prefixlen=PREFIX_LENGTH)
        route.link("set", index=interface, state="up")
        for other in endpoints:
            if other is not endpoint:
                route.neigh(
                    "add", dst=other.address, lladdr=other.hardware_address, ifindex=interface, state="permanent"
                )


def turn_offloads_off() -> None:
    """Let the kernel finish packets before it sends them: none longer than a wire's, and with their checksums.

    The calling thread is in the endpoint's namespace.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        for command in _OFFLOADS.values():
            value = array("I", [command, 0])  # struct ethtool_value
            fcntl.ioctl(anything, _SIOCETHTOOL, _POINTER_REQUEST.pack(INTERFACE.encode(), value.buffer_info()[0]))


def index_of(route: IPRoute, name: str) -> int:
    """The index of an interface by its name."""
    (index,) = route.link_lookup(ifname=name)
    return int(index)


def _set(name: str, value: str) -> bool:
    """Set a kernel parameter. A kernel that lacks it lacks what it controls; returns whether it is there."""
    path = Path("/proc/sys", name)
    if not path.exists():
        return False
    path.write_text(value)
    return True
