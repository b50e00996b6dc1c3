"""One object of a manifest, read field by field, with nothing ignored.

Whoever reads an object takes the fields it knows and then closes it: whatever was not taken is refused by name, so a
mistyped field, or one that means something here that we cannot do, never goes by unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from schrodinger.nemesis.invalid import MISSING, InvalidValueError, choices
from schrodinger.nemesis.manifests.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})
"""What stands for a field that is not given: Kubernetes writes fields out that nobody has set."""


@final
class Fields:
    """The fields of one object; ``path`` is where it is, for errors."""

    def __init__(self, plain: object, path: str) -> None:
        if not isinstance(plain, Mapping):
            raise InvalidValueError(path, plain, "not an object", "give names and values, indented below it")
        self.path = path
        self._given = dict(plain)
        self._known: list[str] = []

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Whether the field is given, and is not empty."""
        return self._given.get(name) not in _EMPTY

    def take(self, name: str) -> Any:
        """The value of a field as it is; ``None`` where it is not given."""
        self._known.append(name)
        value = self._given.pop(name, None)
        return None if value in _EMPTY else value

    def text(self, name: str, default: str | None = None) -> str:
        """Text. Without a default the field must be there."""
        value = self.take(name)
        if value is None:
            value = self._required(name) if default is None else default
        if not isinstance(value, str):
            raise InvalidValueError(self.at(name), value, "not text", "write it in quotes")
        return value

    def choice(self, name: str, known: Iterable[str], default: str | None = None) -> str:
        """One of some words."""
        value, words = self.text(name, default), tuple(known)
        if value not in words:
            raise InvalidValueError(self.at(name), value, "not among what is known here", choices(value, words))
        return value

    def integer(self, name: str, default: int | None = None, *, at_least: int = 0) -> int:
        """A whole number, without quotes."""
        value = self.take(name)
        if value is None:
            value = self._required(name) if default is None else default
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise InvalidValueError(
                self.at(name), value, f"not a whole number from {at_least} on", "write one, without quotes"
            )
        return value

    def duration_ns(self, name: str, *, default: str | None = None, at_least: int = 0) -> int:
        """Nanoseconds, from text as Go writes durations."""
        return self.parsed(name, lambda text: parse_duration(text, at_least=at_least), default=default)

    def parsed(self, name: str, parse: Callable[[str], T], *, default: str | None = None) -> T:
        """Whatever ``parse`` makes of the text."""
        text = self.text(name, default)
        try:
            return parse(text)
        except InvalidValueError as error:
            raise error.within(self.at(name)) from error

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where it is not given."""
        value = self.take(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(element, str) and element for element in value):
            raise InvalidValueError(self.at(name), value, "not a list of names", "write each on a line, after a dash")
        return tuple(value)

    def pairs(self, name: str) -> dict[str, str]:
        """Names and texts; empty where it is not given."""
        value = self.take(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(
            isinstance(key, str) and isinstance(text, str) for key, text in value.items()
        ):
            raise InvalidValueError(self.at(name), value, "not names with texts", "write names and quoted values")
        return dict(value)

    def object(self, name: str) -> Fields:
        """An object within this one, which must be there."""
        value = self.take(name)
        return Fields(self._required(name) if value is None else value, self.at(name))

    def refuse(self, name: str, problem: str, remedy: str = "remove it") -> None:
        """Refuse a field that means something, which is not possible here; a field that says nothing is let go."""
        value = self.take(name)
        if value is not None:
            raise InvalidValueError(self.at(name), value, problem, remedy)

    def close(self) -> None:
        """Refuse whatever has not been taken."""
        for name, value in self._given.items():
            remedy = choices(name, self._known) if self._known else "remove it"
            raise InvalidValueError(self.at(str(name)), value, "no such field is known here", remedy)

    def _required(self, name: str) -> Any:
        raise InvalidValueError(self.at(name), MISSING, "it has no default", "add it")
