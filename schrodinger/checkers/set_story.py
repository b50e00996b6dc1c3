"""The stories of a set that lost, hid, invented or repeated elements: one anomaly a kind, told by its first element."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from schrodinger.checkers.deed import Deed, listed, look_up
from schrodinger.checkers.verdict import Anomaly

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars
    from schrodinger_native.results import (
        DuplicatedElement,
        Elements,
        LostElement,
        NamedElement,
        SetContents,
        StaleElement,
        UnexpectedElement,
    )

_Element = TypeVar("_Element", bound="NamedElement")


def set_anomalies(operations: polars.DataFrame, found: SetContents, *, linearizable: bool) -> Iterator[Anomaly]:
    """The anomalies of what ``check_set`` found, worst first."""
    if found["lost"]["count"]:
        yield _lost(operations, found["lost"])
    if found["unexpected"]["count"]:
        yield _unexpected(operations, found["unexpected"])
    if found["duplicated"]["count"]:
        yield _duplicated(operations, found["duplicated"])
    if linearizable and found["stale"]["count"]:
        yield _stale(operations, found["stale"])


def named(entry: NamedElement) -> str:
    """An element, and where the history has several sets, of which."""
    return f"{entry['element']}" if entry["key"] is None else f"{entry['element']} of key {entry['key']}"


def _lost(operations: polars.DataFrame, found: Elements[LostElement]) -> Anomaly:
    first = found["first"][0]
    known = _known(operations, first["known_by"], first["missed_by"], first["last_seen"])
    added, missed = known[first["known_by"]], known[first["missed_by"]]
    story = [_became_known(named(first), added)]
    told = [(added, "made it known")]
    seen = None if first["last_seen"] is None else known[first["last_seen"]]
    if seen is not None and seen is not added:
        told.append((seen, "the last read that saw it"))
        story.append(f"Process {seen.process} was the last to see it, in a read that ended {_end(seen)}.")
    told.append((missed, "the first read that missed it"))
    story += [
        f"Process {missed.process} began a read at {missed.began}, after that, and {named(first)} was"
        " not there; nor was it in any read that began later.",
        "Durability is broken: what was acknowledged, or seen by a read, stays in the set.",
    ]
    return _anomaly("lost element", "lost", found, story, told)


def _stale(operations: polars.DataFrame, found: Elements[StaleElement]) -> Anomaly:
    first = found["first"][0]
    known = _known(operations, first["known_by"], first["missed_by"], first["seen_by"])
    added, missed, seen = known[first["known_by"]], known[first["missed_by"]], known[first["seen_by"]]
    times = "" if first["vanished"] == 1 else f" It vanished {first['vanished']} times in all."
    story = [
        _became_known(named(first), added),
        f"Process {missed.process} began a read at {missed.began}, after that, and {named(first)} was not there.",
        f"Process {seen.process} saw it in a read that ended {_end(seen)}.{times}",
        "Linearizability is broken: a read sees every element that was known before it began.",
    ]
    told = [(added, "made it known"), (missed, "stale read"), (seen, "saw it later")]
    return _anomaly("stale read", "invisible to a later read", found, story, told)


def _unexpected(operations: polars.DataFrame, found: Elements[UnexpectedElement]) -> Anomaly:
    first = found["first"][0]
    known = _known(operations, first["seen_by"], first["add"])
    read, add = known[first["seen_by"]], None if first["add"] is None else known[first["add"]]
    story = [f"Process {read.process} saw {named(first)} in a read that ended {_end(read)}."]
    told = [(read, "saw what can't be there")]
    if add is None:
        story.append("Nobody ever tried to add it.")
    else:
        told.insert(0, (add, "failed" if first["why"] == "failed" else "tried only later"))
        how = f"failed {_end(add)}" if first["why"] == "failed" else f"did not try to before {add.began}"
        story.append(f"Process {add.process} was to add it, and {how}.")
    story.append("Integrity is broken: the set has only elements that somebody added.")
    return _anomaly("unexpected element", "seen that can't be there", found, story, told)


def _duplicated(operations: polars.DataFrame, found: Elements[DuplicatedElement]) -> Anomaly:
    first = found["first"][0]
    read = _known(operations, first["seen_by"])[first["seen_by"]]
    story = [
        f"Process {read.process} read the set and got, {_end(read)}, {named(first)} {first['times']} times.",
        "Integrity is broken: a set has each element once.",
    ]
    return _anomaly("duplicated element", "repeated in a read", found, story, [(read, "repeats it")])


def _anomaly(
    name: str, what: str, found: Elements[_Element], story: list[str], told: list[tuple[Deed, str]]
) -> Anomaly:
    elements = "1 element was" if found["count"] == 1 else f"{found['count']:,} elements were"
    which = listed((named(entry) for entry in found["first"]), found["count"])
    roles: dict[int, tuple[Deed, str]] = {}
    for deed, role in told:
        earlier = roles.get(deed.index)
        roles[deed.index] = (deed, role if earlier is None else f"{earlier[1]}, {role}")
    operations = tuple(deed.involved(role) for _, (deed, role) in sorted(roles.items()))
    return Anomaly(name=name, summary=f"{elements} {what}: {which}", story=tuple(story), operations=operations)


def _became_known(element: str, deed: Deed) -> str:
    if deed.argument is None:
        return f"Process {deed.process} saw {element} in a read that ended {_end(deed)}."
    return f"Process {deed.process} added {element} and was acknowledged {_end(deed)}."


def _end(deed: Deed) -> str:
    return "never" if deed.ended is None else f"at {deed.ended}"


def _known(operations: polars.DataFrame, *rows: int | None) -> dict[int, Deed]:
    return look_up(operations, [row for row in rows if row is not None])
