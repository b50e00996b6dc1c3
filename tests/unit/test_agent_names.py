"""What a node's name server answers, as dnspython reads it, and the files that lead there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.names import HOWS, Rules
from schrodinger_agent.names.answers import Answer, answer
from schrodinger_agent.names.files import hosts_without, switch_to_dns

if TYPE_CHECKING:
    from collections.abc import Mapping

NODES = {"n1": "10.77.0.1", "n2": "10.77.0.2"}
TRUTH = Rules()


def told(name: str, rules: Rules = TRUTH, kind: str = "A") -> tuple[int, list[str]]:
    query = dns.message.make_query(name, kind)
    found = answer(query.to_wire(), NODES, rules)
    assert found is not None
    assert found.wire is not None
    reply = dns.message.from_wire(found.wire)
    assert query.is_response(reply)
    assert all(entry.ttl == 0 for entry in reply.answer), "nobody may keep it"
    return reply.rcode(), [item.to_text() for entry in reply.answer for item in entry]


@pytest.mark.parametrize("name", ["n2", "N2", "n2."])
def test_a_node_has_its_address(name: str) -> None:
    assert told(name) == (dns.rcode.NOERROR, ["10.77.0.2"])


@pytest.mark.parametrize("kind", ["AAAA", "TXT", "ANY"])
def test_a_node_is_there_also_for_who_asks_for_something_else(kind: str) -> None:
    assert told("n2", kind=kind) == (dns.rcode.NOERROR, [])


@pytest.mark.parametrize("name", ["n3", "n2.example.org", "example.org", "1.0.77.10.in-addr.arpa"])
def test_nothing_else_exists(name: str) -> None:
    assert told(name) == (dns.rcode.NXDOMAIN, [])


@pytest.mark.parametrize(("how", "code"), [("nxdomain", dns.rcode.NXDOMAIN), ("servfail", dns.rcode.SERVFAIL)])
@pytest.mark.parametrize("name", ["n1", "n9"])
def test_every_lookup_fails(how: str, code: int, name: str) -> None:
    assert told(name, Rules(failure=how, lies={"n1": "10.77.0.2"})) == (code, [])


def test_silence_is_no_answer_and_counts_as_a_failure() -> None:
    assert answer(dns.message.make_query("n1", "A").to_wire(), NODES, Rules(failure="timeout")) == Answer(
        None, failed=True
    )


@pytest.mark.parametrize(("kind", "lied"), [("A", True), ("AAAA", False)])
def test_a_lie_is_told_of_one_name_and_counted_when_it_is_told(kind: str, lied: bool) -> None:
    rules = Rules(lies={"n1": NODES["n2"]})
    assert told("n1", rules) == (dns.rcode.NOERROR, ["10.77.0.2"])
    assert told("n2", rules) == (dns.rcode.NOERROR, ["10.77.0.2"])
    found = answer(dns.message.make_query("n1", kind).to_wire(), NODES, rules)
    assert found is not None
    assert found.lied is lied
    assert not found.failed


def questions() -> Mapping[str, bytes]:
    query = dns.message.make_query("n1", "A")
    two = dns.message.make_query("n1", "A")
    two.question *= 2
    answered = dns.message.make_response(query)
    notify = dns.message.make_query("n1", "A")
    notify.set_opcode(dns.opcode.NOTIFY)
    whole = query.to_wire()
    return {
        "nothing": b"",
        "half": whole[:15],
        "two": two.to_wire(),
        "answer": answered.to_wire(),
        "notify": notify.to_wire(),
    }


@pytest.mark.parametrize("what", questions())
def test_what_is_no_question_gets_no_answer(what: str) -> None:
    assert answer(questions()[what], NODES, TRUTH) is None


@given(st.binary(max_size=100), st.integers(0, 40), st.sampled_from([None, *HOWS]))
def test_no_bytes_make_a_server_fail(noise: bytes, at: int, failure: str | None) -> None:
    wire = dns.message.make_query("n1", "A").to_wire()
    for question in (noise, wire[:at] + noise, wire[:at] + noise + wire[at + len(noise) :]):
        answer(question, NODES, Rules(failure=failure))


def test_the_lists_of_the_host_stay_but_for_nodes() -> None:
    hosts = "127.0.0.1 localhost\n10.0.0.1 N1 other\n10.0.0.2 host # n3\n"
    assert hosts_without(hosts, ["n1", "n2"]) == "127.0.0.1 localhost\n10.0.0.2 host # n3\n"
    switch = "passwd: files systemd\n# hosts: none\n hosts: mymachines resolve [!UNAVAIL=return] dns\nnetworks: files\n"
    assert switch_to_dns(switch) == "passwd: files systemd\n# hosts: none\nnetworks: files\nhosts: files dns\n"
