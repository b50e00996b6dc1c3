"""A storm: every kind of fault at random, and at a random moment the death of whoever is in charge of them.

A controller in a process of its own (``scenarios/storm.py``) brings up a cluster and changes its faults over and over;
all that it wants together must be in force together. Then it is killed, or its agent is, or both are, or it hangs until
its lease has lapsed. What they made vanishes by itself, or is found by its marks by the next agent, or by
``schrodinger heal``. Three rounds, unless ``SCHRODINGER_STORM`` says how many (``make storm``), the first of them with
the seed ``SCHRODINGER_STORM_SEED``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.freezing import state_of
from schrodinger_agent.heal import heal

from tests.fakes.leftovers import Machine, eventually
from tests.integration.agents import Agent, private_agent
from tests.integration.scenarios.storm import AGENT_LOST

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST = int(os.environ.get("SCHRODINGER_STORM_SEED", "0"))
ROUNDS = int(os.environ.get("SCHRODINGER_STORM", "3"))
SCENARIO = Path(__file__).parent / "scenarios" / "storm.py"

VICTIMS = ("controller", "agent", "both", "controller", "agent", "nobody", "controller", "both", "agent", "time")
"""Who is killed in a round, one after the other. Of ``time`` the controller is deprived: it is stopped."""

CHANGES, LAST_MOMENT_S = 12, 4.0
"""A round of so many changes takes about as long; the moment of the kill may also be while the cluster comes up."""

GONE_S = 20.0
"""A lease lasts ten seconds, and so long a database may take to end whose disk hangs."""


ENOUGH_S = 120.0
"""For a round of all changes, on a machine that is busy; and more than any call of a controller may take."""


@pytest.fixture
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_faults_are_in_force_together_and_nothing_of_them_outlives_controller_or_agent(
    agent: Agent, tmp_path: Path, seed: int
) -> None:
    victim = VICTIMS[seed % len(VICTIMS)]
    before = Machine.look(agent.state.path)
    asyncio.run(asked_once(agent))
    held = descriptors(agent)
    said = tmp_path / "said"
    with said.open("wb") as output:
        arguments = [str(agent.state.path), str(seed), str(CHANGES)]
        controller = subprocess.Popen([sys.executable, str(SCENARIO), *arguments], stdout=output, stderr=output)
    try:
        end(agent, controller, victim, Random(seed))
        expected = {"agent": AGENT_LOST, "nobody": 0}.get(victim, -signal.SIGKILL)
        # Whoever is killed late may have been ready.
        assert ended(controller) in {expected, 0}, said.read_text()
        if victim == "both":
            assert asyncio.run(heal(agent.state.path)).errors == ()
        elif victim == "agent":
            assert eventually(lambda: alive(agent) == [], GONE_S), (alive(agent), said.read_text())
            asyncio.run(asked_once(agent))
        assert eventually(lambda: agent.left_behind() == [], GONE_S), (agent.left_behind(), said.read_text())
        if victim not in {"agent", "both"}:
            assert eventually(lambda: descriptors(agent) - held == Counter(), GONE_S), descriptors(agent) - held
        if agent.agents():
            agent.end()
        assert Machine.look(agent.state.path).beyond(before) == []
    finally:
        controller.kill()
        controller.wait()


def end(agent: Agent, controller: subprocess.Popen[bytes], victim: str, random: Random) -> None:
    """Let the storm rage for a while, and then hit the victim."""
    if victim == "nobody":
        return
    time.sleep(random.uniform(0.3, LAST_MOMENT_S))  # the moment of the kill is what the test varies
    if victim == "time":
        controller.send_signal(signal.SIGSTOP)
        assert eventually(lambda: agent.left_behind() == [], GONE_S), agent.left_behind()
    if victim in {"agent", "both"}:
        for pid in agent.agents():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    if victim != "agent":
        controller.kill()


def alive(agent: Agent) -> list[str]:
    """Databases that could go on. One whose disk hangs has been killed, and ends when the next agent thaws the disk."""
    databases = {pid: line for pid, line in agent.processes().items() if str(agent.state.clusters) in line}
    return [line for pid, line in databases.items() if state_of(pid) != "D"]


def ended(controller: subprocess.Popen[bytes]) -> int | None:
    """Its status; nothing if it goes on for long."""
    with suppress(subprocess.TimeoutExpired):
        return controller.wait(ENOUGH_S)
    return None


async def asked_once(agent: Agent) -> None:
    """An agent is there when this returns, has swept up, and has tried what it can do."""
    async with await agent.connect() as client:
        await client.capabilities()


def descriptors(agent: Agent) -> Counter[str]:
    """What the agent, if it is still there, holds open: namespaces, processes, disks, devices of the network."""
    held: Counter[str] = Counter()
    for pid in agent.agents():
        with suppress(FileNotFoundError):
            for descriptor in Path("/proc", str(pid), "fd").iterdir():
                with suppress(FileNotFoundError):
                    what = str(descriptor.readlink())
                    held[what.partition(":[")[0]] += not what.startswith("socket:")
    return held
