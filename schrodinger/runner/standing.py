"""The faults that stand: which are in force now, and what follows from them for the databases.

One desired state, changed in one place: added faults join it, removed ones leave it, and the provider gets it whole.
Databases that a fault has ended, or may end, are started again when nothing holds their node any more. Who wants which
fault when, a plan or a person, is not known here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, final

from schrodinger.nemesis import LEADER, EmptyFaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from schrodinger.cluster import Observed, Provider
    from schrodinger.nemesis import Fault
    from schrodinger.runner.nodes import DatabaseNodes

LEADER_TIMEOUT_S: Final = 2.0
NEWCOMER_AGAIN_S: Final = 0.2
"""Before a newcomer that was not let in, and ended, is started again."""
AFTERMATH_NS: Final = 3_000_000_000
"""How long after a fault a database may still end because of it: it has seen the error, and is on its way out."""


class Unresolved(Exception):
    """A role could not be resolved to a node."""


@final
class StandingFaults:
    """The faults that stand on one cluster. ``now`` is the clock, in nanoseconds."""

    def __init__(self, provider: Provider, databases: DatabaseNodes, now: Callable[[], int]) -> None:
        self._provider = provider
        self._databases = databases
        self._now = now
        self._standing: dict[str, Fault] = {}
        self._upset_until: dict[str, int] = {}
        self._changing = asyncio.Lock()

    @property
    def faults(self) -> Mapping[str, Fault]:
        """Those that are desired now, by id."""
        return self._standing

    async def resolve(self, fault: Fault) -> Fault:
        """The fault with roles replaced by the nodes that hold them now. Raises :class:`Unresolved`."""
        if LEADER not in fault.names:
            return fault
        try:
            async with asyncio.timeout(LEADER_TIMEOUT_S):
                leaders = await self._databases.leaders()
        except (OSError, TimeoutError) as error:
            raise Unresolved(f"nobody could say who leads ({type(error).__name__})") from error
        if not leaders:
            raise Unresolved("no node says that it leads")
        try:
            return fault.resolve({LEADER: leaders[0]}.__getitem__)
        except EmptyFaultError as error:
            raise Unresolved(str(error)) from error

    async def change(
        self, added: Mapping[str, Fault], removed: Collection[str], told: Callable[[int, Observed], None]
    ) -> None:
        """One step to another desired state, then restart what no fault holds. Never stops half-way when cancelled.

        Args:
            added: resolved faults by id.
            removed: ids; those that do not stand are left out.
            told: hears when the provider was asked, and what it observed, before anything is started again.
        """
        await asyncio.shield(self._change(added, removed, told))

    async def _change(
        self, added: Mapping[str, Fault], removed: Collection[str], told: Callable[[int, Observed], None]
    ) -> None:
        async with self._changing:
            ending = {id_: fault for id_, fault in self._standing.items() if id_ in removed}
            self._standing = {**{k: v for k, v in self._standing.items() if k not in ending}, **added}
            self._expect_aftermath(ending.values())
            asked_ns = self._now()
            observed = await self._provider.set_faults(self._standing)
            told(asked_ns, observed)
            for fault in added.values():
                self._databases.ended_by_fault(fault.ends)
                self._databases.may_stay_down(fault.wrecks)
            for fault in ending.values():  # one that puts files back damages a second time
                self._databases.may_stay_down(fault.wrecks)
            self._expect_aftermath(ending.values())
            await self._databases.start(self._held())

    async def ended(self, node: str) -> str:
        """A database ended by itself. Returns what may have upset it; it is started again when that is over.

        Empty if no fault explains it.
        """
        upsetting = [fault for fault in self._standing.values() if node in fault.upsets]
        if upsetting:
            return upsetting[0].describe()
        if node in self._databases.away:
            return "its leaving the members"
        if node in self._databases.lost:
            return "damage to what it has stored"
        if self._databases.is_newcomer(node):
            await asyncio.sleep(NEWCOMER_AGAIN_S)
        elif self._now() > self._upset_until.get(node, -1):
            return ""
        async with self._changing:
            await self._databases.start(self._held())
        return "its joining the members" if self._databases.is_newcomer(node) else "a fault that was just over"

    def _expect_aftermath(self, ending: Iterable[Fault]) -> None:
        until_ns = self._now() + AFTERMATH_NS
        for fault in ending:
            self._upset_until.update(dict.fromkeys(fault.upsets, until_ns))

    def _held(self) -> set[str]:
        """Nodes on which a database cannot be started now, or would only end again."""
        held = {name for fault in self._standing.values() for name in fault.holds | fault.upsets}
        return held | self._databases.away
