"""Two blocks of a register, each of which would have to come before the other: why no order explains what it returned.

Where all written values differ, the operations on one value (its write, what read it, and by compare-and-set the value
that replaced it, and so on) stand together in every order that explains them: they are a block. One block must come
before another when the first of it to end had ended before the last of the other began; what the register holds at
first comes before all. After Gibbons and Korach ("Testing shared memories", 1997), as the native checker decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schrodinger.checkers.deed import Deed

AT_FIRST: Final = None
"""Stands for the deed that put into a register what it holds at first: nobody's."""


class Touched(NamedTuple):
    """An operation with the value that it found, if it tells, and the one that it left, if it wrote."""

    deed: Deed
    found: str | None
    left: str | None


@dataclass(slots=True)
class Block:
    """The operations that stand together, and the values that the register holds meanwhile."""

    values: list[str]
    deeds: list[Deed]
    is_first: bool

    @property
    def earliest(self) -> Deed | None:
        """The operation that is the first to end; ``AT_FIRST`` before all of them; of unknown end none does."""
        ended = [deed for deed in self.deeds if deed.is_ok and deed.completion is not None]
        return AT_FIRST if self.is_first else min(ended, key=lambda deed: deed.completion or 0, default=AT_FIRST)

    @property
    def latest(self) -> Deed:
        """The operation that is the last to begin."""
        return max(self.deeds, key=lambda deed: deed.index)

    def must_precede(self, other: Block) -> bool:
        """Whether something of this block had ended before something of the other began."""
        if self.is_first:
            return not other.is_first
        first = self.earliest
        return first is not None and first.completion is not None and first.completion < other.latest.index


def conflict(operations: Iterable[Touched], initial: str) -> tuple[Block, Block] | None:
    """Two blocks each of which must precede the other. ``None`` where there are none, or values are written twice."""
    blocks: dict[str, Block] = {initial: Block([initial], [], is_first=True)}
    operations = list(operations)
    for deed, _, left in operations:
        if left is not None and left in blocks:
            return None
        if left is not None:
            blocks[left] = Block([left], [deed], is_first=False)
    for deed, found, left in operations:
        if found is not None and left is not None:
            _chain(blocks, found, left)
        elif found in blocks:
            blocks[found].deeds.append(deed)
    distinct = {id(block): block for block in blocks.values() if block.deeds}
    for one, other in permutations(distinct.values(), 2):
        if one.must_precede(other) and other.must_precede(one):
            return one, other
    return None


def _chain(blocks: dict[str, Block], found: str, left: str) -> None:
    """A compare-and-set makes one block of that in which it found a value and that of the value that it left."""
    before, after = blocks.get(found), blocks[left]
    if before is None or before is after:
        return
    before.values += after.values
    before.deeds += after.deeds
    for value in after.values:
        blocks[value] = before
