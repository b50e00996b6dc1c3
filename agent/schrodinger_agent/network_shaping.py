"""The kernel's bridge once more, for where there is no switch in user space: it loses packets and limits rates as well.

Loss is nftables' ``numgen random``: a chain for each link, reached by a map of links, with two named counters for each
effect, which stay when the chain is written anew. A rate is a token bucket (tc-tbf(8)) for each link: the map
``limited`` gives a packet the priority that is a class of HTB on the receiver's port, and the bucket is all there is in
that class. Of several rates on one link the lowest is what counts, as on a path of several hops.

Two things are less than in user space, so it is the last to be chosen. Chance is the kernel's, and a seed decides
nothing; and what waits in a bucket is lost when its fault ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, final

from pyroute2 import IPRoute

from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network_bridge import BridgeFabric, KernelBridge
from schrodinger_agent.network_effects import ALL, CUT, Counters
from schrodinger_agent.network_links import index_of, turn_offloads_off

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from schrodinger_agent.network_cuts import PortPair
    from schrodinger_agent.network_effects import LinkEffect
    from schrodinger_agent.network_topology import Endpoint

LOSS: Final = "loss"
RATE: Final = "rate"

_TABLE: Final = "bridge schrodinger"

SETUP_SCRIPT = f"""\
add map {_TABLE} lossy {{ type ifname . ifname : verdict; }}
add map {_TABLE} limited {{ type ifname . ifname : classid; }}
add rule {_TABLE} forward meta priority set iifname . oifname map @limited
add rule {_TABLE} forward iifname . oifname vmap @lossy
"""

_UNLIMITED_BYTES: Final = 12_500_000_000
"""Of the class around a bucket, which limits nothing itself: a hundred gigabits a second."""
_FRAME_BYTES: Final = 1514

# Of linux/pkt_sched.h: major and minor number of a class.
_MAJOR: Final = 1 << 16
_BUCKETS: Final = 0x1000
"""Handles of buckets begin behind it."""


@final
class KernelShaping:
    """The mechanism."""

    name = "kernel-shaping"
    words = "kernel bridge, links cut and lossy by nftables and limited by token buckets, chance without a seed"
    kinds = frozenset({CUT, LOSS, RATE})
    captures = False
    needs = "use a kernel with nf_tables for bridges, numgen, HTB and TBF"

    def connect(
        self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None = None
    ) -> ShapingFabric:
        """Make a bridge, and what is needed for the rest. Packets leave the endpoints one by one, as on a wire."""
        bridge = KernelBridge().connect(endpoints, namespaces, capture)
        try:
            for endpoint in endpoints:
                with inside_network(namespaces[endpoint.name]):
                    turn_offloads_off()
            return ShapingFabric(bridge, endpoints)
        except BaseException:
            bridge.close()
            raise


@final
class ShapingFabric:
    """A bridge with lossy and limited links."""

    def __init__(self, bridge: BridgeFabric, endpoints: Sequence[Endpoint]) -> None:
        self._bridge = bridge
        self._ports = {endpoint.name: endpoint.port for endpoint in endpoints}
        self._numbers: dict[LinkEffect, int] = {}
        self._next_number = count(1)
        self._limits: dict[PortPair, Limit] = {}
        self._before: dict[LinkEffect, Counters] = {}
        bridge.nft.run(SETUP_SCRIPT)
        with IPRoute() as route:
            for port in self._ports.values():
                route.tc("add", "htb", index_of(route, port), handle="1:", default=0)  # 0: past all classes

    def replace(self, effects: AbstractSet[LinkEffect]) -> None:
        """Change what differs: buckets that begin, then everything of nftables in one transaction, buckets that end."""
        self._bridge.replace({effect for effect in effects if effect.kind == CUT})
        wanted = {effect for effect in effects if effect.kind in {LOSS, RATE}}
        numbers = {effect: self._numbers.get(effect) or next(self._next_number) for effect in sorted(wanted)}
        limits = self._limits_of(numbers)
        with IPRoute() as route:
            for pair, limit in limits.items():
                limit.put(route, pair, self._limits.get(pair))
            script = [*loss_script(self._losses(self._numbers), self._losses(numbers))]
            script += limit_script(self._limits, limits)
            if script:
                self._bridge.nft.run("\n".join(script))
            ended = [(pair, limit) for pair, limit in self._limits.items() if pair not in limits]
            begun = wanted - self._numbers.keys()
            self._numbers, self._limits = numbers, limits
            for pair, limit in ended:
                limit.remove(route, pair)
            counted = _counted(route, limits)
        for effect in begun:
            self._before[effect] = counted.get(self._pair(effect), Counters())

    def read(self) -> Mapping[LinkEffect, Counters]:
        """The effects that the kernel has, with what they have done."""
        listing = self._bridge.nft.read(f"list table {_TABLE}")
        lossy, limited = _pairs(listing, "lossy"), _pairs(listing, "limited")
        packets = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listing if "counter" in entry}
        with IPRoute() as route:
            counted = _counted(route, self._limits)
        found = dict(self._bridge.read())
        for effect, number in self._numbers.items():
            pair = self._pair(effect)
            if effect.kind == LOSS and pair in lossy and f"met_{number}" in packets:
                lost = packets[f"lost_{number}"]
                found[effect] = Counters(packets=packets[f"met_{number}"], hits=lost, dropped=lost)
            elif effect.kind == RATE and pair in limited and pair in counted:
                found[effect] = _since(counted[pair], self._before[effect])
        return found

    def overflowed(self) -> int:
        """None: each bucket has the queue that it was given, and counts what that drops."""
        return 0

    def close(self) -> None:
        """Remove the cables; everything else goes with them and with the namespace."""
        self._bridge.close()

    def _pair(self, effect: LinkEffect) -> PortPair:
        return self._ports[effect.source], self._ports[effect.destination]

    def _losses(self, numbers: Mapping[LinkEffect, int]) -> dict[PortPair, dict[int, int]]:
        """The losses of each link: shares by the number of the effect."""
        losses: dict[PortPair, dict[int, int]] = {}
        for effect, number in numbers.items():
            if effect.kind == LOSS:
                losses.setdefault(self._pair(effect), {})[number] = dict(effect.parameters)["share"]
        return losses

    def _limits_of(self, numbers: Mapping[LinkEffect, int]) -> dict[PortPair, Limit]:
        """The lowest rate of each link, under the number of the class that the link has or gets."""
        lowest: dict[PortPair, Limit] = {}
        for effect, number in numbers.items():
            if effect.kind == RATE:
                pair, parameters = self._pair(effect), dict(effect.parameters)
                number = self._limits[pair].number if pair in self._limits else number
                limit = Limit(number, parameters["bits_per_second"], parameters["queue_bytes"])
                lowest[pair] = min(lowest.get(pair, limit), limit, key=lambda limit: limit.bits_per_second)
        return lowest


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket in a class of its own on the receiver's port; ``number`` is the class's."""

    number: int
    bits_per_second: int
    queue_bytes: int

    @property
    def class_id(self) -> str:
        """As tc and nft write it."""
        return f"1:{self.number:x}"

    def put(self, route: IPRoute, pair: PortPair, before: Limit | None) -> None:
        """Make the bucket, or change the one that is there without losing what waits in it."""
        if before == self:
            return
        port = index_of(route, pair[1])
        if before is None:
            route.tc("add-class", "htb", port, self.class_id, parent="1:", rate=_UNLIMITED_BYTES, quantum=_FRAME_BYTES)
        rate = max(1, self.bits_per_second // 8)
        burst = max(2 * _FRAME_BYTES, rate // 250)
        route.tc(
            "add" if before is None else "change",
            "tbf",
            port,
            f"{_BUCKETS + self.number:x}:",
            parent=self.class_id,
            rate=rate,
            burst=burst,
            limit=self.queue_bytes + burst,
        )

    def remove(self, route: IPRoute, pair: PortPair) -> None:
        """Remove the class, with the bucket and what waits in it."""
        # The library wants a rate even here; the kernel looks only at the class's name.
        route.tc("del-class", "htb", index_of(route, pair[1]), self.class_id, parent="1:", rate=_UNLIMITED_BYTES)


def loss_script(before: Mapping[PortPair, Mapping[int, int]], after: Mapping[PortPair, Mapping[int, int]]) -> list[str]:
    """What turns the losses of links (shares by the number of the effect) into others.

    A chain is emptied and filled in one transaction, so no packet finds it empty, and counters of what stays go on.
    """
    script = []
    for pair in sorted(before.keys() | after.keys()):
        was, shall = before.get(pair, {}), after.get(pair, {})
        if was == shall:
            continue
        chain, element = f"loss_{'_'.join(pair)}", f'"{pair[0]}" . "{pair[1]}"'
        script += [f"add counter {_TABLE} {name}" for name in _counters(shall.keys() - was)]
        if not shall:
            script.append(f"delete element {_TABLE} lossy {{ {element} }}")
        script += [f"add chain {_TABLE} {chain}", f"flush chain {_TABLE} {chain}"]
        script += [
            f'add rule {_TABLE} {chain} counter name "met_{number}" '
            f'{_by_chance(share)}counter name "lost_{number}" drop'
            for number, share in sorted(shall.items())
        ]
        if not shall:
            script.append(f"delete chain {_TABLE} {chain}")
        elif not was:
            script.append(f"add element {_TABLE} lossy {{ {element} : jump {chain} }}")
        script += [f"delete counter {_TABLE} {name}" for name in _counters(was.keys() - shall)]
    return script


def _counters(numbers: AbstractSet[int]) -> list[str]:
    return [f"{name}_{number}" for number in sorted(numbers) for name in ("met", "lost")]


def limit_script(before: Mapping[PortPair, Limit], after: Mapping[PortPair, Limit]) -> list[str]:
    """What leads packets of links into their classes, and those of links without a limit past all of them."""
    ended = [pair for pair in sorted(before) if pair not in after]
    begun = [(pair, limit) for pair, limit in sorted(after.items()) if pair not in before]
    return [f'delete element {_TABLE} limited {{ "{source}" . "{to}" }}' for source, to in ended] + [
        f'add element {_TABLE} limited {{ "{source}" . "{to}" : {limit.class_id} }}' for (source, to), limit in begun
    ]


def _counted(route: IPRoute, limits: Mapping[PortPair, Limit]) -> dict[PortPair, Counters]:
    """Packets that each limit has let through and dropped."""
    counted = {}
    for pair, limit in limits.items():
        for found in route.get_classes(index_of(route, pair[1])):
            if found["handle"] == _MAJOR + limit.number:
                passed = found.get_nested("TCA_STATS2", "TCA_STATS_BASIC")["packets"]
                dropped = found.get_nested("TCA_STATS2", "TCA_STATS_QUEUE")["drops"]
                counted[pair] = Counters(packets=passed + dropped, hits=passed + dropped, dropped=dropped)
    return counted


def _since(now: Counters, before: Counters) -> Counters:
    packets = now.packets - before.packets
    return Counters(packets=packets, hits=packets, dropped=now.dropped - before.dropped)


def _pairs(listing: Sequence[Mapping[str, Any]], name: str) -> set[PortPair]:
    """The links in a map of the table."""
    maps = [entry["map"] for entry in listing if "map" in entry and entry["map"]["name"] == name]
    return {(element[0]["concat"][0], element[0]["concat"][1]) for found in maps for element in found.get("elem", ())}


def _by_chance(share: int) -> str:
    """What lets a share of the packets pass on to the rest of a rule; where it is all of them nothing has to."""
    return f"numgen random mod {ALL} < {share} " if share < ALL else ""
