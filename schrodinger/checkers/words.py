"""Verdicts on imported histories, told in the words of the tool that recorded them.

In a history values are numbers. Keywords, strings and fractions of another notation are numbered far from anything
that workloads write, and the history keeps which word is which. So a checker needs to know nothing of words: their
numbers are found again in whatever it says.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schrodinger.checkers.verdict import Verdict

_NUMBER: Final = re.compile(r"-\d{19}")
_NIL: Final = -(2**63)


def in_words(verdict: Verdict, words: Mapping[int, str]) -> Verdict:
    """The verdict with ``:x`` where it said -4611686018427387904, and with ``nil`` for nil within a list."""
    told: Verdict = _told(verdict, {**words, _NIL: "nil"})
    return told


def _told(part: Any, words: Mapping[int, str]) -> Any:
    """A part of a verdict, which is nested only as deep as verdicts are."""
    if isinstance(part, str) and type(part) is str:
        return _NUMBER.sub(lambda found: words.get(int(found[0]), found[0]), part)
    if isinstance(part, int):
        return words.get(part, part) if part < -(2**61) else part
    if isinstance(part, dict):
        return {_told(key, words): _told(value, words) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return type(part)(_told(item, words) for item in part)
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{each.name: _told(getattr(part, each.name), words) for each in fields(part)})
    return part
