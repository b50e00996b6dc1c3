"""Kill and pause on real processes, and what the agent says about them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError, FaultRequest

from tests.integration.agents import (
    COUNT,
    DAEMON,
    SLEEP,
    cut,
    fault,
    grows,
    private_agent,
    require_isolation,
    spawn,
    stands_still,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp

    from tests.integration.agents import Agent

both_modes = pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "loopback"])


@pytest.fixture
def agent() -> Iterator[Agent]:
    with private_agent() as private:
        yield private


@asynccontextmanager
async def cluster(
    agent: Agent, *, isolated: bool, targets: Sequence[str] = ("n1", "n2", "n3")
) -> AsyncIterator[tuple[AgentClient, ClusterUp]]:
    async with await agent.connect() as client:
        if isolated:
            await require_isolation(client)
        yield client, await client.up("c", targets, lease_s=60, isolated=isolated)


@both_modes
def test_a_kill_ends_the_database_and_its_daemons_and_leaves_no_process(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=isolated) as (client, up):
            await spawn(client, up, "n1", DAEMON)
            data = up.targets[0].data
            grows(data)
            observed = await client.set_faults("c", 1, [fault("kill", "n1")])
            (observation,) = observed.observations
            assert observation.in_force, observation
            assert observation.evidence["n1"]["left"] == 0
            assert observation.evidence["n1"]["processes"] >= 3, "the sleep, the daemon and what the daemon runs"
            assert not [line for line in agent.processes().values() if str(data) in line]
            assert stands_still(data)

    asyncio.run(scenario())


@both_modes
def test_what_a_kill_holds_down_can_only_be_spawned_again_once_it_is_lifted(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=isolated) as (client, up):
            await spawn(client, up, "n1", COUNT)
            await client.set_faults("c", 1, [fault("kill", "n1")])
            with pytest.raises(AgentError, match="held down by a kill") as refused:
                await spawn(client, up, "n1", COUNT)
            assert refused.value.code == "FAILED_PRECONDITION"
            observed = await client.set_faults("c", 2, [])
            assert not observed.lifted[0].in_force
            assert observed.lifted[0].evidence["n1"]["processes"] >= 1
            assert (await spawn(client, up, "n1", COUNT)).incarnation == 2
            grows(up.targets[0].data)

    asyncio.run(scenario())


def test_a_kill_of_a_target_where_nothing_runs_is_in_force_and_counts_no_process(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=False) as (client, _):
            observed = await client.set_faults("c", 1, [fault("kill", "n2")])
            assert observed.observations[0].in_force
            assert observed.observations[0].evidence["n2"]["processes"] == 0

    asyncio.run(scenario())


@both_modes
def test_a_pause_stops_everything_in_the_target_and_its_end_lets_it_go_on(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=isolated) as (client, up):
            paused, spared = up.targets[0].data, up.targets[1].data
            await spawn(client, up, "n1", DAEMON)
            await spawn(client, up, "n2", COUNT)
            grows(paused)
            observed = await client.set_faults("c", 1, [fault("pause", "n1")])
            assert observed.observations[0].in_force, observed
            assert observed.observations[0].evidence["n1"]["processes"] >= 3
            assert stands_still(paused)
            grows(spared)
            healed = await client.set_faults("c", 2, [])
            assert not healed.lifted[0].in_force
            assert healed.lifted[0].evidence["n1"]["thawed"]
            grows(paused)

    asyncio.run(scenario())


@both_modes
def test_a_kill_acts_while_the_target_is_paused(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=isolated) as (client, up):
            await spawn(client, up, "n1", DAEMON)
            grows(up.targets[0].data)
            await client.set_faults("c", 1, [fault("pause", "n1")])
            observed = await client.set_faults("c", 2, [fault("pause", "n1"), fault("kill", "n1")])
            assert all(observation.in_force for observation in observed.observations), observed
            with pytest.raises(AgentError, match="held down"):
                await spawn(client, up, "n1", SLEEP)
            await client.set_faults("c", 3, [fault("pause", "n1")])
            with pytest.raises(AgentError, match="frozen by a pause"):
                await spawn(client, up, "n1", SLEEP)
            await client.set_faults("c", 4, [])
            await spawn(client, up, "n1", COUNT)
            grows(up.targets[0].data)

    asyncio.run(scenario())


def test_overlapping_faults_add_up_and_lifting_one_leaves_the_other_in_force(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=False) as (client, up):
            await spawn(client, up, "n1", COUNT)
            await spawn(client, up, "n2", COUNT)
            one, both = fault("pause", "n1", identity="one"), fault("pause", "n1", "n2", identity="both")
            await client.set_faults("c", 1, [one, both])
            before = (await client.set_faults("c", 2, [one])).observations[0].evidence
            grows(up.targets[1].data)
            assert stands_still(up.targets[0].data)
            again = await client.set_faults("c", 3, [one])
            assert again.observations[0].evidence == before, "nothing was frozen a second time"
            assert (await client.observe("c")).observations[0].in_force

    asyncio.run(scenario())


def test_cuts_of_several_faults_are_united_and_each_has_its_own_evidence(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=True) as (client, _):
            first = cut(("n1", "n2"), ("n1", "n3"), identity="first")
            second = cut(("n1", "n3"), ("n3", "n1"), identity="second")
            observed = await client.set_faults("c", 1, [first, second])
            assert [o.in_force for o in observed.observations] == [True, True]
            assert observed.observations[0].evidence["probes_received"] == 0
            assert observed.observations[0].evidence["probes_sent"] >= 2
            healed = await client.set_faults("c", 2, [second])
            assert [(o.id, o.in_force, o.error) for o in healed.lifted] == [("first", False, "")]
            assert healed.observations[0].in_force

    asyncio.run(scenario())


def test_an_older_generation_is_refused(agent: Agent) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=False) as (client, up):
            await spawn(client, up, "n1", COUNT)
            await client.set_faults("c", 7, [])
            with pytest.raises(AgentError, match="generation 6 is older than 7") as refused:
                await client.set_faults("c", 6, [fault("pause", "n1")])
            assert refused.value.code == "FAILED_PRECONDITION"
            grows(up.targets[0].data)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (FaultRequest(id="x", kind="flood", parameters={}), "kind 'flood' is not known: use partition, kill"),
        (FaultRequest(id="x", kind="pause", parameters={}), "needs 'targets', a list"),
        (FaultRequest(id="x", kind="pause", parameters={"targets": []}), "at least one entry"),
        (FaultRequest(id="x", kind="pause", parameters={"targets": ["n1"], "for": 3}), "no parameter 'for'"),
        (
            FaultRequest(id="x", kind="kill", parameters={"targets": ["n9"]}),
            "'n9', which is not in the cluster: use n1",
        ),
        (FaultRequest(id="x", kind="kill", parameters={"targets": [1]}), "names 1, which is not"),
        (FaultRequest(id="pause n1", kind="kill", parameters={"targets": ["n1"]}), "used twice"),
        (FaultRequest(id="x", kind="partition", parameters={"edges": [["n1", "n2"]]}), "not isolated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_that_cannot_be_is_refused_with_nothing_changed(
    agent: Agent, wrong: FaultRequest, complaint: str
) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=False) as (client, up):
            await spawn(client, up, "n1", COUNT)
            grows(up.targets[0].data)
            with pytest.raises(AgentError) as refused:
                await client.set_faults("c", 1, [fault("pause", "n1"), wrong])
            assert refused.value.code == "INVALID_ARGUMENT"
            assert complaint in str(refused.value)
            grows(up.targets[0].data)
            assert (await client.set_faults("c", 1, [])).lifted == ()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("edge", "complaint"),
    [
        (["n1"], "each edge is a list"),
        (["n1", "n9"], "'n9', which is not in the cluster"),
        (["n1", "n1"], "no link from a node to itself"),
        (["clients", "n1"], "'clients', which is not in the cluster"),
    ],
)
def test_an_edge_that_cannot_be_is_refused(agent: Agent, edge: list[str], complaint: str) -> None:
    async def scenario() -> None:
        async with cluster(agent, isolated=True) as (client, _):
            with pytest.raises(AgentError) as refused:
                await client.set_faults("c", 1, [FaultRequest(id="x", kind="partition", parameters={"edges": [edge]})])
            assert complaint in str(refused.value)

    asyncio.run(scenario())
