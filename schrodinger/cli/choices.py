"""Several of a few words on the command line, separated by commas, checked at the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


class Words(click.ParamType[tuple[str, ...]]):
    """Any of ``known``, each once, in the order of ``known``: ``a,c``. ``none`` is none of them."""

    name = "words"

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The words that were said."""
        if isinstance(value, tuple):
            return value
        said = [] if value == "none" else [word.strip() for word in str(value).split(",")]
        for word in said:
            if word not in self.known:
                self.fail(f"{word!r} is not known; give any of {', '.join(self.known)}, or none", param, ctx)
        return tuple(word for word in self.known if word in said)
