"""Every fault kind there is, and which of them a cluster has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schrodinger_agent.injectors.clocks import CLOCKS
from schrodinger_agent.injectors.damage import FileDamage, RollBack
from schrodinger_agent.injectors.descriptors import DescriptorLimit
from schrodinger_agent.injectors.disk_failure import DiskReadOnly
from schrodinger_agent.injectors.disk_slow import DiskSlow
from schrodinger_agent.injectors.disk_space import DiskFull
from schrodinger_agent.injectors.disk_stall import DiskStall
from schrodinger_agent.injectors.endings import KillProcess, PauseProcess, RestartLoop, Terminate
from schrodinger_agent.injectors.io import IoDelay, IoError, LyingSync
from schrodinger_agent.injectors.kill import Kill
from schrodinger_agent.injectors.links import LinkFault
from schrodinger_agent.injectors.load import CpuBurn, MemoryPressure
from schrodinger_agent.injectors.membership import MemberLeave, MemberReplace
from schrodinger_agent.injectors.names import DnsFailure, DnsLie
from schrodinger_agent.injectors.partition import Partition
from schrodinger_agent.injectors.pause import Pause
from schrodinger_agent.injectors.power_loss import PowerLoss
from schrodinger_agent.injectors.resources import CpuLimit, MemoryLimit, ProcessLimit
from schrodinger_agent.network_effects import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from schrodinger_agent.injectors.conditions import Condition
    from schrodinger_agent.injectors.injector import Injector
    from schrodinger_agent.network import SwitchedNetwork
    from schrodinger_agent.target import Target

LINK_KINDS: Final = tuple(PARAMETERS)

PREPARED: Final[tuple[type[PowerLoss] | type[Condition[Any]], ...]] = (
    PowerLoss,
    DiskReadOnly,
    DiskFull,
    DiskStall,
    DiskSlow,
    IoError,
    IoDelay,
    LyingSync,
    RollBack,
    FileDamage,
    MemberLeave,
    MemberReplace,
    DnsFailure,
    DnsLie,
    Terminate,
    RestartLoop,
    KillProcess,
    PauseProcess,
    CpuLimit,
    CpuBurn,
    MemoryLimit,
    MemoryPressure,
    ProcessLimit,
    DescriptorLimit,
    *CLOCKS,
)
"""Kinds for which a cluster is prepared: each says what it ``needs`` of targets, and its ``mechanism`` in words."""

KINDS: Final = (Partition.kind, Kill.kind, Pause.kind, *(injector.kind for injector in PREPARED), *LINK_KINDS)


def needs_of(kinds: Collection[str]) -> frozenset[str]:
    """What targets must have for these kinds: a ``disk``, ``supervision``, or the name of a resource controller."""
    return frozenset[str]().union(*(injector.needs for injector in PREPARED if injector.kind in kinds))


def injectors_for(
    targets: Mapping[str, Target], network: SwitchedNetwork | None, kinds: Collection[str]
) -> dict[str, Injector[Any]]:
    """The injectors of a cluster by kind, in the order in which changes are carried out.

    The network comes first, being by far the fastest. Files are put back before others are damaged, or it would undo
    that. What ends processes comes before pause: what is to be ended must not run on for a moment because its pause
    ended first. ``kinds`` are those that the cluster is prepared for; the others need no preparation.
    """
    makers: list[Callable[[Mapping[str, Target]], Injector[Any]]] = [
        *(injector for injector in PREPARED if _is_to_be_had(injector, kinds, network)),
        Kill,
        Pause,
    ]
    injectors = [make(targets) for make in makers]
    if network is not None:
        faults_of_links = [LinkFault(network, kind) for kind in LINK_KINDS if kind in network.kinds]
        injectors = [Partition(network), *faults_of_links, *injectors]
    return {injector.kind: injector for injector in injectors}


def _is_to_be_had(
    injector: type[PowerLoss] | type[Condition[Any]], kinds: Collection[str], network: SwitchedNetwork | None
) -> bool:
    return (injector.kind in kinds or not injector.needs) and (network is not None or "names" not in injector.needs)
