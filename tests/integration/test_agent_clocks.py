"""Clocks that are wrong, as the processes themselves see them: they compare them with what the kernel tells them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.clocks import ClockError, Skew, Skews
from schrodinger_agent.clocks.leftovers import marked
from schrodinger_agent.clocks.patch import Patch
from schrodinger_agent.clocks.process import ProcessClocks
from schrodinger_agent.clocks.vdso import base_of

from tests.integration.agents import NOBODY, Agent, fault, private_agent, wait_until
from tests.integration.clocks import (
    LEADERLESS,
    THREADS,
    Teller,
    c_program,
    family_program,
    hears,
    hears_ahead,
    python_program,
)
from tests.integration.writer import writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KINDS = ("clock-jump", "clock-drift", "clock-strobe", "monotonic-jump", "monotonic-drift", "monotonic-strobe")
MS = 1_000_000
S = 1_000 * MS
HOUR = 3_600 * S


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


@asynccontextmanager
async def telling(
    agent: Agent, *program: str, isolated: bool = False, user: int | None = None
) -> AsyncIterator[Teller]:
    """A cluster of one node, on which a program says how wrong its clocks are."""
    async with await agent.connect(start=user is None) as client:
        found = await client.capabilities()
        for kind in KINDS:
            if not found[kind].available:
                pytest.skip(f"{kind}: {found[kind].reason}")
        up = await client.up("c", ["n1"], lease_s=60, isolated=isolated and found.isolated, kinds=(*KINDS, "pause"))
        writer = Teller(client, up)
        writer.output.touch()
        if user is not None:
            os.chown(writer.output, user, user)
        await writer.run(*(program or ("python3", "-c", python_program())))
        hears_ahead(writer, 0, 0)
        yield writer


CROWDED = """
import os
for _ in range(30):
    if os.fork() == 0:
        break
else:
    os.write(1, 5 * b"ok 0\\n")
while True:
    pass
"""


def test_processes_that_wait_long_for_a_processor_have_wrong_clocks_as_well(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, "clock-jump", "cpu-limit", targets=["n1"], program=CROWDED) as crowd:
            scarce = fault("cpu-limit", "n1", percent=11)
            await crowd.under(scarce)
            observed = await crowd.under(scarce, fault("clock-jump", "n1", offset_ns=HOUR))
            assert observed.observations[1].evidence["n1"]["wrong_in"] == 31

    asyncio.run(scenario())


@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["dynamic", "static"])
def test_a_program_in_c_sees_the_wrong_time_by_every_function_and_then_the_right_one(
    agent: Agent, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        async with telling(agent, str(c_program(tmp_path, *flags)), isolated=True) as writer:
            await writer.under(fault("clock-jump", "n1", offset_ns=HOUR))
            hears_ahead(writer, HOUR // 1000, 0)
            lines = hears(writer, "all functions tell the same", lambda _, mono: abs(mono) < 20_000)
            assert all(abs(functions_differ) <= 1 for *_, functions_differ in lines)
            await writer.under(fault("clock-jump", "n1", offset_ns=-24 * HOUR - 250 * MS))
            hears_ahead(writer, -24 * HOUR // 1000 - 250_000, 0)
            healed = await writer.under()
            hears_ahead(writer, 0, 0)
            assert healed.lifted[0].affected >= 1

    asyncio.run(scenario())


def test_realtime_and_monotonic_clocks_are_wrong_each_by_its_own_and_what_overlaps_adds_up(agent: Agent) -> None:
    async def scenario() -> None:
        async with telling(agent) as writer:
            ahead, back = fault("clock-jump", "n1", offset_ns=HOUR), fault("monotonic-jump", "n1", offset_ns=-MS * 700)
            more = fault("clock-jump", "n1", identity="more", offset_ns=2 * S)
            await writer.under(ahead, back)
            hears_ahead(writer, HOUR // 1000, -700_000)
            observed = await writer.under(ahead, back, more)
            hears_ahead(writer, HOUR // 1000 + 2_000_000, -700_000)
            assert observed.observations[0].evidence["n1"]["realtime_ahead_ns"] == HOUR + 2 * S
            assert observed.observations[0].evidence["n1"]["wrong_in"] == 1
            await writer.under(more)
            hears_ahead(writer, 2_000_000, 0)

    asyncio.run(scenario())


def test_a_drift_adds_up_as_asked_for_and_goes_on_from_where_it_was_when_others_come_and_go(agent: Agent) -> None:
    async def scenario() -> None:
        async with telling(agent) as writer:
            fast = fault("clock-drift", "n1", ppm=500_000)
            began = time.monotonic()
            await writer.under(fast)
            settled = time.monotonic()
            await asyncio.sleep(0.5)
            await writer.under(fast, fault("clock-drift", "n1", identity="slow", ppm=-250_000))
            await writer.under(fast)

            def is_half(real: int, mono: int) -> bool:
                least = (time.monotonic() - settled) / 2 * 1e6
                most = (time.monotonic() - began) / 2 * 1e6
                return least - 100_000 < real < most + 100_000 and abs(mono) < 20_000

            hears(writer, "half as fast again", is_half)
            stands = fault("monotonic-drift", "n1", ppm=-1_000_000)
            await writer.under(stands)
            first = hears(writer, "it falls back", lambda real, mono: mono < -10_000 and abs(real) < 20_000)
            later = hears(writer, "it falls back", lambda _, mono: mono < -10_000)
            assert later[-1][1] < first[0][1]

    asyncio.run(scenario())


@pytest.mark.parametrize(("kind", "which"), [("clock-strobe", 0), ("monotonic-strobe", 1)])
def test_a_strobe_goes_to_and_fro_at_its_period(agent: Agent, kind: str, which: int) -> None:
    async def scenario() -> None:
        async with telling(agent) as writer:
            await writer.under(fault(kind, "n1", amplitude_ns=5 * S, period_ns=200 * MS))
            seen = len(writer.lines())
            begin = time.monotonic()
            wait_until(lambda: len(writer.lines()) > seen + 300, "it says a lot")
            took_s = time.monotonic() - begin
            ahead = [int(line[1 + which]) > 2_500_000 for line in writer.lines()[seen:]]
            flips = sum(before != after for before, after in pairwise(ahead))
            assert abs(flips - took_s / 0.2) <= 2 + 0.2 * took_s / 0.2
            assert {round(int(line[1 + which]) / 5e6, 2) for line in writer.lines()[seen:]} == {0.0, 1.0}
            await writer.under()
            hears_ahead(writer, 0, 0)

    asyncio.run(scenario())


def test_children_and_programs_that_are_executed_later_are_met_too_and_all_are_put_right(agent: Agent) -> None:
    def of(writer: Teller, who: str) -> list[int]:
        return [int(line[1]) for line in writer.lines() if line[3:] == ([who] if who else [])]

    async def scenario() -> None:
        async with telling(agent, "python3", "-c", family_program()) as writer:
            wait_until(lambda: bool(of(writer, "spawned")), "there is a child")
            await writer.under(fault("clock-jump", "n1", offset_ns=HOUR))
            wait_until(lambda: of(writer, "child")[-3:] != [], "another one has executed a program")
            for who in ("child", "spawned"):
                wait_until(lambda who=who: all(us > 3_599_000_000 for us in of(writer, who)[-3:]), f"{who} is met")  # type: ignore[misc]
            observed = await writer.client.observe("c")
            assert observed.observations[0].evidence["n1"]["wrong_in"] == 3
            await writer.under()
            for who in ("child", "spawned"):
                wait_until(lambda who=who: all(abs(us) < 20_000 for us in of(writer, who)[-3:]), f"{who} is right")  # type: ignore[misc]

    asyncio.run(scenario())


def test_a_database_that_is_started_again_has_the_wrong_clock_as_if_it_had_been_there(agent: Agent) -> None:
    async def scenario() -> None:
        async with telling(agent) as writer:
            wrong = fault("clock-jump", "n1", offset_ns=HOUR)
            await writer.under(wrong)
            await writer.under(wrong, fault("kill", "n1"))
            await writer.under(wrong)
            seen = len(writer.lines())
            await writer.run("python3", "-c", python_program())
            hears_ahead(writer, HOUR // 1000, 0)
            assert all(int(line[1]) > HOUR // 1000 - 1000 for line in writer.lines()[seen:]), "from the first one on"

    asyncio.run(scenario())


@pytest.mark.parametrize("isolated", [True, False], ids=["frozen", "stopped"])
def test_a_paused_process_is_met_as_well_and_stays_paused(agent: Agent, isolated: bool) -> None:
    async def scenario() -> None:
        async with telling(agent, isolated=isolated) as writer:
            pause = fault("pause", "n1") if isolated else fault("pause-process", "n1", pick=0)
            await writer.under(pause)
            assert writer.is_silent()
            await writer.under(pause, fault("clock-jump", "n1", offset_ns=HOUR))
            assert writer.is_silent()
            await writer.under(fault("clock-jump", "n1", offset_ns=HOUR))
            hears_ahead(writer, HOUR // 1000, 0)
            await writer.under(pause, fault("clock-jump", "n1", offset_ns=HOUR))
            await writer.under(pause)
            assert writer.is_silent()
            await writer.under()
            hears_ahead(writer, 0, 0)

    asyncio.run(scenario())


def test_clocks_change_again_and_again_while_threads_ask_for_the_time(agent: Agent, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with telling(agent, str(c_program(tmp_path)), isolated=True) as writer:
            for index in range(40):
                await writer.under(fault("clock-jump", "n1", offset_ns=index * S + S))
                if index % 4 == 3:
                    await writer.under()
            hears_ahead(writer, 0, 0)
            told = {int(line[1]) // 1000 for line in writer.lines()}
            assert all(ms % 1000 < 50 or ms % 1000 > 950 for ms in told), "never anything in between"

    asyncio.run(scenario())


def test_a_process_whose_threads_come_and_go_is_met_each_time(agent: Agent) -> None:
    program = python_program().replace("while True:", THREADS + "while True:", 1)

    async def scenario() -> None:
        async with telling(agent, "python3", "-c", program, isolated=True) as writer:
            for _ in range(15):
                await writer.under(fault("clock-jump", "n1", offset_ns=HOUR))
                await writer.under()
            await writer.under(fault("clock-jump", "n1", offset_ns=HOUR))
            hears_ahead(writer, HOUR // 1000, 0)

    asyncio.run(scenario())


def test_a_process_that_cannot_be_met_is_an_error_and_no_fault(agent: Agent, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
            writer = Teller(client, up)
            await writer.run(str(c_program(tmp_path, text=LEADERLESS)))
            wrong = fault("clock-jump", "n1", offset_ns=HOUR)
            begin = time.monotonic()
            observed = await client.set_faults("c", 1, [wrong])
            while observed.observations[0].in_force and time.monotonic() - begin < 5:
                observed = await client.observe("c")  # it may not have come so far
            assert not observed.observations[0].in_force
            assert "n1: " in observed.observations[0].error
            healed = await client.set_faults("c", 2, [])
            assert not healed.lifted[0].in_force

    asyncio.run(scenario())


def test_a_process_that_an_agent_left_behind_is_found_by_its_mark_and_put_right() -> None:
    with private_agent(Path("/dev/shm")) as agent:
        program = subprocess.Popen([sys.executable, "-c", python_program()], stdout=subprocess.PIPE, text=True)
        with program:
            try:
                owner = f"{agent.state.mark}gone.n1"
                clocks = ProcessClocks(program.pid, Patch.here())
                clocks.put_under(owner, Skews(realtime=Skew(HOUR)))
                assert [found for _, found in marked(agent.state.mark)] == [owner]

                async def scenario() -> None:
                    async with await agent.connect() as client:  # an agent that starts sweeps
                        assert clocks.read() is None
                        clocks.put_under(owner, Skews(realtime=Skew(HOUR)))
                        clocks.put_under(owner, Skews(monotonic=Skew(HOUR)))
                        report = await client.heal()
                        assert report.removed == (f"wrong clocks of process {program.pid}",)

                asyncio.run(scenario())
                assert clocks.read() is None
                assert list(marked(agent.state.mark)) == []
                assert program.poll() is None
            finally:
                program.kill()


def test_a_patch_that_an_agent_had_no_time_to_finish_is_undone_or_finished() -> None:
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    with program:
        try:
            patch = Patch.here()
            clocks = ProcessClocks(program.pid, patch)
            for undo in (True, False):
                clocks.put_under("one", Skews(realtime=Skew(HOUR)))
                with Path(f"/proc/{program.pid}/mem").open("r+b", buffering=0) as memory:
                    memory.seek(base_of(program.pid) + patch.pristine[-1].at)
                    memory.write(patch.pristine[-1].data)
                written = clocks.read()
                assert written is not None
                assert not written.whole
                if undo:
                    assert clocks.put_right("one")
                    assert clocks.read() is None
                else:
                    assert clocks.put_under("one", Skews(realtime=Skew(HOUR)))
                    written = clocks.read()
                    assert written is not None
                    assert written.whole
        finally:
            program.kill()


def test_what_another_agent_does_to_a_process_is_let_alone_and_refused() -> None:
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    with program:
        try:
            clocks = ProcessClocks(program.pid, Patch.here())
            clocks.put_under("one", Skews(realtime=Skew(HOUR)))
            with pytest.raises(ClockError, match="are changed by one"):
                clocks.put_under("other", Skews(realtime=Skew(S)))
            assert not clocks.put_right("other")
            assert clocks.put_right("one")
            assert not clocks.put_right("one")
        finally:
            program.kill()


def test_an_agent_that_is_killed_leaves_no_process_with_a_wrong_clock() -> None:
    async def scenario() -> None:
        with private_agent(Path("/dev/shm")) as private:
            client = await private.connect()
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
            writer = Teller(client, up)
            writer.output.touch()
            await writer.run("python3", "-c", python_program())
            await writer.under(fault("clock-jump", "n1", offset_ns=HOUR))
            assert len(list(marked(private.state.mark))) == 1
            os.kill(client.agent_pid, signal.SIGKILL)
            wait_until(lambda: list(marked(private.state.mark)) == [], "nothing has a wrong clock")
            await client.close()
            async with await private.connect():
                assert private.left_behind() == []

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user and watch it")
def test_an_ordinary_user_can_do_all_this_to_processes_of_its_own() -> None:
    async def scenario() -> None:
        with private_agent() as private:
            private.start_as(NOBODY)
            async with telling(private, user=NOBODY) as writer:
                await writer.under(fault("clock-jump", "n1", offset_ns=HOUR))
                hears_ahead(writer, HOUR // 1000, 0)
                await writer.under()
                hears_ahead(writer, 0, 0)

    asyncio.run(scenario())
