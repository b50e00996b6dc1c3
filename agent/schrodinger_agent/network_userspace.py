"""The fabric in user space: every packet passes through a thread of this process, which can do anything to it.

The thread is the native package's (``schrodinger_native.Switch``); here are the wires that it is given, of two sorts.
A TAP device is an interface whose cable ends in a file: in the endpoint's namespace it looks like any other. Where
``/dev/net/tun`` cannot be opened, as by an ordinary user in a user namespace, each endpoint gets a veth pair, and the
switch sits at its near end with a packet socket. See tuntap.rst of the kernel's documentation, and packet(7).

Both hand over packets as they would be on a wire: no segments of 64 KiB and no checksums left for later, so what
befalls one packet is what befalls one on a network. When this process dies so do its files, and the devices with them.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Final, final

from pyroute2 import IPRoute

from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network_effects import KINDS, PARAMETERS, Counters, LinkEffect
from schrodinger_agent.network_links import INTERFACE, add_cable, configure, index_of, remove_cables, turn_offloads_off
from schrodinger_agent.network_topology import NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from schrodinger_native import Switch
    from schrodinger_native.results import SwitchReading

    from schrodinger_agent.network_topology import Endpoint

_TUN: Final = "/dev/net/tun"
_QUEUE_LENGTH: Final = 1000
"""Packets that an endpoint may have under way to the switch: as an Ethernet card. A TAP's own default is half of it."""

# Of linux/if_tun.h and linux/if.h.
_TUNSETIFF: Final = 0x400454CA
_IFF_TAP: Final = 0x0002
_IFF_NO_PI: Final = 0x1000
_INTERFACE_REQUEST: Final = struct.Struct("16sH22x")
"""``struct ifreq`` of netdevice(7), with flags."""

# Of linux/if_packet.h and linux/if_ether.h.
_SOL_PACKET: Final = 263
_PACKET_IGNORE_OUTGOING: Final = 23
_ETH_P_ALL: Final = 0x0003
_SO_RCVBUFFORCE: Final = 33
_RECEIVE_BYTES: Final = 4 << 20
"""A burst of a few thousand packets; with the default of 200 KiB a switch that is not scheduled at once loses some."""


@final
class TapSwitch:
    """The mechanism with TAP devices."""

    name = "tap"
    words = "switch in user space over TAP devices, every packet's fate from a seed"
    kinds = frozenset(KINDS)
    needs = f"install the package schrodinger-native, and let {_TUN} be opened"

    captures = True
    doubtful = False

    def connect(
        self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None = None
    ) -> UserSpaceFabric:
        """Make a device in every endpoint's namespace, and a switch for the files at their other ends."""
        files: dict[str, int] = {}
        try:
            for endpoint in endpoints:
                with inside_network(namespaces[endpoint.name]):
                    files[endpoint.name] = _open_tap()
                    _prepare(endpoint)
                    configure(endpoint, endpoints)
            return UserSpaceFabric(_switch(endpoints, files, capture), endpoints, cables=False)
        finally:  # the switch has descriptors of its own, which are then the last
            for file in files.values():
                os.close(file)


@final
class PacketSwitch:
    """The mechanism with packet sockets."""

    name = "packet"
    words = "switch in user space over packet sockets, every packet's fate from a seed"
    kinds = frozenset(KINDS)
    needs = "install the package schrodinger-native"

    captures = True
    doubtful = False

    def connect(
        self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None = None
    ) -> UserSpaceFabric:
        """Lay a cable to every endpoint from the calling thread's namespace, and a switch for their near ends."""
        sockets: dict[str, socket.socket] = {}
        try:
            with IPRoute() as route:
                for endpoint in endpoints:
                    port = add_cable(route, endpoint, namespaces[endpoint.name])
                    route.link("set", index=port, state="up")
                    sockets[endpoint.name] = _packet_socket(endpoint.port)
            for endpoint in endpoints:
                with inside_network(namespaces[endpoint.name]):
                    turn_offloads_off()
                    configure(endpoint, endpoints)
            files = {name: opened.fileno() for name, opened in sockets.items()}
            return UserSpaceFabric(_switch(endpoints, files, capture), endpoints, cables=True)
        except BaseException:
            remove_cables(endpoints)
            raise
        finally:
            for opened in sockets.values():
                opened.close()


@final
class UserSpaceFabric:
    """A native switch that runs."""

    def __init__(self, switch: Switch, endpoints: Sequence[Endpoint], *, cables: bool) -> None:
        self._switch = switch
        self._endpoints = endpoints
        self._cables = cables
        self._numbers = {endpoint.name: number for number, endpoint in enumerate(endpoints)}

    def replace(self, effects: AbstractSet[LinkEffect]) -> None:
        """Hand the whole state to the switch, which leaves alone what stays."""
        try:
            self._switch.replace([self._wanted(effect) for effect in sorted(effects, key=repr)])
        except RuntimeError as error:
            raise NetworkError(str(error)) from error

    def read(self) -> Mapping[LinkEffect, Counters]:
        """What the switch says is in force."""
        return {
            self._effect(entry["source"], entry["destination"], entry["effect"]): Counters(**entry["counters"])
            for entry in self._state()["in_force"]
        }

    def overflowed(self) -> int:
        """As the switch counts them."""
        return int(self._state()["totals"]["overflowed"])

    def close(self) -> None:
        """Stop the switch; TAP devices vanish with it, cables are removed."""
        try:
            self._switch.close()
        finally:
            if self._cables:
                remove_cables(self._endpoints)

    def _state(self) -> SwitchReading:
        """All that the switch says about itself."""
        try:
            return self._switch.read()
        except RuntimeError as error:
            raise NetworkError(str(error)) from error

    def _wanted(self, effect: LinkEffect) -> dict[str, Any]:
        return {
            "source": self._numbers[effect.source],
            "destination": self._numbers[effect.destination],
            "effect": {"kind": effect.kind, **dict(effect.parameters)},
        }

    def _effect(self, source: int, destination: int, read: Mapping[str, Any]) -> LinkEffect:
        kind = read["kind"]
        parameters = tuple((name, read[name]) for name in PARAMETERS.get(kind, ()))
        return LinkEffect(self._endpoints[source].name, self._endpoints[destination].name, kind, parameters)


def _switch(endpoints: Sequence[Endpoint], files: Mapping[str, int], capture: Path | None) -> Switch:
    """A switch between these files. An agent without the native package has only the kernel's mechanism."""
    try:
        from schrodinger_native import Switch
    except ImportError as error:
        raise NetworkError(f"the package schrodinger-native cannot be imported: {error}") from error
    addresses = {endpoint.name: bytes.fromhex(endpoint.hardware_address.replace(":", "")) for endpoint in endpoints}
    return Switch([(addresses[name], file) for name, file in files.items()], capture=capture)


def _open_tap() -> int:
    """A new TAP device in the calling thread's namespace; it lives as long as the returned file is open."""
    file = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(file, _TUNSETIFF, _INTERFACE_REQUEST.pack(INTERFACE.encode(), _IFF_TAP | _IFF_NO_PI))
    except BaseException:
        os.close(file)
        raise
    return file


def _prepare(endpoint: Endpoint) -> None:
    with IPRoute() as route:
        interface = index_of(route, INTERFACE)
        route.link("set", index=interface, address=endpoint.hardware_address, txqlen=_QUEUE_LENGTH)


def _packet_socket(interface: str) -> socket.socket:
    """A socket for every frame that comes along a cable, and none that we sent ourselves."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
    try:
        opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        _enlarge(opened)
        opened.bind((interface, _ETH_P_ALL))
    except BaseException:
        opened.close()
        raise
    return opened


def _enlarge(opened: socket.socket) -> None:
    """As far as we may: root may pass the limit that the system has for everyone."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
    except PermissionError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
