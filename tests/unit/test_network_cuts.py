"""Cuts as nftables scripts and listings: what is asked of the kernel, without a kernel."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.network_cuts import PortPair, change_script, parse_drops

PAIRS = st.frozensets(st.tuples(*[st.sampled_from(["port1", "port2", "port3", "port254"])] * 2))

LISTING: list[dict[str, Any]] = [
    {"metainfo": {"version": "1.0.6"}},
    {
        "set": {
            "family": "bridge",
            "name": "cut",
            "elem": [
                {"elem": {"val": {"concat": ["port1", "port2"]}, "counter": {"packets": 3, "bytes": 84}}},
                {"elem": {"val": {"concat": ["port2", "port1"]}, "counter": {"packets": 0, "bytes": 0}}},
            ],
        }
    },
]


def test_nothing_to_change_is_no_script() -> None:
    cuts = frozenset({("port1", "port2")})

    assert change_script(cuts, cuts) == ""


def test_a_change_heals_and_cuts_in_one_script_and_leaves_what_stays_alone() -> None:
    script = change_script(
        observed=frozenset({("port1", "port2"), ("port1", "port3")}),
        desired=frozenset({("port1", "port3"), ("port3", "port1"), ("port2", "port1")}),
    )

    assert script == (
        'delete element bridge schrodinger cut { "port1" . "port2" }\n'
        'add element bridge schrodinger cut { "port2" . "port1", "port3" . "port1" }'
    )


@given(observed=PAIRS, desired=PAIRS)
def test_a_script_carried_out_on_what_is_gives_what_is_desired(
    observed: frozenset[PortPair], desired: frozenset[PortPair]
) -> None:
    assert carry_out(change_script(observed, desired), observed) == desired


def test_a_listing_gives_the_packets_that_each_cut_has_dropped() -> None:
    assert parse_drops(LISTING) == {("port1", "port2"): 3, ("port2", "port1"): 0}


def test_a_set_without_elements_is_no_cut() -> None:
    assert parse_drops([{"set": {"family": "bridge", "name": "cut"}}]) == {}


def test_a_listing_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one set"):
        parse_drops([{"metainfo": {"version": "1.0.6"}}])


def carry_out(script: str, observed: frozenset[PortPair]) -> frozenset[PortPair]:
    """What the kernel does: it refuses to delete what is not there, and here also to add what is."""
    cuts = set(observed)
    for line in script.splitlines():
        pairs = re.findall(r'"(\w+)" \. "(\w+)"', line)
        assert pairs, "an empty element list is a syntax error"
        for ingress, egress in pairs:
            if line.startswith("delete"):
                cuts.remove((ingress, egress))
            else:
                assert (ingress, egress) not in cuts
                cuts.add((ingress, egress))
    return frozenset(cuts)
