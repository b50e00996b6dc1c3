"""The thread that answers what the kernel asks about the system calls of one incarnation of a database.

Without rules every call is made at once. With rules the file that it is about is looked up: only what is on the
target's data is theirs. Delays overlap: the thread keeps the calls that wait in order of their time, and goes on
answering. A call whose process got a signal meanwhile is asked about again by the kernel, and does not wait twice.
When the last process has ended, the kernel says so, and so ends the thread. See seccomp_unotify(2).
"""

from __future__ import annotations

import fcntl
import heapq
import os
import select
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.supervision.rules import Answer

if TYPE_CHECKING:
    from schrodinger_agent.supervision.calls import Architecture, Call
    from schrodinger_agent.supervision.rules import Rules

_RECEIVE: Final = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV
_SEND: Final = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND
_CONTINUE: Final = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_QUESTION: Final = struct.Struct("=QII iIQ6Q")  # struct seccomp_notif
_RESPONSE: Final = struct.Struct("=QqiI")  # struct seccomp_notif_resp
_PATH_BYTES: Final = 4096
_AT_FDCWD: Final = -100


@dataclass(frozen=True, slots=True)
class _Question:
    """A call of a thread, ``process``, that waits for its answer.

    ``identity`` is the same when the kernel asks again after a signal.
    """

    id: int
    process: int
    number: int
    arguments: tuple[int, ...]

    @property
    def identity(self) -> tuple[int, ...]:
        return (self.process, self.number, *self.arguments)


@final
class Supervisor:
    """Answers as long as the incarnation lives. ``data`` is the directory that the rules are about."""

    def __init__(self, listener: int, architecture: Architecture, rules: Rules, data: str) -> None:
        self._listener = listener
        self._calls = architecture.calls
        self._rules = rules
        self._data = PurePosixPath(data)
        self._waiting: list[tuple[int, int, _Question, Answer]] = []
        self._interrupted: dict[int, tuple[_Question, int]] = {}  # by thread
        self._wake: int | None = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._waking = threading.Lock()

    def start(self) -> None:
        """Begin to answer; the thread ends with the incarnation."""
        threading.Thread(target=self._run, name="supervisor", daemon=True).start()

    def rules_changed(self) -> None:
        """Answer again what waits: it may not have to any more."""
        with self._waking:
            if self._wake is not None:
                os.eventfd_write(self._wake, 1)

    def _run(self) -> None:
        wake = self._wake
        assert wake is not None, "it is closed below"
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(wake, select.POLLIN)
        try:
            while True:
                for descriptor, event in poll.poll(self._until_next_ms()):
                    if descriptor == wake:
                        os.eventfd_read(wake)
                        self._reconsider()
                    elif event & select.POLLIN:
                        self._receive()
                    elif event & select.POLLHUP:
                        return
                self._answer_due()
        finally:
            os.close(self._listener)
            with self._waking:
                self._wake = None
                os.close(wake)

    def _until_next_ms(self) -> float | None:
        if not self._waiting:
            return None
        return max(0.0, (self._waiting[0][0] - time.monotonic_ns()) / 1e6)

    def _receive(self) -> None:
        buffer = bytearray(_QUESTION.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, buffer)
        except OSError:  # it was killed, or had a signal, before we took the question
            return
        id_, process, _, number, _, _, *arguments = _QUESTION.unpack(buffer)
        question = _Question(id_, process, number, tuple(arguments))
        answer = self._decide(question)
        due_ns = self._was_due(question)
        if due_ns is None:
            due_ns = time.monotonic_ns() + answer.delay_ns
        if answer.delay_ns:
            heapq.heappush(self._waiting, (due_ns, id_, question, answer))
        else:
            self._answer(question, answer, due_ns)

    def _was_due(self, question: _Question) -> int | None:
        """When the same call was to be answered before it was interrupted; what else its thread asked is void."""
        before = self._interrupted.pop(question.process, None)
        for due_ns, _, asked, _ in self._waiting:
            if asked.process == question.process:
                before = asked, due_ns
        self._waiting = [entry for entry in self._waiting if entry[2].process != question.process]
        heapq.heapify(self._waiting)
        return before[1] if before is not None and before[0].identity == question.identity else None

    def _decide(self, question: _Question) -> Answer:
        call = self._calls.get(question.number)
        if call is None or not self._rules or not self._concerns_data(call, question):
            return Answer()
        return self._rules.decide(call.about)

    def _concerns_data(self, call: Call, question: _Question) -> bool:
        try:
            file = _file_of(call, question)
        except (OSError, ValueError):  # the process has ended, or names no file: the kernel will know
            return False
        return PurePosixPath(file).is_relative_to(self._data)

    def _reconsider(self) -> None:
        """A delay that no rule wants any more is over."""
        now_ns = time.monotonic_ns()
        if self._waiting and not self._rules.delays():
            self._waiting = [(now_ns, id_, question, answer) for _, id_, question, answer in self._waiting]
            heapq.heapify(self._waiting)

    def _answer_due(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic_ns():
            due_ns, _, question, answer = heapq.heappop(self._waiting)
            self._answer(question, answer, due_ns)

    def _answer(self, question: _Question, answer: Answer, due_ns: int) -> None:
        go_on = _CONTINUE if not answer.error and not answer.lie else 0
        try:
            fcntl.ioctl(self._listener, _SEND, _RESPONSE.pack(question.id, 0, -answer.error, go_on))
        except OSError:  # it was killed, or had a signal and asks again
            self._interrupted[question.process] = question, due_ns
            while len(self._interrupted) > 1000:
                del self._interrupted[next(iter(self._interrupted))]


def _file_of(call: Call, question: _Question) -> str:
    """The file that a call is about, as its process would name it."""
    process, arguments = Path(f"/proc/{question.process}"), question.arguments
    if call.descriptor is not None:
        return str((process / f"fd/{_int32(arguments[call.descriptor])}").readlink())
    assert call.path is not None, "a call is about a descriptor or a path"
    with (process / "mem").open("rb", buffering=0) as memory:
        memory.seek(arguments[call.path])
        path = os.fsdecode(memory.read(_PATH_BYTES).split(b"\0", 1)[0])
    directory = _AT_FDCWD if call.directory is None else _int32(arguments[call.directory])
    start = (process / ("cwd" if directory == _AT_FDCWD else f"fd/{directory}")).readlink()
    return os.path.normpath(start / path)


def _int32(argument: int) -> int:
    """An argument that is an ``int``: the upper half of its register says nothing."""
    value = argument & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value
