"""Which links are cut, as nftables: the pure half. Scripts go out, listings come in; nobody is called.

One private table in the switch's own namespace holds one set of (ingress port, egress port) pairs. A frame that would
go from one to the other is dropped on its way to the receiver: the sender's kernel has long said yes, as on a lossy
network, whereas a drop on its own output would fail its send with EPERM. Pairs of ports rather than of addresses, so
that broadcast, multicast and any other protocol are cut as well.

Every element carries a counter, which proves that the cut bites. A change is the difference between what is and what
shall be: an element that stays is not touched, so that no packet slips through a lasting cut and its counter goes on.
(Injectors that flush and fill heal every partition for a moment at each change.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

PortPair: TypeAlias = tuple[str, str]
"""(ingress port, egress port)."""

_SET = "bridge schrodinger cut"

TABLE_SCRIPT = """\
table bridge schrodinger {
    set cut { type ifname . ifname; counter; }
    chain forward {
        type filter hook forward priority 0; policy accept;
        iifname . oifname @cut drop
    }
}
"""

LIST_COMMAND = f"list set {_SET}"


def change_script(observed: AbstractSet[PortPair], desired: AbstractSet[PortPair]) -> str:
    """The transaction that turns one set of cuts into another; empty when there is nothing to do."""
    lines = []
    if healed := observed - desired:
        lines.append(f"delete element {_SET} {_elements(healed)}")
    if added := desired - observed:
        lines.append(f"add element {_SET} {_elements(added)}")
    return "\n".join(lines)


def parse_drops(listing: Sequence[Mapping[str, Any]]) -> dict[PortPair, int]:
    """What :data:`LIST_COMMAND` answered: each cut pair of ports, with the number of packets it has dropped."""
    sets = [entry["set"] for entry in listing if "set" in entry]
    if len(sets) != 1:
        raise ValueError(f"expected one set in the listing of {_SET!r}, found {len(sets)}")
    elements = [entry["elem"] for entry in sets[0].get("elem", ())]
    return {
        (ingress, egress): int(element["counter"]["packets"])
        for element in elements
        for ingress, egress in [element["val"]["concat"]]
    }


def _elements(pairs: Iterable[PortPair]) -> str:
    return "{ " + ", ".join(f'"{ingress}" . "{egress}"' for ingress, egress in sorted(pairs)) + " }"
