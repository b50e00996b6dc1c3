"""What nftables does to the packets of a link beside dropping all of them: the pure half, like ``network_cuts``.

A link on which something is in force has a chain, reached by a map of links. There it says of each effect how many
packets met it, and, where chance is nftables' own (``numgen random``), which of them it hits:

- a loss drops them;
- a duplication marks them, and the hook behind the receiver's port, which is the last before its queue, takes the mark
  away and sends a copy out by the same port.

The last rule gives what passes the class on the receiver's port in which the link's packets wait (``network_queues``).
A chain is emptied and filled in one transaction, so no packet finds it empty, and counters of what stays go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schrodinger_agent.network_effects import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schrodinger_agent.network_cuts import PortPair

_TABLE: Final = "bridge schrodinger"
_COPIES: Final = "netdev schrodinger"
_MARK: Final = "0x5c"

LIST_COMMAND: Final = f"list table {_TABLE}"

DROP: Final = "drop"
COPY: Final = f"meta mark set {_MARK}"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """What a chain does about one effect, by whose ``number`` its counters are known.

    Without a ``verdict`` it counts and no more; else that is what befalls a ``share`` of the packets, in parts per
    million.
    """

    number: int
    verdict: str = ""
    share: int = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """All that befalls the packets of a link, in this order, and the class in which they wait, if they do."""

    steps: tuple[Step, ...]
    class_id: str = ""

    def rules(self) -> list[str]:
        """As nft writes them."""
        rules = [f'counter name "met_{step.number}"{_by_chance(step)}' for step in self.steps]
        return [*rules, *([f"meta priority set {self.class_id}"] if self.class_id else [])]

    def numbers(self) -> frozenset[int]:
        """Those of its effects."""
        return frozenset(step.number for step in self.steps)


@dataclass(frozen=True, slots=True)
class Counted:
    """What the kernel has: the class of each link that has a chain, and counters by name."""

    classes: Mapping[PortPair, str]
    packets: Mapping[str, int]


def setup_script(ports: Iterable[str]) -> str:
    """What is there before there is an effect; the table of cuts is."""
    copies = "".join(
        f'    chain {port} {{\n        type filter hook egress device "{port}" priority 0;\n'
        f'        meta mark {_MARK} meta mark set 0 dup to "{port}"\n    }}\n'
        for port in ports
    )
    return (
        f"add map {_TABLE} links {{ type ifname . ifname : verdict; }}\n"
        f"add rule {_TABLE} forward iifname . oifname vmap @links\n"
        f"table {_COPIES} {{\n{copies}}}\n"
    )


def change_script(before: Mapping[PortPair, Chain], after: Mapping[PortPair, Chain]) -> str:
    """The transaction that turns the chains of links into others; empty when there is nothing to do."""
    script: list[str] = []
    for pair in sorted(before.keys() | after.keys()):
        was, shall = before.get(pair), after.get(pair)
        if was != shall:
            script += _change(pair, was, shall)
    return "\n".join(script)


def parse(listing: Sequence[Mapping[str, Any]]) -> Counted:
    """What :data:`LIST_COMMAND` answered."""
    packets = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listing if "counter" in entry}
    classes: dict[str, str] = {}
    for entry in listing:
        if "rule" in entry:
            classes |= dict.fromkeys([entry["rule"]["chain"]], _class_of(entry["rule"]["expr"]))
    elements = [
        element
        for entry in listing
        if "map" in entry and entry["map"]["name"] == "links"
        for element in entry["map"].get("elem", ())
    ]
    pairs = [(source, destination) for key, _ in elements for source, destination in [key["concat"]]]
    return Counted({pair: classes.get(_name(pair), "") for pair in pairs}, packets)


def _change(pair: PortPair, was: Chain | None, shall: Chain | None) -> list[str]:
    chain = _name(pair)
    begun = (shall.numbers() if shall else frozenset()) - (was.numbers() if was else frozenset())
    ended = (was.numbers() if was else frozenset()) - (shall.numbers() if shall else frozenset())
    script = [f"add counter {_TABLE} {name}" for name in _counters(shall, begun)]
    if shall is None:
        script.append(f"delete element {_TABLE} links {{ {_element(pair)} }}")
    script += [f"add chain {_TABLE} {chain}", f"flush chain {_TABLE} {chain}"]
    script += [f"add rule {_TABLE} {chain} {rule}" for rule in (shall.rules() if shall else ())]
    if shall is None:
        script.append(f"delete chain {_TABLE} {chain}")
    elif was is None:
        script.append(f"add element {_TABLE} links {{ {_element(pair)} : jump {chain} }}")
    return script + [f"delete counter {_TABLE} {name}" for name in _counters(was, ended)]


def _counters(chain: Chain | None, numbers: frozenset[int]) -> list[str]:
    steps = [step for step in (chain.steps if chain else ()) if step.number in numbers]
    return [
        name for step in steps for name in (f"met_{step.number}", f"hit_{step.number}") if step.verdict or "met" in name
    ]


def _by_chance(step: Step) -> str:
    """What lets a share of the packets pass on to the rest of a rule; where it is all of them nothing has to."""
    if not step.verdict:
        return ""
    chance = f"numgen random mod {ALL} < {step.share} " if step.share < ALL else ""
    return f' {chance}counter name "hit_{step.number}" {step.verdict}'


def _class_of(expressions: Sequence[Mapping[str, Any]]) -> str:
    """The class that a rule gives; of rules that give none, none."""
    for expression in expressions:
        if "mangle" in expression and expression["mangle"]["key"] == {"meta": {"key": "priority"}}:
            return str(expression["mangle"]["value"])
    return ""


def _name(pair: PortPair) -> str:
    return f"link_{'_'.join(pair)}"


def _element(pair: PortPair) -> str:
    return f'"{pair[0]}" . "{pair[1]}"'
