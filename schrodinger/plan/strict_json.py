"""JSON without what JSON leaves open, so that whatever is written is read back as the same value on any machine.

A key that is given twice, a number that is none or that no float holds, and a value that JSON would change (a tuple is
kept, as a list; a set or an object of Python is not) are refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from schrodinger.nemesis import InvalidValueError

_LONGEST_INTEGER = 40
"""Digits. Nothing that is counted, timed or seeded has more, and beyond a few thousand Python refuses to read them."""

_REMEDY = "correct it, or take the file that the run wrote"


def parsed_object(text: str) -> dict[str, object]:
    """The JSON object in the text."""
    try:
        plain = json.loads(
            text,
            object_pairs_hook=_unrepeated,
            parse_constant=_number,
            parse_float=_number,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1]
        problem = f"not JSON at column {error.colno} ({error.msg})"
        raise InvalidValueError(f"line {error.lineno}", line, problem, _REMEDY) from error
    except RecursionError as error:
        raise InvalidValueError("the file", text, "nested too deeply", _REMEDY) from error
    if not isinstance(plain, dict):
        raise InvalidValueError("the file", plain, "not an object in braces", _REMEDY)
    return plain


def plain_object(path: str, value: object) -> dict[str, Any]:
    """A copy of a mapping, refused where JSON would not give back what it was given."""
    if not isinstance(value, Mapping):
        raise InvalidValueError(path, value, "not an object", "give names and values")
    for key in value:
        if not isinstance(key, str):
            raise InvalidValueError(path, key, "a key that is not text", "put it in quotes")
    return {key: _plain_value(f"{path}.{key}", value[key]) for key in sorted(value)}


def _plain_value(path: str, value: object) -> Any:
    if isinstance(value, Mapping):
        return plain_object(path, value)
    if isinstance(value, (list, tuple)):
        return [_plain_value(f"{path}[{index}]", element) for index, element in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValueError(path, value, "not finite", "give a finite number")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidValueError(
        path, value, "not a value of JSON", "give text, a number, true, false, null, a list or an object"
    )


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    unrepeated: dict[str, object] = {}
    for key, value in pairs:
        if key in unrepeated:
            raise InvalidValueError(key, value, "given twice in one object", "keep one of the two")
        unrepeated[key] = value
    return unrepeated


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise InvalidValueError("a number", digits, "not finite", "give one that is")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise InvalidValueError("a number", digits, f"longer than {_LONGEST_INTEGER} digits", "give a shorter one")
    return int(digits)
