"""System calls that fail, wait or lie, measured from the database's side."""

from __future__ import annotations

import asyncio
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from schrodinger_agent.types import AgentError, FaultRequest

from tests.integration.agents import NOBODY, SLEEP, Agent, fault, private_agent, says, spawn, wait_until
from tests.integration.writer import WRITER, Writer, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("io-error", "io-delay", "lying-sync")

SIGNALLED = """
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.007, 0.007)
"""
"""Has the program that follows interrupted every seven milliseconds."""


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    with private_agent(Path("/dev/shm")) as private:
        yield private


def test_syncs_fail_as_often_as_asked_for_and_none_does_afterwards(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            await writer.under(fault("io-error", "n1", calls=["sync"], error="EIO", every=3))
            seen = len(writer.lines())
            writer.expect("EIO", 5)
            healed = await writer.under()
            answers = [how for how, _ in writer.lines()[seen + 1 :]]
            assert answers.count("ok") >= 8, "two of three go on"
            assert healed.lifted[0].affected >= 5
            assert healed.lifted[0].affected == healed.lifted[0].evidence["n1"]["answered"]
            writer.expect("ok", 10)
            assert [how for how, _ in writer.lines()[-5:]] == ["ok"] * 5

    asyncio.run(scenario())


def test_a_sync_is_delayed_by_what_was_asked_for_and_a_waiting_one_is_let_go_by_the_heal(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            await writer.under(fault("io-delay", "n1", calls=["sync"], delay_ms=60))
            writer.expect("ok", 1)
            assert 60_000 <= statistics.median(writer.expect("ok", 5)) < 120_000
            await writer.under(fault("io-delay", "n1", calls=["sync"], delay_ms=30_000))
            writer.is_silent(0.2)
            await writer.under()
            assert max(writer.expect("ok", 2)) < 10_000_000

    asyncio.run(scenario())


def test_a_call_that_signals_interrupt_again_and_again_waits_as_long_and_so_does_the_next(agent: Agent) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
            writer = Writer(client, up)
            await writer.run("python3", "-c", SIGNALLED + WRITER)
            writer.expect("ok")
            await writer.under(fault("io-delay", "n1", calls=["sync"], delay_ms=15))
            writer.expect("ok", 1)
            assert min(writer.expect("ok", 20)) >= 15_000

    asyncio.run(scenario())


def test_faults_of_calls_add_up_and_one_that_is_lifted_leaves_the_others(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            delay = fault("io-delay", "n1", calls=["sync"], delay_ms=40)
            opens = fault("io-error", "n1", identity="opens", calls=["open"], error="ENOSPC", every=2)
            syncs = fault("io-error", "n1", identity="syncs", calls=["sync"], error="EIO", every=1)
            await writer.under(delay, opens, syncs)
            writer.expect("ENOSPC", 3)
            assert statistics.median(writer.expect("EIO", 3)) >= 40_000
            await writer.under(delay, opens)
            writer.expect("ENOSPC", 3)
            assert statistics.median(writer.expect("ok", 3)) >= 40_000

    asyncio.run(scenario())


def test_each_fault_is_told_what_its_own_rule_has_met(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            syncs = fault("io-error", "n1", identity="syncs", calls=["sync"], error="EIO", every=1)
            renames = fault("io-error", "n1", identity="renames", calls=["rename"], error="ENOSPC", every=1)
            await writer.under(syncs)
            writer.expect("EIO")
            await writer.under(syncs, renames)
            writer.expect("EIO")
            healed = await writer.under()
            met = {o.id: (o.affected, o.evidence["n1"]["answered"]) for o in healed.lifted}
            assert met["renames"] == (0, 0), "the database renames nothing"
            assert met["syncs"][0] == met["syncs"][1] >= 10

    asyncio.run(scenario())


def test_what_is_not_in_the_data_directory_is_left_alone(agent: Agent) -> None:
    async def scenario() -> None:
        here, elsewhere = "echo x > here || echo refused", "echo x > /dev/null && echo x > ../other && echo elsewhere"
        program = f"while :; do {elsewhere}; {here}; done"
        async with await agent.connect() as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
            await says(client, up, f"({program}) 2>&1 & echo begun", "begun")
            output = up.targets[0].data.with_name("output")
            await client.set_faults("c", 1, [fault("io-error", "n1", calls=["open"], error="EIO", every=1)])
            begin = len(output.read_text())
            wait_until(lambda: output.read_text()[begin:].count("refused") > 2, "the data directory is concerned")
            wait_until(lambda: output.read_text()[begin:].count("elsewhere") > 2, "nothing else is")

    asyncio.run(scenario())


@pytest.mark.parametrize("lies", [True, False], ids=["lying", "honest"])
def test_what_was_synced_on_a_disk_that_lies_is_lost_with_the_power(agent: Agent, lies: bool) -> None:
    async def scenario() -> None:
        async with writing(agent, "lying-sync", "power-loss") as writer:
            lying = [fault("lying-sync", "n1")] if lies else []
            await writer.under(*lying)
            await writer.client.stop("c", "n1", grace_s=0)
            await writer.run("/bin/sh", "-c", f"echo x > $0/another; sync $0/another $0; echo synced 0; {SLEEP}")
            wait_until(lambda: ["synced", "0"] in writer.lines(), "it has synced")
            await writer.under(*lying, fault("power-loss", "n1"))
            await writer.under(*lying)
            if lies:
                with pytest.raises(AgentError, match="No such file"):
                    await writer.client.fetch("c", "n1", "another")
            else:
                assert await writer.client.fetch("c", "n1", "another") == b"x\n"

    asyncio.run(scenario())


def test_a_database_that_is_started_again_is_under_the_same_rules(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            errors = fault("io-error", "n1", calls=["sync"], error="EIO", every=1)
            await writer.under(errors, fault("kill", "n1"))
            await writer.under(errors)
            await writer.run("python3", "-c", WRITER)
            writer.expect("EIO")
            await writer.under(errors, fault("pause", "n1"))
            assert writer.is_silent()
            await writer.under()
            writer.expect("ok")

    asyncio.run(scenario())


def test_calls_of_a_companion_are_under_the_rules_of_its_node_as_well(agent: Agent) -> None:
    async def scenario() -> None:
        async with writing(agent, *KINDS) as writer:
            await writer.client.stop("c", "n1", grace_s=0)
            await writer.client.spawn(
                *("c", "n1", ["sleep", "1000"], [["python3", "-c", WRITER, str(writer.data)]]),
                environment={"PATH": os.environ["PATH"]},
                directory=writer.data,
                output=writer.output,
            )
            writer.expect("ok")
            await writer.under(fault("io-error", "n1", calls=["sync"], error="EIO", every=1))
            writer.expect("EIO")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (fault("io-error", "n1", calls=[], error="EIO", every=1), "'calls' is []: give a list"),
        (
            fault("io-error", "n1", calls=["read"], error="EIO", every=1),
            "names 'read', which is none: use sync",
        ),
        (fault("io-error", "n1", calls=["sync"], error="EPERM", every=1), "'error' is 'EPERM': use EIO, ENOSPC"),
        (fault("io-error", "n1", calls=["sync"], error="EIO", every=0), "'every' is 0: give a whole number from 1"),
        (fault("io-delay", "n1", calls=["sync"], delay_ms=True), "'delay_ms' is True: give a whole number"),
        (fault("lying-sync", "n1", much=1), "no parameter 'much': it takes targets"),
        (FaultRequest(id="x", kind="lying-sync", parameters={}), "needs 'targets', a list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_calls_that_cannot_be_is_refused(agent: Agent, wrong: FaultRequest, complaint: str) -> None:
    async def scenario() -> None:
        async with await agent.connect() as client:
            await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
            with pytest.raises(AgentError) as refused:
                await client.set_faults("c", 1, [wrong])
            assert refused.value.code == "INVALID_ARGUMENT"
            assert complaint in str(refused.value)

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")
def test_an_ordinary_user_has_them_as_well() -> None:
    async def scenario(agent: Agent) -> None:
        async with await agent.connect(start=False) as client:
            up = await client.up("c", ["n1"], lease_s=60, isolated=False, kinds=KINDS)
            data = up.targets[0].data
            await spawn(client, up, "n1", "while :; do echo x > $0/file && echo good || echo bad; sleep 0.01; done")
            said = data / "output"
            await client.set_faults("c", 1, [fault("io-error", "n1", calls=["open"], error="EIO", every=1)])
            wait_until(lambda: said.read_text().endswith("bad\n"), "its writes fail")
            await client.set_faults("c", 2, [])
            wait_until(lambda: said.read_text().endswith("good\n"), "they succeed again")

    with private_agent() as private:
        private.start_as(NOBODY)
        asyncio.run(scenario(private))
