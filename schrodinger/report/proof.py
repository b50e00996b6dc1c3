"""The fault log: each fault with when it was really in force, and the measurement that says so.

A fault counts as proved when the agent read it back in force and healed; the sentence tells what was measured. Kinds
without a sentence of their own show their measurements by name, so a new kind needs nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from schrodinger.checkers.deed import several
from schrodinger.report.facts import quantity, rendered, words_of
from schrodinger.report.words import clipped, count, duration, listed, moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

    from schrodinger.history import FaultInterval

LONGEST = 300
"""Characters of a description or an error in the log."""


class Standing(StrEnum):
    """Whether a fault did what it was meant to."""

    PROVED = "proved"
    NO_EFFECT = "no effect"
    NOT_PROVED = "not proved"
    STILL_IN_FORCE = "not healed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the fault log."""

    id: str
    kind: str
    description: str
    planned: str
    standing: Standing
    when: str
    edges: str
    proof: str
    measurements: Markup | None


def entry(fault: FaultInterval) -> Entry:
    """The log entry of one fault."""
    return Entry(
        id=fault.id,
        kind=fault.kind,
        description=clipped(described(fault), LONGEST),
        planned=clipped(fault.planned, LONGEST) if fault.planned != fault.description else "",
        standing=standing(fault),
        when=when(fault),
        edges=edges(fault),
        proof=proof(fault),
        measurements=rendered(fault.evidence) if fault.evidence else None,
    )


def described(fault: FaultInterval) -> str:
    """What the fault did, without its kind, which stands before it wherever it is shown: ``20 writes/s: n1``."""
    strong = f"{fault.kind} ("
    if fault.description.startswith(strong):
        return fault.description.removeprefix(strong).replace("): ", ": ", 1)
    return fault.description.removeprefix(f"{fault.kind}: ")


def standing(fault: FaultInterval) -> Standing:
    """An error outweighs everything, and a fault that touched no process and no packet has not tested anything."""
    if fault.error:
        return Standing.NOT_PROVED
    if fault.end_ns is None:
        return Standing.STILL_IN_FORCE
    return Standing.PROVED if fault.affected else Standing.NO_EFFECT


def when(fault: FaultInterval) -> str:
    """The interval in which it was certainly in force."""
    if fault.end_ns is None:
        return f"from {moment(fault.begin_ns)} to the end of the record"
    return f"from {moment(fault.begin_ns)} to {moment(fault.end_ns)} ({duration(fault.end_ns - fault.begin_ns)})"


def edges(fault: FaultInterval) -> str:
    """How long each edge took, which is how much earlier the fault may have begun or ended."""
    late = fault.begin_ns - fault.requested_ns
    change = duration(fault.begin_uncertainty_ns)
    text = f"In force and read back {duration(late)} after the decision (the change took {change})"
    return text + (
        f"; healing took {duration(fault.end_uncertainty_ns)}."
        if fault.end_ns is not None
        else "; it was never healed."
    )


def proof(fault: FaultInterval) -> str:
    """What was measured, in a sentence."""
    if fault.error:
        return clipped(fault.error, LONGEST)
    told = _SENTENCES.get(fault.kind, _by_name)(fault.evidence)
    told = told or _node_by_node(fault.evidence, _measured) or _by_name(fault.evidence)
    return clipped(told, LONGEST) if told else "Read back by the agent, which measured nothing more."


def _partition(evidence: Mapping[str, Any]) -> str:
    match evidence:
        case {"probes_sent": int(sent), "probes_received": int(received), "packets_dropped": int(dropped)}:
            links = evidence.get("edges")
            cut = f"{several(len(links), 'directed link')} cut. " if isinstance(links, list) and links else ""
            arrived = "None" if received == 0 else count(received)
            return f"{cut}{arrived} of {several(sent, 'probe')} arrived, {several(dropped, 'packet')} dropped."
        case _:
            return ""


def _link(evidence: Mapping[str, Any]) -> str:
    """What a fault of links did to packets; a measure that is zero for the kind is left out."""
    match evidence:
        case {"packets": int(packets), "hits": None, "edges": list(links)} if links:
            return f"{several(len(links), 'directed link')}. {several(packets, 'packet')}; those hit were not counted."
        case {"packets": int(packets), "hits": int(hits), "dropped": int(dropped), "edges": list(links)} if links:
            told = f"{several(len(links), 'directed link')}. {count(hits)} of {several(packets, 'packet')} hit"
            told += f", {count(dropped)} of them dropped" if dropped else ""
            mean, longest = evidence.get("mean_held_ns"), evidence.get("longest_held_ns")
            if isinstance(mean, int) and isinstance(longest, int) and longest:
                told += f", held for {duration(mean)} on average and {duration(longest)} at most"
            return f"{told}."
        case _:
            return ""


def _kill(evidence: Mapping[str, Any]) -> str:
    return _node_by_node(evidence, _killed)


def _killed(node: str, measured: Mapping[str, Any]) -> str:
    match measured:
        case {"processes": int(processes), "took_ns": int(took), "left": int(left)}:
            rest = f"{count(left)} left" if left else "none left"
            return f"{several(processes, 'process', 'processes')} of {node} killed in {duration(took)}, {rest}"
        case _:
            return ""


def _pause(evidence: Mapping[str, Any]) -> str:
    return _node_by_node(evidence, _frozen)


def _frozen(node: str, measured: Mapping[str, Any]) -> str:
    match measured:
        case {"processes": int(processes), "freeze_ns": int(took), "mechanism": str(mechanism)}:
            frozen = f"{several(processes, 'process', 'processes')} of {node} frozen in {duration(took)} by {mechanism}"
            thaw = measured.get("thaw_ns")
            return frozen + (
                f", thawed in {duration(thaw)}" if isinstance(thaw, int) and measured.get("thawed") else ""
            )
        case _:
            return ""


def _power_loss(evidence: Mapping[str, Any]) -> str:
    return _node_by_node(evidence, _dark)


def _dark(node: str, measured: Mapping[str, Any]) -> str:
    match measured:
        case {"processes": int(processes), "unsynced_witness": "lost", "dark_ns": int(dark), "restored_ns": int(took)}:
            ended = several(processes, "process", "processes")
            gone = f"what was not synced was gone when it was mounted again ({duration(took)})"
            return f"{ended} of {node} ended and its disk cut off in {duration(dark)}; {gone}"
        case _:
            return ""


def _clock(evidence: Mapping[str, Any]) -> str:
    return _node_by_node(evidence, _wrong)


def _wrong(node: str, measured: Mapping[str, Any]) -> str:
    """How far ahead its clocks were when they were last read back in force; those that are right are left out."""
    match measured:
        case {
            "realtime_ahead_ns": int(real),
            "monotonic_ahead_ns": int(mono),
            "wrong_in": int(processes),
            "reached": int(reached),
        }:
            clocks = [f"the {name} clock {_ahead(ns)}" for name, ns in (("realtime", real), ("monotonic", mono)) if ns]
            told = " and ".join(clocks) if clocks else "clocks right at that moment"
            within = several(processes, "process", "processes")
            return f"{told} in {within} of {node} at the end, a process reached {several(reached, 'time')}"
        case _:
            return ""


def _ahead(ns: int) -> str:
    return f"{duration(abs(ns))} {'ahead' if ns > 0 else 'behind'}"


def _node_by_node(evidence: Mapping[str, Any], tell: Callable[[str, Mapping[str, Any]], str]) -> str:
    """The sentence of each node, or nothing at all when one of them is not what it should be."""
    told = [tell(str(node), measured) for node, measured in evidence.items() if isinstance(measured, Mapping)]
    return "; ".join(told) + "." if told and all(told) and len(told) == len(evidence) else ""


def _measured(node: str, measured: Mapping[str, Any]) -> str:
    """``n1: writes 30, processes 1``: single values alone."""
    told = _by_name(measured).removesuffix(".").replace(": ", " ").replace("; ", ", ")
    return f"{node}: {told}" if told else ""


def _by_name(evidence: Mapping[str, Any]) -> str:
    """The measurements that are single values or short lists, each by its name."""
    told = []
    for name, value in evidence.items():
        measured = quantity(str(name), value)
        if measured is None and isinstance(value, bool | int | float | str):
            measured = (
                {True: "yes", False: "no"}[value]
                if isinstance(value, bool)
                else count(value)
                if isinstance(value, int)
                else str(value)
            )
        elif (
            measured is None
            and isinstance(value, list | tuple)
            and value
            and all(isinstance(item, str | int) for item in value)
        ):
            measured = listed([str(item) for item in value])
        if measured is not None:
            told.append(f"{words_of(str(name))}: {measured}")
    return "; ".join(told) + "." if told else ""


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "partition": _partition,
    "kill": _kill,
    "pause": _pause,
    **dict.fromkeys(
        (
            "delay",
            "loss",
            "burst-loss",
            "duplication",
            "reordering",
            "corruption",
            "silent-corruption",
            "rate",
            "reset",
        ),
        _link,
    ),
    "power-loss": _power_loss,
    **dict.fromkeys(
        (
            "clock-jump",
            "clock-drift",
            "clock-strobe",
            "monotonic-jump",
            "monotonic-drift",
            "monotonic-strobe",
        ),
        _clock,
    ),
}
