"""The controller in a storm: it makes a cluster, changes its faults over and over, and checks what it is told of them.

Called with the agent's state directory, a seed, and how many changes to make; what it does is on standard output. It
ends with status 3 when its agent is gone, which may be as it should.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from schrodinger_agent.types import AgentError

from schrodinger.cluster import LocalProvider, ProviderError
from schrodinger.nemesis import FAULTS, Targets
from schrodinger.nemesis.drawing import drawn
from tests.integration.writer import WRITER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schrodinger.cluster import Observed
    from schrodinger.nemesis import Fault
    from schrodinger.workloads import Node

NAMES = ("n1", "n2", "n3")
TARGETS = Targets(NAMES, disks=True, names=True)
AGENT_LOST = 3


async def storm(provider: LocalProvider, random: Random, changes: int) -> None:
    """Faults come, are in force together, and go, in any order."""
    available = {entry.name for entry in await provider.capabilities() if entry.available}
    strategies = {fault.kind: fault.strategy(TARGETS) for fault in FAULTS if fault.kind in available}
    possible = {kind: strategy for kind, strategy in strategies.items() if strategy is not None}
    kinds = tuple(possible)
    nodes = await provider.up(NAMES, Path(sys.argv[1], "logs"), kinds)
    say("up")
    await start(provider, nodes)
    active: dict[str, Fault] = {}
    for generation in range(1, changes + 1):
        for identity in [identity for identity in sorted(active) if random.random() < 0.3]:
            del active[identity]
        for number in range(random.randint(1, 3)):
            strategy = FAULTS[random.choice(kinds)].strategy(Targets(NAMES, disks=True, membership=True, names=True))
            assert strategy is not None
            fault = drawn(strategy, random.getrandbits(32))
            active[f"{generation}.{number} {fault.describe()}"] = fault
        say("wanted:", *(f"\n  {identity}" for identity in active))
        check(await provider.set_faults(active))
        await start(provider, nodes)
        await asyncio.sleep(random.uniform(0, 0.2))


def check(observed: Observed) -> None:
    """All that is wanted is in force, and nothing of what was lifted went wrong."""
    for observation in (*observed.in_force, *observed.lifted):
        # What is lifted may go on where another fault of its kind wants the same.
        wrong = observation.error or (observation in observed.in_force and not observation.in_force)
        assert not wrong, f"{observation}, together with {[other.id for other in observed.in_force]}"


async def start(provider: LocalProvider, nodes: Iterable[Node]) -> None:
    """What no fault holds down is started again, as the runner does it."""
    for node in nodes:
        try:
            await provider.spawn(node, ["python3", "-c", WRITER, str(node.data)], {"PATH": os.environ["PATH"]})
        except ProviderError as error:
            # Refused by what holds it down, or because it runs; or a limit keeps it from starting.
            refused = error.__cause__
            if not isinstance(refused, AgentError) or refused.code not in {"FAILED_PRECONDITION", "INTERNAL"}:
                raise


def say(*words: str) -> None:
    """For whoever looks for the reason of a failure."""
    print(*words, flush=True)


async def main(state: Path, seed: int, changes: int) -> None:
    """One round. A cluster that could not be made, or lost its agent, is taken down as well."""
    provider = LocalProvider("storm", state=state)
    try:
        await storm(provider, Random(seed), changes)
    except ProviderError as error:
        cause = error.__cause__
        if not isinstance(cause, AgentError) or cause.code != "UNAVAILABLE":
            raise
        say(f"the agent is gone: {error}")
        os._exit(AGENT_LOST)  # without taking down: others have to do it
    problems = await provider.down()
    assert not problems, problems


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
