"""Input and output that fails, takes long, or is a lie: system calls of the database about files in its data directory.

``io-error`` and ``io-delay`` are about classes of calls (:data:`~schrodinger_agent.supervision.calls.CLASSES`);
``lying-sync`` answers every sync that it is done, and none is made, as disks with a forgetful cache do: harmless until
the power is lost. The calls are counted as they are answered; that is the evidence.
"""

from __future__ import annotations

import errno
from abc import abstractmethod
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

from schrodinger_agent.errors import InvalidRequest
from schrodinger_agent.injectors.conditions import Condition, no_more, number, only
from schrodinger_agent.supervision.calls import CLASSES
from schrodinger_agent.supervision.rules import Answer, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schrodinger_agent.target import Target

_ERRORS: Final = ("EIO", "ENOSPC", "EROFS", "EDQUOT")
"""What storage fails with."""

_LONGEST_MS: Final = 60_000

_COUNTS: Final = "counts"

Calls: TypeAlias = tuple[tuple[int, ...], ...]
"""A setting: for each rule its numbers, then the classes of calls by their positions."""


class _Answered(Condition[Calls]):
    """What the three have in common: a rule for the target's supervisor."""

    needs: ClassVar[frozenset[str]] = frozenset({"supervision"})

    @abstractmethod
    def rule(self, numbers: tuple[int, ...]) -> Rule:
        """The rule that the numbers of a setting stand for."""

    def combined(self, settings: Sequence[Calls]) -> Calls:
        """All the rules."""
        return tuple(sorted(set(chain.from_iterable(settings))))

    async def begin(self, target: Target, setting: Calls) -> None:
        """Set the rules."""
        target.rules.set(self.kind, self._rules(setting))
        target.rules_changed()

    async def end(self, target: Target) -> None:
        """Take them back; what waits for them is let go."""
        target.rules.set(self.kind, ())
        target.rules_changed()

    async def problem(self, target: Target, setting: Calls) -> str:
        """The rules must be there; that they are followed is counted."""
        return "" if target.rules.of(self.kind) == self._rules(setting) else "the supervisor has other rules"

    def measure(self, target: Target) -> dict[str, Any]:
        """Rule by rule the calls that it was asked about, and those that got its answer."""
        return {_COUNTS: target.rules.counts(self.kind)}

    def told(self, setting: Calls, measured: Mapping[str, Any]) -> Mapping[str, Any]:
        """The calls of the fault's own rule, whatever other rules there were."""
        (rule,) = self._rules(setting)
        met, answered = measured.get(_COUNTS, {}).get(rule, (0, 0))
        others = {name: value for name, value in measured.items() if name != _COUNTS}
        return {**others, "calls": met, "answered": answered}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Calls answered."""
        return int(measured.get("answered", 0))

    def _rules(self, setting: Calls) -> tuple[Rule, ...]:
        return tuple(self.rule(numbers) for numbers in setting)

    def _classes(self, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        value = parameters.get("calls")
        known = ", ".join(CLASSES)
        if not isinstance(value, list) or not value:
            raise InvalidRequest(f"{self.kind}: 'calls' is {value!r}: give a list of at least one of {known}")
        for name in value:
            if name not in CLASSES:
                raise InvalidRequest(f"{self.kind}: 'calls' names {name!r}, which is none: use {known}")
        return tuple(sorted({CLASSES.index(name) for name in value}))


def _named(positions: Sequence[int]) -> frozenset[str]:
    return frozenset(CLASSES[position] for position in positions)


@final
class IoError(_Answered):
    """The failing calls of one cluster. The numbers: every so many-th, which error, which classes."""

    kind: ClassVar[str] = "io-error"
    mechanism: ClassVar[str] = "seccomp user notification, answered with an error"

    def setting(self, parameters: Mapping[str, Any]) -> Calls:
        """``calls``, ``error`` and ``every``."""
        only(self.kind, parameters, ("calls", "error", "every"))
        error = parameters.get("error")
        if error not in _ERRORS:
            raise InvalidRequest(f"{self.kind}: 'error' is {error!r}: use {', '.join(_ERRORS)}")
        every = number(self.kind, parameters, "every", 1, 1_000_000)
        return ((every, getattr(errno, error), *self._classes(parameters)),)

    def rule(self, numbers: tuple[int, ...]) -> Rule:
        """Every so many-th call fails."""
        every, error, *classes = numbers
        return Rule(_named(classes), Answer(error=error), every)


@final
class IoDelay(_Answered):
    """The slow calls of one cluster. The numbers: milliseconds, and the classes."""

    kind: ClassVar[str] = "io-delay"
    mechanism: ClassVar[str] = "seccomp user notification, answered after a while"

    def setting(self, parameters: Mapping[str, Any]) -> Calls:
        """``calls`` and ``delay_ms``."""
        only(self.kind, parameters, ("calls", "delay_ms"))
        delay_ms = number(self.kind, parameters, "delay_ms", 1, _LONGEST_MS)
        return ((delay_ms, *self._classes(parameters)),)

    def rule(self, numbers: tuple[int, ...]) -> Rule:
        """Each call takes so much longer."""
        delay_ms, *classes = numbers
        return Rule(_named(classes), Answer(delay_ns=delay_ms * 1_000_000))


@final
class LyingSync(_Answered):
    """The disks of one cluster that lie. There is but one setting."""

    kind: ClassVar[str] = "lying-sync"
    mechanism: ClassVar[str] = "seccomp user notification, answered as if it were done"

    def setting(self, parameters: Mapping[str, Any]) -> Calls:
        """No parameters."""
        no_more(self.kind, parameters)
        return ((),)

    def rule(self, numbers: tuple[int, ...]) -> Rule:  # noqa: ARG002 - there is but one
        """No sync is made."""
        return Rule(frozenset({"sync"}), Answer(lie=True))
