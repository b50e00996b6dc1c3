"""A real agent for a test: a state directory of its own, programs for its targets, a look at what is left of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from schrodinger_agent.client import AgentClient
from schrodinger_agent.clocks.leftovers import marked
from schrodinger_agent.disks.loop import attached_below
from schrodinger_agent.state import StateDirectory
from schrodinger_agent.types import FaultRequest

from tests.fakes.leftovers import cgroups_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schrodinger_agent.types import ClusterUp, Spawned

DEADLINE_S = 15.0
NOBODY = 65534
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

COUNT = 'while :; do echo tick >> "$0/count"; sleep 0.01; done'
"""A database that shows that it runs: a file grows."""

DAEMON = f"(setsid sh -c '{COUNT}' \"$0\" &) ; sleep 1000 & wait"
"""A database whose child has left its session and its parent, as daemons do."""

SLEEP = "sleep 1000 & wait"
"""A database that does nothing. The shell stays, for its command line to be found."""

STUBBORN = "trap '' TERM; while :; do sleep 0.05; done"


class Agent:
    """The agent of one state directory, and everything that can be found of it from outside."""

    def __init__(self, state: Path) -> None:
        self.state = StateDirectory(state)

    async def connect(self, *, start: bool = True) -> AgentClient:
        return await AgentClient.connect(self.state.path, start=start)

    def start_as(self, user: int) -> None:
        """Start it as another user, without any privilege but to read: the interpreter may be in root's home."""
        os.chown(self.state.path, user, user)
        subprocess.run(
            [
                "setpriv",
                f"--reuid={user}",
                f"--regid={user}",
                "--clear-groups",
                *(f"--{which}-caps=-all,+dac_read_search" for which in ("inh", "ambient")),
                "--bounding-set=-all,+dac_read_search",
                *(sys.executable, "-m", "schrodinger_agent", "serve", "--detach", "--state", self.state.path),
            ],
            check=True,
        )

    def processes(self) -> dict[int, str]:
        """The agent, its launchers and the databases by number: everything whose command line names the directory."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(self.state.path) in line and int(entry.name) != os.getpid():
                found[int(entry.name)] = line
        return found

    def agents(self) -> list[int]:
        """The processes that are agents and not what agents started."""
        return [pid for pid, line in self.processes().items() if " schrodinger_agent serve " in line]

    def cgroups(self) -> list[str]:
        return list(cgroups_of(self.state))

    def data_directories(self) -> list[str]:
        return [str(path) for path in self.state.clusters.glob("*")]

    def disks(self) -> list[str]:
        return [f"/dev/loop{number}" for number in attached_below(self.state.path)]

    def databases(self) -> list[str]:
        """Launchers, databases and their children: their command lines name a target's directory."""
        return [line for line in self.processes().values() if str(self.state.clusters) in line]

    def burdens(self) -> list[str]:
        """Busy programs in targets: their command lines name a cgroup with the agent's mark."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(FileNotFoundError, ProcessLookupError):
                line = (entry / "cmdline").read_text().replace("\0", " ")
                found += [line] if "burden.py" in line and self.state.mark in line else []
        return found

    def wrong_clocks(self) -> list[str]:
        return [f"process {clocks.process} has wrong clocks" for clocks, _ in marked(self.state.mark)]

    def left_behind(self) -> list[str]:
        """Everything of the clusters that is still on this machine. The agent itself is not of them."""
        return [
            *self.databases(),
            *self.cgroups(),
            *self.data_directories(),
            *self.disks(),
            *self.burdens(),
            *self.wrong_clocks(),
        ]

    def end(self) -> None:
        for pid in self.agents():
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not self.processes(), "the agent leaves when it is told to")


@contextmanager
def private_agent(place: Path | None = None) -> Iterator[Agent]:
    """An agent that nobody else uses. Whatever the test did, nothing of it may be left in the end."""
    state = Path(tempfile.mkdtemp(prefix="schrodinger-test-", dir=place))
    agent = Agent(state)
    try:
        yield agent
        agent.end()
        assert agent.left_behind() == []
    finally:
        for pid in agent.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if agent.left_behind():  # after a failure: it must not disturb the next test
            subprocess.run([sys.executable, "-m", "schrodinger_agent", "heal", "--state", state], check=False)
        shutil.rmtree(state, ignore_errors=True)


async def require_isolation(client: AgentClient) -> None:
    capabilities = await client.capabilities()
    if not capabilities.isolated:
        pytest.skip("; ".join(f"{e.name}: {e.reason}" for e in capabilities.entries if not e.available))


async def spawn(
    client: AgentClient, up: ClusterUp, name: str, program: str, cluster: str = "c", user: str = ""
) -> Spawned:
    """Run a shell program in a target; ``$0`` is its data directory, which also marks its command line."""
    data = next(target.data for target in up.targets if target.name == name)
    return await client.spawn(
        cluster,
        name,
        ["/bin/sh", "-c", program, str(data)],
        environment=ENVIRONMENT,
        directory=data,
        output=data / "output",
        user=user,
    )


def fault(kind: str, *targets: str, identity: str | None = None, **parameters: Any) -> FaultRequest:
    identity = identity or f"{kind} {' '.join(targets)}"
    return FaultRequest(id=identity, kind=kind, parameters={"targets": list(targets), **parameters})


async def says(client: AgentClient, up: ClusterUp, program: str, last: str, name: str = "n1") -> list[str]:
    """What a program run in a target prints until its last line. The program goes on, as a database does."""
    data = next(target.data for target in up.targets if target.name == name)
    output = data.with_name("output")
    output.write_text("")
    argv = ["/bin/sh", "-c", f"{program}\n{SLEEP}", str(data)]
    environment = {"PATH": os.environ["PATH"]}
    await client.spawn("c", name, argv, environment=environment, directory=data, output=output)
    wait_until(lambda: last in output.read_text().splitlines(), f"{program!r} has printed {last!r}")
    return output.read_text().splitlines()[:-1]


def cut(*edges: tuple[str, str], identity: str = "cut") -> FaultRequest:
    return FaultRequest(id=identity, kind="partition", parameters={"edges": [list(edge) for edge in edges]})


def wait_until(condition: Callable[[], bool], what: str, within_s: float = DEADLINE_S) -> None:
    """Poll until the condition holds. It is not a wait for luck: it fails when the time is over."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.01)


def ticks(data: Path) -> int:
    try:
        return (data / "count").stat().st_size
    except FileNotFoundError:
        return 0


def grows(data: Path) -> None:
    """Wait until the counter goes on."""
    before = ticks(data)
    wait_until(lambda: ticks(data) > before, f"{data}/count grows")


def stands_still(data: Path, for_s: float = 0.3) -> bool:
    """Whether the counter, which ticks every 10 ms, does not move at all for so long."""
    before = ticks(data)
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        if ticks(data) != before:
            return False
        time.sleep(0.01)
    return True
