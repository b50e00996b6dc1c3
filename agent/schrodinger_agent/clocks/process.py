"""The clocks of one process: put under a skew, read back, put right. Nothing is kept: what is so is read each time."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from schrodinger_agent.clocks.errors import ClockError
from schrodinger_agent.clocks.tracing import while_stopped
from schrodinger_agent.clocks.vdso import base_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schrodinger_agent.clocks.patch import Patch, Write, Written
    from schrodinger_agent.clocks.skew import Skews


@final
@dataclass(frozen=True, slots=True)
class ProcessClocks:
    """The clocks of a process, by its number: it may have ended, or executed another program, at any moment.

    Every method raises ProcessLookupError or FileNotFoundError if it has ended, another OSError if it may not be
    touched, and :class:`ClockError` if its vDSO is not what was expected.
    """

    process: int
    patch: Patch

    def read(self) -> Written | None:
        """What they are under; ``None`` if they are right."""
        with self._memory(os.O_RDONLY) as (memory, base):
            return self._read(memory, base)

    def put_under(self, owner: str, skews: Skews, *, is_stopped: bool = False) -> bool:
        """Put them under this skew, or from another one under it; false if they were already.

        Only the first time is the process stopped, for a moment, unless it ``is_stopped`` already.
        """
        with self._memory(os.O_RDWR) as (memory, base):
            written = self._read(memory, base)
            if written is not None and written.owner != owner:
                raise ClockError(f"the clocks of process {self.process} are changed by {written.owner}")
            if written is None or not written.whole:
                self._install(memory, base, owner, skews, is_stopped)
            elif written.skews == skews:
                return False
            else:
                _write(memory, base, self.patch.change(written, skews))
            written = self._read(memory, base)
            if written is None or not written.whole or written.skews != skews:
                raise ClockError(f"the clocks of process {self.process} are not as they were set, but {written}")
            return True

    def put_right(self, owner: str) -> bool:
        """Undo what this owner, or one whose name begins so, has done; false if there was nothing to undo."""
        with self._memory(os.O_RDWR) as (memory, base):
            written = self._read(memory, base)
            if written is None or not written.owner.startswith(owner):
                return False
            while_stopped(self.process, (), lambda: _write(memory, base, self.patch.pristine))
            if (left := self._read(memory, base)) is not None:
                raise ClockError(f"the clocks of process {self.process} are not right yet: {left}")
            return True

    def _install(self, memory: int, base: int, owner: str, skews: Skews, is_stopped: bool) -> None:
        writes = (self.patch.filled(owner, skews), *self.patch.jumps)
        if is_stopped:
            _write(memory, base, writes)
            return
        inside = [range(base + jump.at + 1, base + jump.at + len(jump.data)) for jump in self.patch.jumps]
        inside.append(range(base + self.patch.room, base + len(self.patch.image)))  # of an earlier payload
        while_stopped(self.process, inside, lambda: _write(memory, base, writes))

    def _read(self, memory: int, base: int) -> Written | None:
        try:
            return self.patch.found(os.pread(memory, len(self.patch.image), base))
        except ClockError as error:
            raise ClockError(f"process {self.process}: {error}") from None

    @contextmanager
    def _memory(self, access: int) -> Iterator[tuple[int, int]]:
        # In this order: a program that is executed in between makes the memory another one's, and the reading fails.
        memory = os.open(f"/proc/{self.process}/mem", access | os.O_CLOEXEC)
        try:
            yield memory, base_of(self.process)
        finally:
            os.close(memory)


def _write(memory: int, base: int, writes: Sequence[Write]) -> None:
    for write in writes:
        if os.pwrite(memory, write.data, base + write.at) != len(write.data):
            raise ClockError("only a part of the patch could be written")
