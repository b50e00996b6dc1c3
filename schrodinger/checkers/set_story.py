"""The stories of a set that lost, hid, invented or repeated elements: one anomaly a kind, told by its first element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schrodinger.checkers.deed import Deed, listed, look_up, seconds
from schrodinger.checkers.verdict import Anomaly

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars

_ROWS = ("known_by", "last_seen", "missed_by", "seen_by", "add")


def set_anomalies(operations: polars.DataFrame, found: Mapping[str, Any], *, linearizable: bool) -> tuple[Anomaly, ...]:
    """The anomalies of what ``check_set`` found, worst first."""
    tellers = {"lost": _lost, "unexpected": _unexpected, "duplicated": _duplicated, "stale": _stale}
    kinds = [kind for kind in tellers if found[kind]["count"] and (linearizable or kind != "stale")]
    rows = [found[kind]["first"][0].get(row) for kind in kinds for row in _ROWS]
    known = look_up(operations, [row for row in rows if row is not None])
    return tuple(tellers[kind](found[kind], known) for kind in kinds)


def named(entry: Mapping[str, Any]) -> str:
    """An element, and where the history has several sets, of which."""
    return f"{entry['element']}" if entry["key"] is None else f"{entry['element']} of key {entry['key']}"


def _lost(found: Mapping[str, Any], known: Mapping[int, Deed]) -> Anomaly:
    first = found["first"][0]
    added, missed = known[first["known_by"]], known[first["missed_by"]]
    story = [_became_known(named(first), added)]
    told = [(added, "made it known")]
    seen = None if first["last_seen"] is None else known[first["last_seen"]]
    if seen is not None and seen is not added:
        told.append((seen, "the last read that saw it"))
        story.append(f"Process {seen.process} was the last to see it, in a read that ended {_end(seen)}.")
    told.append((missed, "the first read that missed it"))
    story += [
        f"Process {missed.process} began a read at {seconds(missed.start_ns)}, after that, and {named(first)} was"
        " not there; nor was it in any read that began later.",
        "Durability is broken: what was acknowledged, or seen by a read, stays in the set.",
    ]
    return _anomaly("lost element", f"{_elements(found)} lost", found, story, told)


def _stale(found: Mapping[str, Any], known: Mapping[int, Deed]) -> Anomaly:
    first = found["first"][0]
    added, missed, seen = known[first["known_by"]], known[first["missed_by"]], known[first["seen_by"]]
    times = "" if first["vanished"] == 1 else f" It vanished {first['vanished']} times in all."
    story = [
        _became_known(named(first), added),
        f"Process {missed.process} began a read at {seconds(missed.start_ns)}, after that, and {named(first)} was"
        " not there.",
        f"Process {seen.process} saw it in a read that ended {_end(seen)}.{times}",
        "Linearizability is broken: a read sees every element that was known before it began.",
    ]
    told = [(added, "made it known"), (missed, "stale read"), (seen, "saw it later")]
    return _anomaly("stale read", f"{_elements(found)} invisible to a later read", found, story, told)


def _unexpected(found: Mapping[str, Any], known: Mapping[int, Deed]) -> Anomaly:
    first = found["first"][0]
    read, add = known[first["seen_by"]], known.get(first["add"])
    story = [f"Process {read.process} saw {named(first)} in a read that ended {_end(read)}."]
    told = [(read, "saw what can't be there")]
    if add is None:
        story.append("Nobody ever tried to add it.")
    else:
        told.insert(0, (add, "failed" if first["why"] == "failed" else "tried only later"))
        how = f"failed {_end(add)}" if first["why"] == "failed" else f"did not try to before {seconds(add.start_ns)}"
        story.append(f"Process {add.process} was to add it, and {how}.")
    story.append("Integrity is broken: the set has only elements that somebody added.")
    return _anomaly("unexpected element", f"{_elements(found)} seen that can't be there", found, story, told)


def _duplicated(found: Mapping[str, Any], known: Mapping[int, Deed]) -> Anomaly:
    first = found["first"][0]
    read = known[first["seen_by"]]
    story = [
        f"Process {read.process} read the set and got, {_end(read)}, {named(first)} {first['times']} times.",
        "Integrity is broken: a set has each element once.",
    ]
    return _anomaly(
        "duplicated element", f"{_elements(found)} repeated in a read", found, story, [(read, "repeats it")]
    )


def _anomaly(name: str, what: str, found: Mapping[str, Any], story: list[str], told: list[tuple[Deed, str]]) -> Anomaly:
    which = listed((named(entry) for entry in found["first"]), found["count"])
    roles: dict[int, tuple[Deed, str]] = {}
    for deed, role in told:
        earlier = roles.get(deed.index)
        roles[deed.index] = (deed, role if earlier is None else f"{earlier[1]}, {role}")
    operations = tuple(deed.involved(role) for _, (deed, role) in sorted(roles.items()))
    return Anomaly(name=name, summary=f"{what}: {which}", story=tuple(story), operations=operations)


def _became_known(element: str, deed: Deed) -> str:
    if deed.argument is None:
        return f"Process {deed.process} saw {element} in a read that ended {_end(deed)}."
    return f"Process {deed.process} added {element} and was acknowledged {_end(deed)}."


def _end(deed: Deed) -> str:
    return "never" if deed.end_ns is None else f"at {seconds(deed.end_ns)}"


def _elements(found: Mapping[str, Any]) -> str:
    return "1 element was" if found["count"] == 1 else f"{found['count']:,} elements were"
