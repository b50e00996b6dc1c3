"""Parameters of workloads: whole numbers in a plan, each with its default and its lower bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A parameter: what it is when a plan does not say, and the least that makes sense."""

    default: int
    least: int


def read_parameters(workload: str, parameters: Mapping[str, Any], known: Mapping[str, WholeNumber]) -> dict[str, int]:
    """All known parameters, with those of a plan in place of the defaults.

    Raises:
        ValueError: the plan has one that is not known, or a value that is no whole number or too small.
    """
    unknown = sorted(name for name in parameters if name not in known)
    if unknown:
        raise ValueError(
            f"the {workload} workload has no parameter {unknown[0]!r}; it has {', '.join(sorted(known)) or 'none'}"
        )
    for name, value in parameters.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < known[name].least:
            least = known[name].least
            raise ValueError(
                f"parameter {name} of the {workload} workload is {value!r}; give a whole number of at least {least}"
            )
    return {name: parameters.get(name, number.default) for name, number in known.items()}
