"""One agent from start to end: lock, sweep, serve, leave."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import TYPE_CHECKING

import grpc.aio

from schrodinger_agent.api.agent_pb2_grpc import add_AgentServicer_to_server
from schrodinger_agent.door import Door
from schrodinger_agent.gate import Gate
from schrodinger_agent.host import Host
from schrodinger_agent.journal import Journal
from schrodinger_agent.service import Service
from schrodinger_agent.state import closed_to_others
from schrodinger_agent.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger_agent.state import StateDirectory

_log = logging.getLogger(__name__)


def serve(state: StateDirectory, *, idle_exit_s: float | None, on_ready: Callable[[], None]) -> None:
    """Be the agent of the directory, whose lock we hold, until told to stop. Call on the main thread."""
    with Journal(state.journal) as journal:
        for problem in sweep(state, journal).errors:
            _log.error("left by an earlier agent: %s", problem)
        asyncio.run(_serve(state, journal, idle_exit_s, on_ready))


async def _serve(
    state: StateDirectory, journal: Journal, idle_exit_s: float | None, on_ready: Callable[[], None]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def leave() -> None:
        # In one step of the loop: nobody can come in between the decision to leave and the closing of the door.
        door.close()
        stop.set()

    host = Host(state, journal, idle_exit_s=idle_exit_s, on_idle=leave)
    door = Door(host, state)
    server = grpc.aio.server(interceptors=[Gate(host)], options=[("grpc.so_reuseport", 0)])
    add_AgentServicer_to_server(Service(host), server)
    state.rpc_socket.unlink(missing_ok=True)
    with closed_to_others():
        server.add_insecure_port(f"unix:{state.rpc_socket}")
    await server.start()
    await door.open()
    _log.info("agent %d serves %s", os.getpid(), state.path)
    on_ready()
    await stop.wait()
    door.close()
    await host.shut_down()
    await server.stop(grace=0.5)
    state.rpc_socket.unlink(missing_ok=True)
    _log.info("agent %d leaves", os.getpid())
