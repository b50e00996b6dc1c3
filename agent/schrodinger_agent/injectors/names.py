"""Names that fail or lie: the node's own name server answers otherwise, to every program in the node.

Both are read back by asking it from inside the node. A lookup that fails does not lie: failure goes first. A program
that has looked a name up before, and keeps the address or the connection, notices nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, final

from schrodinger_agent.errors import InvalidRequest
from schrodinger_agent.injectors import parameters as read
from schrodinger_agent.injectors.conditions import Condition, only
from schrodinger_agent.names import HOWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schrodinger_agent.target import Target

Lies: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of a name and the node whose address it is given instead."""


@final
class DnsFailure(Condition[str]):
    """Nodes of one cluster in which no name can be looked up. A setting is how that fails."""

    kind: ClassVar[str] = "dns-failure"
    needs: ClassVar[frozenset[str]] = frozenset({"names"})
    mechanism: ClassVar[str] = "the node's own name server fails every lookup"
    counters: ClassVar[tuple[str, ...]] = ("lookups", "failed")

    def setting(self, parameters: Mapping[str, Any]) -> str:
        """``how``."""
        only(self.kind, parameters, ("how",))
        how = parameters.get("how")
        if how not in HOWS:
            raise InvalidRequest(f"{self.kind}: 'how' is {how!r}: use {', '.join(HOWS)}")
        return str(how)

    def combined(self, settings: Sequence[str]) -> str:
        """The strongest."""
        return max(settings, key=HOWS.index)

    async def begin(self, target: Target, setting: str) -> None:
        """From the next lookup on."""
        target.names.rules = replace(target.names.rules, failure=setting)

    async def end(self, target: Target) -> None:
        """From the next lookup on."""
        target.names.rules = replace(target.names.rules, failure=None)

    async def problem(self, target: Target, setting: str) -> str:
        """Asked from inside, nothing else may be said."""
        told, _ = await target.names.ask(target.place.name)
        return "" if told == setting else f"a lookup ended with {told}"

    def measure(self, target: Target) -> dict[str, Any]:
        """What the node's programs asked."""
        return {"lookups": target.names.lookups, "failed": target.names.failed}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Lookups that failed."""
        return int(measured["failed"])


@final
class DnsLie(Condition[Lies]):
    """Nodes of one cluster in which names stand for the addresses of other nodes."""

    kind: ClassVar[str] = "dns-lie"
    needs: ClassVar[frozenset[str]] = frozenset({"names"})
    mechanism: ClassVar[str] = "the node's own name server gives the address of another node"
    counters: ClassVar[tuple[str, ...]] = ("lookups", "lied")

    def setting(self, parameters: Mapping[str, Any]) -> Lies:
        """``about``, the name, and ``instead``, whose address it is given."""
        only(self.kind, parameters, ("about", "instead"))
        about, instead = (
            read.known_name(self.kind, field, parameters.get(field), self._targets) for field in ("about", "instead")
        )
        if about == instead:
            raise InvalidRequest(f"{self.kind}: {about!r} instead of itself is no lie: name two nodes")
        return ((about, instead),)

    def combined(self, settings: Sequence[Lies]) -> Lies:
        """All of them; of two about one name the last by name."""
        return tuple(sorted({about: instead for setting in settings for about, instead in setting}.items()))

    async def begin(self, target: Target, setting: Lies) -> None:
        """From the next lookup on."""
        lies = {about.lower(): self._targets[instead].place.address for about, instead in setting}
        target.names.rules = replace(target.names.rules, lies=lies)

    async def end(self, target: Target) -> None:
        """From the next lookup on."""
        target.names.rules = replace(target.names.rules, lies={})

    async def problem(self, target: Target, setting: Lies) -> str:
        """Asked from inside, each name must stand for the other address, unless lookups fail."""
        if target.names.rules.failure is not None:
            return ""
        for about, instead in setting:
            told, address = await target.names.ask(about)
            if address != self._targets[instead].place.address:
                return f"{about} is {address or told}"
        return ""

    def measure(self, target: Target) -> dict[str, Any]:
        """What the node's programs asked."""
        return {"lookups": target.names.lookups, "lied": target.names.lied}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Lookups that were lied to."""
        return int(measured["lied"])
