"""Every fault kind there is, and which of them a cluster has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schrodinger_agent.injectors.kill import Kill
from schrodinger_agent.injectors.links import LINK_FAULTS
from schrodinger_agent.injectors.partition import Partition
from schrodinger_agent.injectors.pause import Pause
from schrodinger_agent.injectors.power_loss import PowerLoss

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from schrodinger_agent.injectors.injector import Injector
    from schrodinger_agent.network import SwitchedNetwork
    from schrodinger_agent.target import Target

LINK_KINDS = tuple(fault.kind for fault in LINK_FAULTS)
KINDS = (Partition.kind, Kill.kind, Pause.kind, PowerLoss.kind, *LINK_KINDS)

_ON_DISKS = (PowerLoss,)
"""What is done to the disks of targets, which must have them."""


def needs_disks(kinds: Collection[str]) -> bool:
    """Whether targets need disks of their own for these kinds."""
    return any(injector.kind in kinds for injector in _ON_DISKS)


def injectors_for(
    targets: Mapping[str, Target], network: SwitchedNetwork | None, kinds: Collection[str]
) -> dict[str, Injector[Any]]:
    """The injectors of a cluster by kind, in the order in which changes are carried out.

    The network comes first, being by far the fastest. What ends processes comes before pause: what is to be ended must
    not run on for a moment because its pause ended first. ``kinds`` are those that the cluster is prepared for; the
    others need no preparation.
    """
    injectors: list[Injector[Any]] = [Kill(targets), Pause(targets)]
    if needs_disks(kinds):
        injectors[:0] = [injector(targets) for injector in _ON_DISKS]
    if network is not None:
        faults_of_links = [fault(network) for fault in LINK_FAULTS if fault.kind in network.kinds]
        injectors = [Partition(network), *faults_of_links, *injectors]
    return {injector.kind: injector for injector in injectors}
