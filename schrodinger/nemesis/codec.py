"""Faults, events and whatever holds them as plain JSON values, and back, with nothing guessed.

The dataclasses are the schema: cattrs derives the code from their fields. Four things are our own. A fault and an
anchor carry their ``kind``; quantities are written as people write them, ``20ms``; sets are written sorted, so that
equal values are equal text; and reading is strict: an unknown key, a number given as text or a missing field is refused
with the path of the field, never repaired.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args, get_origin

from cattrs import AttributeValidationNote, ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from schrodinger.nemesis.catalogue import FAULTS
from schrodinger.nemesis.faults import Fault
from schrodinger.nemesis.invalid import MISSING, InvalidValueError, choices
from schrodinger.nemesis.quantities import Quantity
from schrodinger.nemesis.schedule import ANCHORS, Anchor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from schrodinger.nemesis.catalogue import FaultCatalogue

T = TypeVar("T")


def to_plain(value: object) -> Any:
    """The value as dictionaries, lists, text and numbers."""
    return _writer().unstructure(value)


def from_plain(plain: object, schema: type[T], *, catalogue: FaultCatalogue = FAULTS) -> T:
    """The value of this dataclass that ``plain`` stands for. ``catalogue`` says which faults there are.

    Raises:
        InvalidValueError: it stands for none; ``field`` is the path to the first thing that is wrong.
    """
    return _reader(catalogue).structure(plain, schema)


@cache
def _writer() -> Converter:
    converter = Converter()

    compiled: dict[type, Callable[[Any], dict[str, Any]]] = {}

    def tagged(value: Fault | Anchor) -> dict[str, Any]:
        schema = type(value)
        if schema not in compiled:
            compiled[schema] = make_dict_unstructure_fn(schema, converter)
        return {"kind": value.kind, **compiled[schema](value)}

    def elements(values: Iterable[object]) -> list[Any]:
        return [converter.unstructure(value) for value in values]

    converter.register_unstructure_hook_func(_is_fault, tagged)
    converter.register_unstructure_hook_func(_is_anchor, tagged)
    converter.register_unstructure_hook_func(_is_quantity, str)
    converter.register_unstructure_hook_func(_is_set, lambda values: sorted(elements(values)))
    converter.register_unstructure_hook_func(_is_tuple, elements)
    return converter


@cache
def _reader(catalogue: FaultCatalogue) -> Converter:
    """A converter that knows these faults. Compiling it takes ten times as long as reading a plan."""
    converter = Converter()

    def tagged(schemas: Iterable[type[Any]]) -> Callable[[object, object], Any]:
        structures = {schema.kind: _structure(converter, schema, tag=["kind"]) for schema in schemas}

        def structure(plain: object, _: object) -> Any:
            untagged = dict(_object(plain))
            kind = untagged.pop("kind", MISSING)
            if not isinstance(kind, str) or kind not in structures:
                problem = "it says what the rest means" if kind is MISSING else "no such kind"
                raise InvalidValueError("kind", kind, problem, choices(kind, structures))
            return structures[kind](untagged, _)

        return structure

    def elements(plain: object, schema: type) -> list[Any]:
        element, *_ = get_args(schema)
        return [_at(f"[{index}]", converter.structure, value, element) for index, value in enumerate(_list(plain))]

    def record(plain: object, schema: type) -> tuple[Any, ...]:
        values, schemas = _list(plain), get_args(schema)
        if len(values) != len(schemas):
            raise InvalidValueError("", plain, f"not {len(schemas)} values", f"give a list of {len(schemas)}")
        return tuple(
            _at(f"[{index}]", converter.structure, value, part)
            for index, (value, part) in enumerate(zip(values, schemas, strict=True))
        )

    converter.register_structure_hook_func(_is_set, lambda plain, schema: frozenset(elements(plain, schema)))
    converter.register_structure_hook_func(_is_tuple, record)
    converter.register_structure_hook_func(_is_sequence, lambda plain, schema: tuple(elements(plain, schema)))
    converter.register_structure_hook_func(_is_mapping, lambda plain, _: _object(plain))
    for primitive in (int, str, bool):
        converter.register_structure_hook(primitive, _primitive)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook_factory(is_dataclass, partial(_structure, converter))
    converter.register_structure_hook_func(_is_quantity, lambda plain, schema: schema.parse(plain))
    faults, anchors = tagged(catalogue), tagged(ANCHORS)
    converter.register_structure_hook_func(lambda schema: schema is Fault, faults)
    converter.register_structure_hook_func(lambda schema: schema == Anchor, anchors)
    return converter


def _structure(converter: Converter, schema: type[T], tag: Iterable[str] = ()) -> Callable[[object, object], T]:
    """What reads one dataclass. Of everything that is wrong it tells the first thing, an unknown key before all others.

    A mistyped key is also a missing one, and its own name is the better hint.
    """
    structure = make_dict_structure_fn(schema, converter, _cattrs_forbid_extra_keys=True)
    names = [field.name for field in fields(cast("Any", schema))]

    def read(plain: object, _: object) -> T:
        given = _object(plain)
        try:
            return structure(given, schema)
        except ClassValidationError as group:
            for key in given:
                if key not in names:
                    raise InvalidValueError(key, given[key], "no such field", choices(key, [*tag, *names])) from group
            raise _first_problem(group) from group

    return read


def _first_problem(group: ClassValidationError) -> InvalidValueError:
    error = group.exceptions[0]
    notes = [note for note in getattr(error, "__notes__", []) if isinstance(note, AttributeValidationNote)]
    if isinstance(error, InvalidValueError):
        return error.within(notes[0].name) if notes else error
    if isinstance(error, KeyError) and notes:
        return InvalidValueError(notes[0].name, MISSING, "it has no default", "add it")
    raise error


def _at(path: str, structure: Callable[[object, type[T]], T], plain: object, schema: type[T]) -> T:
    try:
        return structure(plain, schema)
    except InvalidValueError as error:
        raise error.within(path) from error


def _primitive(plain: object, schema: type[T]) -> T:
    """Exactly this type: neither is ``true`` an integer nor ``1.0``."""
    if type(plain) is not schema:
        problem, remedy = _PRIMITIVES[schema]
        raise InvalidValueError("", plain, problem, remedy)
    return plain


_PRIMITIVES: Mapping[type, tuple[str, str]] = {
    int: ("not an integer", "write it as a whole number, without quotes"),
    str: ("not text", "write it in quotes"),
    bool: ("neither true nor false", "write one of them, without quotes"),
}


def _number(plain: object, _: type[float]) -> float:
    """Whole numbers are numbers too; ``true`` is none, nor is what no float can hold."""
    if not isinstance(plain, (int, float)) or isinstance(plain, bool) or not abs(plain) <= sys.float_info.max:
        raise InvalidValueError("", plain, "not a number", "write it as a number, without quotes")
    return float(plain)


def _object(plain: object) -> Mapping[str, Any]:
    if not isinstance(plain, dict):
        raise InvalidValueError("", plain, "not an object", "give an object in braces")
    return plain


def _list(plain: object) -> list[Any]:
    if not isinstance(plain, list):
        raise InvalidValueError("", plain, "not a list", "give a list in brackets")
    return plain


def _is_fault(schema: object) -> bool:
    return isinstance(schema, type) and issubclass(schema, Fault)


def _is_quantity(schema: object) -> bool:
    return isinstance(schema, type) and issubclass(schema, Quantity)


def _is_anchor(schema: object) -> bool:
    return schema in (Anchor, *ANCHORS)


def _is_set(schema: object) -> bool:
    return get_origin(schema) is frozenset


def _is_tuple(schema: object) -> bool:
    return get_origin(schema) is tuple


def _is_sequence(schema: object) -> bool:
    return _is_tuple(schema) and Ellipsis in get_args(schema)


def _is_mapping(schema: object) -> bool:
    return get_origin(schema) is Mapping
