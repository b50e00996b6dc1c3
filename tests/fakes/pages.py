"""Runs that never happened, for looking at the page: a whole cluster's story as plain frames, from a seed.

The page only reads what a history gives it, so a hand-made history is enough here; that recorded ones are read back
correctly is tested where they are recorded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

import polars as pl

from schrodinger.checkers.verdict import Anomaly, Involved, Validity, Verdict
from schrodinger.history import FaultInterval
from schrodinger.nemesis import AtTime, Event, Kill, Partition, Pause
from schrodinger.plan import Plan
from schrodinger.report import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

SECOND = 1_000_000_000
COLUMNS: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "completion": pl.Int64(),
    "process": pl.Int64(),
    "f": pl.String(),
    "type": pl.String(),
    "key": pl.Int64(),
    "argument": pl.List(pl.Int64()),
    "value": pl.List(pl.Int64()),
    "start_ns": pl.Int64(),
    "end_ns": pl.Int64(),
    "detail": pl.String(),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A history that was written down instead of recorded."""

    frame: pl.DataFrame
    intervals: tuple[FaultInterval, ...] = ()
    begun: dict[str, int] = field(default_factory=dict)
    damage: str | None = None

    def operations(self) -> pl.DataFrame:
        return self.frame

    def faults(self) -> tuple[FaultInterval, ...]:
        return self.intervals

    def phases(self) -> dict[str, int]:
        return self.begun


def operations(
    number: int, *, seconds: int = 30, seed: int = 1, begin: int = 3, faults: Sequence[FaultInterval] = ()
) -> pl.DataFrame:
    """A register workload: mostly quick, slower and partly failing under faults."""
    random = Random(seed)
    starts = sorted(random.randrange(begin * SECOND, (begin + seconds) * SECOND) for _ in range(number))
    troubled = [any(_covers(fault, start) for fault in faults) for start in starts]
    rows = [_operation(random, i, starts[i], troubled[i]) for i in range(number)]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _operation(random: Random, row: int, start: int, troubled: bool) -> tuple[object, ...]:
    latency = random.lognormvariate(14.6, 0.45)
    outcome, detail, fate = "ok", None, 1.0
    f = random.choice(("read", "write", "cas"))
    if troubled and random.random() < 0.25:
        latency *= random.lognormvariate(4, 1)
        fate = random.random()
        if fate < 0.15:
            outcome, detail = "info", "timed out after 2 s"
        elif fate < 0.4:
            outcome, detail = "fail", "connection refused"
    if f == "cas" and outcome == "ok" and random.random() > 0.8:
        outcome, detail = "fail", "not equal"
    end = None if fate < 0.02 else start + int(min(latency, 2 * SECOND))
    key = random.randrange(8)
    return 2 * row, None if end is None else 2 * row + 1, row % 20, f, outcome, key, [1], [1], start, end, detail


def _covers(fault: FaultInterval, at_ns: int) -> bool:
    return fault.begin_ns <= at_ns and (fault.end_ns is None or at_ns < fault.end_ns)


def fault(number: int, kind: str, description: str, begin: float, end: float | None, **fields: object) -> FaultInterval:
    """A fault that was in force between two seconds."""
    plain = FaultInterval(
        id=str(number),
        kind=kind,
        description=description,
        planned=description,
        nodes=("n1", "n2"),
        requested_ns=int(begin * SECOND) - 9_400_000,
        begin_ns=int(begin * SECOND),
        end_ns=None if end is None else int(end * SECOND),
        begin_uncertainty_ns=8_300_000,
        end_uncertainty_ns=0 if end is None else 4_100_000,
        affected=1,
        evidence={},
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def faults() -> tuple[FaultInterval, ...]:
    """One of each kind, partly at once."""
    cut = [("n1", "n3"), ("n1", "n4"), ("n1", "n5"), ("n2", "n3"), ("n2", "n4"), ("n2", "n5")]
    links = sorted(cut + [(b, a) for a, b in cut])
    return (
        fault(
            0,
            "partition",
            "{n1, n2} cut off from {n3, n4, n5}",
            7.2,
            11.9,
            evidence={
                "probes_sent": 36,
                "probes_received": 0,
                "packets_dropped": 1204,
                "edges": [
                    {"source": a, "destination": b, "probes_sent": 3, "probes_received": 0, "packets_dropped": 100 + i}
                    for i, (a, b) in enumerate(links)
                ],
            },
        ),
        fault(
            1,
            "kill",
            "kill: n3",
            10.1,
            13.4,
            planned="kill: the leader",
            nodes=("n3",),
            evidence={"n3": {"killed": [211, 214], "processes": 2, "took_ns": 3_100_000, "left": 0}},
        ),
        fault(
            2,
            "pause",
            "pause: {n4, n5}",
            16.0,
            18.5,
            nodes=("n4", "n5"),
            evidence={
                node: {
                    "mechanism": "cgroup v2 freezer",
                    "frozen": [301, 302],
                    "processes": 2,
                    "freeze_ns": 1_200_000,
                    "thaw_ns": 800_000,
                    "thawed": True,
                }
                for node in ("n4", "n5")
            },
        ),
        fault(
            3,
            "partition",
            "nothing from n2 to n5 (one way)",
            21.5,
            26.0,
            evidence={"probes_sent": 3, "probes_received": 0, "packets_dropped": 87, "edges": []},
        ),
    )


def plan() -> Plan:
    """What the run was to do."""
    halves = frozenset((a, b) for a in ("n1", "n2") for b in ("n3", "n4", "n5"))
    return Plan(
        suite="suites/etcd",
        workload="register",
        nodes=5,
        concurrency=20,
        rate=500.0,
        time_ns=30 * SECOND,
        seed=42,
        schedule=(
            Event(AtTime(4 * SECOND), Partition(halves), 5 * SECOND),
            Event(AtTime(7 * SECOND), Kill(frozenset({"leader"})), 3 * SECOND),
            Event(AtTime(13 * SECOND), Pause(frozenset({"n4", "n5"})), 2 * SECOND),
        ),
        options={"version": "3.5.0", "reads": "serializable"},
    )


def stale_read() -> Anomaly:
    """A read that missed an acknowledged write, four seconds into a partition."""
    at = 9 * SECOND + 120_000_000
    ms = 1_000_000
    return Anomaly(
        name="stale read",
        summary="Key 3 read as 41 although the write of 47 had been acknowledged 312 ms before the read began.",
        story=(
            "Process 4 wrote 41 to key 3; n1 acknowledged it at 8.904 s.",
            "Process 11 then wrote 47; n4 acknowledged it at 9.132 s. From here on nobody may see 41 again.",
            "Process 7 read key 3 from n1, on the minority side, and got 41.",
            "No order of these operations explains that: the read began 312 ms after the write of 47 had ended.",
        ),
        operations=(
            Involved(
                index=10, process=4, label="write 3 ← 41", outcome="ok", start_ns=at - 231 * ms, end_ns=at - 216 * ms
            ),
            Involved(
                index=14,
                process=9,
                label="cas 3: 41 → 55",
                outcome="fail",
                start_ns=at - 120 * ms,
                end_ns=at - 101 * ms,
            ),
            Involved(
                index=16,
                process=11,
                label="write 3 ← 47",
                outcome="ok",
                start_ns=at,
                end_ns=at + 12 * ms,
                role="the write that was missed",
            ),
            Involved(index=18, process=2, label="write 3 ← 60", outcome="info", start_ns=at + 5 * ms, end_ns=None),
            Involved(
                index=20,
                process=12,
                label="cas 3: 47 → 61",
                outcome="info",
                start_ns=at + 90 * ms,
                end_ns=at + 290 * ms,
            ),
            Involved(
                index=22,
                process=7,
                label="read 3 → 41",
                outcome="ok",
                start_ns=at + 324 * ms,
                end_ns=at + 326 * ms,
                role="stale read",
            ),
            Involved(
                index=30, process=4, label="read 3 → 47", outcome="ok", start_ns=at + 900 * ms, end_ns=at + 903 * ms
            ),
        ),
    )


def verdict(validity: Validity) -> Verdict:
    """A verdict of each kind, as a run would have it."""
    statistics = {
        "keys": 8,
        "steps": 182_344,
        "search_ns": 412_000_000,
        "peak_bytes": 12_582_912,
        "model": "cas-register",
    }
    reasons = {
        Validity.VALID: (),
        Validity.VIOLATION: ("key 3 is not linearizable",),
        Validity.UNKNOWN: ("only 12 operations succeeded while a fault was in force, too few to have found anything",),
        Validity.INFRASTRUCTURE_ERROR: (
            "the partition of n1 had no effect: 3 of 3 probes from n1 to n3 arrived",
            "n4 did not come back within 30 s",
        ),
    }
    return Verdict(
        validity=validity,
        checker="linearizable",
        reasons=reasons[validity],
        anomalies=(stale_read(),) if validity is Validity.VIOLATION else (),
        statistics=statistics,
    )


def log(lines: int = 120) -> str:
    """The tail of a node's log."""
    said = (
        '{"level":"info","ts":"10:00:07.211","caller":"raft/raft.go:1530","msg":"raft.node elected leader"}',
        '{"level":"warn","ts":"10:00:07.402","caller":"rafthttp/stream.go:442","msg":"lost TCP streaming connection"}',
        '{"level":"error","ts":"10:00:08.100","caller":"etcdserver/server.go:812","msg":"apply request took too long"}',
    )
    return "\n".join(said[i % 3] for i in range(lines)) + "\n"


def page(validity: Validity = Validity.VIOLATION, *, number: int = 14_000, seed: int = 1) -> Page:
    """A page of that verdict."""
    meanwhile = faults()
    return Page(
        run="20260105T100003-etcd-register-42",
        started="2026-01-05 10:00:03 UTC",
        verdict=verdict(validity),
        plan=plan(),
        plan_json=json.dumps({"suite": "suites/etcd", "workload": "register", "seed": 42, "nodes": 5}, indent=2),
        history=Sample(
            operations(number, seed=seed, faults=meanwhile),
            meanwhile,
            {"up": 0, "setup": 2_100_000_000, "main": 3 * SECOND, "heal": 33 * SECOND, "final": 35 * SECOND},
        ),
        replay="schrodinger replay runs/20260105T100003-etcd-register-42",
        logs={f"n{i}": log() for i in range(1, 6)},
        versions={"schrodinger": "0.1.0", "etcd": "3.5.0", "kernel": "Linux 6.1.0", "python": "3.11.7"},
    )
