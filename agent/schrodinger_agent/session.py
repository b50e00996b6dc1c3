"""Finding the agent of this host, or starting it, and opening a session at its door (:mod:`schrodinger_agent.door`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, final

from schrodinger_agent.door import LEAVING, OTHER_CODE
from schrodinger_agent.state import VARIABLE, StateDirectory, StateError
from schrodinger_agent.types import AgentError
from schrodinger_agent.version import __version__, code_digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IDLE_EXIT_S: Final = 5.0
"""How long an agent started on demand outlives its last session: long enough for the next run to find it warm."""

_RETRY_S: Final = 0.02


@final
class OpenSession:
    """What the agent said at its door, and the open connection that is the session."""

    def __init__(
        self,
        state: StateDirectory,
        said: Mapping[str, Any],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.state = state
        self.version = str(said["version"])
        self.code = str(said.get("code"))
        self.token = str(said["token"])
        self.agent_pid = int(said["pid"])
        self._reader = reader
        self._writer = writer

    async def ask_to_make_way(self, timeout_s: float) -> bool:
        """Ask an agent of other code to leave; whether it does. Only for a session that has done nothing."""
        answer = b""
        with contextlib.suppress(OSError, TimeoutError):
            self._writer.write(OTHER_CODE)
            answer = await asyncio.wait_for(self._reader.readline(), timeout_s)
        await self.close(timeout_s)
        return answer == LEAVING

    async def close(self, timeout_s: float) -> None:
        """End the session, and wait for the agent to hang up, which it does once the clusters are gone."""
        with contextlib.suppress(OSError, TimeoutError):
            if not self._writer.is_closing():
                self._writer.write_eof()
                await asyncio.wait_for(self._reader.read(), timeout_s)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def open_session(state: Path | None, *, start: bool, debug: bool, timeout_s: float) -> OpenSession:
    """Come to the agent's door, starting an agent if there is none and we may. See ``AgentClient.connect``."""
    try:
        directory = StateDirectory.find(state)
        if os.geteuid() != 0 or not directory.path.exists():  # root may knock at anybody's door
            directory.ensure()
    except StateError as error:
        raise AgentError(str(error), "FAILED_PRECONDITION") from None
    deadline = time.monotonic() + timeout_s
    session = await _knock(directory, deadline)
    if session is not None and start and not _is_ours(session) and await session.ask_to_make_way(timeout_s=1.0):
        session = None
    while session is None:
        if not start:
            raise AgentError(
                f"no agent runs for {directory.path}: run `schrodinger-agent serve --state {directory.path}`"
            )
        if time.monotonic() > deadline:
            raise AgentError(f"the agent did not answer within {timeout_s:g} s: see {directory.log}")
        await _start(directory, debug=debug, deadline=deadline)
        session = await _knock(directory, deadline)
        if session is None:  # it is on its way out, or another client's is on its way in
            await asyncio.sleep(_RETRY_S)
    if not _is_ours(session):
        await session.close(timeout_s=1.0)
        what = (
            f"is version {session.version}, this client is {__version__}"
            if session.version != __version__
            else "is of other code of the same version, as from another checkout, or from before an edit"
        )
        raise AgentError(
            f"the running agent (process {session.agent_pid}) {what}: wait for the runs that use it to end, stop it "
            f"with `kill {session.agent_pid}`, or have one of your own with {VARIABLE}=DIRECTORY",
            "FAILED_PRECONDITION",
        )
    return session


def _is_ours(session: OpenSession) -> bool:
    """Whether the agent is what we would start."""
    return (session.version, session.code) == (__version__, code_digest())


async def _knock(state: StateDirectory, deadline: float) -> OpenSession | None:
    """Come to the agent's door; ``None`` when nobody is there."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(state.door_socket))
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError as error:
        raise AgentError(
            f"the agent's door {state.door_socket} is closed to this user: {error}", "PERMISSION_DENIED"
        ) from None
    try:
        line = await asyncio.wait_for(reader.readline(), max(0.1, deadline - time.monotonic()))
    except ConnectionError:
        line = b""
    except TimeoutError:
        writer.close()
        raise AgentError(
            f"the agent of {state.path} is there and does not answer: it was stopped, or the machine is overloaded; "
            f"`fuser {state.lock}` says which process it is"
        ) from None
    if not line:  # it went away between our connect and its answer
        writer.close()
        return None
    said = json.loads(line)
    if "refused" in said:
        writer.close()
        raise AgentError(f"the agent refused us at its door: {said['refused']}", "PERMISSION_DENIED")
    return OpenSession(state, said, reader, writer)


async def _start(state: StateDirectory, *, debug: bool, deadline: float) -> None:
    """Start an agent that outlives us, and wait until it is ready (or until it found that another one is)."""
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schrodinger_agent", "serve", "--detach"),
        *(f"--state={state.path}", f"--idle-exit-s={IDLE_EXIT_S:g}"),
        *(["--debug"] if debug else []),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, complaint = await asyncio.wait_for(starter.communicate(), max(0.1, deadline - time.monotonic()))
    except TimeoutError:
        starter.kill()
        await starter.wait()
        raise AgentError(f"the agent did not start in time: see {state.log}") from None
    if starter.returncode:
        raise AgentError(f"the agent did not start: {complaint.decode(errors='replace').strip()} (log: {state.log})")
