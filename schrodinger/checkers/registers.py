"""Promises about registers that need no real time: sequential consistency, and the session guarantees.

Linearizability judges each key by itself; these judge all keys together, by the order in which each process did its
operations and by who read what. The work is native (``schrodinger_native.check_sequential`` and
``check_session_guarantees``); the modules there say what is decided exactly, and by which definitions.

An ``info`` operation may have happened at any time after its call, or never; one that failed did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

from schrodinger_native import check_sequential, check_session_guarantees
from schrodinger_native.results import Guarantee

from schrodinger.checkers.findings import verdict_of

if TYPE_CHECKING:
    from schrodinger.checkers.verdict import Verdict
    from schrodinger.history import History

GUARANTEES: Final[tuple[Guarantee, ...]] = get_args(Guarantee)


@dataclass(frozen=True, slots=True)
class Sequential:
    """All registers together are sequentially consistent: one order of everything keeps that of each process.

    To decide that is NP-complete. Where all values of a key differ nearly everything is inferred; the rest is a search
    with a budget, and *unknown* when that ends.

    Attributes:
        initial: what every key holds at first; ``None`` is nil.
        max_steps: how many operations the search may put in order, those taken back included.
        max_bytes: how much memory the search may hold.
        read: what reading is called in the history, and ``write`` and ``cas`` the others.
        name: the name in verdicts.
    """

    initial: int | None = None
    max_steps: int = 200_000_000
    max_bytes: int = 2_000_000_000
    read: str = "read"
    write: str = "write"
    cas: str = "cas"
    name: str = "sequential"

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_sequential(
            history.file,
            initial=self.initial,
            read=self.read,
            write=self.write,
            cas=self.cas,
            max_steps=self.max_steps,
            max_bytes=self.max_bytes,
        )
        return verdict_of(self.name, history, found)


@dataclass(frozen=True, slots=True)
class SessionGuarantees:
    """What a process may rely on about what it did and saw itself (Terry et al., 1994), each guarantee by its name.

    What nobody can tell apart is named together: a process that sees two writes of another in the wrong order breaks
    ``monotonic-reads+monotonic-writes``. All four together are causal consistency, which is decided when all are asked
    for (``all-together``).

    Attributes:
        guarantees: which of them were promised; all four when left out.
        initial: what every key holds at first; ``None`` is nil.
        read: what reading is called in the history, and ``write`` and ``cas`` the others.
        name: the name in verdicts.
    """

    guarantees: tuple[Guarantee, ...] = GUARANTEES
    initial: int | None = None
    read: str = "read"
    write: str = "write"
    cas: str = "cas"
    name: str = "session-guarantees"

    def check(self, history: History) -> Verdict:
        """Judge the whole history. Raises ValueError when no guarantee has the name, or none is named."""
        found = check_session_guarantees(
            history.file,
            guarantees=list(self.guarantees),
            initial=self.initial,
            read=self.read,
            write=self.write,
            cas=self.cas,
        )
        return verdict_of(self.name, history, found)
