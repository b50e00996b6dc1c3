"""What a database wrote into its logs: a line that no healthy node writes. After Jepsen's ``log-file-pattern``.

The logs lie beside the history in its run directory (:meth:`schrodinger.history.History.node_logs`). They are read as
streams of bytes, line by line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schrodinger.checkers.verdict import Anomaly, Validity, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from schrodinger.history import History

CRASHES: Final = (
    r"^panic: |^fatal error: |^SIG[A-Z]+: |WARNING: DATA RACE|AddressSanitizer|ThreadSanitizer"
    r"|[Aa]ssertion .*failed|Segmentation fault|core dumped|^thread '.*' panicked at "
)
"""How programs in Go, C, C++ and Rust say that they broke, and sanitizers that they found something."""
LONGEST: Final = 65_536
"""Bytes of a line that are looked at; a line without an end must not fill the memory."""
TOLD: Final = 300
"""Characters of a line that are told."""


@dataclass(frozen=True, slots=True)
class LogPattern:
    """No line of any node's log matches ``pattern``, a regular expression searched in each line.

    Raises:
        ValueError: the pattern is no regular expression.
    """

    pattern: str = CRASHES
    name: str = "log-pattern"

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern {self.pattern!r} is no regular expression: {error}") from error

    def check(self, history: History) -> Verdict:
        """Search the logs of the run that this history is of; unknown when there are none."""
        sought = re.compile(self.pattern.encode())
        logs = history.node_logs()
        found: dict[str, list[str]] = {}
        lines = matches = 0
        unreadable: list[str] = []
        for node, path in logs:
            try:
                read, matching = _search(path, sought)
            except OSError as error:
                unreadable.append(f"log {path.name} of {node} can't be read: {error}")
                continue
            lines += read
            matches += len(matching)
            if matching:
                found.setdefault(node, []).extend(f"{path.name}, line {number}: {line}" for number, line in matching)
        anomalies = tuple(_anomaly(node, told) for node, told in found.items())
        doubts = unreadable if logs else ["there are no logs of nodes beside the history"]
        validity = Validity.VIOLATION if anomalies else Validity.UNKNOWN if doubts else Validity.VALID
        return Verdict(
            validity=validity,
            checker=self.name,
            reasons=(*(anomaly.summary for anomaly in anomalies), *doubts),
            anomalies=anomalies,
            statistics={"logs": len(logs), "lines": lines, "matches": matches},
        )


def _search(path: Path, sought: re.Pattern[bytes]) -> tuple[int, list[tuple[int, str]]]:
    """How many lines there are, and those that match, by number."""
    matching: list[tuple[int, str]] = []
    number, is_beginning = 0, True
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            number += is_beginning
            if is_beginning and sought.search(line):
                matching.append((number, line.decode(errors="replace").rstrip()[:TOLD]))
            is_beginning = line.endswith(b"\n")
    return number, matching


def _anomaly(node: str, told: list[str]) -> Anomaly:
    more = f"; {len(told):,} such lines" if len(told) > 1 else ""
    return Anomaly(
        name="log-pattern", summary=f"{node} logged what it should not: {told[0]}{more}", story=tuple(told[:10])
    )
