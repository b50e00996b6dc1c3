"""Names that fail or lie: what a node is told when it looks up another.

Only who looks up notices: a database that keeps its connections does so when one of them breaks. So these show most
beside partitions and kills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st

from schrodinger.nemesis.invalid import InvalidValueError, choices
from schrodinger.nemesis.node_fault import NodeFault
from schrodinger.nemesis.targets import node_sets

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from schrodinger.nemesis.faults import Fault
    from schrodinger.nemesis.targets import Targets

HOWS = ("nxdomain", "servfail", "timeout")
"""There is no such name; the server cannot say; nobody answers."""


@dataclass(frozen=True, slots=True, repr=False)
class DnsFailure(NodeFault):
    """On the targets no name can be looked up."""

    kind: ClassVar[str] = "dns-failure"
    needs_names: ClassVar[bool] = True

    how: str

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        if self.how not in HOWS:
            raise InvalidValueError("how", self.how, "no such failure of a lookup", choices(self.how, HOWS))

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """Any failure, on any nodes."""
        return st.builds(cls, node_sets(targets), st.sampled_from(HOWS)) if targets.names else None

    @property
    def measure(self) -> str:
        """``servfail``."""
        return self.how


@dataclass(frozen=True, slots=True, repr=False)
class DnsLie(NodeFault):
    """On the targets the name of one node stands for the address of another."""

    kind: ClassVar[str] = "dns-lie"
    needs_names: ClassVar[bool] = True

    about: str
    instead: str

    def __post_init__(self) -> None:
        NodeFault.__post_init__(self)
        for field in ("about", "instead"):
            if not isinstance(getattr(self, field), str) or not getattr(self, field):
                raise InvalidValueError(field, getattr(self, field), "not the name of a node", 'give one, such as "n2"')
        if self.about == self.instead:
            raise InvalidValueError("instead", self.instead, "that is no lie about itself", "name another node")

    @classmethod
    def strategy(cls, targets: Targets) -> SearchStrategy[Fault] | None:
        """Any lie about any node, to any nodes; none where there is but one."""
        if not targets.names or len(targets.nodes) < 2:
            return None
        pairs = [(about, instead) for about in targets.nodes for instead in targets.nodes if about != instead]
        return st.builds(lambda hit, pair: cls(hit, *pair), node_sets(targets), st.sampled_from(pairs))

    @property
    def names(self) -> frozenset[str]:
        """Who is lied to, and about whom."""
        return self.targets | {self.about, self.instead}

    @property
    def measure(self) -> str:
        """``n2 is n3``."""
        return f"{self.about} is {self.instead}"
