"""What netem is asked for, by the times and the chances that it will draw from that."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.network_effects import PARAMETERS
from schrodinger_agent.network_netem import STAGES, Netem, Parameters, stage
from schrodinger_agent.network_topology import NetworkError

MS = 1_000_000
CERTAIN = 2**32 - 1

PROBABILITIES = st.integers(0, CERTAIN)
NETEMS = st.builds(
    Netem,
    begin=PROBABILITIES,
    end=PROBABILITIES,
    corrupt=PROBABILITIES,
    latency_ns=st.integers(0, 10**12),
    jitter_ns=st.integers(0, 2**31 - 1),
    in_order=st.booleans(),
)


def effect(kind: str, **values: Any) -> Parameters:
    return tuple((name, values.get(name, 0)) for name in PARAMETERS[kind])


def delay(ms: float, jitter_ms: float = 0, distribution: str = "uniform") -> Parameters:
    return effect("delay", delay_ns=round(ms * MS), jitter_ns=round(jitter_ms * MS), distribution=distribution)


def times_ms(netem: Netem) -> list[float]:
    """What the kernel makes of a table, by ``tabledist`` of sch_netem.c: every time as often as any other."""
    times = []
    for entry in netem.table or (0,):
        scaled = (netem.jitter_ns % 8_192) * entry
        rounded = int((scaled + (4_096 if scaled >= 0 else -4_096)) / 8_192)
        times.append((rounded + (netem.jitter_ns // 8_192) * entry + netem.latency_ns) / MS)
    return times


@given(NETEMS)
def test_what_is_written_is_read_back(netem: Netem) -> None:
    assert Netem.read(netem.options()) == netem


@pytest.mark.parametrize("kind", STAGES)
def test_a_stage_without_effects_does_nothing(kind: str) -> None:
    nothing = stage(kind, ())
    assert (nothing.begin, nothing.corrupt, nothing.latency_ns, nothing.jitter_ns) == (0, 0, 0, 0)
    assert nothing.table == ()


@pytest.mark.parametrize(
    ("distribution", "mean", "deviation", "least", "most"),
    [("uniform", 30, 5 / 3**0.5, 25, 35), ("normal", 30, 5, 9, 51), ("pareto", 35, 7.6, 30, 130)],
)
def test_delays_are_distributed_as_in_the_native_switch(
    distribution: str, mean: float, deviation: float, least: float, most: float
) -> None:
    times = times_ms(stage("delay", (delay(30, 5, distribution),)))

    assert statistics.fmean(times) == pytest.approx(mean, rel=0.01)
    assert statistics.pstdev(times) == pytest.approx(deviation, rel=0.02)
    assert least <= round(min(times), 2)
    assert round(max(times), 2) <= most


def test_no_packet_is_early_however_large_the_jitter_is() -> None:
    assert min(times_ms(stage("delay", (delay(1, 50, "normal"),)))) > -0.01


def test_times_of_several_delays_add_up_as_independent_ones_do() -> None:
    times = times_ms(stage("delay", (delay(100, 30, "normal"), delay(100, 40, "normal"), delay(7))))

    assert statistics.fmean(times) == pytest.approx(207, rel=0.01)
    assert statistics.pstdev(times) == pytest.approx(50, rel=0.03)


def test_only_a_delay_keeps_the_order() -> None:
    assert stage("delay", (delay(5, 5),)).in_order
    assert not stage("reordering", (effect("reordering", share=50_000, hold_ns=MS),)).in_order


@given(st.integers(1, 1_000_000))
def test_a_share_is_held_back_and_the_rest_is_not(share: int) -> None:
    times = times_ms(stage("reordering", (effect("reordering", share=share, hold_ns=20 * MS),)))

    held = [time for time in times if abs(time - 20) < 0.01] if len(times) > 1 else times * 16_384
    assert max(1, share - 31) <= len(held) / 16_384 * 1_000_000 <= share + 61
    assert all(abs(time) < 0.01 or abs(time - 20) < 0.01 for time in times)


def test_two_reorderings_hold_some_packets_twice() -> None:
    two = (effect("reordering", share=500_000, hold_ns=10 * MS), effect("reordering", share=500_000, hold_ns=30 * MS))
    times = [round(time) for time in times_ms(stage("reordering", two))]
    assert {time: round(times.count(time) / len(times), 1) for time in (0, 10, 30, 40)} == {
        0: 0.2,
        10: 0.3,
        30: 0.3,
        40: 0.2,
    }


@given(st.integers(1_000, 900_000), st.integers(9, 1_000))
def test_a_burst_is_gilberts_chain(share: int, burst: int) -> None:
    netem = stage("burst-loss", (effect("burst-loss", share=share, burst=burst),))
    begin, end = netem.begin / CERTAIN, netem.end / CERTAIN
    assert begin / (begin + end) == pytest.approx(share / 1_000_000, rel=1e-3)
    assert 1 / end == pytest.approx(burst, rel=1e-3)


def test_two_bursts_lose_what_either_loses() -> None:
    netem = stage(
        "burst-loss", (effect("burst-loss", share=200_000, burst=5), effect("burst-loss", share=100_000, burst=20))
    )
    begin, end = netem.begin / CERTAIN, netem.end / CERTAIN
    assert begin / (begin + end) == pytest.approx(1 - 0.8 * 0.9)
    assert 5 < 1 / end < 20


def test_two_corruptions_hit_what_either_hits() -> None:
    two = (effect("corruption", share=500_000), effect("corruption", share=500_000))
    assert stage("corruption", two).corrupt == pytest.approx(0.75 * CERTAIN)


def test_times_too_far_apart_are_refused_with_what_would_do() -> None:
    with pytest.raises(
        NetworkError, match=r"20\.0 s longer than another, and netem can tell 17 s at most: ask for less"
    ):
        stage("delay", (delay(20_000, 10_000),))
