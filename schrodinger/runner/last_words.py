"""What a database said before it ended: the first error among its last lines, and the very last line.

The last line alone is seldom the cause: databases close what they have open, or say that they are aborting, after they
have said why. An error is recognised by how loggers mark one; what follows it is told too: often it is the reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

TAIL_BYTES: Final = 16_384
TAIL_LINES: Final = 60
"""Further back than this are words of an earlier start, or of a time when nothing was wrong."""
LONGEST: Final = 240
"""Characters of a line that are told."""

_ERROR: Final = re.compile(
    r"\b(ERROR|FATAL|PANIC|CRITICAL|FAILED|[Ff]atal|[Pp]anic|Error|Traceback)\b|Exception\b|\[(?:E|ERR|FTL|error)\]"
)
_WORDS: Final = re.compile(r"\w{2}")
"""What a line has that is not only drawn."""


def last_words(log: Path) -> str:
    """The last words in a node's output, in one line, and the name of the file that has the rest."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError as error:
        return str(error)
    lines = [line.strip()[:LONGEST] for line in text.splitlines() if _WORDS.search(line)][-TAIL_LINES:]
    if not lines:
        return "it printed nothing"
    first = next((place for place, line in enumerate(lines) if _ERROR.search(line)), len(lines) - 1)
    told = dict.fromkeys([*lines[first : first + 2], lines[-1]])
    return f"{' | '.join(told)} (nodes/{log.parent.name}/{log.name})"
