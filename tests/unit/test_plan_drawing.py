"""Plans from seeds: the same seed is the same plan, and what the caller has fixed stays fixed."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schrodinger.nemesis import FAULTS, Kill
from schrodinger.plan import Plan, PlanError, draw_plan

if TYPE_CHECKING:
    from pathlib import Path

SECOND_NS = 1_000_000_000

PLANS_OF_FORTY_SEEDS = """
from schrodinger.plan import draw_plan
for seed in range(40):
    print(draw_plan(seed, suite="etcd", workload="register", leader=True).to_json(), end="")
"""


def draw(seed: int, **fixed: Any) -> Plan:
    return draw_plan(seed, suite="etcd", workload="register", **fixed)


def test_a_seed_is_the_same_plan_in_every_process_and_leaves_nothing_behind(tmp_path: Path) -> None:
    here = "".join(draw(seed, leader=True).to_json() for seed in range(40)).encode()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        there = subprocess.run(
            [sys.executable, "-P", "-c", PLANS_OF_FORTY_SEEDS],
            env=environment,
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        assert sha256(there.stdout).digest() == sha256(here).digest()
        assert list(tmp_path.iterdir()) == []


@settings(suppress_health_check=[HealthCheck.nested_given])
@given(st.integers(0, 2**64 - 1))
def test_a_plan_is_drawn_inside_of_a_property_as_outside(seed: int) -> None:
    assert draw(seed, nodes=3) == draw(seed, nodes=3)


def test_what_is_fixed_stays_fixed() -> None:
    for seed in range(10):
        plan = draw(
            seed,
            nodes=5,
            time_ns=60 * SECOND_NS,
            rate=500,
            concurrency=20,
            operations=20_000,
            options={"reads": "serializable"},
            parameters={"keys": 4},
        )
        assert (plan.nodes, plan.time_ns, plan.rate, plan.concurrency) == (5, 60 * SECOND_NS, 500.0, 20)
        assert (plan.operations, plan.options, plan.parameters) == (20_000, {"reads": "serializable"}, {"keys": 4})
        assert plan.seed == seed


def test_only_the_faults_that_are_allowed_are_drawn() -> None:
    kinds = {event.fault.kind for seed in range(30) for event in draw(seed, faults=["pause", "kill"]).schedule}
    assert kinds == {"pause", "kill"}


def test_without_faults_the_schedule_is_empty_and_any_length_will_do() -> None:
    assert draw(1, faults=[], time_ns=1).schedule == ()


def test_the_order_in_which_faults_are_allowed_changes_nothing() -> None:
    assert draw(3, faults=["kill", "partition"]) == draw(3, faults=["partition", "kill"])


def test_the_seed_draws_the_workloads_parameters_too() -> None:
    parameters = st.fixed_dictionaries({"keys": st.integers(1, 5), "unique": st.booleans()})
    plans = [draw(seed, parameters=parameters) for seed in range(30)]
    assert {plan.parameters["keys"] for plan in plans} == {1, 2, 3, 4, 5}
    assert plans == [draw(seed, parameters=parameters) for seed in range(30)]


def test_the_largest_seed_is_a_seed() -> None:
    assert draw(2**64 - 1).seed == 2**64 - 1


class Massacre(Kill):
    """A kill of everybody, under a name of its own."""

    kind = "massacre"


def test_faults_of_ones_own_are_drawn_from_their_catalogue() -> None:
    plan = draw(1, catalogue=FAULTS.extended(Massacre), faults=["massacre"])
    assert {type(event.fault) for event in plan.schedule} == {Massacre}
    assert Plan.from_json(plan.to_json(), catalogue=FAULTS.extended(Massacre)) == plan


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"faults": ["kil"]}, 'faults is "kil": no such fault; did you mean kill?'),
        ({"nodes": 0}, "nodes is 0: less than 1; give how many nodes the cluster has, such as 5"),
        (
            {"nodes": 1, "faults": ["partition"]},
            'faults is ["partition"]: none of them is possible on n1; give more nodes, or allow other faults',
        ),
        (
            {"time_ns": SECOND_NS // 2},
            'the length of the run is "0.5 s": faults need at least 1 s to show; '
            "give more time or more operations, or allow no faults",
        ),
        (
            {"rate": 100, "operations": 10},
            'the length of the run is "0.1 s": faults need at least 1 s to show; '
            "give more time or more operations, or allow no faults",
        ),
        (
            {"rate": -500},
            "rate is -500: not between 0 and 1000000000; give invocations a second, or 0 for as fast as they go",
        ),
        ({"concurrency": -1}, "concurrency is -1: less than 1; give how many processes run, such as 10"),
        ({"operations": 0}, "operations is 0: less than 1; give the most operations to invoke, or none"),
        ({"parameters": {"keys": object}}, None),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_starts(fixed: dict[str, Any], message: str | None) -> None:
    with pytest.raises(PlanError) as refusal:
        draw(1, **fixed)
    assert message is None or str(refusal.value) == message
    assert "\n" not in str(refusal.value)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(PlanError, match="seed is -1: less than 0; give a seed from 0 on"):
        draw(-1)
