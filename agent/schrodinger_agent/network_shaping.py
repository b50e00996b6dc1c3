"""The kernel's bridge once more, for where there is no switch in user space: chance by nftables, waiting by queues.

What befalls a packet there and then is a chain of rules (``network_chains``); what makes packets wait, and what netem
does, is a queue of each link on the receiver's port (``network_queues``, ``network_netem``). Two mechanisms: on any
kernel losses, duplications and rates; where it has netem also delays, losses in bursts, reorderings and corruptions.
Of several rates on one link the lowest is what counts, as on a path of several hops.

Some things are less than in user space, so it is the last to be chosen:

- Chance is the kernel's; a seed decides nothing, and the same packets are not lost again.
- What netem damages or holds back it does not count, nor how long; only what it drops.
- When a delay, a reordering or a rate ends, what waits for it is lost.
"""

from __future__ import annotations

import errno
from itertools import count
from typing import TYPE_CHECKING, Final, final

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from schrodinger_agent.namespaces import inside_network
from schrodinger_agent.network_bridge import BridgeFabric, KernelBridge
from schrodinger_agent.network_chains import (
    COPY,
    DROP,
    LIST_COMMAND,
    Chain,
    Step,
    change_script,
    parse,
    setup_script,
)
from schrodinger_agent.network_effects import CUT, Counters
from schrodinger_agent.network_links import index_of, turn_offloads_off
from schrodinger_agent.network_netem import STAGES, stage
from schrodinger_agent.network_queues import BUCKET, Limit, Queue, Queues
from schrodinger_agent.network_topology import NetworkError
from schrodinger_agent.nft import NftError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from schrodinger_agent.network_chains import Counted
    from schrodinger_agent.network_cuts import PortPair
    from schrodinger_agent.network_effects import LinkEffect
    from schrodinger_agent.network_netem import Netem
    from schrodinger_agent.network_queues import Found, Handle
    from schrodinger_agent.network_topology import Endpoint

LOSS: Final = "loss"
DUPLICATION: Final = "duplication"
RATE: Final = "rate"

NO_NETEM: Final = "this kernel has no netem"
"""The reason where :class:`KernelNetem` is not to be had for want of it."""

_VERDICTS: Final = {LOSS: DROP, DUPLICATION: COPY}
"""The chances of nftables, in the order in which a packet meets them."""

_HELD: Final = frozenset({"reordering", "delay"})
"""What only ends with the queue that holds packets for it."""
_BEHIND_BURSTS: Final = STAGES.index("burst-loss") + 1
_TRIAL: Final = "1:"


@final
class KernelShaping:
    """The mechanism of any kernel."""

    name = "kernel-shaping"
    words = "kernel bridge, loss and copies by nftables, rates by token buckets, chance without a seed"
    kinds = frozenset({CUT, LOSS, DUPLICATION, RATE})
    captures = False
    doubtful = True
    needs = "use a kernel with nf_tables for bridges and on egress (5.16), numgen, HTB and TBF"

    def connect(
        self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None = None
    ) -> ShapingFabric:
        """Make a bridge, and what is needed for the rest. Packets leave the endpoints one by one, as on a wire."""
        return _connect(endpoints, namespaces, capture, with_netem=False)


@final
class KernelNetem:
    """The mechanism of a kernel that has netem."""

    name = "kernel-netem"
    words = (
        "kernel bridge, loss and copies by nftables, the rest by netem, rates by token buckets, chance without a seed"
    )
    kinds = KernelShaping.kinds | frozenset(STAGES)
    captures = False
    doubtful = True
    needs = "use a kernel with netem (CONFIG_NET_SCH_NETEM) that is of 2025 or newer, and what kernel-shaping needs"

    def connect(
        self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None = None
    ) -> ShapingFabric:
        """As without netem."""
        return _connect(endpoints, namespaces, capture, with_netem=True)


def _connect(
    endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None, *, with_netem: bool
) -> ShapingFabric:
    bridge = KernelBridge().connect(endpoints, namespaces, capture)
    try:
        for endpoint in endpoints:
            with inside_network(namespaces[endpoint.name]):
                turn_offloads_off()
        return ShapingFabric(bridge, endpoints, with_netem=with_netem)
    except BaseException:
        bridge.close()
        raise


@final
class ShapingFabric:
    """A bridge whose links have chains and queues."""

    def __init__(self, bridge: BridgeFabric, endpoints: Sequence[Endpoint], *, with_netem: bool) -> None:
        self._bridge = bridge
        self._with_netem = with_netem
        self._ports = {endpoint.name: endpoint.port for endpoint in endpoints}
        self._numbers: dict[LinkEffect, int] = {}
        self._next_number = count(1)
        self._chains: dict[PortPair, Chain] = {}
        self._queues: dict[PortPair, Queue] = {}
        self._before: dict[LinkEffect, int] = {}
        self._gone_overflowed = 0
        with IPRoute() as route:
            self._indices = {port: index_of(route, port) for port in self._ports.values()}
            if with_netem:
                _require_netem(route, next(iter(self._indices.values())))
        bridge.nft.run(setup_script(self._ports.values()))
        with Queues(self._indices) as queues:
            queues.set_up()

    def replace(self, effects: AbstractSet[LinkEffect]) -> None:
        """Change what differs: queues that begin, then everything of nftables in one transaction, queues that end."""
        self._bridge.replace({effect for effect in effects if effect.kind == CUT})
        wanted = {effect for effect in effects if effect.kind != CUT}
        if wanted == self._numbers.keys():
            return
        numbers = {effect: self._numbers.get(effect) or next(self._next_number) for effect in sorted(wanted)}
        by_pair = self._by_pair(numbers)
        queues = self._wanted_queues(by_pair)
        chains = {pair: _chain(numbers, of_pair, queues.get(pair)) for pair, of_pair in by_pair.items()}
        with Queues(self._indices) as kernel:
            found = kernel.found()
            for pair, queue in queues.items():
                if queue != self._queues.get(pair):
                    kernel.put(pair[1], self._queues.get(pair), queue)
            if script := change_script(self._chains, chains):
                try:
                    self._bridge.nft.run(script)
                except NftError:
                    self._take_back(kernel, queues)
                    raise
            left = {
                pair: queue
                for pair, queue in self._queues.items()
                if pair not in queues or queues[pair].number != queue.number
            }
            self._gone_overflowed += _overflowed(left, found)
            self._gone_overflowed -= sum(
                _all_dropped(pair, queue, BUCKET, found)
                for pair, queue in self._queues.items()
                if queue.stages and pair not in left and queues[pair].limit is None
            )
            self._before = self._base(numbers, queues, found)
            self._numbers, self._chains, self._queues = numbers, chains, queues
            for pair, queue in left.items():
                kernel.remove(pair[1], queue)

    def _take_back(self, kernel: Queues, queues: Mapping[PortPair, Queue]) -> None:
        """Undo what was done to queues for chains that nftables then refused: no packet was sent to new ones."""
        for pair, queue in queues.items():
            before = self._queues.get(pair)
            if before is None or before.number != queue.number:
                kernel.remove(pair[1], queue)
            elif before != queue:
                kernel.put(pair[1], queue, before)

    def read(self) -> Mapping[LinkEffect, Counters]:
        """The effects that the kernel has, with what they have done."""
        counted = parse(self._bridge.nft.read(LIST_COMMAND))
        with Queues(self._indices) as kernel:
            found = kernel.found()
        read = dict(self._bridge.read())
        for effect in self._numbers:
            if self._is_there(effect, counted, found):
                read[effect] = self._counters(effect, counted, found)
        return read

    def overflowed(self) -> int:
        """What netem dropped because it held too much. Buckets have the queues that they were given."""
        with Queues(self._indices) as kernel:
            return self._gone_overflowed + _overflowed(self._queues, kernel.found())

    def close(self) -> None:
        """Remove the cables; everything else goes with them and with the namespace."""
        self._bridge.close()

    def _pair(self, effect: LinkEffect) -> PortPair:
        return self._ports[effect.source], self._ports[effect.destination]

    def _by_pair(self, effects: Iterable[LinkEffect]) -> dict[PortPair, list[LinkEffect]]:
        by_pair: dict[PortPair, list[LinkEffect]] = {}
        for effect in effects:
            by_pair.setdefault(self._pair(effect), []).append(effect)
        return by_pair

    def _wanted_queues(self, wanted: Mapping[PortPair, Sequence[LinkEffect]]) -> dict[PortPair, Queue]:
        """The queue of each link on which something waits: the one that it has, changed, or one beside it."""
        held_before = {pair: _held_on(effects) for pair, effects in self._by_pair(self._numbers).items()}
        numbers = {port: number for number, port in enumerate(self._indices, start=1)}
        queues = {}
        for pair, effects in wanted.items():
            if not any(effect.kind not in _VERDICTS for effect in effects):
                continue
            before = self._queues.get(pair)
            number = before.number if before else numbers[pair[0]]
            if before and held_before[pair] - _held_on(effects):
                number = before.beside()
            queues[pair] = Queue(number, self._stages(effects), _lowest(effects))
        return queues

    def _stages(self, effects: Sequence[LinkEffect]) -> tuple[Netem, ...]:
        """What netem does about these effects of one link."""
        if not self._with_netem:
            return ()
        return tuple(
            stage(kind, tuple(effect.parameters for effect in effects if effect.kind == kind)) for kind in STAGES
        )

    def _base(
        self, numbers: Mapping[LinkEffect, int], queues: Mapping[PortPair, Queue], found: Mapping[Handle, Found]
    ) -> dict[LinkEffect, int]:
        """What to take off what the stage of each effect has dropped, so that it is what the effect has dropped."""
        base = {}
        for effect in numbers:
            pair = self._pair(effect)
            if effect.kind in _VERDICTS:
                continue
            dropped = _dropped(effect, pair, self._queues.get(pair), found)
            stays = pair in self._queues and self._queues[pair].number == queues[pair].number
            if effect in self._before:
                base[effect] = self._before[effect] if stays else self._before[effect] - dropped
            else:
                base[effect] = dropped if stays else 0
        return base

    def _is_there(self, effect: LinkEffect, counted: Counted, found: Mapping[Handle, Found]) -> bool:
        """Whether the kernel has all that an effect takes."""
        pair = self._pair(effect)
        if pair not in counted.classes or f"met_{self._numbers[effect]}" not in counted.packets:
            return False
        if effect.kind in _VERDICTS:
            return True
        queue = self._queues[pair]
        there = found.get((pair[1], queue.handle(_place(effect))))
        if there is None or counted.classes[pair] != queue.class_id:
            return False
        return effect.kind == RATE or there.netem == queue.stages[_place(effect)].without_table()

    def _counters(self, effect: LinkEffect, counted: Counted, found: Mapping[Handle, Found]) -> Counters:
        number, pair = self._numbers[effect], self._pair(effect)
        packets = counted.packets[f"met_{number}"]
        if effect.kind in _VERDICTS:
            hits = counted.packets[f"hit_{number}"]
            return Counters(packets=packets, hits=hits, dropped=hits if effect.kind == LOSS else 0)
        dropped = _dropped(effect, pair, self._queues[pair], found) - self._before[effect]
        match effect.kind:
            case "burst-loss":
                return Counters(packets=packets, hits=dropped, dropped=dropped)
            case "rate":
                return Counters(packets=packets, hits=packets, dropped=dropped)
            case "delay":
                return Counters(packets=packets, hits=packets)
            case _:
                return Counters(packets=packets, hits=None)


def _require_netem(route: IPRoute, port: int) -> None:
    """Try it on a port that has nothing else yet."""
    try:
        route.tc("add", "netem", port, _TRIAL)
        route.tc("del", "netem", port, _TRIAL)
    except NetlinkError as error:
        if error.code not in {errno.ENOENT, errno.EOPNOTSUPP}:
            raise
        raise NetworkError(NO_NETEM) from error


def _chain(numbers: Mapping[LinkEffect, int], effects: Sequence[LinkEffect], queue: Queue | None) -> Chain:
    """What befalls the packets of a link: losses first, then copies; and what waits is counted."""
    order = [*_VERDICTS]
    steps = [
        (order.index(effect.kind), Step(numbers[effect], _VERDICTS[effect.kind], dict(effect.parameters)["share"]))
        if effect.kind in _VERDICTS
        else (len(order), Step(numbers[effect]))
        for effect in effects
    ]
    return Chain(tuple(step for _, step in sorted(steps)), queue.class_id if queue else "")


def _held_on(effects: Iterable[LinkEffect]) -> frozenset[LinkEffect]:
    return frozenset(effect for effect in effects if effect.kind in _HELD)


def _lowest(effects: Iterable[LinkEffect]) -> Limit | None:
    """The lowest rate among effects of one link."""
    rates = [dict(effect.parameters) for effect in effects if effect.kind == RATE]
    if not rates:
        return None
    lowest = min(rates, key=lambda rate: (rate["bits_per_second"], rate["queue_bytes"]))
    return Limit(lowest["bits_per_second"], lowest["queue_bytes"])


def _place(effect: LinkEffect) -> int:
    """The number of the stage that an effect is in."""
    return BUCKET if effect.kind == RATE else STAGES.index(effect.kind)


def _dropped(effect: LinkEffect, pair: PortPair, queue: Queue | None, found: Mapping[Handle, Found]) -> int:
    """What the stage of an effect has dropped since there has been one. What a stage drops its outer ones count too."""
    if queue is None or effect.kind not in {"burst-loss", RATE}:
        return 0
    dropped = _all_dropped(pair, queue, _place(effect), found)
    return dropped if effect.kind == RATE else dropped - _all_dropped(pair, queue, _BEHIND_BURSTS, found)


def _overflowed(queues: Mapping[PortPair, Queue], found: Mapping[Handle, Found]) -> int:
    """What netem dropped because it held too much: all but what bursts take, and buckets."""
    return sum(
        _all_dropped(pair, queue, _BEHIND_BURSTS, found) - _all_dropped(pair, queue, BUCKET, found)
        for pair, queue in queues.items()
        if queue.stages
    )


def _all_dropped(pair: PortPair, queue: Queue, place: int, found: Mapping[Handle, Found]) -> int:
    there = found.get((pair[1], queue.handle(place)))
    return there.dropped if there else 0
