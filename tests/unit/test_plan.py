"""Plans: which can be built, how they travel as JSON, and what somebody is told who has broken a plan file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.nemesis import FAULTS, LEADER, AtOperation, AtTime, Event, Kill, Partition, Pause, shapes
from schrodinger.plan import Plan, PlanError

if TYPE_CHECKING:
    from collections.abc import Callable

SECOND_NS = 1_000_000_000

PLAN = Plan(
    suite="etcd",
    workload="register",
    nodes=3,
    concurrency=20,
    rate=500,
    time_ns=60 * SECOND_NS,
    seed=42,
    parameters={"keys": 3, "values": ("a", 1.5, None, {"deep": True})},
    options={"reads": "serializable"},
    schedule=(
        Event(AtOperation(1200), Kill(frozenset({LEADER})), 2 * SECOND_NS),
        Event(AtTime(9 * SECOND_NS), Pause(frozenset({"n3", "n1"})), SECOND_NS),
        Event(AtTime(5 * SECOND_NS), Partition(shapes.isolate_one(("n1", "n2", "n3"))), 3 * SECOND_NS),
    ),
)

TEXT = """\
{
  "concurrency": 20,
  "nodes": 3,
  "operations": null,
  "options": {"reads": "serializable"},
  "parameters": {"keys": 3, "values": ["a", 1.5, null, {"deep": true}]},
  "rate": 500.0,
  "schedule": [
    {"anchor": {"after_ns": 5000000000, "kind": "time"}, "duration_ns": 3000000000, \
"fault": {"edges": [["n1", "n2"], ["n1", "n3"], ["n2", "n1"], ["n3", "n1"]], "kind": "partition"}},
    {"anchor": {"after_ns": 9000000000, "kind": "time"}, "duration_ns": 1000000000, \
"fault": {"kind": "pause", "targets": ["n1", "n3"]}},
    {"anchor": {"count": 1200, "kind": "operation"}, "duration_ns": 2000000000, \
"fault": {"kind": "kill", "targets": ["leader"]}}
  ],
  "seed": 42,
  "suite": "etcd",
  "time_ns": 60000000000,
  "version": 1,
  "workload": "register"
}
"""


def test_a_plan_is_written_in_one_way() -> None:
    assert PLAN.to_json() == TEXT


def test_a_plan_is_read_back_as_it_was() -> None:
    again = Plan.from_json(TEXT)
    assert again == PLAN
    assert again.to_json() == TEXT


def test_how_the_file_is_laid_out_does_not_matter() -> None:
    assert Plan.from_json(json.dumps(json.loads(TEXT), indent=7)) == PLAN


def test_what_has_a_default_may_be_left_out_but_for_the_version() -> None:
    plain = json.loads(TEXT)
    for name in ("schedule", "operations", "parameters", "options"):
        del plain[name]
    assert Plan.from_json(json.dumps(plain)).schedule == ()


def test_the_events_of_a_plan_are_in_their_normal_order() -> None:
    assert [event.anchor for event in PLAN.schedule] == [
        AtTime(5 * SECOND_NS),
        AtTime(9 * SECOND_NS),
        AtOperation(1200),
    ]


def test_nodes_are_numbered_from_one() -> None:
    assert PLAN.node_names == ("n1", "n2", "n3")


def test_a_plan_keeps_nothing_of_the_callers() -> None:
    parameters = {"keys": [1, 2]}
    plan = quiet(parameters=parameters)
    parameters["keys"].append(3)
    assert plan.parameters == {"keys": [1, 2]}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.dictionaries(st.text(), st.text(), max_size=3))
def test_any_parameters_and_options_survive_the_trip(parameters: dict[str, Any], options: dict[str, str]) -> None:
    plan = quiet(parameters=parameters, options=options)
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert again.to_json() == plan.to_json()
    assert plan.to_json().isascii()


def quiet(**fields: Any) -> Plan:
    """A plan without faults, but for these fields."""
    base = {
        "suite": "etcd",
        "workload": "register",
        "nodes": 3,
        "concurrency": 5,
        "rate": 10.0,
        "time_ns": SECOND_NS,
        "seed": 0,
    }
    return Plan(**{**base, **fields})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"suite": ""}, 'suite is "": not a name; give the name of a suite'),
        ({"workload": None}, "workload is null: not a name; give the name of a workload"),
        ({"nodes": 0}, "nodes is 0: less than 1; give how many nodes the cluster has, such as 5"),
        ({"nodes": True}, "nodes is true: not an integer; give how many nodes the cluster has, such as 5"),
        ({"concurrency": 0}, "concurrency is 0: less than 1; give how many processes run, such as 10"),
        ({"time_ns": 0}, "time_ns is 0: less than 1; give nanoseconds, such as 60000000000 for a minute"),
        ({"time_ns": 1.5}, "time_ns is 1.5: not an integer; give nanoseconds, such as 60000000000 for a minute"),
        (
            {"rate": -1},
            "rate is -1: not between 0 and 1000000000; give invocations a second, or 0 for as fast as they go",
        ),
        (
            {"rate": float("nan")},
            "rate is NaN: not between 0 and 1000000000; give invocations a second, or 0 for as fast as they go",
        ),
        ({"rate": "fast"}, 'rate is "fast": not a number; give invocations a second, or 0 for as fast as they go'),
        ({"operations": 0}, "operations is 0: less than 1; give the most operations to invoke, or none"),
        ({"seed": -1}, "seed is -1: less than 0; give a seed from 0 on"),
        (
            {"seed": 2**64},
            "seed is 18446744073709551616: more than 64 bits; give a seed up to 18446744073709551615",
        ),
        ({"options": {"reads": 3}}, "options.reads is 3: not text; put it in quotes"),
        (
            {"parameters": {"keys": [{1, 2}]}},
            "parameters.keys[0] is [1, 2]: not a value of JSON; "
            "give text, a number, true, false, null, a list or an object",
        ),
        ({"parameters": {1: 2}}, "parameters is 1: a key that is not text; put it in quotes"),
        ({"parameters": {"x": float("inf")}}, "parameters.x is Infinity: not finite; give a finite number"),
        (
            {"schedule": (Event(AtTime(0), Kill(frozenset({"n4"})), 1),)},
            'schedule[0].fault is "n4": no such node; the nodes of this plan are n1 to n3',
        ),
        (
            {"nodes": 1, "schedule": (Event(AtTime(0), Partition(frozenset({("n1", "n2")})), 1),)},
            'schedule[0].fault is "n2": no such node; the nodes of this plan are n1 alone',
        ),
        (
            {"schedule": (Event(AtTime(SECOND_NS), Kill(frozenset({"n1"})), 1),)},
            "schedule[0].anchor.after_ns is 1000000000: the run is over after 1000000000; move or remove the event",
        ),
        (
            {"operations": 9, "schedule": (Event(AtOperation(9), Kill(frozenset({"n1"})), 1),)},
            "schedule[0].anchor.count is 9: the run is over after 9; move or remove the event",
        ),
        (
            {"schedule": ("kill",)},
            'schedule[0] is "kill": not an event; give an Event of an anchor, a fault and a duration',
        ),
        (
            {"version": 2},
            "version is 2: this release reads version 1; "
            "use the release of schrodinger that wrote the plan, or draw it again from its seed",
        ),
    ],
)
def test_a_plan_that_is_not_valid_cannot_be_built(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError) as refusal:
        quiet(**fields)
    assert str(refusal.value) == message


def replaced(old: str, new: str) -> Callable[[str], str]:
    def mutate(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return mutate


MALFORMED: list[tuple[Callable[[str], str], str]] = [
    (
        lambda _: "",
        'line 1 is "": not JSON at column 1 (Expecting value); correct it, or take the file that the run wrote',
    ),
    (lambda _: "[]", "the file is []: not an object in braces; correct it, or take the file that the run wrote"),
    (
        lambda text: text[:20],
        'line 2 is "  \\"concurrency\\": 2": not JSON at column 19 (Expecting \',\' delimiter); '
        "correct it, or take the file that the run wrote",
    ),
    (
        lambda _: "[" * 100_000,
        f'the file is "{"[" * 59}...: nested too deeply; correct it, or take the file that the run wrote',
    ),
    (
        lambda _: "{}",
        "version is missing: this release reads version 1; "
        "use the release of schrodinger that wrote the plan, or draw it again from its seed",
    ),
    (
        replaced('"version": 1', '"version": 7'),
        "version is 7: this release reads version 1; "
        "use the release of schrodinger that wrote the plan, or draw it again from its seed",
    ),
    (
        replaced('"version": 1', '"version": true'),
        "version is true: this release reads version 1; "
        "use the release of schrodinger that wrote the plan, or draw it again from its seed",
    ),
    (
        replaced('"version": 1', '"version": [1]'),
        "version is [1]: this release reads version 1; "
        "use the release of schrodinger that wrote the plan, or draw it again from its seed",
    ),
    (replaced('"nodes": 3', '"nods": 3'), "nods is 3: no such field; did you mean nodes?"),
    (replaced('  "nodes": 3,\n', ""), "nodes is missing: it has no default; add it"),
    (replaced('"nodes": 3', '"nodes": 3, "nodes": 5'), "nodes is 5: given twice in one object; keep one of the two"),
    (
        replaced('"nodes": 3', '"nodes": "3"'),
        'nodes is "3": not an integer; write it as a whole number, without quotes',
    ),
    (
        replaced('"nodes": 3', '"nodes": 3.0'),
        "nodes is 3.0: not an integer; write it as a whole number, without quotes",
    ),
    (
        replaced('"nodes": 3', '"nodes": 2'),
        'schedule[0].fault is "n3": no such node; the nodes of this plan are n1 to n2',
    ),
    (replaced("500.0", '"500"'), 'rate is "500": not a number; write it as a number, without quotes'),
    (replaced("500.0", "NaN"), 'a number is "NaN": not finite; give one that is'),
    (replaced("500.0", "1e999"), 'a number is "1e999": not finite; give one that is'),
    (replaced("500.0", "9" * 41), f'a number is "{"9" * 41}": longer than 40 digits; give a shorter one'),
    (
        replaced("500.0", "-500"),
        "rate is -500.0: not between 0 and 1000000000; give invocations a second, or 0 for as fast as they go",
    ),
    (replaced('"etcd"', "null"), "suite is null: not text; write it in quotes"),
    (
        replaced('{"reads": "serializable"}', '["serializable"]'),
        'options is ["serializable"]: not an object; give an object in braces',
    ),
    (replaced('"serializable"', "true"), "options.reads is true: not text; put it in quotes"),
    (
        lambda text: json.dumps({**json.loads(text), "schedule": {}}),
        "schedule is {}: not a list; give a list in brackets",
    ),
    (
        lambda text: json.dumps({**json.loads(text), "schedule": ["kill"]}),
        'schedule[0] is "kill": not an object; give an object in braces',
    ),
    (
        replaced('"duration_ns": 1000000000', '"duration_s": 1'),
        "schedule[1].duration_s is 1: no such field; did you mean duration_ns?",
    ),
    (replaced('"duration_ns": 1000000000, ', ""), "schedule[1].duration_ns is missing: it has no default; add it"),
    (
        replaced('"duration_ns": 1000000000', '"duration_ns": 0'),
        "schedule[1].duration_ns is 0: less than 1; give how many nanoseconds the fault lasts",
    ),
    (
        replaced('"kind": "operation"', '"kind": "moon"'),
        'schedule[2].anchor.kind is "moon": no such kind; the choice is time, operation',
    ),
    (
        replaced('"kind": "operation"', '"kind": ["time"]'),
        'schedule[2].anchor.kind is ["time"]: no such kind; did you mean time?',
    ),
    (
        replaced('"count": 1200', '"after_ns": 1200'),
        "schedule[2].anchor.after_ns is 1200: no such field; the choice is kind, count",
    ),
    (
        replaced('"count": 1200', '"count": -1'),
        "schedule[2].anchor.count is -1: less than 0; give a number of operations",
    ),
    (
        replaced('"after_ns": 9000000000', '"after_ns": 90000000000'),
        "schedule[1].anchor.after_ns is 90000000000: the run is over after 60000000000; move or remove the event",
    ),
    (
        replaced('"kind": "kill", ', ""),
        f"schedule[2].fault.kind is missing: it says what the rest means; the choice is {', '.join(FAULTS.kinds)}",
    ),
    (replaced('"kind": "kill"', '"kind": "kil"'), 'schedule[2].fault.kind is "kil": no such kind; did you mean kill?'),
    (
        replaced('["leader"]', '"leader"'),
        'schedule[2].fault.targets is "leader": not a list; give a list in brackets',
    ),
    (
        replaced('["leader"]', "[]"),
        'schedule[2].fault.targets is []: not a group of nodes; give a list of nodes, such as ["n1", "leader"]',
    ),
    (replaced('["leader"]', "[3]"), "schedule[2].fault.targets[0] is 3: not text; write it in quotes"),
    (
        replaced('["leader"]', '["laeder"]'),
        'schedule[2].fault is "laeder": no such node; the nodes of this plan are n1 to n3',
    ),
    (
        replaced('["n1", "n2"]', '["n1", "n1"]'),
        'schedule[0].fault.edges is ["n1", "n1"]: there is no link from a node to itself; '
        'give pairs of two different names, such as ["n1", "n2"]',
    ),
    (
        replaced('["n1", "n2"]', '["n1"]'),
        'schedule[0].fault.edges[0] is ["n1"]: not 2 values; give a list of 2',
    ),
    (
        replaced('["n1", "n2"]', '["n1", ["n2"]]'),
        'schedule[0].fault.edges[0][1] is ["n2"]: not text; write it in quotes',
    ),
]


@pytest.mark.parametrize(("mutate", "message"), MALFORMED)
def test_a_malformed_plan_is_refused_in_one_line(mutate: Callable[[str], str], message: str) -> None:
    with pytest.raises(PlanError) as refusal:
        Plan.from_json(mutate(TEXT))
    assert str(refusal.value) == f"plan.json: {message}"
    assert "\n" not in str(refusal.value)


def test_a_field_with_a_strange_name_is_still_told_in_one_line() -> None:
    with pytest.raises(PlanError) as refusal:
        Plan.from_json(TEXT.replace('"nodes"', '"no\\ndes"'))
    assert str(refusal.value) == '"plan.json: no\\ndes" is 3: no such field; did you mean nodes?'


def test_a_refusal_names_the_file() -> None:
    with pytest.raises(PlanError, match=r"^runs/7/plan\.json: the file is \[\]"):
        Plan.from_json("[]", source="runs/7/plan.json")


@given(
    st.text() | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_whatever_is_no_plan_is_refused_as_such(rubbish: object) -> None:
    text = rubbish if isinstance(rubbish, str) else json.dumps(rubbish)
    with pytest.raises(PlanError):
        Plan.from_json(text)


@given(st.data())
def test_a_plan_with_any_value_replaced_is_read_or_refused_as_such(data: st.DataObject) -> None:
    plain = json.loads(TEXT)
    holder: Any = plain
    while True:
        key = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        inner = holder[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            break
        holder = inner
    holder[key] = data.draw(JSON)
    try:
        plan = Plan.from_json(json.dumps(plain))
    except PlanError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017 - either outcome is right; this one must be told in a line
    else:
        assert Plan.from_json(plan.to_json()) == plan
