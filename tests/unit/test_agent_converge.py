"""Convergence: from whatever is in force to what is desired, touching nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.converge import Converger, WireFault
from schrodinger_agent.errors import InvalidRequest, NotNow
from schrodinger_agent.injectors import Reading, Steps
from schrodinger_agent.injectors.injector import plan
from schrodinger_agent.injectors.parameters import targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NODES = ("n1", "n2", "n3", "n4")
subsets = st.frozensets(st.sampled_from(NODES), min_size=1)


class Lamps:
    """A kind whose units are lamps. It writes down every switch, and lamps can be broken."""

    kind: ClassVar[str] = "pause"

    def __init__(self) -> None:
        self.on: frozenset[str] = frozenset()
        self.stuck: frozenset[str] = frozenset()
        self.switched: list[Steps[str]] = []

    def parse(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        return targets(self.kind, parameters, NODES)

    def actual(self) -> frozenset[str]:
        return self.on

    async def apply(self, steps: Steps[str]) -> Reading[str]:
        self.switched.append(steps)
        self.on = (self.on | (steps.begin - self.stuck)) - (steps.end - self.stuck)
        return await self.observe()

    async def observe(self) -> Reading[str]:
        return Reading(self.on, dict.fromkeys(self.stuck, "it is stuck"))

    def affected(self, units: frozenset[str]) -> int:
        return len(units)

    def evidence(self, units: frozenset[str]) -> dict[str, Any]:
        return {"units": sorted(units)}


def wire(desired: Sequence[frozenset[str]]) -> list[WireFault]:
    return [WireFault(f"f{i}", "pause", json.dumps({"targets": sorted(units)})) for i, units in enumerate(desired)]


@given(subsets, subsets)
def test_a_plan_leads_to_what_is_wanted_and_touches_nothing_that_stays(
    wanted: frozenset[str], actual: frozenset[str]
) -> None:
    steps = plan(wanted, actual)
    assert (actual | steps.begin) - steps.end == wanted
    assert not (steps.begin | steps.end) & (wanted & actual)


@given(st.lists(st.lists(subsets, max_size=3), max_size=6))
def test_any_sequence_of_desired_faults_ends_with_their_union_in_force(history: list[list[frozenset[str]]]) -> None:
    async def scenario() -> None:
        lamps = Lamps()
        converger = Converger({"pause": lamps})
        before: frozenset[str] = frozenset()
        for generation, desired in enumerate(history):
            lamps.switched.clear()
            observed = await converger.set(generation, wire(desired))
            wanted: frozenset[str] = frozenset().union(*desired)
            assert lamps.on == wanted
            assert [o.in_force for o in observed.observations] == [True] * len(desired)
            assert not any(o.in_force or o.error for o in observed.lifted)
            for steps in lamps.switched:
                assert not (steps.begin | steps.end) & (before & wanted), "what lasts must not blink"
            again = await converger.set(generation, wire(desired))
            assert again.lifted == ()
            assert again.observations == observed.observations
            before = wanted

    asyncio.run(scenario())


def test_a_fault_that_is_not_read_back_is_not_in_force_and_says_why() -> None:
    async def scenario() -> None:
        lamps = Lamps()
        lamps.stuck = frozenset({"n2"})
        observed = await Converger({"pause": lamps}).set(1, wire([frozenset({"n1"}), frozenset({"n1", "n2"})]))
        assert [(o.in_force, o.error) for o in observed.observations] == [(True, ""), (False, "n2: it is stuck")]

    asyncio.run(scenario())


def test_a_lifted_fault_that_lasts_is_told_as_still_in_force_unless_another_fault_wants_it() -> None:
    async def scenario() -> None:
        lamps = Lamps()
        converger = Converger({"pause": lamps})
        await converger.set(1, wire([frozenset({"n1"}), frozenset({"n1", "n2"})]))
        lamps.stuck = frozenset({"n2"})
        observed = await converger.set(2, wire([frozenset({"n1"})]))
        assert [(o.id, o.in_force, o.error) for o in observed.lifted] == [("f1", True, "n2: it is stuck")]
        assert observed.lifted[0].evidence == {"units": ["n1", "n2"]}

    asyncio.run(scenario())


def test_a_refused_request_changes_neither_the_faults_nor_the_generation() -> None:
    async def scenario() -> None:
        lamps = Lamps()
        converger = Converger({"pause": lamps})
        await converger.set(3, wire([frozenset({"n1"})]))
        for generation, faults, error in [
            (2, wire([]), NotNow),
            (9, [WireFault("x", "pause", "{")], InvalidRequest),
            (9, [WireFault("x", "pause", "[]")], InvalidRequest),
            (9, [WireFault("", "pause", '{"targets": ["n1"]}')], InvalidRequest),
            (9, [WireFault("x", "kill", '{"targets": ["n1"]}')], InvalidRequest),
        ]:
            with pytest.raises(error):
                await converger.set(generation, faults)
        assert lamps.on == {"n1"}
        assert (await converger.set(3, wire([frozenset({"n1"})]))).lifted == ()

    asyncio.run(scenario())
