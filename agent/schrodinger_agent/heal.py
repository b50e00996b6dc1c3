"""Removing everything that crashed runs left on this host, with or without a running agent."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from schrodinger_agent.client import AgentClient
from schrodinger_agent.journal import Journal
from schrodinger_agent.lock import lock_or_yield
from schrodinger_agent.state import StateDirectory
from schrodinger_agent.sweep import sweep
from schrodinger_agent.types import HealReport

if TYPE_CHECKING:
    from pathlib import Path


async def heal(state: Path | None = None) -> HealReport:
    """Sweep what no living session owns.

    Without an agent everything that one left behind is removed here. With one it is asked to, and spares the clusters
    of living sessions.

    Raises:
        AgentError: the running agent could not be asked.
        StateError: the state directory cannot be used.
        LockError: an agent has the directory, but does not answer.
    """
    directory = StateDirectory.find(state)
    if not directory.path.exists():
        return HealReport(removed=(), errors=())
    directory.ensure()
    lock = await asyncio.to_thread(lock_or_yield, directory)
    if lock is None:
        async with await AgentClient.connect(directory.path, start=False) as agent:
            return await agent.heal()
    try:
        with Journal(directory.journal) as journal:
            return await asyncio.to_thread(sweep, directory, journal)
    finally:
        os.close(lock)
