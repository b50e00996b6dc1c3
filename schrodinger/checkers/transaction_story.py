"""The stories of anomalies of transactions: who observed what, why that puts one before the other, and what it breaks.

Transactions are called T1, T2, … in the order of their invocation. A cycle is told edge by edge, each with the values
that make it one; the last sentence closes the circle.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from schrodinger_native import rules_out

from schrodinger.checkers.deed import Deed, look_up, shown, step_text
from schrodinger.checkers.verdict import Anomaly, Dependency
from schrodinger.history.transaction import ReadKey, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import polars
    from schrodinger_native.results import Contradiction, Cycle, Isolation, IsolationAnomaly, Sight
    from schrodinger_native.results import Step as Link

    from schrodinger.history.transaction import Step

_MEANINGS: Final = {
    "G0": "transactions overwrote each other in a circle (dirty write)",
    "G-single-item-realtime": "a transaction missed what had completed before it began (stale read)",
    "G-single-item-process": "a process missed what it had seen or done before (it went back in time)",
    "G1a": "what a failed transaction wrote was read (aborted read)",
    "G1b": "a state in the middle of a transaction was read (intermediate read)",
    "G1c": "transactions depend on each other's results in a circle (circular information flow)",
    "G-single-item": "one transaction saw part of another's effects and missed the rest (read skew)",
    "G-nonadjacent-item": "observers disagree on which of two effects came first (long fork)",
    "G2-item": "each of several transactions missed what another wrote (write skew)",
    "G-monotonic": "a transaction had seen what follows from another, and then missed the other (it went back in time)",
    "G-update": "those who wrote, with at most one who only read, are in a circle (no order of updates explains it)",
    "OTV": "a transaction saw another's effect, and later missed the rest (observed transaction vanishes)",
    "fractured-read": "a transaction saw some of another's effects without the rest (fractured read)",
    "causality-violation": "an effect was seen without what had happened before it (causality violation)",
    "internal": "a transaction contradicts its own earlier steps",
    "future-read": "a transaction saw what it only appended later",
    "garbage-read": "something was read that nobody wrote",
    "dirty-update": "an effect was built on that of a failed transaction",
    "duplicate-elements": "one append shows twice",
    "incompatible-order": "two reads show orders that can't both be true",
    "lost-update": "several transactions changed the same version, so all but one built on what was gone",
    "G-cursor": "a transaction changed a version that another had changed meanwhile (lost update)",
    "cyclic-versions": "what was seen of a key contradicts what is assumed of the order of its versions",
}
_BECAUSE: Final = {
    "writes-follow-reads": "who wrote {later} had read {earlier}",
    "database-versions": "the database numbers {earlier} before {later}",
    "initial-state": "nobody wrote {earlier}",
    "sequential-keys": "a process saw {earlier} before {later}",
    "linearizable-keys": "{earlier} had been seen before somebody began who saw {later}",
}
"""Why one version of a register is before another."""
_WITNESSES: Final = {
    "writes-follow-reads": "read one and wrote the next",
    "database-versions": "was given the version by the database",
    "initial-state": "overwrote what nobody wrote",
    "sequential-keys": "saw it in the order of its process",
    "linearizable-keys": "saw it in real time",
}
_REACHES: Final = {
    "-process": ", as each process saw its own order",
    "-realtime": ", in real time",
}


def transaction_anomalies(operations: polars.DataFrame, found: Isolation, *, of_registers: bool) -> tuple[Anomaly, ...]:
    """Each kind of anomaly once, by its first example, as ``check_append`` and its like describe them.

    Those that the promise rules out come first: they are why it is broken.
    """
    promise = found["consistency"]
    ranked = sorted(found["anomalies"], key=lambda anomaly: not rules_out(promise, anomaly["name"]))
    steps = _register_steps if of_registers else _list_steps
    return tuple(_told(operations, anomaly, promise, steps) for anomaly in ranked)


def _told(
    operations: polars.DataFrame, anomaly: IsolationAnomaly, consistency: str, steps: Callable[[Deed], str]
) -> Anomaly:
    entry = anomaly["first"][0]
    rows = _rows(entry)
    deeds = look_up(operations, rows)
    names = {row: f"T{number}" for number, row in enumerate(sorted(set(rows)), 1)}
    sentences = [*_introductions(deeds, names, steps)]
    dependencies: tuple[Dependency, ...] = ()
    roles = dict.fromkeys(names, "")
    if "steps" in entry:
        sights = iter(entry.get("sights", ()))
        for step in entry["steps"]:
            sight = next(sights) if step["kind"] == "seen" else None
            why = _why(step, names, deeds) if sight is None else _seen(step, sight, names)
            dependencies = (
                *dependencies,
                Dependency(earlier=step["from"], later=step["to"], kind=step["kind"], why=why),
            )
            sentences.append(f"{names[step['from']]} < {names[step['to']]}: {why}.")
            path = () if sight is None else sight["path"]
            sentences += [f"{names[how['from']]} < {names[how['to']]}: {_why(how, names, deeds)}." for how in path]
        sentences.append(_circle(entry["steps"], names))
    else:
        sentences.append(_contradiction(entry, names) if anomaly["name"] == "cyclic-versions" else _deed(entry, names))
        for row, role in zip(entry["transactions"], entry["roles"], strict=True):
            roles[row] = _WITNESSES.get(role, role)
    meaning = _meaning(anomaly["name"])
    more = f"; {anomaly['count']:,} of them" if anomaly["count"] > 1 else ""
    return Anomaly(
        name=anomaly["name"],
        summary=f"{meaning[0].upper()}{meaning[1:]}{more}.",
        story=(*sentences, _broken(anomaly["name"], consistency)),
        operations=tuple(
            replace(deeds[row].involved(f"{names[row]} {roles[row]}".strip()), label=steps(deeds[row]))
            for row in sorted(names)
        ),
        dependencies=dependencies,
    )


def _rows(entry: Cycle | Contradiction) -> list[int]:
    """The invocations of all transactions that have a part in it."""
    if "steps" not in entry:
        return list(entry["transactions"])
    sights = entry.get("sights", ())
    steps = [*entry["steps"], *(step for sight in sights for step in sight["path"])]
    return [step["from"] for step in steps] + [sight["reader"] for sight in sights]


def _meaning(name: str) -> str:
    if name in _MEANINGS:
        return _MEANINGS[name]
    for ending, words in _REACHES.items():
        if name.endswith(ending):
            return _MEANINGS[name.removesuffix(ending)] + words
    return name


def _introductions(deeds: Mapping[int, Deed], names: Mapping[int, str], steps: Callable[[Deed], str]) -> Iterator[str]:
    for row, name in names.items():
        deed = deeds[row]
        ended = "never known to have ended" if deed.ended is None else f"{deed.type} at {deed.ended}"
        yield f"{name}, process {deed.process}, from {deed.began}, {ended}: {steps(deed)}."


def _why(step: Link, names: Mapping[int, str], deeds: Mapping[int, Deed]) -> str:
    """Why one transaction comes before the next, in a clause."""
    before, after, key = names[step["from"]], names[step["to"]], step["key"]
    reason = _BECAUSE.get(step["because"] or "")
    if reason is not None:
        earlier = "what the key held at first" if step["previous"] is None else str(step["previous"])
        reason = reason.format(earlier=earlier, later=step["value"])
    match step["kind"]:
        case "ww" if step["because"] == "unread":
            return (
                f"{after} appended {step['value']} to key {key}, and nobody ever saw it, so it is behind "
                f"{step['previous']} of {before}, which was seen, or it was lost"
            )
        case "ww" if reason is None:
            return f"{after} appended {step['value']} to key {key} right after {step['previous']} of {before}"
        case "ww":
            return f"{after} wrote {step['value']} to key {key} after {step['previous']} of {before}: {reason}"
        case "wr":
            return f"{after} observed {step['value']} in key {key}, which {before} had written"
        case "rw" if reason is None:
            state = "empty" if step["previous"] is None else f"up to {step['previous']}"
            return f"{before} observed key {key} {state}, without {step['value']}, which {after} wrote"
        case "rw":
            state = "before anybody wrote it" if step["previous"] is None else f"at {step['previous']}"
            return f"{before} observed key {key} {state}, and {after} wrote {step['value']} after that: {reason}"
        case "process":
            return f"process {deeds[step['from']].process} completed {before} before it began {after}"
        case _:
            ended, began = deeds[step["from"]].ended, deeds[step["to"]].began
            return f"{before} had completed at {ended} when {after} was invoked at {began}"


def _seen(step: Link, sight: Sight, names: Mapping[int, str]) -> str:
    """Two wrote a key, and who had seen one of them read what the other wrote: so the other is the later one."""
    before, after, reader = names[step["from"]], names[step["to"]], names[sight["reader"]]
    return (
        f"{reader} observed {step['value']} in key {step['key']}, which {after} had written, "
        f"although it had seen {before}, which wrote {step['previous']} to it"
    )


def _circle(steps: Sequence[Link], names: Mapping[int, str]) -> str:
    path = " < ".join(names[step["from"]] for step in steps)
    return f"So {path} < {names[steps[0]['from']]}: a circle, and no order of them explains what they saw."


def _broken(name: str, consistency: str) -> str:
    promise = consistency.capitalize()
    return f"{promise} rules out {name}." if rules_out(consistency, name) else f"{promise} allows {name}."


def _contradiction(entry: Contradiction, names: Mapping[int, str]) -> str:
    """Versions of a key in a circle, and what says so."""
    witnesses = zip(entry["transactions"], entry["roles"], strict=True)
    parts = "; ".join(f"{names[row]} {_WITNESSES[role]} ({role})" for row, role in witnesses)
    values = [str(value) for value in entry["values"]]
    circle = values if len(values) > 1 else ["the initial state", *values]
    return f"Of key {entry['key']}, {' comes before '.join([*circle, circle[0]])}: {parts}."


def _deed(entry: Contradiction, names: Mapping[int, str]) -> str:
    parts = "; ".join(f"{names[row]} {role}" for row, role in zip(entry["transactions"], entry["roles"], strict=True))
    what = f"key {entry['key']}" if entry["value"] is None else f"{entry['value']} of key {entry['key']}"
    seen = f"; seen: [{' '.join(map(str, entry['values']))}]" if entry["values"] else ""
    instead = f"; expected: [{' '.join(map(str, entry['expected']))}]" if entry["expected"] else ""
    return f"About {what}: {parts}{seen}{instead}."


def _list_steps(deed: Deed) -> str:
    return ", ".join(step_text(step) for step in _steps(deed))


def _register_steps(deed: Deed) -> str:
    """A register shows one value, or none."""
    return ", ".join(
        f"read {step.key} → {shown(step.values or None)}"
        if isinstance(step, ReadKey) and step.values is not None
        else step_text(step)
        for step in _steps(deed)
    )


def _steps(deed: Deed) -> tuple[Step, ...]:
    """What an ok transaction did, what another was asked to do."""
    return decode((deed.value if deed.is_ok and deed.value is not None else deed.argument) or ())
