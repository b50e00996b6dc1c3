"""Faults of system calls on a database's files: they fail, take long, or are said to be done and are not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis.invalid import InvalidValueError, choices, require_integer
from schrodinger.nemesis.node_fault import NodeFault
from schrodinger.nemesis.targets import minorities, node_sets

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.targets import Targets

CALLS = ("sync", "open", "rename", "resize")
"""Classes of calls: making data last, opening a file to change it, giving it another name or another size."""

ERRORS = ("EIO", "ENOSPC", "EROFS", "EDQUOT")
"""What storage fails with."""

_EVERY = (1, 2, 5, 20)
_DELAYS_MS = (5, 20, 100, 500, 2000)


@dataclass(frozen=True, slots=True, repr=False)
class _CallFault(NodeFault):
    """What faults of classes of calls share."""

    calls: frozenset[str]

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        object.__setattr__(self, "calls", _calls(self.calls))

    @property
    def _of_calls(self) -> str:
        return ", ".join(name for name in CALLS if name in self.calls)


def _calls(given: object) -> frozenset[str]:
    if not isinstance(given, Collection) or isinstance(given, str) or not given:
        raise InvalidValueError("calls", given, "no class of calls", choices("", CALLS))
    for name in given:
        if name not in CALLS:
            raise InvalidValueError("calls", name, "no such class of calls", choices(name, CALLS))
    return frozenset(given)


def _classes() -> SearchStrategy[frozenset[str]]:
    """Syncs, half of the time alone: the other classes are rare once a database runs, and might not be met at all."""
    masks = st.integers(1, 2 ** (len(CALLS) - 1) - 1)
    others = masks.map(lambda mask: frozenset(name for index, name in enumerate(CALLS[1:]) if mask >> index & 1))
    return st.one_of(st.just(frozenset({"sync"})), others.map(lambda classes: classes | {"sync"}))


@dataclass(frozen=True, slots=True, repr=False)
class IoError(_CallFault):
    """Every so many-th of these calls of the targets fails, and is not made. Databases may give up over that."""

    kind: ClassVar[str] = "io-error"

    error: str
    every: int

    def __post_init__(self) -> None:
        _CallFault.__post_init__(self)
        if self.error not in ERRORS:
            raise InvalidValueError("error", self.error, "not an error of storage", choices(self.error, ERRORS))
        require_integer("every", self.every, at_least=1, remedy="give 1 for every call, 5 for every fifth")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader; EIO more often than the others."""
        errors = st.sampled_from(("EIO", "EIO", *ERRORS))
        return st.builds(cls, node_sets(targets), _classes(), errors, st.sampled_from(_EVERY))

    @property
    def upsets(self) -> frozenset[str]:
        """The targets."""
        return self.targets

    @property
    def measure(self) -> str:
        """``EIO to every 5th sync``."""
        which = "every" if self.every == 1 else f"one in {self.every}"
        return f"{self.error} to {which} {self._of_calls}"


@dataclass(frozen=True, slots=True, repr=False)
class IoDelay(_CallFault):
    """Each of these calls of the targets takes so much longer."""

    kind: ClassVar[str] = "io-delay"

    delay_ms: int

    def __post_init__(self) -> None:
        _CallFault.__post_init__(self)
        require_integer("delay_ms", self.delay_ms, at_least=1, remedy="give milliseconds, such as 20")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """One, some, all, or the leader."""
        return st.builds(cls, node_sets(targets), _classes(), st.sampled_from(_DELAYS_MS))

    @property
    def measure(self) -> str:
        """``20 ms for each sync``."""
        return f"{self.delay_ms} ms for each {self._of_calls}"


@dataclass(frozen=True, slots=True, repr=False)
class LyingSync(NodeFault):
    """The targets' disks say that a sync is done and do nothing, so a loss of power takes what was synced as well.

    That is no fault of the database. It is drawn for the same minority of the nodes all through a schedule, so that a
    majority keeps what it has acknowledged; protocols that count on every vote that was written down can fail even so.
    """

    kind: ClassVar[str] = "lying-sync"
    needs_disks: ClassVar[bool] = True

    @property
    def wrecks(self) -> frozenset[str]:
        """The targets, should they lose their power: what is missing then cannot be made up for."""
        return self.targets

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """Some of a minority; none where there is no minority."""
        minority = minorities(targets)
        return minority.map(cls) if minority is not None and targets.disks else None
