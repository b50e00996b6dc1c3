"""Every fault kind there is, and which of them a cluster has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schrodinger_agent.injectors.kill import Kill
from schrodinger_agent.injectors.partition import Partition
from schrodinger_agent.injectors.pause import Pause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger_agent.injectors.injector import Injector
    from schrodinger_agent.network import SwitchedNetwork
    from schrodinger_agent.target import Target

KINDS = (Partition.kind, Kill.kind, Pause.kind)


def injectors_for(targets: Mapping[str, Target], network: SwitchedNetwork | None) -> dict[str, Injector[Any]]:
    """The injectors of a cluster by kind, in the order in which changes are carried out.

    Cuts come first, being by far the fastest. Kill comes before pause: what is to be killed must not run on for a
    moment because its pause ended first.
    """
    injectors: list[Injector[Any]] = [Kill(targets), Pause(targets)]
    if network is not None:
        injectors.insert(0, Partition(network))
    return {injector.kind: injector for injector in injectors}
