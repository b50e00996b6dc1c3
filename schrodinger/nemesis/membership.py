"""Members that leave the database's cluster and come back to it with nothing, while it runs.

Changing who votes is the part of a consensus protocol that is easiest to get wrong: the single-server changes of Raft's
thesis had a hole for years (Ongaro, raft-dev, 2015). Members change one at a time, as every protocol wants it, through
what the suite knows of its database. So that a cluster is never taken apart by its tester, each change says how many
members must remain, and is left out where fewer would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis.faults import Departure
from schrodinger.nemesis.invalid import InvalidValueError, require_integer
from schrodinger.nemesis.node_fault import NodeFault
from schrodinger.nemesis.targets import minority

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.targets import Targets


@dataclass(frozen=True, slots=True, repr=False)
class _MemberChange(NodeFault):
    """What both share. ``keep`` is how many members must remain beside the one that goes."""

    needs_membership: ClassVar[bool] = True
    returns_at_once: ClassVar[bool]

    keep: int

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        if len(self.targets) > 1:
            raise InvalidValueError("targets", self.targets, "members change one at a time", "give one node")
        require_integer("keep", self.keep, at_least=1, remedy="give how many members must remain, such as 3")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One of a minority, the same all through a schedule; a majority of all nodes is kept."""
        leaving = minority(targets)
        if not leaving or not targets.membership:
            return None
        keep = len(targets.nodes) // 2 + 1
        return st.sampled_from(leaving).map(lambda node: cls(frozenset({node}), keep))

    @property
    def departure(self) -> Departure | None:
        """Of the one target."""
        (node,) = self.targets
        return Departure(node=node, keep=self.keep, returns_at_once=self.returns_at_once)

    @property
    def measure(self) -> str:
        """``keeping 3``."""
        return f"keeping {self.keep}"

    @property
    def ends(self) -> frozenset[str]:
        """The target."""
        return self.targets

    @property
    def upsets(self) -> frozenset[str]:
        """The target: who is told that it is no member any more may end by itself."""
        return self.targets


@dataclass(frozen=True, slots=True, repr=False)
class MemberLeave(_MemberChange):
    """The target is no member until the event ends: it is taken off the list, killed, and all that it stored is erased.

    Then it joins again, as a new member that has nothing.
    """

    kind: ClassVar[str] = "member-leave"
    returns_at_once: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, repr=False)
class MemberReplace(_MemberChange):
    """The target is replaced by a new member that has nothing, and that is started only when the event ends.

    Until then the cluster counts on a member that nobody has ever heard.
    """

    kind: ClassVar[str] = "member-replace"
    returns_at_once: ClassVar[bool] = True
