"""Where the packets of a link wait: a class of HTB on the receiver's port, in it the stages of netem, then a bucket.

A class for each link, with what it has one inside the other (tc(8)): the outermost stage of netem takes a packet
first, and a token bucket (tc-tbf(8)), where there is one, is the innermost of all. The class limits nothing itself.

Stages change where they are, so what begins on a link does no harm to what waits there. A netem cannot be told to let
go of what it holds; where that is due the link gets a new queue beside the old one, the chain of nftables sends packets
to the new one from some packet on, and the old one goes with what waits in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from pyroute2 import IPRoute
from pyroute2.netlink import NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, nlmsg
from pyroute2.netlink.rtnl import RTM_NEWQDISC
from pyroute2.netlink.rtnl.tcmsg import tcmsg
from pyroute2.netlink.rtnl.tcmsg.common import stats2

from schrodinger_agent.network_netem import WAITING_PACKETS, Netem

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SOURCES: Final = 0xFF
_AGAIN: Final = 0x100
"""The difference between the numbers of a link's two queues."""

_UNLIMITED_BYTES: Final = 12_500_000_000
"""Of the class around it all, which limits nothing itself: a hundred gigabits a second."""
_FRAME_BYTES: Final = 1514

_ROOT: Final = "1:"
_STAGE: Final = 0x1000
"""Handles of stages of a class are its number and a multiple of this."""
BUCKET: Final = 14
"""What stage a bucket would be."""


Handle: TypeAlias = tuple[str, int]
"""A port, and the major number of a queueing discipline there."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a token bucket lets pass, and how much may wait for it."""

    bits_per_second: int
    queue_bytes: int


@dataclass(frozen=True, slots=True)
class Queue:
    """All that makes packets of a link wait. A kernel without netem has no stages. ``number`` is that of its class."""

    number: int
    stages: tuple[Netem, ...] = ()
    limit: Limit | None = None

    @property
    def class_id(self) -> str:
        """As tc and nft write it."""
        return f"{_ROOT}{self.number:x}"

    def beside(self) -> int:
        """The number of a queue of the same link that takes its place."""
        return self.number ^ _AGAIN

    def handle(self, stage: int) -> int:
        """The major number of a stage."""
        return _STAGE * (stage + 1) + self.number


@dataclass(frozen=True, slots=True)
class Found:
    """A queueing discipline as read back: what it dropped, and, of a netem, what it does."""

    dropped: int
    netem: Netem | None


class _Qdisc(nlmsg):  # type: ignore[misc] # the library has no types
    """A message about a queueing discipline with its options as they are: the library knows half of netem's."""

    prefix = tcmsg.prefix
    fields = tcmsg.fields
    stats2 = stats2
    nla_map = (
        ("TCA_UNSPEC", "none"),
        ("TCA_KIND", "asciiz"),
        ("TCA_OPTIONS", "hex"),
        ("TCA_STATS", "none"),
        ("TCA_XSTATS", "none"),
        ("TCA_RATE", "none"),
        ("TCA_FCNT", "none"),
        ("TCA_STATS2", "stats2"),
    )


@final
class Queues:
    """The queues of links at the ports of a switch, through one netlink socket in the namespace that has the ports.

    To be used for one change or one look, by ``with``.
    """

    def __init__(self, indices: Mapping[str, int]) -> None:
        self._indices = indices
        self._route = IPRoute()
        self._route.marshal.msg_map[RTM_NEWQDISC] = _Qdisc

    def __enter__(self) -> Queues:
        return self

    def __exit__(self, *_: object) -> None:
        self._route.close()

    def set_up(self) -> None:
        """Put HTB on every port. What has no class passes by all classes."""
        for port in self._indices.values():
            self._route.tc("add", "htb", port, handle=_ROOT, default=0)

    def put(self, port: str, before: Queue | None, after: Queue) -> None:
        """Make a queue, or change the one that has its number."""
        if before is None or before.number != after.number:
            before = None
            self._class("add-class", port, after)
        parent = (1 << 16) + after.number
        for number, stage in enumerate(after.stages):
            if before is None:
                self._netem(port, after, number, parent, NLM_F_CREATE | NLM_F_EXCL)
            elif before.stages[number] != stage:
                self._netem(port, after, number, parent, NLM_F_REPLACE)
            parent = (after.handle(number) << 16) + 1
        was = before.limit if before else None
        if after.limit is not None and after.limit != was:
            self._bucket("add" if was is None else "change", port, after.handle(BUCKET), parent, after.limit)
        elif after.limit is None and was is not None:
            self._bucket("del", port, after.handle(BUCKET), parent, was)

    def remove(self, port: str, queue: Queue) -> None:
        """Remove a queue with what waits in it."""
        self._class("del-class", port, queue)

    def found(self) -> Mapping[Handle, Found]:
        """All that is there, by port and handle."""
        ports = {index: port for port, index in self._indices.items()}
        found: dict[Handle, Found] = {}
        for message in self._route.get_qdiscs():
            if message["index"] in ports:
                dropped = message.get_nested("TCA_STATS2", "TCA_STATS_QUEUE")["drops"]
                is_netem = message.get_attr("TCA_KIND") == "netem"
                netem = (
                    Netem.read(bytes.fromhex(message.get_attr("TCA_OPTIONS").replace(":", ""))) if is_netem else None
                )
                found[ports[message["index"]], message["handle"] >> 16] = Found(dropped, netem)
        return found

    def _class(self, command: str, port: str, queue: Queue) -> None:
        # The library wants a rate even where a class goes; the kernel looks only at the class's name.
        parameters: dict[str, Any] = {"parent": _ROOT, "rate": _UNLIMITED_BYTES, "quantum": _FRAME_BYTES}
        self._route.tc(command, "htb", self._indices[port], queue.class_id, **parameters)

    def _bucket(self, command: str, port: str, handle: int, parent: int, limit: Limit) -> None:
        rate = max(1, limit.bits_per_second // 8)
        burst = max(2 * _FRAME_BYTES, rate // 250)
        waiting = limit.queue_bytes + burst
        parameters = {"parent": parent, "rate": rate, "burst": burst, "limit": waiting}
        self._route.tc(command, "tbf", self._indices[port], handle << 16, **parameters)

    def _netem(self, port: str, queue: Queue, stage: int, parent: int, how: int) -> None:
        message = _Qdisc()
        message["index"], message["handle"] = self._indices[port], queue.handle(stage) << 16
        message["parent"] = parent
        # To some kernels what waits further in waits here as well, and it is there that it is to be too much.
        options = queue.stages[stage].options(WAITING_PACKETS * (len(queue.stages) - stage))
        message["attrs"] = [("TCA_KIND", "netem"), ("TCA_OPTIONS", options)]
        message["header"]["type"], message["header"]["flags"] = RTM_NEWQDISC, NLM_F_REQUEST | NLM_F_ACK | how
        list(self._route.nlm_request_batch([message]))
