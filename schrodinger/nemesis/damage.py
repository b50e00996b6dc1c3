"""Damage to what a node has stored: files that are not as they were written, or as they were some time ago.

It does not heal. So it is drawn for the same minority of the nodes all through a schedule, and not for clusters without
one: a good copy survives on a majority. A plan that is written by hand may damage whomever it likes. A database whose
files are damaged may refuse to start; what it may not do is to tell wrong things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis.invalid import InvalidValueError, choices, require_integer
from schrodinger.nemesis.node_fault import NodeFault
from schrodinger.nemesis.targets import minorities

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.targets import Targets

HOWS = ("flip", "tear", "lose", "truncate")
"""A bit flips; of a block only the first sectors were written; a block was not; the end of a file is missing."""

ALL_FILES = "*"

_SPOTS = (1, 3, 10, 100)
_LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, repr=False)
class _Damage(NodeFault):
    """What both share: ``files`` is a pattern of paths in the data directory, in which ``*`` stands for anything."""

    needs_disks: ClassVar[bool] = True

    files: str

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        if not 0 < len(self.files) <= 100:
            raise InvalidValueError("files", self.files, "no pattern of paths", 'give one, such as "*" or "*.wal"')

    @property
    def upsets(self) -> frozenset[str]:
        """The targets."""
        return self.targets

    @property
    def wrecks(self) -> frozenset[str]:
        """The targets."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class FileDamage(_Damage):
    """The targets are killed, so many spots of their files are damaged, and they stay down until the event ends."""

    kind: ClassVar[str] = "file-damage"

    how: str
    spots: int
    seed: int

    def __post_init__(self) -> None:
        _Damage.__post_init__(self)
        if self.how not in HOWS:
            raise InvalidValueError("how", self.how, "no such damage", choices(self.how, HOWS))
        require_integer("spots", self.spots, at_least=1, remedy="give how many spots, such as 3")
        require_integer("seed", self.seed, at_least=0, remedy="give what the spots are drawn from")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """Any damage to some of a minority."""
        minority = minorities(targets)
        if minority is None or not targets.disks:
            return None
        seeds = st.integers(0, _LARGEST_SEED)
        return st.builds(cls, minority, st.just(ALL_FILES), st.sampled_from(HOWS), st.sampled_from(_SPOTS), seeds)

    @property
    def ends(self) -> frozenset[str]:
        """The targets."""
        return self.targets

    @property
    def measure(self) -> str:
        """``3 x flip``."""
        return f"{self.spots} x {self.how}"


@dataclass(frozen=True, slots=True, repr=False)
class RollBack(_Damage):
    """When the event ends the targets' files are what they were when it began, as if restored from an old copy.

    Both edges stop the database for a moment. Everything that a node has promised meanwhile, votes too, is forgotten:
    no protocol that counts on stable storage stands that for sure, so read a violation with care.
    """

    kind: ClassVar[str] = "roll-back"

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """All files of some of a minority."""
        minority = minorities(targets)
        return st.builds(cls, minority, st.just(ALL_FILES)) if minority is not None and targets.disks else None
