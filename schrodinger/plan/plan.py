"""The plan itself, what makes one valid, and ``plan.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - cattrs evaluates the annotations
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schrodinger.nemesis import (
    CLIENTS,
    FAULTS,
    Anchor,
    AtOperation,
    AtTime,
    Event,
    FaultCatalogue,
    InvalidValueError,
    Schedule,
    in_order,
)
from schrodinger.nemesis.codec import from_plain, to_plain
from schrodinger.nemesis.faults import ROLES
from schrodinger.nemesis.invalid import MISSING, require_integer
from schrodinger.plan.strict_json import parsed_object, plain_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PLAN_VERSION = 1
READABLE_VERSIONS = (PLAN_VERSION,)

_LARGEST_SEED = 2**64 - 1
"""Seeds key the streams of operations, which count in 64 bits."""

_LARGEST_RATE = 1_000_000_000
"""One a nanosecond: the clock cannot tell more of them apart."""


class PlanError(InvalidValueError):
    """Something that is not a plan. The message is one line: the field, its value, what is wrong and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run.

    Attributes:
        suite: name of the suite, or the path it was loaded from.
        workload: name of the workload, and ``parameters`` its parameters, as plain JSON.
        options: the database's options (``version``, ``reads``), as text.
        nodes: how many nodes; they are called ``n1`` to ``n<nodes>``.
        concurrency: how many processes are active at any time.
        rate: invocations a second over all processes; 0 means as fast as they go.
        time_ns: how long the main phase lasts at most.
        operations: how many operations the main phase invokes at most, or ``None``.
        seed: the seed that the plan was drawn from, which also keys the operation streams.
        schedule: the faults, in their normal order.
        version: of this format.
    """

    suite: str
    workload: str
    nodes: int
    concurrency: int
    rate: float
    time_ns: int
    seed: int
    schedule: Schedule = ()
    operations: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    version: int = PLAN_VERSION

    def __post_init__(self) -> None:
        try:
            self._check()
        except InvalidValueError as error:
            raise PlanError(error.field, error.value, error.problem, error.remedy) from error

    @property
    def node_names(self) -> tuple[str, ...]:
        """The names of the nodes, in order."""
        return tuple(f"n{index + 1}" for index in range(self.nodes))

    def to_json(self) -> str:
        """The plan as text that is the same, byte by byte, for equal plans. One line for each field and each event."""
        lines = []
        for name, value in sorted(to_plain(self).items()):
            if name == "schedule" and value:
                events = ",\n    ".join(json.dumps(event, sort_keys=True) for event in value)
                lines.append(f'  "{name}": [\n    {events}\n  ]')
            else:
                lines.append(f'  "{name}": {json.dumps(value, sort_keys=True)}')
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str, *, source: str = "plan.json", catalogue: FaultCatalogue = FAULTS) -> Plan:
        """The plan that the text holds. ``source`` is what the text is called in errors.

        Raises:
            PlanError: it holds none.
        """
        try:
            plain = parsed_object(text)
            _check_version(plain)
            return from_plain(plain, cls, catalogue=catalogue)
        except InvalidValueError as error:
            raise PlanError(f"{source}: {error.field}", error.value, error.problem, error.remedy) from error

    def _check(self) -> None:
        for name in ("suite", "workload"):
            _require_text(name, getattr(self, name))
        require_integer("nodes", self.nodes, at_least=1, remedy="give how many nodes the cluster has, such as 5")
        require_integer("concurrency", self.concurrency, at_least=1, remedy="give how many processes run, such as 10")
        require_integer(
            "time_ns", self.time_ns, at_least=1, remedy="give nanoseconds, such as 60000000000 for a minute"
        )
        if self.operations is not None:
            require_integer(
                "operations", self.operations, at_least=1, remedy="give the most operations to invoke, or none"
            )
        require_integer("seed", self.seed, at_least=0, remedy="give a seed from 0 on")
        if self.seed > _LARGEST_SEED:
            raise InvalidValueError("seed", self.seed, "more than 64 bits", f"give a seed up to {_LARGEST_SEED}")
        object.__setattr__(self, "rate", _rate(self.rate))
        object.__setattr__(self, "parameters", plain_object("parameters", self.parameters))
        object.__setattr__(self, "options", _texts("options", self.options))
        object.__setattr__(self, "schedule", in_order(_events(self.schedule)))
        _check_version({"version": self.version})
        self._check_schedule()

    def _check_schedule(self) -> None:
        known = {*self.node_names, *ROLES, CLIENTS}
        for index, event in enumerate(self.schedule):
            strangers = sorted(event.fault.names - known)
            if strangers:
                remedy = f"the nodes of this plan are {self._nodes_in_words()}"
                raise InvalidValueError(f"schedule[{index}].fault", strangers[0], "no such node", remedy)
            _check_reachable(f"schedule[{index}].anchor", event.anchor, self)

    def _nodes_in_words(self) -> str:
        return "n1 alone" if self.nodes == 1 else f"n1 to n{self.nodes}"


def _check_version(plain: Mapping[str, object]) -> None:
    version = plain.get("version", MISSING)
    if version not in READABLE_VERSIONS or isinstance(version, bool):
        readable = ", ".join(str(number) for number in READABLE_VERSIONS)
        remedy = "use the release of schrodinger that wrote the plan, or draw it again from its seed"
        raise InvalidValueError("version", version, f"this release reads version {readable}", remedy)


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidValueError(name, value, "not a name", f"give the name of a {name}")


def _rate(value: object) -> float:
    remedy = "give invocations a second, or 0 for as fast as they go"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise InvalidValueError("rate", value, "not a number", remedy)
    if not 0 <= value <= _LARGEST_RATE:
        raise InvalidValueError("rate", value, f"not between 0 and {_LARGEST_RATE}", remedy)
    return float(value)


def _check_reachable(path: str, anchor: Anchor, plan: Plan) -> None:
    match anchor:
        case AtTime(after_ns) if after_ns >= plan.time_ns:
            field, value, end = "after_ns", after_ns, plan.time_ns
        case AtOperation(count) if plan.operations is not None and count >= plan.operations:
            field, value, end = "count", count, plan.operations
        case _:
            return
    raise InvalidValueError(f"{path}.{field}", value, f"the run is over after {end}", "move or remove the event")


def _events(given: Iterable[object]) -> Iterator[Event]:
    for index, event in enumerate(given):
        if not isinstance(event, Event):
            remedy = "give an Event of an anchor, a fault and a duration"
            raise InvalidValueError(f"schedule[{index}]", event, "not an event", remedy)
        yield event


def _texts(name: str, value: object) -> dict[str, str]:
    options = plain_object(name, value)
    for key, text in options.items():
        if not isinstance(text, str):
            raise InvalidValueError(f"{name}.{key}", text, "not text", "put it in quotes")
    return options
