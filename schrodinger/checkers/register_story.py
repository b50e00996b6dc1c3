"""The story of a register that could not be linearized, for someone at three in the morning.

The native checker names the operation whose return no order can explain, a smallest set of operations that shows it,
and what the register held on each way that got so far. This module gives the anomaly its name, by what the operation
needed and where that could have come from, and tells the operations one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schrodinger.checkers.deed import Deed, deeds, lapse, look_up, occurred, on_key
from schrodinger.checkers.object_story import left_out
from schrodinger.checkers.register_blocks import Touched, conflict
from schrodinger.checkers.verdict import Anomaly

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars
    from schrodinger_native.results import Failure

STALE_READ: Final = "stale read"
FAILED_WRITE: Final = "read of a failed write"
NEVER_WRITTEN: Final = "read of a value never written"
FUTURE_WRITE: Final = "read from the future"
IMPOSSIBLE_SWAP: Final = "impossible compare-and-set"
NOT_LINEARIZABLE: Final = "not linearizable"

_ROLES: Final = {"source": "wrote the value", "overwrite": "wrote another value", "observer": "saw a value"}


def register_anomaly(
    operations: polars.DataFrame, failure: Failure, *, read: str, initial: int | None = None
) -> Anomaly:
    """The anomaly of a ``failure`` as ``check_linearizable`` describes it.

    Reads are called ``read`` in the history, and the register holds ``initial`` at first.
    """
    return _Telling(operations, failure, read, initial).anomaly()


class _Telling:
    def __init__(self, operations: polars.DataFrame, failure: Failure, read: str, initial: int | None) -> None:
        self.read = read
        self.initial = "nil" if initial is None else str(initial)
        self.failure = failure
        self.roles = {entry["row"]: entry["role"] for entry in failure["witness"]}
        found = look_up(operations, [failure["blocked"], *self.roles])
        self.blocked = found[failure["blocked"]]
        self.witness = sorted((found[row] for row in self.roles), key=occurred)
        self.needs = self._needs(self.blocked)
        self.left_out = left_out(operations, failure, self._place())
        self.was_written_before, self.suspects = self._writers(operations)
        self.name = self._name()

    def anomaly(self) -> Anomaly:
        told = [*self.suspects, *(deed for deed in self.witness if deed is not self.blocked), self.blocked]
        told.sort(key=occurred)
        return Anomaly(
            name=self.name,
            summary=self._summary(),
            story=(
                *self.left_out,
                *(self._sentence(deed) for deed in told),
                *self._reason(),
                *self._circle(),
                self._guarantee(),
            ),
            operations=tuple(deed.involved(self._role(deed)) for deed in sorted(told, key=lambda deed: deed.index)),
        )

    def _needs(self, deed: Deed) -> str | None:
        """The value that the register must have held, as text, if it had to hold any."""
        if deed.f == self.read:
            return "nil" if deed.value is None else str(deed.value[0])
        return str(deed.argument[0]) if deed.argument is not None and len(deed.argument) == 2 else None

    def _writes(self, deed: Deed) -> str | None:
        return None if deed.f == self.read or deed.argument is None else str(deed.argument[-1])

    def _writers(self, operations: polars.DataFrame) -> tuple[bool, list[Deed]]:
        """Who wrote what the blocked operation needs, if the witness does not say: it failed, or came later.

        Whether somebody wrote it before the story begins comes first: then it was there once.
        """
        if self.needs in (None, "nil", self.initial) or any(self._writes(deed) == self.needs for deed in self.witness):
            return False, []
        wrote = operations["f"].cast(str) != self.read
        wanted = operations["argument"].list.last() == int(self.needs or 0)
        writers = operations.filter(on_key(operations, self.blocked.key) & wrote & wanted)
        earlier = (writers["type"].cast(str) != "fail") & (writers["index"] < (self.failure["start"] or 0))
        return bool(earlier.any()), [] if earlier.any() else deeds(writers.head(1))

    def _name(self) -> str:
        is_read = self.blocked.f == self.read
        if self.needs is None:
            return NOT_LINEARIZABLE
        is_known = self.needs == self.initial or self.was_written_before
        if not is_known and not any(self._writes(deed) == self.needs for deed in self.witness):
            suspect = next(iter(self.suspects), None)
            if not is_read:
                return IMPOSSIBLE_SWAP
            if suspect is None:
                return NEVER_WRITTEN
            return FAILED_WRITE if suspect.type == "fail" else FUTURE_WRITE
        if is_read and self._missed() is not None:
            return STALE_READ
        return NOT_LINEARIZABLE if is_read else IMPOSSIBLE_SWAP

    def _missed(self) -> Deed | None:
        """The last write that hid the needed value for good.

        It began after the value's own write had ended, and was acknowledged before the blocked operation began.
        """
        sources = [deed for deed in self.witness if self._writes(deed) == self.needs]
        if any(deed.completion is None or not deed.is_ok for deed in sources):
            return None
        ended = max((deed.completion for deed in sources if deed.completion is not None), default=-1)
        missed = None
        for deed in self.witness:
            overwrote = self._writes(deed) not in (None, self.needs) and deed.is_ok and deed.completion is not None
            if overwrote and ended < deed.index and (deed.completion or 0) < self.blocked.index:
                missed = deed
        return missed

    def _role(self, deed: Deed) -> str:
        if deed is self.blocked:
            return "can't be explained" if self.name == NOT_LINEARIZABLE else self.name
        if deed in self.suspects:
            return "failed, so nobody may see it" if deed.type == "fail" else "wrote the value later"
        if self.name == STALE_READ and deed is self._missed():
            return "the write that was missed"
        return _ROLES[self.roles[deed.index]]

    def _place(self) -> str:
        return "the register" if self.blocked.key is None else f"key {self.blocked.key}"

    def _summary(self) -> str:
        place, blocked, missed = self._place(), self.blocked, self._missed()
        capital = place[0].upper() + place[1:]
        if self.name == STALE_READ and missed is not None and missed.end_ns is not None:
            late = f"{lapse(blocked.start_ns - missed.end_ns)} " if blocked.is_timed else ""
            overwrite = f"the write of {self._writes(missed)} had been acknowledged {late}before the read began"
            return f"{capital} read as {self.needs} although {overwrite}."
        if self.name in (NEVER_WRITTEN, FAILED_WRITE, FUTURE_WRITE):
            why = {
                NEVER_WRITTEN: "nobody ever tried to write it",
                FAILED_WRITE: "its write had failed, which means that it never happened",
                FUTURE_WRITE: "its write had not begun when the read ended",
            }
            return f"{capital} read as {self.needs}, and {why[self.name]}."
        if self.name == IMPOSSIBLE_SWAP:
            return f"A compare-and-set of {place} found {self.needs}, which can't have been there."
        return f"No order of {len(self.witness)} operations on {place} explains what they returned."

    def _sentence(self, deed: Deed) -> str:
        who, place = f"Process {deed.process}", self._place()
        start, end = deed.began, deed.ended
        if deed.f == self.read:
            return f"{who} began its read of {place} at {start} and got {self._needs(deed)} at {end}."
        wrote, writing = f"wrote {self._writes(deed)} to", f"write {self._writes(deed)} to"
        if self._needs(deed) is not None:
            swap = f"{self._needs(deed)} by {self._writes(deed)} in"
            wrote, writing = f"replaced {swap}", f"replace {swap}"
        if deed.is_ok:
            return f"{who} began to {writing} {place} at {start} and was acknowledged at {end}."
        if deed.type == "fail":
            return f"{who} tried to {writing} {place} at {start}; that failed at {end}, so it never {wrote} {place}."
        return f"{who} began to {writing} {place} at {start}; nobody knows whether or when it did."

    def _reason(self) -> tuple[str, ...]:
        """What the register held, in every order or in some, where the blocked operation needed something else."""
        held = {entry["state"]: None for entry in self.failure["configurations"]}
        if self.needs is None or not held:
            return ()
        what = "read" if self.blocked.f == self.read else "compare-and-set"
        values = " or ".join(held)
        orders = "whatever order these took effect" if self.failure["exhaustive"] else "some of their orders"
        return (
            f"In {orders}, {self._place()} holds {values} where process"
            f" {self.blocked.process}'s {what} needs {self.needs}.",
        )

    def _circle(self) -> Iterator[str]:
        """The two blocks of operations, and what forces their order both ways."""
        if self.left_out:
            return
        touched = (Touched(deed, self._needs(deed), self._writes(deed)) for deed in self.witness)
        found = conflict(touched, self.initial)
        if found is None:
            return
        for one, other in (found, found[::-1]):
            ended, began = one.earliest, other.latest
            order = f"What touched {' or '.join(one.values)} is before what touched {' or '.join(other.values)}:"
            if ended is None:
                yield f"{order} {self._place()} held {self.initial} at first."
            else:
                yield f"{order} {self._noun(ended)} had ended when {self._noun(began)} began."
        yield "What touched one value stands together in every order, so neither of the two can come first."

    def _noun(self, deed: Deed) -> str:
        """An operation in a few words: ``process 2's read of 47``."""
        found, wrote = self._needs(deed), self._writes(deed)
        what = "read" if deed.f == self.read else "write" if found is None else f"replacement of {found} by"
        of = " of" if found is None or wrote is None else ""
        return f"process {deed.process}'s {what}{of} {wrote or found}"

    def _guarantee(self) -> str:
        missed = self._missed()
        if self.name == STALE_READ and missed is not None:
            value = self._writes(missed)
            rule = f"once {value} was acknowledged, no read that begins later may return what was there before"
        elif self.name in (NEVER_WRITTEN, FAILED_WRITE, FUTURE_WRITE):
            rule = "a read returns the value of a write that took effect before it"
        else:
            rule = "each operation takes effect at one instant between its call and its return"
        return f"Linearizability is broken: {rule}."
