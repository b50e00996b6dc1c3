"""The fabric of the kernel: a bridge, a cable to every endpoint, and cuts by nftables. Fast, and it can only cut.

See ``network_cuts`` for what is asked of nftables.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

from pyroute2 import IPRoute

from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network_cuts import LIST_COMMAND, TABLE_SCRIPT, change_script, parse_drops
from schrodinger_agent.network_effects import CUT, Counters, cut
from schrodinger_agent.network_links import add_cable, configure, index_of, remove_cables
from schrodinger_agent.network_topology import NetworkError
from schrodinger_agent.nft import Nft

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from schrodinger_agent.network_effects import LinkEffect
    from schrodinger_agent.network_topology import Endpoint

_BRIDGE = "switch"

# Of linux/neighbour.h: NTF_MASTER and NUD_NOARP. A NUD_PERMANENT entry would be an address of the bridge itself.
_FORWARDED_BY_THE_BRIDGE = 0x04
_STATIC = 0x40

# BR_STATE_FORWARDING of linux/if_bridge.h.
_FORWARDING = 3
_FORWARDING_S = 5.0
_POLL_S = 0.001


@final
class KernelBridge:
    """The mechanism."""

    name = "kernel"
    words = "kernel bridge in a namespace of its own, links cut by nftables on their way to the receiver"
    kinds = frozenset({CUT})
    needs = "use a kernel with network namespaces, veth, bridge and nf_tables (CONFIG_NF_TABLES_BRIDGE)"

    def connect(self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int]) -> BridgeFabric:
        """Make the bridge in the calling thread's namespace and connect every endpoint's namespace to it."""
        try:
            with IPRoute() as route:
                route.link("add", ifname=_BRIDGE, kind="bridge", br_stp_state=0, br_mcast_snooping=0)
                bridge = index_of(route, _BRIDGE)
                route.link("set", index=bridge, state="up")
                for endpoint in endpoints:
                    _connect(route, bridge, endpoint, namespaces[endpoint.name])
            for endpoint in endpoints:
                with inside_network(namespaces[endpoint.name]):
                    configure(endpoint, endpoints)
            with IPRoute() as route:
                _await_forwarding(route, {endpoint.port for endpoint in endpoints})
            return BridgeFabric(endpoints)
        except BaseException:
            remove_cables(endpoints)
            raise


@final
class BridgeFabric:
    """A bridge with its table of cuts. The constructor makes the table."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints
        self._ports = {endpoint.name: endpoint.port for endpoint in endpoints}
        self._names = {endpoint.port: endpoint.name for endpoint in endpoints}
        self.nft = Nft()
        self.nft.run(TABLE_SCRIPT)

    def replace(self, effects: AbstractSet[LinkEffect]) -> None:
        """Turn the set of cuts into these, in one transaction."""
        desired = frozenset((self._ports[effect.source], self._ports[effect.destination]) for effect in effects)
        if script := change_script(parse_drops(self.nft.read(LIST_COMMAND)).keys(), desired):
            self.nft.run(script)

    def read(self) -> Mapping[LinkEffect, Counters]:
        """The cuts that the kernel holds, with the packets that each has dropped."""
        return {
            cut((self._names[ingress], self._names[egress])): Counters(packets=count, hits=count, dropped=count)
            for (ingress, egress), count in parse_drops(self.nft.read(LIST_COMMAND)).items()
        }

    def close(self) -> None:
        """Remove the cables; the bridge and the table go with the namespace."""
        self.nft.close()
        remove_cables(self._endpoints)


def _connect(route: IPRoute, bridge: int, endpoint: Endpoint, namespace: int) -> None:
    port = add_cable(route, endpoint, namespace)
    route.link("set", index=port, master=bridge, state="up")
    # A frame for an unknown address would otherwise be flooded, and counted by cuts that it has nothing to do with.
    route.brport("set", index=port, learning=0, unicast_flood=0)
    route.fdb("add", ifindex=port, lladdr=endpoint.hardware_address, state=_STATIC, flags=_FORWARDED_BY_THE_BRIDGE)


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
