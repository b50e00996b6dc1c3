"""What a node's name server answers (RFC 1035): from the bytes of a question to those of the answer, and no effects.

Every node has its name and one IPv4 address; nothing else exists. Answers may not be kept (TTL 0), so a lie ends when
its fault does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Mapping

HOWS: Final = ("nxdomain", "servfail", "timeout")
"""How lookups fail, the weakest first: there is no such name; the server cannot say; nobody says anything."""

_CODES: Final = {"nxdomain": dns.rcode.NXDOMAIN, "servfail": dns.rcode.SERVFAIL}


@dataclass(frozen=True, slots=True)
class Rules:
    """How a server departs from the truth: every lookup fails this way, or some names stand for others' addresses."""

    failure: str | None = None
    lies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes, none where there is silence, and which rule they are owed to."""

    wire: bytes | None
    failed: bool = False
    lied: bool = False


def answer(question: bytes, addresses: Mapping[str, str], rules: Rules) -> Answer | None:
    """The answer to a question, ``None`` if it is none."""
    try:
        query = dns.message.from_wire(question)
        if query.flags & dns.flags.QR or query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return None
        reply = dns.message.make_response(query, recursion_available=True)
    except (dns.exception.DNSException, ValueError):
        return None
    if rules.failure == "timeout":
        return Answer(None, failed=True)
    if rules.failure is not None:
        reply.set_rcode(_CODES[rules.failure])
        return Answer(reply.to_wire(), failed=True)
    asked = query.question[0]
    name = asked.name.to_text(omit_final_dot=True).lower()
    address = rules.lies.get(name, addresses.get(name))
    if address is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif asked.rdtype == dns.rdatatype.A and asked.rdclass == dns.rdataclass.IN:
        reply.answer.append(dns.rrset.from_text(asked.name, 0, dns.rdataclass.IN, dns.rdatatype.A, address))
    return Answer(reply.to_wire(), lied=bool(reply.answer) and name in rules.lies)
