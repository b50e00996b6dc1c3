"""Clocks: how far the clock of each node strays from the one that the history is kept by. After Jepsen's ``clock``.

A client that can ask a node for its time records it as an operation: function ``clock``, the node's number as key,
nanoseconds as the value. An offset is that time minus the middle of the operation, and certain to half its duration.
The node's clock and the history's begin at different instants, so offsets are told relative to the node's first. Drift
is by how much they change per second, from the first to the last; a jump is a change between two looks beyond what
their uncertainties explain. A history without such operations says nothing of clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from schrodinger.checkers.deed import Deed, deeds, lapse, seconds
from schrodinger.checkers.verdict import Anomaly, Validity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schrodinger.history import History


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a node's clock: its offset at an instant, certain to ``uncertainty_ns`` either way."""

    deed: Deed
    at_ns: int
    offset_ns: int
    uncertainty_ns: int


@dataclass(frozen=True, slots=True)
class Clock:
    """Offsets, drift and jumps of each node's clock, as statistics.

    Attributes:
        most_offset_ns: how far a clock may certainly stray from where it was at first; anything when left out.
        most_jump_ns: by how much it may certainly jump between two looks; anything when left out.
        clock: what looking at a node's clock is called.
        name: the name in verdicts.
    """

    most_offset_ns: int | None = None
    most_jump_ns: int | None = None
    clock: str = "clock"
    name: str = "clock"

    @property
    def violations_are_final(self) -> bool:
        """A clock that strayed did."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        operations = history.worded_operations()
        asked = operations.filter((operations["f"] == self.clock) & (operations["type"] == "ok"))
        problems = [
            f"the history is malformed at row {deed.index}: a look at a clock has a node as its key, and one time"
            for deed in deeds(asked)
            if deed.key is None or deed.value is None or len(deed.value) != 1
        ]
        if problems or asked.is_empty():
            reasons = tuple(problems[:10]) or (f"nothing was observed: no {self.clock} operation completed ok",)
            return Verdict(validity=Validity.UNKNOWN, checker=self.name, reasons=reasons)
        by_node = asked.sort("key", "index").group_by("key", maintain_order=True)
        nodes = {node: looks(deeds(of)) for (node,), of in by_node}
        anomalies = tuple(anomaly for node, seen in nodes.items() for anomaly in self._anomalies(node, seen))
        return Verdict(
            validity=Validity.VIOLATION if anomalies else Validity.VALID,
            checker=self.name,
            reasons=tuple(anomaly.summary for anomaly in anomalies),
            anomalies=anomalies,
            statistics={f"node {node}": _statistics(seen) for node, seen in nodes.items()},
        )

    def _anomalies(self, node: object, seen: tuple[Look, ...]) -> Iterator[Anomaly]:
        if self.most_offset_ns is not None:
            far = max(seen, key=lambda look: _certainly(look.offset_ns, look.uncertainty_ns))
            if _certainly(far.offset_ns, far.uncertainty_ns) > self.most_offset_ns:
                allowed = lapse(self.most_offset_ns)
                yield _anomaly(
                    "clock-offset", f"node {node} was {_signed(far.offset_ns)} off; {allowed} are allowed", far
                )
        if self.most_jump_ns is not None:
            for before, after in pairwise(seen):
                if _jump(before, after) > self.most_jump_ns:
                    change = _signed(after.offset_ns - before.offset_ns)
                    yield _anomaly("clock-jump", f"the clock of node {node} jumped by {change}", before, after)
                    break


def looks(asked: list[Deed]) -> tuple[Look, ...]:
    """What was seen of one node's clock, in order, relative to the first look."""
    seen: list[Look] = []
    zero: int | None = None
    for deed in asked:
        assert deed.value is not None
        assert deed.end_ns is not None
        middle, uncertainty = (deed.start_ns + deed.end_ns) // 2, (deed.end_ns - deed.start_ns + 1) // 2
        difference = deed.value[0] - middle
        zero = difference if zero is None else zero
        first = seen[0].uncertainty_ns if seen else 0
        seen.append(Look(deed, middle, difference - zero, uncertainty + first))
    return tuple(seen)


def _statistics(seen: tuple[Look, ...]) -> dict[str, Any]:
    first, last = seen[0], seen[-1]
    elapsed = last.at_ns - first.at_ns
    return {
        "looks": len(seen),
        "least_offset_ns": min(look.offset_ns for look in seen),
        "most_offset_ns": max(look.offset_ns for look in seen),
        "drift_ns_per_s": round(last.offset_ns * 1e9 / elapsed) if elapsed > 0 else 0,
        "largest_jump_ns": max((_jump(before, after) for before, after in pairwise(seen)), default=0),
    }


def _jump(before: Look, after: Look) -> int:
    return _certainly(after.offset_ns - before.offset_ns, before.uncertainty_ns + after.uncertainty_ns)


def _certainly(offset_ns: int, uncertainty_ns: int) -> int:
    return max(abs(offset_ns) - uncertainty_ns, 0)


def _signed(offset_ns: int) -> str:
    return f"{'-' if offset_ns < 0 else '+'}{lapse(abs(offset_ns))}"


def _anomaly(name: str, summary: str, *seen: Look) -> Anomaly:
    return Anomaly(
        name=name,
        summary=f"{summary[0].upper()}{summary[1:]}.",
        story=tuple(
            f"At {seconds(look.at_ns)} it was {_signed(look.offset_ns)} from where it was at first, give or take"
            f" {lapse(look.uncertainty_ns)}."
            for look in seen
        ),
        operations=tuple(look.deed.involved("looked at the clock") for look in seen),
    )
