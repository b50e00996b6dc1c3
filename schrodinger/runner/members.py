"""Who belongs to the database's cluster, as far as faults have changed it, and how it is changed.

A change is asked for again and again until the database's own list of members says that it was made: whoever asks a
database under faults often gets no answer, and must not take that for a refusal. Once asked for, a change is brought to
its end, or one that nobody waits for any more would happen later. The rule that keeps a cluster whole is a pure value,
:class:`Roll`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from schrodinger.cluster import Membership
from schrodinger.workloads import Indeterminate

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.nemesis import Departure
    from schrodinger.runner.nodes import DatabaseNodes

CHANGE_S: Final = 3.0
"""What one attempt may last: as long as a database looks for a leader. The protocol says so."""

AGAIN_S: Final = 0.2
"""Between two attempts."""


class TooFewMembers(Exception):
    """A change would leave fewer members than its fault keeps, or the node is no member; the message says which."""


@dataclass(frozen=True, slots=True)
class Roll:
    """The nodes that are there, and not away: members that have what they have stored."""

    present: frozenset[str]

    def without(self, departure: Departure) -> Roll:
        """The roll when this node has gone. Raises :class:`TooFewMembers`."""
        if departure.node not in self.present:
            raise TooFewMembers(f"{departure.node} is away already")
        left = self.present - {departure.node}
        if len(left) < departure.keep:
            raise TooFewMembers(f"it keeps {departure.keep} members, and only {len(left)} would remain")
        return Roll(left)

    def with_(self, node: str) -> Roll:
        """The roll when this node is back."""
        return Roll(self.present | {node})


@final
class Members:
    """Changes the members of one database, one at a time. ``note`` is told what was done, about which node."""

    def __init__(self, databases: DatabaseNodes, note: Callable[[str, str], None]) -> None:
        self._databases = databases
        self._note = note
        self._changing = asyncio.Lock()
        self._roll = Roll(frozenset(node.name for node in databases.cluster.nodes))
        self._problem = ""

    @property
    def roll(self) -> Roll:
        """Who is there now."""
        return self._roll

    @property
    def problem(self) -> str:
        """Why the last attempt was not the last that was needed; empty if it was."""
        return self._problem

    def let_go(self, departure: Departure) -> None:
        """Take a node off the roll, before anything is done. Raises :class:`TooFewMembers`."""
        self._enter(self._roll.without(departure))

    def take_back(self, name: str) -> None:
        """Put a node on the roll again, when everything is done."""
        self._enter(self._roll.with_(name))

    async def leave(self, name: str) -> list[str]:
        """Let the database do without a node; returns its members as soon as it does. Cancel it to give up."""
        return await self._until(name, is_member=False)

    async def join(self, name: str) -> list[str]:
        """Let the database accept a node, which has nothing stored; as :meth:`leave`."""
        return await self._until(name, is_member=True)

    def _enter(self, roll: Roll) -> None:
        self._roll = roll
        self._databases.away = frozenset(node.name for node in self._databases.cluster.nodes) - roll.present

    async def _until(self, name: str, *, is_member: bool) -> list[str]:
        while True:
            async with self._changing:
                try:
                    async with asyncio.timeout(CHANGE_S):
                        members = await self._attempt(name, is_member=is_member)
                except (OSError, TimeoutError, Indeterminate) as error:
                    self._problem = f"{type(error).__name__}: {error}"
                else:
                    self._problem = ""
                    return members
            await asyncio.sleep(AGAIN_S)

    async def _attempt(self, name: str, *, is_member: bool) -> list[str]:
        databases = self._databases
        database, cluster = databases.database, databases.cluster
        assert isinstance(database, Membership), "a plan changes members only if the suite can"
        members = sorted(await database.members(cluster))
        if (name in members) is is_member and (name in cluster.absent) is not is_member:
            return members  # nothing is new
        if (name in members) is not is_member:
            await (database.join if is_member else database.leave)(cluster[name], cluster)
        members = sorted(await database.members(cluster))
        if (name in members) is not is_member:
            raise Indeterminate(f"the members are {', '.join(members)}")
        if is_member:
            databases.cluster = replace(cluster, absent=cluster.absent - {name}, joined=cluster.joined | {name})
        else:
            databases.cluster = replace(cluster, absent=cluster.absent | {name}, joined=cluster.joined - {name})
        self._note(name, "joined the members" if is_member else "left the members")
        return members
