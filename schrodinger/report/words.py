"""Numbers, instants and verdicts in words: what a reader sees is phrased here and pinned by a test.

Text that comes from a database, a log or a user passes through :func:`printable` before it is shown: control characters
and the Unicode marks that reorder text would otherwise let a log line change what the page seems to say.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from schrodinger.checkers.deed import several
from schrodinger.checkers.verdict import Validity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from schrodinger.checkers.verdict import Involved, Verdict

HEADLINES = {
    Validity.VALID: "Valid",
    Validity.VIOLATION: "Violation",
    Validity.UNKNOWN: "Unknown",
    Validity.INFRASTRUCTURE_ERROR: "Infrastructure error",
}

_UNITS = (
    (1_000, 1, "ns"),
    (1_000_000, 1_000, "µs"),
    (1_000_000_000, 1_000_000, "ms"),
    (60_000_000_000, 1_000_000_000, "s"),
)
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""The text with every character that would not be seen, or would reorder others, written out: ``\u202e``."""
    return _UNSHOWN.sub(
        lambda match: f"\\u{ord(match[0]):04x}" if ord(match[0]) > 0xFF else f"\\x{ord(match[0]):02x}", text
    )


def clipped(text: str, limit: int) -> str:
    """The text, cut to ``limit`` characters with an ellipsis as its last one."""
    assert limit >= 1, "an ellipsis needs room"
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def count(number: int) -> str:
    """A number with thousands separated: ``12,345``."""
    return f"{number:,}"


def listed(items: Sequence[str]) -> str:
    """A list in a sentence: ``n1``, ``n1 and n2``, ``n1, n2 and n3``."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def duration(nanoseconds: int) -> str:
    """A length of time to three digits: ``412 µs``, ``3.21 ms``, ``1.50 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if nanoseconds < 0:
        return "-" + duration(-nanoseconds)
    for limit, unit, name in _UNITS:
        rounded = _three_digits(nanoseconds / unit) if unit > 1 else str(nanoseconds)
        if nanoseconds < limit and float(rounded) * unit < limit:
            return f"{rounded} {name}"
    seconds = round(nanoseconds / 1e9)
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(round(nanoseconds / 60e9), 60)
    return f"{hours} h {minutes:02} min"


def level(nanoseconds: float) -> str:
    """A round length of time, for an axis: ``10 ms``."""
    number, unit = duration(round(nanoseconds)).split(" ", 1)
    return f"{float(number):g} {unit}" if "min" not in unit and " h" not in unit else f"{number} {unit}"


def moment(nanoseconds: int, digits: int = 3) -> str:
    """An instant on the history's clock, to the millisecond unless more is asked for: ``12.345 s``."""
    return f"{nanoseconds / 1e9:,.{digits}f} s"


def digits_apart(instants: Iterable[int]) -> int:
    """How many digits of a second it takes to tell these instants apart, in steps of three."""
    gap = min((after - before for before, after in pairwise(sorted(set(instants)))), default=1_000_000_000)
    return 3 if gap >= 1_000_000 else 6 if gap >= 1_000 else 9


def rate(per_second: float) -> str:
    """A rate to a sensible precision: ``512/s``, ``3.4/s``."""
    return f"{per_second:,.0f}/s" if per_second >= 10 or per_second == 0 else f"{per_second:.1f}/s"


def share(part: int, whole: int) -> str:
    """A percentage that is 0 % or 100 % only when it is exactly that."""
    if whole == 0:
        return "-"
    value = 100 * part / whole
    if part in (0, whole):
        return f"{value:.0f} %"
    return f"{min(max(value, 0.1), 99.9):.1f} %"


def sentence(verdict: Verdict, *, operations: int, faults: int, lasted_ns: int) -> str:
    """The verdict in one sentence."""
    under = f"under {several(faults, 'fault')}" if faults else "without any fault"
    reason = _ended(verdict.reasons[0]) if verdict.reasons else ""
    match verdict.validity:
        case Validity.VALID:
            return (
                f"{several(operations, 'operation')} {under} in {duration(lasted_ns)}, "
                f"and nothing wrong was found (checked: {_checked(verdict)})."
            )
        case Validity.VIOLATION:
            others = len(verdict.anomalies) - 1
            more = f" ({several(others, 'more anomaly', 'more anomalies')} below.)" if others > 0 else ""
            return (_ended(verdict.anomalies[0].summary) if verdict.anomalies else reason) + more
        case Validity.UNKNOWN:
            return f"{reason} The run proves nothing either way."
        case Validity.INFRASTRUCTURE_ERROR:
            return f"{reason} This says nothing about the database."


def told(operation: Involved) -> str:
    """One operation of an anomaly as a sentence, for a story that its checker did not tell."""
    began = f"Process {operation.process} began {printable(operation.label)} at {moment(operation.start_ns)}"
    if operation.end_ns is None:
        return f"{began}; it never completed."
    ended = {"ok": "succeeded", "fail": "failed"}.get(operation.outcome, "ended without a known outcome")
    return f"{began}; it {ended} after {duration(operation.end_ns - operation.start_ns)}."


def _checked(verdict: Verdict) -> str:
    return listed([part.checker for part in verdict.parts] or [verdict.checker])


def _ended(text: str) -> str:
    """The first line of a reason as a sentence. A first word gets a capital, a name (``n4``) stays as it is."""
    text = printable(text).strip().split("\n", 1)[0].rstrip(":")
    first = text.split(" ", 1)[0]
    text = text[:1].upper() + text[1:] if first.isalpha() else text
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _three_digits(value: float) -> str:
    return f"{value:.2f}" if round(value, 2) < 10 else f"{value:.1f}" if round(value, 1) < 100 else f"{value:.0f}"
