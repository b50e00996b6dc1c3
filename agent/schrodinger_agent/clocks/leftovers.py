"""Processes that an agent left with wrong clocks when it died: found by the mark that each carries, and put right.

No journal names them. Whatever program such a process executes has right clocks anyway, its number may be another's by
then, and its children have the mark as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schrodinger_agent.clocks.errors import ClockError
from schrodinger_agent.clocks.patch import Patch
from schrodinger_agent.clocks.process import ProcessClocks

if TYPE_CHECKING:
    from collections.abc import Iterator


def marked(mark: str) -> Iterator[tuple[ProcessClocks, str]]:
    """Every process whose clocks are under a skew by an owner whose name begins with ``mark``, and that owner.

    None where clocks cannot be changed, nor those of other users that this one may not look at.
    """
    try:
        patch = Patch.here()
    except ClockError:
        return
    for entry in sorted(Path("/proc").glob("[0-9]*")):
        clocks = ProcessClocks(int(entry.name), patch)
        try:
            written = clocks.read()
        except (ClockError, OSError):  # it has ended, is not ours to see, or not ours to mend
            continue
        if written is not None and written.owner.startswith(mark):
            yield clocks, written.owner
