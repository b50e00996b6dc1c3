"""The story of a queue, stack or set with distinct elements that broke one of the rules which decide it.

The native checker names the rule and the few operations that break it, which are impossible by themselves. Here they
are told one after the other, and then why the rule forces the order both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schrodinger.checkers.deed import Deed, deeds, listed, look_up, occurred, on_key, several
from schrodinger.checkers.object_story import place, sentence
from schrodinger.checkers.verdict import Anomaly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars
    from schrodinger_native.results import Failure, Rule

_TOLD: Final = 20
"""How many operations are told of a rule that many take part in."""

_SHOWN: Final = 12
"""How many elements of a set are told one by one."""

_READS: Final = ("read", "read-all")
_ROLES: Final = {
    "put": "put it in",
    "take": "took it out",
    "put-first": "put in what was before it",
    "take-first": "took that out later",
    "empty": "found nothing",
    "may-have-taken": "may have taken anything",
    "seen": "saw it",
    "unseen": "did not see it",
}
_FIFO: Final = "what goes in first comes out first"
_LIFO: Final = "what goes in last comes out first"


def rule_anomaly(operations: polars.DataFrame, failure: Failure, rule: Rule, *, model: str) -> Anomaly:
    """The anomaly of a ``failure`` that breaks a ``rule``, as ``check_linearizable`` describes it."""
    roles = {entry["row"]: entry["role"] for entry in failure["witness"]}
    by_row = look_up(operations, roles)
    found = [(by_row[row], role) for row, role in roles.items()]
    name, tell, guarantee = _RULES[rule]
    told = tell(_Telling(operations, place(failure, model), found))
    witness = sorted(by_row.values(), key=occurred)[-_TOLD:]
    more = len(by_row) - len(witness)
    return Anomaly(
        name=name,
        summary=f"{told[0][0].upper()}{told[0][1:]}.",
        story=(
            *((f"{several(more, 'earlier operation is', 'earlier operations are')} not told.",) if more else ()),
            *(_sentence(deed) for deed in witness),
            *(f"{text[0].upper()}{text[1:]}." for text in told[1:]),
            f"Linearizability is broken: {guarantee}.",
        ),
        operations=tuple(
            deed.involved(_ROLES[roles[deed.index]]) for deed in sorted(witness, key=lambda deed: deed.index)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Stay:
    """An element with its put and its take, if anybody known took it."""

    element: int
    put: Deed
    take: Deed | None

    @property
    def entered(self) -> int | None:
        """From which row on it was certainly inside."""
        return self.put.completion if self.put.is_ok else None

    def covers(self, row: int) -> bool:
        """Whether it was certainly inside."""
        entered, left = self.entered, None if self.take is None else self.take.index
        return entered is not None and entered <= row and (left is None or row < left)

    def inside(self) -> str:
        """When it was certainly inside, in words."""
        begun = "" if self.entered is None else f" from {self.put.ended}, when its {self.put.f} returned"
        until = "; nobody known took it" if self.take is None else f", until {self.take.began}"
        return f"{self.element} was certainly inside{begun}{until}"


class _Telling:
    """What takes part in a broken rule: each teller's first text is the summary, the others say why."""

    def __init__(self, operations: polars.DataFrame, where: str, found: Iterable[tuple[Deed, str]]) -> None:
        self.operations = operations
        self.where = where
        self.by_role: dict[str, list[Deed]] = {}
        for deed, role in found:
            self.by_role.setdefault(role, []).append(deed)

    def one(self, role: str) -> Deed:
        return self.by_role[role][0]

    def stays(self, put: str = "put", take: str = "take") -> list[_Stay]:
        """The elements that were put in and taken in these roles, by when they were certainly inside."""
        takes = {_element(deed): deed for deed in self.by_role.get(take, [])}
        stays = [_Stay(_element(deed), deed, takes.get(_element(deed))) for deed in self.by_role.get(put, [])]
        return sorted(stays, key=lambda stay: stay.entered or stay.put.index)

    def never_put(self) -> list[str]:
        (take,) = (deed for group in self.by_role.values() for deed in group)
        element = self._never_added(take) if take.f in _READS else _element(take)
        tried = self.operations["argument"].list.first() == element
        puts = self.operations["f"].cast(str).is_in(["enqueue", "push", "add"])
        suspects = deeds(self.operations.filter(tried & puts & on_key(self.operations, take.key)).head(1))
        why = "nobody ever tried to put it there"
        if suspects:
            why = f"its {suspects[0].f} had failed at {_end(suspects[0])}, so that it never happened"
        return [f"{element} was in {self.where}, and {why}"]

    def _never_added(self, read: Deed) -> int:
        """The first element of a read of a whole set that nobody can have added."""
        is_add = (self.operations["f"].cast(str) == "add") & (self.operations["type"].cast(str) != "fail")
        added = set(self.operations.filter(is_add)["argument"].list.first())
        return next(element for element in read.value or () if element not in added)

    def subject(self, add: Deed) -> str:
        """What an element of a set is called."""
        return self.where if self.where.startswith("element") else f"element {_element(add)} of {self.where}"

    def taken_twice(self) -> list[str]:
        first, second = self.by_role["take"][:2]
        took = [f"{_who(deed)} took it out by {_end(deed)}" for deed in (first, second)]
        return [f"{_element(first)} was put into {self.where} once, and came out twice", " and ".join(took)]

    def taken_before_put(self) -> list[str]:
        put, take = self.one("put"), self.one("take")
        return [f"{_element(take)} came out of {self.where} by {_end(take)}, before its {put.f} began at {put.began}"]

    def overtaken(self) -> list[str]:
        first, second = self.stays("put-first", "take-first")[0], self.stays()[0]
        assert first.take is not None, "the rule is about elements that were taken"
        assert second.take is not None, "the rule is about elements that were taken"
        return [
            f"{first.element} went into {self.where} before {second.element}, and came out after it",
            f"{first.element} went in first: its {first.put.f} had returned at {_end(first.put)}, and the"
            f" {second.put.f} of {second.element} began at {second.put.began}",
            f"{second.element} came out first: its {second.take.f} had returned at {_end(second.take)}, and the"
            f" {first.take.f} of {first.element} began at {first.take.began}",
        ]

    def left_behind(self) -> list[str]:
        before, second = self.stays("put-first", "take-first"), self.stays()[0]
        assert second.take is not None, "the rule is about an element that was taken"
        which = listed((stay.element for stay in before[:5]), len(before))
        unknown = len(self.by_role.get("may-have-taken", []))
        return [
            f"{second.element} came out of {self.where} though {which} had gone in before and"
            f" {'was' if len(before) == 1 else 'were'} still there",
            f"{which} had gone in by {_end(before[-1].put)}, before the"
            f" {second.put.f} of {second.element} began at {second.put.began}",
            _unknown(unknown, second.take, f"when {second.element} came out at {_end(second.take)}"),
        ]

    def not_empty(self) -> list[str]:
        empty = self.one("empty")
        stays, unknown = self.stays(), len(self.by_role.get("may-have-taken", []))
        told = [f"{self.where} was found empty while something was certainly inside, all the time"]
        told += [stay.inside() for stay in stays[:_TOLD]]
        if any(stay.take is None for stay in stays):
            told.append(_unknown(unknown, empty, f"when {_who(empty)} had found nothing by {_end(empty)}"))
        return told

    def entangled(self) -> list[str]:
        stays, unknown = self.stays(), len(self.by_role.get("may-have-taken", []))
        which = listed((stay.element for stay in stays[:5]), len(stays))
        told = [f"no order of the puts and takes of {which} leaves {self.where} with the last one in coming out first"]
        told.append("whichever of them went in first came out last, when none of the others was inside")
        told += [text for stay in stays[:_TOLD] if (text := _in_the_way(stay, stays))]
        if unknown:
            takes = several(unknown, "take of unknown end is", "takes of unknown end are")
            told.append(f"{takes} too few, or too late, to help")
        return told

    def seen_out_of_time(self) -> list[str]:
        add, deletes = self.one("put"), self.by_role.get("take", [])
        subject = self.subject(add)
        seen = min(self.by_role.get("seen", deletes), key=occurred)
        if seen.completion is not None and seen.completion < add.index:
            return [f"{subject} was seen by {_end(seen)}, before its {add.f} began at {add.began}"]
        return [f"{subject} was seen after a remove had found it, which returned at {_end(deletes[0])}"]

    def seen_and_unseen(self) -> list[str]:
        between = min((*self.by_role.get("unseen", []), *self.by_role.get("take", [])), key=occurred)
        there = sorted((*self.by_role["put"], *self.by_role.get("seen", [])), key=occurred)
        what = "was not seen" if between.f == "contains" else "was removed"
        return [
            f"{self.where} {what} between two operations that found it there, and was added only once",
            f"it was there by {_end(there[0])}, and was still there at {_last_begun(there).began};"
            f" {_who(between)} ran from {between.began} to {_end(between)}",
        ]

    def vanished(self) -> list[str]:
        there = sorted((*self.by_role["put"], *self.by_role.get("seen", [])), key=occurred)
        unseen, removes = self.one("unseen"), self.by_role.get("take", [])
        subject = self.subject(self.one("put"))
        for later in self.by_role.get("put-first", []):
            return [
                f"{subject} was not seen, though {_element(later)} was, which was added after it",
                f"it was there by {_end(there[0])}, before the add of {_element(later)} began at"
                f" {later.began}; {_who(unseen)} saw {_element(later)} and not {_element(there[0])}",
            ]
        told = [
            f"{subject} was there by {_end(there[0])}, and was not seen from {unseen.began} to"
            f" {_end(unseen)}, though nothing can have removed it"
        ]
        if not removes:
            return [*told, "no remove had begun by then"]
        last = _last_begun(there).began
        return [*told, f"every remove that had begun by then had ended before {last}, when it was still there"]

    def forked(self) -> list[str]:
        one, other = self.one("seen"), self.one("unseen")
        only = [_element(add) for add in self.by_role["put"]]
        sides = [[element for element in only if element in (deed.value or ())] for deed in (one, other)]
        return [
            f"two reads of {self.where}, to which elements are only added, each saw an element that the other did not",
            f"{_who(one)} saw {_some(sides[0])} and not {_some(sides[1])}, {_who(other)} the other way round",
        ]


def _some(elements: list[int]) -> str:
    return ", ".join(map(str, elements))


def _sentence(deed: Deed) -> str:
    """What one operation did; of long lists only how many elements they have."""
    if deed.value is None or len(deed.value) <= _SHOWN or deed.ended is None:
        return sentence(deed)
    begun, _, _ = sentence(deed).partition(" and got ")
    return f"{begun} and got {len(deed.value):,} elements at {deed.ended}."


def _element(deed: Deed) -> int:
    return (deed.argument or deed.value or (0,))[0]


def _who(deed: Deed) -> str:
    return f"process {deed.process}'s {deed.f}"


def _end(deed: Deed) -> str:
    return deed.ended or deed.began


def _last_begun(there: list[Deed]) -> Deed:
    return max(there, key=lambda deed: deed.index)


def _unknown(count: int, taker: Deed, when: str) -> str:
    if count == 0:
        return f"no {taker.f} of which nobody knows what it took had begun {when}"
    takes = several(count, f"{taker.f} of which nobody knows what it", f"{taker.f}s of which nobody knows what they")
    return f"only {takes} took had begun {when}"


def _in_the_way(stay: _Stay, stays: list[_Stay]) -> str | None:
    """Which others are certainly inside all the time while an element is put in, or while it is taken."""
    others = [other for other in stays if other is not stay]
    for deed in (stay.put, stay.take):
        if deed is None or deed.completion is None or not deed.is_ok:
            continue
        row: int | None = deed.index
        ways: list[str] = []
        while row is not None and row < deed.completion:
            at = row
            covering = [other for other in others if other.covers(at)]
            if not covering:
                break
            longest = max(covering, key=lambda other: float("inf") if other.take is None else other.take.index)
            ways.append(str(longest.element))
            row = None if longest.take is None else longest.take.index
        else:
            was = "was" if len(ways) == 1 else "one after the other, were"
            return (
                f"it is not {stay.element}: while its {deed.f} ran, from {deed.began} to {_end(deed)},"
                f" {' and '.join(ways)} {was} certainly inside"
            )
    return None


_RULES: Final[Mapping[Rule, tuple[str, Callable[[_Telling], list[str]], str]]] = {
    "never-put": ("unexpected element", _Telling.never_put, "what comes out has been put in"),
    "taken-twice": ("duplicated element", _Telling.taken_twice, "what has come out is gone"),
    "taken-before-put": ("element from the future", _Telling.taken_before_put, "what comes out has been put in"),
    "overtaken": ("overtaken element", _Telling.overtaken, _FIFO),
    "left-behind": ("element left behind", _Telling.left_behind, _FIFO),
    "not-empty": ("false empty", _Telling.not_empty, "what finds nothing does so at an instant when nothing is inside"),
    "entangled": ("entangled elements", _Telling.entangled, _LIFO),
    "never-added": ("unexpected element", _Telling.never_put, "what is in a set has been added"),
    "seen-out-of-time": (
        "element from the future",
        _Telling.seen_out_of_time,
        "an element is in a set after it was added, until it is removed",
    ),
    "seen-and-unseen": (
        "flickering element",
        _Telling.seen_and_unseen,
        "an element that is added once is there once, from its add to its remove",
    ),
    "forked": ("forked set", _Telling.forked, "reads of a set stand in one order, each with all of those before it"),
    "vanished": ("vanished element", _Telling.vanished, "an element that was added is there until it is removed"),
}
