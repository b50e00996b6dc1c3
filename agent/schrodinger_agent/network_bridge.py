"""The fabric of the kernel: a bridge, a cable to every endpoint, and cuts by nftables. Fast, and it can only cut.

See ``network_cuts`` for what is asked of nftables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from pyroute2 import IPRoute

from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network_cuts import LIST_COMMAND, TABLE_SCRIPT, change_script, parse_drops
from schrodinger_agent.network_effects import CUT, Counters, cut
from schrodinger_agent.network_links import add_cable, configure, index_of, remove_cables
from schrodinger_agent.nft import Nft

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from schrodinger_agent.network_effects import LinkEffect
    from schrodinger_agent.network_topology import Endpoint

_BRIDGE = "switch"

# Of linux/neighbour.h: NTF_MASTER and NUD_NOARP. A NUD_PERMANENT entry would be an address of the bridge itself.
_FORWARDED_BY_THE_BRIDGE = 0x04
_STATIC = 0x40


@final
class KernelBridge:
    """The mechanism."""

    name = "kernel"
    words = "kernel bridge in a namespace of its own, links cut by nftables on their way to the receiver"
    kinds = frozenset({CUT})
    needs = "use a kernel with network namespaces, veth, bridge and nf_tables (CONFIG_NF_TABLES_BRIDGE)"

    captures = False
    doubtful = False

    def connect(
        self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None = None
    ) -> BridgeFabric:
        """Make the bridge in the calling thread's namespace and connect every endpoint's namespace to it."""
        assert capture is None, "packets that the kernel forwards are not seen"
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

    def overflowed(self) -> int:
        """None: nothing waits here."""
        return 0

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
