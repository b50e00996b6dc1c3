"""A storm: every kind of fault at random on one cluster, and agent or controller killed in the middle of it.

Whatever is drawn together is in force together, and nothing is left afterwards. One round, unless ``SCHRODINGER_STORM``
says how many (``make storm``).
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError, FaultRequest

from schrodinger.nemesis import FAULTS, Targets
from schrodinger.nemesis.drawing import drawn
from tests.fakes.leftovers import Machine, eventually
from tests.integration.agents import Agent, private_agent, wait_until
from tests.integration.writer import WRITER

if TYPE_CHECKING:
    from schrodinger_agent.client import AgentClient
    from schrodinger_agent.types import ClusterUp, Observed

ROUNDS = int(os.environ.get("SCHRODINGER_STORM", "1"))
NODES = ("n1", "n2", "n3")
CHANGES = 10


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_is_drawn_together_is_in_force_together_and_nothing_outlives_a_killed_agent(seed: int) -> None:
    before = Machine.look(Path("/nowhere"))
    with private_agent(Path("/dev/shm")) as agent:
        asyncio.run(storm(agent, Random(seed)))
        assert agent.left_behind() == []
    leftovers = [thing for thing in Machine.look(agent.state.path).beyond(before) if str(agent.state.path) in thing]
    assert leftovers == []


async def storm(agent: Agent, random: Random) -> None:
    client = await agent.connect()
    found = await client.capabilities()
    kinds = tuple(kind for kind in FAULTS.kinds if found[kind].available)
    up = await client.up("c", NODES, lease_s=60, isolated=found.isolated, kinds=kinds)
    await start(client, up)
    active: dict[str, FaultRequest] = {}
    for generation in range(1, CHANGES + 1):
        for identity in [identity for identity in sorted(active) if random.random() < 0.3]:
            del active[identity]
        for number in range(random.randint(1, 3)):
            kind = random.choice(kinds)
            strategy = FAULTS[kind].strategy(Targets(NODES, disks=True))
            assert strategy is not None
            fault = drawn(strategy, random.getrandbits(32))
            identity = f"{generation}.{number} {fault.describe()}"
            active[identity] = FaultRequest(id=identity, kind=kind, parameters=fault.request())
        check(await client.set_faults("c", generation, list(active.values())))
        await start(client, up)
        await asyncio.sleep(random.uniform(0, 0.2))
    await kill_something(agent, client, random, list(active.values()))


def check(observed: Observed) -> None:
    for observation in observed.observations:
        assert observation.in_force, (observation, [other.id for other in observed.observations])
        assert not observation.error, observation
    for observation in observed.lifted:
        # What is lifted may go on where another fault of its kind wants the same.
        assert not observation.error, (observation, [other.id for other in observed.observations])


async def start(client: AgentClient, up: ClusterUp) -> None:
    """What no fault holds down is started again, as the runner does it."""
    for target in up.targets:
        argv, environment = ["python3", "-c", WRITER, str(target.data)], {"PATH": os.environ["PATH"]}
        try:
            await client.spawn(
                "c",
                target.name,
                argv,
                environment=environment,
                directory=target.data,
                output=target.data.with_name("output"),
            )
        except AgentError as refused:  # by what holds it down, or because it runs; or a limit keeps it from starting
            if refused.code not in {"FAILED_PRECONDITION", "INTERNAL"}:
                raise


async def kill_something(agent: Agent, client: AgentClient, random: Random, faults: list[FaultRequest]) -> None:
    """The agent dies while faults change, or the session ends while they are in force."""
    if random.random() < 0.7:
        change = asyncio.create_task(client.set_faults("c", CHANGES + 1, faults[::2]))
        await asyncio.sleep(random.uniform(0, 0.03))
        os.kill(client.agent_pid, signal.SIGKILL)
        await asyncio.gather(change, return_exceptions=True)
        wait_until(lambda: agent.agents() == [], "the agent is dead")
        await client.close()
        async with await agent.connect():
            assert eventually(lambda: agent.left_behind() == [], 10), agent.left_behind()
    else:
        await client.close()
        assert eventually(lambda: agent.left_behind() == [], 10), agent.left_behind()
