"""Verdicts: what a run proved, and how several proofs combine.

A verdict is one of four words, each with its reasons. Precedence, strongest first: a *violation* is never masked by
anything; an *infrastructure error* is never reported as a violation; *unknown* always says why; only a run with none
of these is *valid*.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - cattrs reads the annotations
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schrodinger.history import History


class Validity(StrEnum):
    """The four possible results of a run."""

    VALID = "valid"
    VIOLATION = "violation"
    UNKNOWN = "unknown"
    INFRASTRUCTURE_ERROR = "infrastructure-error"

    @property
    def exit_code(self) -> int:
        """The exit status of a command that ends with this verdict (2 is usage, 130 is interrupted)."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Validity.VALID: 0,
    Validity.VIOLATION: 1,
    Validity.UNKNOWN: 3,
    Validity.INFRASTRUCTURE_ERROR: 4,
}
_PRECEDENCE = (Validity.VIOLATION, Validity.INFRASTRUCTURE_ERROR, Validity.UNKNOWN, Validity.VALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Involved:
    """One operation that takes part in an anomaly, as the report draws it.

    ``start_ns`` and ``end_ns`` are on the history's clock; ``end_ns`` is ``None`` for an operation that never
    completed. ``index`` is the history row of the invocation. ``role`` says what it does in the story, for example
    ``"stale read"``.
    """

    index: int
    process: int
    label: str
    outcome: str
    start_ns: int
    end_ns: int | None
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Why one operation comes before another, as the report draws it: an edge of the graph of an anomaly.

    ``earlier`` and ``later`` are the ``index`` of operations that take part. ``kind`` is ``ww`` (was overwritten by),
    ``wr`` (was observed by), ``rw`` (missed what is by: an anti-dependency), ``process``, ``realtime`` or ``seen``
    (whoever had seen it read an older version, by); ``why`` says it in words.
    """

    earlier: int
    later: int
    kind: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One thing that the promised consistency does not allow: its name, a sentence, its story, who took part.

    ``dependencies`` are what makes a cycle of it, in order, where it is one.
    """

    name: str
    summary: str
    story: tuple[str, ...] = ()
    operations: tuple[Involved, ...] = ()
    dependencies: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one checker concluded.

    ``reasons`` explains anything that is not valid; ``statistics`` are plain JSON values; ``parts`` are the verdicts
    that this one combines. A violation is ``provisional`` when a longer history might still explain it.
    """

    validity: Validity
    checker: str
    reasons: tuple[str, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    statistics: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Verdict, ...] = ()
    provisional: bool = False

    def __post_init__(self) -> None:
        assert self.validity is Validity.VALID or self.reasons, f"a verdict of {self.validity} needs a reason"


class Checker(Protocol):
    """Decides whether a history is possible. Never raises on a strange history: it says what is wrong with it."""

    @property
    def name(self) -> str:
        """The name in verdicts and reports."""
        ...

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        ...


@runtime_checkable
class Online(Checker, Protocol):
    """A checker that can judge a history which is still being written, and so end a run at the first violation."""

    @property
    def violations_are_final(self) -> bool:
        """Whether a violation in the beginning of a history is one in every continuation, unless it is provisional."""
        ...


def combine(parts: Iterable[Verdict], *, checker: str = "all") -> Verdict:
    """One verdict for many, by precedence; reasons and anomalies of every part are kept, the decisive ones first."""
    ordered = sorted(parts, key=lambda verdict: _PRECEDENCE.index(verdict.validity))
    assert ordered, "nothing to combine"
    return Verdict(
        validity=ordered[0].validity,
        checker=checker,
        reasons=tuple(reason for part in ordered for reason in part.reasons),
        anomalies=tuple(anomaly for part in ordered for anomaly in part.anomalies),
        parts=tuple(ordered),
        provisional=all(part.provisional for part in ordered if part.validity is ordered[0].validity),
    )
