"""Members that are to be away, of a cluster that is kept by hand.

As with all faults by hand there is a state that is wanted, and steps towards it. But a member goes and comes by the
consent of the others, and they may have no quorum just now to give it. So a step tries for a while, says why it has not
got there, and is taken again. What was begun is brought to its end before it is undone: see
:mod:`schrodinger.runner.members`. Other faults come first: it may be the end of one of them that a quorum needs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, final

from schrodinger.cluster import ProviderError
from schrodinger.runner import Members

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from schrodinger.cluster import Observed
    from schrodinger.nemesis import Departure, Fault
    from schrodinger.runner import DatabaseNodes, Roll, StandingFaults

TRY_S: Final = 6.0
"""How long one step tries: two attempts of a database that is looking for its leader."""


@final
class Departures:
    """Who is away from one cluster. ``note`` is told what was done, about which node."""

    def __init__(self, standing: StandingFaults, databases: DatabaseNodes, note: Callable[[str, str], None]) -> None:
        self._standing = standing
        self._databases = databases
        self._members = Members(databases, note)
        self._begun: dict[str, tuple[Fault, Departure]] = {}
        self._settled: set[str] = set()
        self._awaited: set[asyncio.Task[None]] = set()

    @property
    def begun(self) -> Collection[str]:
        """Ids of those faults whose members are on their way, away, or on their way back."""
        return self._begun.keys()

    @property
    def settled(self) -> Collection[str]:
        """Ids of those whose members are away."""
        return self._settled

    def roll(self, returning: Collection[str] = ()) -> Roll:
        """Who is there, and who would be if these were over."""
        roll = self._members.roll
        for id_ in self._begun.keys() & set(returning):
            roll = roll.with_(self._begun[id_][1].node)
        return roll

    async def send_away(self, id_: str, fault: Fault, told: Callable[[int, Observed], None]) -> str:
        """Try to have a member be away. Returns why it is not, or nothing.

        Raises:
            TooFewMembers: nothing was done, because too few would remain.
        """
        departure = fault.departure
        assert departure is not None, "it changes members"
        if id_ not in self._begun:
            self._members.let_go(departure)
            self._begun[id_] = fault, departure
        return await self._tried(self._go(id_, told), f"{departure.node} has not left the members")

    async def bring_back(self, id_: str, told: Callable[[int, Observed], None]) -> str:
        """Try to have it be a member again, and be started. Returns why it is not, or nothing."""
        _, departure = self._begun[id_]
        return await self._tried(self._come(id_, told), f"{departure.node} has not joined the members again")

    async def _go(self, id_: str, told: Callable[[int, Observed], None]) -> None:
        fault, departure = self._begun[id_]
        if id_ not in self._standing.faults:
            await self._members.leave(departure.node)
            self._databases.begins_anew(departure.node)
            await self._standing.change({id_: fault}, (), told)
        if departure.returns_at_once:
            await self._members.join(departure.node)
        self._settled.add(id_)

    async def _come(self, id_: str, told: Callable[[int, Observed], None]) -> None:
        if id_ not in self._settled:
            await self._go(id_, told)
        node = self._begun[id_][1].node
        await self._members.join(node)
        self._members.take_back(node)
        await self._standing.change({}, (id_,), told)
        del self._begun[id_]
        self._settled.discard(id_)
        ready = asyncio.create_task(self._databases.welcome(node))  # until then it may end, as newcomers do
        self._awaited.add(ready)
        ready.add_done_callback(self._awaited.discard)

    async def _tried(self, change: Awaitable[None], otherwise: str) -> str:
        try:
            async with asyncio.timeout(TRY_S):
                await change
        except TimeoutError:
            return f"{otherwise} within {TRY_S:g} s ({self._members.problem or 'nobody has answered'})"
        except ProviderError as error:
            return f"{otherwise}: {error}"
        return ""
