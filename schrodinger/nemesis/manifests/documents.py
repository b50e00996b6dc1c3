"""YAML without what YAML leaves open: a file's documents as plain values.

JSON is YAML, so both are read. Only plain data is: no tags, no anchors (which would let a small file stand for a huge
one), no key twice, nothing nested so deeply that nobody could have written it.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

from schrodinger.nemesis.invalid import InvalidValueError

_MOST_CHARACTERS: Final = 1 << 20
"""A manifest has a few thousand."""

_REMEDY = "correct the file"


def documents(text: str) -> list[Any]:
    """The documents of a file, empty ones left out.

    Raises:
        InvalidValueError: it is not YAML, or has something of it that is not read here.
    """
    if len(text) > _MOST_CHARACTERS:
        raise InvalidValueError(
            "the file", f"{len(text)} characters", f"more than {_MOST_CHARACTERS}", "give a smaller one"
        )
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InvalidValueError(f"line {line}", _line(text, line), f"not YAML ({error.problem})", _REMEDY) from error
    except yaml.YAMLError as error:
        raise InvalidValueError("the file", text, f"not YAML ({str(error).splitlines()[0]})", _REMEDY) from error
    except RecursionError as error:
        raise InvalidValueError("the file", text, "nested too deeply", _REMEDY) from error
    except (ValueError, OverflowError) as error:  # a date that is none, a number with too many digits
        raise InvalidValueError("the file", text, f"a value that is none ({error})", _REMEDY) from error


class _Loader(yaml.SafeLoader):
    """Plain data only."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not read here", self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            mark = node.value[position][0].start_mark
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not text", mark)
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is given twice", mark)
        return super().construct_mapping(node, deep)


def _line(text: str, number: int) -> str:
    lines = text.split("\n")
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""
