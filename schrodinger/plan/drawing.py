"""A plan for a seed: whatever the caller has not fixed, the seed decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schrodinger.nemesis import FAULTS, USUAL_FAULTS, FaultCatalogue, InvalidValueError, Targets
from schrodinger.nemesis.drawing import drawn
from schrodinger.nemesis.strategies import Length, schedules
from schrodinger.plan.plan import Plan, PlanError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hypothesis.strategies import DrawFn

T = TypeVar("T")

_NODES = (3, 4, 5, 5, 7)
"""Odd numbers as they are deployed, five most of all, and four for the split in which nobody has a majority."""

_TIMES_NS = tuple(seconds * 1_000_000_000 for seconds in (20, 30, 45, 60))
_RATES = (50.0, 100.0, 200.0, 500.0, 1000.0)
"""From hardly any contention, where every operation is on its own, to what makes queues grow."""

_CONCURRENCIES = (5, 10, 20, 40)


def draw_plan(
    seed: int,
    *,
    suite: str,
    workload: str,
    faults: Iterable[str] = USUAL_FAULTS,
    catalogue: FaultCatalogue = FAULTS,
    leader: bool = False,
    disks: bool = False,
    membership: bool = False,
    names: bool = False,
    nodes: int | None = None,
    time_ns: int | None = None,
    rate: float | None = None,
    concurrency: int | None = None,
    operations: int | None = None,
    parameters: Mapping[str, Any] | SearchStrategy[Mapping[str, Any]] | None = None,
    options: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of this seed: the same plan, byte by byte, wherever Hypothesis is the same.

    Args:
        seed: where all chance comes from.
        suite: name of the suite.
        workload: name of the workload.
        faults: kinds of faults that are wanted and possible here; none for a run without faults.
        catalogue: where those kinds are looked up.
        leader: whether the suite can tell who leads, so that faults may be aimed at the leader.
        disks: whether the suite says where its data is, so that disks may fail.
        membership: whether the suite can change who belongs to the cluster.
        names: whether the database addresses its nodes by names, with these options.
        nodes: how many nodes, or ``None`` to let the seed decide; so for the time, the rate and the concurrency.
        time_ns: how long the main phase lasts.
        rate: invocations a second; 0 for as fast as they go.
        concurrency: how many processes.
        operations: how many operations at most, or ``None`` for no limit.
        parameters: the workload's parameters, or a strategy that draws them.
        options: the database's options.

    Raises:
        PlanError: a fixed value is not valid, or no fault is possible within the fixed values.
    """
    try:
        wanted = catalogue.select(faults)
        return drawn(
            _plans(
                seed=seed,
                suite=suite,
                workload=workload,
                faults=wanted,
                leader=leader,
                disks=disks,
                membership=membership,
                names=names,
                nodes=_fixed_or(nodes, _NODES),
                time_ns=_fixed_or(time_ns, _TIMES_NS),
                rate=_fixed_or(rate, _RATES),
                concurrency=_fixed_or(concurrency, _CONCURRENCIES),
                operations=operations,
                parameters=parameters if isinstance(parameters, SearchStrategy) else st.just(parameters or {}),
                options=options or {},
            ),
            seed,
        )
    except PlanError:
        raise
    except InvalidValueError as error:
        raise PlanError(error.field, error.value, error.problem, error.remedy) from error


@st.composite
def _plans(
    draw: DrawFn,
    /,
    *,
    faults: FaultCatalogue,
    leader: bool,
    disks: bool,
    membership: bool,
    names: bool,
    nodes: SearchStrategy[int],
    time_ns: SearchStrategy[int],
    rate: SearchStrategy[float],
    concurrency: SearchStrategy[int],
    parameters: SearchStrategy[Mapping[str, Any]],
    **fixed: Any,
) -> Plan:
    """The plan without faults first, which checks what the caller has fixed; then the faults that fit it."""
    quiet = Plan(
        nodes=draw(nodes),
        time_ns=draw(time_ns),
        rate=draw(rate),
        concurrency=draw(concurrency),
        parameters=draw(parameters),
        **fixed,
    )
    if not faults.classes:
        return quiet
    length = Length.of(time_ns=quiet.time_ns, rate=quiet.rate, operations=quiet.operations)
    targets = Targets(quiet.node_names, leader=leader, disks=disks, membership=membership, names=names)
    return replace(quiet, schedule=draw(schedules(targets, length, faults=faults)))


def _fixed_or(fixed: T | None, choices: tuple[T, ...]) -> SearchStrategy[T]:
    return st.sampled_from(choices) if fixed is None else st.just(fixed)
