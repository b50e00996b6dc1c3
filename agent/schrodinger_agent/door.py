"""The door: a Unix socket at which the agent sees who a client is, before it hands out a token for the calls.

gRPC for Python does not show the peer's credentials, a plain socket does (SO_PEERCRED, unix(7)). So a client comes
here first, is told ``{"version", "code", "token", "pid"}`` in one line of JSON, or ``{"refused": why}``, and keeps the
connection open: the connection *is* the session. When it closes, the session's clusters are taken down, and then the
agent closes its end, for a client that waits.

A client that is of other code says so, ``other code``, and hears ``leaving`` from an agent that was started on demand
and has nobody else to serve, or ``staying``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from typing import TYPE_CHECKING, Final, final

from schrodinger_agent.state import closed_to_others
from schrodinger_agent.version import __version__, code_digest

if TYPE_CHECKING:
    from schrodinger_agent.host import Host
    from schrodinger_agent.state import StateDirectory

_log = logging.getLogger(__name__)

OTHER_CODE: Final = b"other code\n"
LEAVING: Final = b"leaving\n"
STAYING: Final = b"staying\n"

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


@final
class Door:
    """The open door of a host."""

    def __init__(self, host: Host, state: StateDirectory) -> None:
        self._host = host
        self._state = state
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()
        self._closed = False
        self._code = code_digest()  # that of now: what is edited later is not ours

    async def open(self) -> None:
        """Let clients come."""
        self._state.door_socket.unlink(missing_ok=True)
        with closed_to_others():
            self._server = await asyncio.start_unix_server(self._visit, str(self._state.door_socket))

    def close(self) -> None:
        """Let nobody in any more: whoever comes now finds no agent, and starts the next one. Sessions go on."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        self._state.door_socket.unlink(missing_ok=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            if self._closed:  # it was accepted just before: no answer makes it try again
                return
            connection: socket.socket = writer.get_extra_info("socket")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid, uid, _ = _CREDENTIALS.unpack(credentials)
            if uid not in {0, os.geteuid()}:
                _log.warning("process %d of user %d was refused", pid, uid)
                why = f"this agent serves user {os.geteuid()} and root, not user {uid}: start one of your own"
                writer.write(json.dumps({"refused": why}).encode() + b"\n")
                return
            session = self._host.open_session(pid, uid)
            try:
                hello = {"version": __version__, "code": self._code, "token": session.token, "pid": os.getpid()}
                writer.write(json.dumps(hello).encode() + b"\n")
                with contextlib.suppress(ConnectionError):
                    if await reader.readline() == OTHER_CODE:
                        writer.write(LEAVING if self._host.make_way(session) else STAYING)
                    await reader.read()  # nothing more is said: this ends when the connection does
            finally:
                await self._host.close_session(session)
