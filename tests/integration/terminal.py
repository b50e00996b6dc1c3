"""A terminal with somebody who types at it, and reads what appears."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

DEADLINE_S = 15.0


class Terminal:
    """A session of its own, of which a program is the leader."""

    def __init__(self, argv: list[str], environment: Mapping[str, str]) -> None:
        self.leader, self._ours = pty.fork()
        if self.leader == 0:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may have had it ignored: nohup(1)
            os.execvpe(argv[0], argv, environment)
        self._ended: int | None = None
        self._unread = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours >= 0:
            self.hang_up()
        self.ended()

    def type(self, text: str) -> None:
        """Press keys; ``\\n`` is the return key, ``\\x03`` Ctrl-C."""
        os.write(self._ours, text.encode())

    def line(self, pattern: str) -> str:
        """Read on to the end of a line that matches wholly."""
        deadline = time.monotonic() + DEADLINE_S
        read = ""
        while True:
            while "\n" in self._unread:
                line, _, self._unread = self._unread.partition("\n")
                read += line + "\n"
                if re.fullmatch(pattern, line.rstrip("\r")):
                    return line.rstrip("\r")
            ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"no line {pattern!r} within {DEADLINE_S:g} s; there was:\n{read}{self._unread}"
            self._unread += os.read(self._ours, 65536).decode()

    def resize(self, rows: int, columns: int) -> None:
        """Drag its corner."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self._ours)
        self._ours = -1

    def ended(self) -> int:
        """Wait for the leader; its status, or minus the signal that ended it."""
        if self._ended is None:
            leader = os.pidfd_open(self.leader)
            ready, _, _ = select.select([leader], [], [], DEADLINE_S)
            os.close(leader)
            if not ready:
                os.kill(self.leader, signal.SIGKILL)
            _, status = os.waitpid(self.leader, 0)
            self._ended = os.waitstatus_to_exitcode(status)
        return self._ended
