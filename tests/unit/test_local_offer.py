"""How the nodes of one machine will live, decided from what the agent found."""

from __future__ import annotations

import pytest
from schrodinger_agent.types import Capabilities
from schrodinger_agent.types import Capability as AgentCapability

from schrodinger.cluster import ProviderError
from schrodinger.cluster.local_offer import decide

PARTITION = AgentCapability(name="partition", is_fault=True, available=True, mechanism="nftables")
KILL = AgentCapability(name="kill", is_fault=True, available=True, mechanism="signals")
NO_PARTITION = AgentCapability(
    name="partition", is_fault=True, available=False, reason="unshare: not permitted", remedy="run as root"
)
NO_CGROUP = AgentCapability(name="cgroup-freeze", is_fault=False, available=False, reason="no hierarchy is mounted")
EVERYTHING = Capabilities(version="1", isolated=True, entries=(PARTITION, KILL))
LOOPBACK_ONLY = Capabilities(version="1", isolated=False, entries=(NO_PARTITION, KILL, NO_CGROUP))


def test_nodes_are_isolated_where_that_can_be_had() -> None:
    offer = decide(EVERYTHING, wanted=None, obstacle="")

    assert offer.isolated
    assert offer.degradation == ""
    assert [entry.name for entry in offer.capabilities if entry.available] == ["partition", "kill"]


def test_otherwise_they_are_on_loopback_and_the_reason_and_remedy_are_said() -> None:
    offer = decide(LOOPBACK_ONLY, wanted=None, obstacle="")

    assert not offer.isolated
    assert offer.degradation == (
        "the nodes are plain processes on loopback addresses of this machine, without partitions and other faults of "
        "the network: unshare: not permitted (remedy: run as root)"
    )


def test_an_obstacle_on_the_clients_side_is_the_reason() -> None:
    offer = decide(EVERYTHING, wanted=None, obstacle="unshare is not permitted")

    assert not offer.isolated
    assert offer.degradation.endswith("other faults of the network: unshare is not permitted")


def test_without_isolation_a_partition_is_not_offered_whatever_the_agent_can_do() -> None:
    offer = decide(EVERYTHING, wanted=False, obstacle="")

    available = {entry.name: entry.available for entry in offer.capabilities}
    assert available == {"partition": False, "kill": True}
    assert "isolation was turned off" in offer.capabilities[0].reason


def test_isolation_that_is_demanded_and_cannot_be_had_is_an_error() -> None:
    with pytest.raises(ProviderError, match="cannot be had: unshare: not permitted"):
        decide(LOOPBACK_ONLY, wanted=True, obstacle="")
