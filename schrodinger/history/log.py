"""Operations on logs: messages are sent to the end of a log, get an offset there, and are polled in that order.

In a history they are steps as those of a transaction, a flat list of integers: code 4 sends, with the offset once it is
known, and code 5 polls, with an offset and a message in turn. From Jepsen's kafka workload.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from schrodinger.history.operation import Completion, Operation, Outcome, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEND: Final = 4
POLL: Final = 5


@dataclass(frozen=True, slots=True)
class Assign(Operation):
    """From now on this client polls these ``logs``, each from its beginning. Complete it with ``ok()``."""

    f: ClassVar[str] = "assign"
    logs: tuple[int, ...]

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return self.logs


@dataclass(frozen=True, slots=True)
class Send(Operation):
    """Put ``element`` at the end of ``log``. Complete it with :meth:`sent`."""

    f: ClassVar[str] = "send"
    log: int
    element: int

    @property
    def argument(self) -> Value:  # noqa: D102 - inherited
        return (SEND, self.log, 1, self.element)

    def ok(self, value: Value = None) -> Completion:  # noqa: ARG002 - it is refused
        """Raises TypeError: it has an offset, which :meth:`sent` takes."""
        raise TypeError("a send is completed by operation.sent(offset)")

    def sent(self, offset: int) -> Completion:
        """It happened; ``offset`` is where the element stands in its log."""
        return Completion(Outcome.OK, (SEND, self.log, 2, offset, self.element))


class _Polling(Operation):
    """What sees messages."""

    __slots__ = ()
    f: ClassVar[str] = "poll"

    def ok(self, value: Value = None) -> Completion:  # noqa: ARG002 - it is refused
        """Raises TypeError: it has seen something, or nothing, which :meth:`polled` takes."""
        raise TypeError("a poll is completed by operation.polled(messages)")

    def polled(self, messages: Mapping[int, Sequence[tuple[int, int]]]) -> Completion:
        """It happened; ``messages`` has (offset, element) of what was polled of each log, in that order."""
        steps: list[int] = []
        for log, found in sorted(messages.items()):
            steps += [POLL, log, 2 * len(found), *(number for message in found for number in message)]
        return Completion(Outcome.OK, tuple(steps))


@dataclass(frozen=True, slots=True)
class Poll(_Polling):
    """Take what comes next in the logs that are assigned, some or nothing. Complete it with :meth:`polled`.

    A client to which nothing is assigned, since it is new in its process, completes it with ``fail``.
    """


@dataclass(frozen=True, slots=True)
class PollAll(_Polling):
    """Take all that is in ``logs``, each from its beginning to its end. Complete it with :meth:`polled`."""

    logs: tuple[int, ...]
