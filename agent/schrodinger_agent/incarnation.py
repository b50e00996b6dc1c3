"""One life of a target's database: from the launcher's start to the end of the last process.

Everything is addressed by pidfd: a number may be another process by the time a signal is sent, a pidfd never is.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from schrodinger_agent import launcher
from schrodinger_agent.errors import Failed, InvalidRequest
from schrodinger_agent.interpreter import bare_python

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_log = logging.getLogger(__name__)

_LAUNCH_S: Final = 20.0
"""From the launcher's start to the database's exec. It takes 40 ms on an idle machine."""

_KILL_S: Final = 8.0
"""From SIGKILL to the end of the last process. A process in uninterruptible sleep (a dying disk) takes its time."""

_REPORT_BYTES: Final = 1 << 13
"""Longest report of a launcher: an error of at most 4096 bytes."""

_CREDENTIALS = struct.Struct("iII")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What to run, and where: namespaces and cgroups to enter, a PID namespace to make, as far as there are any."""

    label: str  # which target it is, for whoever looks at the list of processes
    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    output: str
    network_fd: int | None
    cgroups: Sequence[Path]
    pid_namespace: bool
    user: User | None = None  # who runs it, if not who the agent is
    companions: Sequence[Sequence[str]] = ()  # programs beside it, which end with it as it does with them
    disk: DiskMount | None = None
    files: Sequence[tuple[str, str]] = ()  # each to be mounted over another, which is there; in a PID namespace only
    filter: bytes | None = None  # for seccomp; where the kernel then asks goes to ``on_listener``, for each program
    on_listener: Callable[[int], None] = os.close
    on_executing: Callable[[int, Callable[[], None]], None] | None = None  # gets the process, and what lets it go on


@dataclass(frozen=True, slots=True)
class User:
    """Whose rights a program has."""

    number: int
    group: int
    groups: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskMount:
    """A detached mount, and where the node's directory of it goes. Only in a PID namespace, which has its own mounts.

    The whole of it is mounted for a moment at ``whole``, where ``node`` is the node's directory in it, which stays at
    ``data``.
    """

    mount_fd: int
    whole: str
    node: str
    data: str


@final
class Incarnation:
    """A running database and its whole tree.

    ``pid`` is the database's main process, ``root`` the one below which the whole tree is: init, or the launcher. All
    as the host numbers them. ``expected`` is set by whoever is about to end it.
    """

    def __init__(
        self,
        number: int,
        started: subprocess.Popen[bytes],
        channel: socket.socket,
        *,
        namespaced: bool,
        on_listener: Callable[[int], None],
        on_executing: Callable[[int, Callable[[], None]], None] | None = None,
    ) -> None:
        self.number = number
        self.pid = 0
        self.root = started.pid
        self.expected = False
        self.ended_ns: int | None = None
        self._namespaced = namespaced
        self._on_listener = on_listener
        self._on_executing = on_executing
        self._launcher = started
        self._init: int | None = None  # pidfd of who ends the tree: init of the PID namespace, or the launcher
        self._channel = channel
        self._status: int | None = None
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = loop.create_future()
        self._started.add_done_callback(asyncio.Future.exception)  # it was seen, also when the caller has gone
        self.ended: asyncio.Future[int] = loop.create_future()
        self._launcher_fd = os.pidfd_open(started.pid)
        loop.add_reader(self._launcher_fd, self._on_launcher_end)
        loop.add_reader(channel.fileno(), self._on_message)

    @classmethod
    async def launch(cls, number: int, spec: Specification) -> Incarnation:
        """Start it; returns when the database has been executed.

        Called on the agent's main thread only: the launcher dies with the *thread* that started it.
        """
        incarnation = cls(
            number,
            *_start_launcher(spec),
            namespaced=spec.pid_namespace,
            on_listener=spec.on_listener,
            on_executing=spec.on_executing,
        )
        try:
            await asyncio.wait_for(asyncio.shield(incarnation._started), _LAUNCH_S)
        except TimeoutError:
            await incarnation.kill()
            raise Failed(
                f"{spec.argv[0]} was not executed within {_LAUNCH_S:g} s: is the machine overloaded?"
            ) from None
        except BaseException:
            await incarnation.kill()
            raise
        return incarnation

    @property
    def running(self) -> bool:
        """Whether anything of it may still be there."""
        return not self.ended.done()

    def terminate(self) -> None:
        """Ask the database to end: SIGTERM, which init forwards."""
        self._signal(signal.SIGTERM)

    async def kill(self) -> None:
        """End the whole tree; returns when it is gone.

        Raises:
            Failed: something survived its SIGKILL for seconds.
        """
        self._signal(signal.SIGKILL if self._namespaced else launcher.KILL_TREE)
        try:
            await asyncio.wait_for(asyncio.shield(self.ended), _KILL_S)
        except TimeoutError:
            raise Failed(f"process {self.pid} and its tree survived SIGKILL for {_KILL_S:g} s") from None

    def _signal(self, number: signal.Signals) -> None:
        if self.ended.done():
            return
        self._hear()  # whom to signal may have been said by now
        try:
            if self._init is not None:
                signal.pidfd_send_signal(self._init, number)
            else:  # not that far yet: the launcher takes its child along
                signal.pidfd_send_signal(self._launcher_fd, signal.SIGKILL)
        except ProcessLookupError:
            _log.debug("process %d ended before signal %s", self.pid, number.name)

    def _hear(self) -> None:
        """Take in everything that was said up to now."""
        while self._channel.fileno() >= 0 and self._on_message():
            pass

    def _on_message(self) -> bool:
        """Take one message; false when there is none."""
        try:
            data, ancillary, _, _ = self._channel.recvmsg(_REPORT_BYTES, 1024)
        except BlockingIOError:
            return False
        except ConnectionError:
            data, ancillary = b"", []
        if not data:
            self._close_channel()
            return False
        sender, descriptors = _ancillary(ancillary)
        message = json.loads(data)
        _log.debug("launcher %d: %s", self._launcher.pid, message)
        match message["event"]:
            case "init":
                self._init = descriptors[0]
                self.root = sender
            case "executing":
                self.pid = sender
                if self._on_executing is not None:
                    # In a thread of its own: the loop has to go on, for the child may be killed as well.
                    threading.Thread(target=self._on_executing, args=(sender, self._go_on), daemon=True).start()
            case "supervised":
                self._on_listener(descriptors[0])
            case "started" if not self._started.done():
                self._started.set_result(None)
            case "failed" if not self._started.done():
                self._started.set_exception(
                    InvalidRequest(f"argv cannot be executed: {message['error']}")
                    if message["of_request"]
                    else Failed(f"the target cannot be entered: {message['error']}")
                )
            case "exited":
                self._status = message["status"]
        return True

    def _go_on(self) -> None:
        """Let the process execute the database. If nobody is there to hear it there is nobody to let go."""
        with suppress(OSError):
            self._channel.send(b"!")

    def _close_channel(self) -> None:
        if self._channel.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            self._channel.close()

    def _on_launcher_end(self) -> None:
        """The launcher outlives the tree, so now everything is over."""
        self.ended_ns = time.monotonic_ns()
        loop = asyncio.get_running_loop()
        self._hear()
        self._close_channel()
        loop.remove_reader(self._launcher_fd)
        os.close(self._launcher_fd)
        if self._init is not None:
            os.close(self._init)
            self._init = None
        code = self._launcher.wait()
        if not self._started.done():
            self._started.set_exception(Failed(f"its launcher ended with status {code}: see the output file"))
        self.ended.set_result(self._status if self._status is not None else -signal.SIGKILL)


def _start_launcher(spec: Specification) -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            ours.setblocking(False)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, launcher.MESSAGE_BYTES)
            _send(ours, _message(spec))
            with _open_output(spec.output) as output:
                descriptors = [theirs.fileno()] + ([] if spec.network_fd is None else [spec.network_fd])
                descriptors += [] if spec.disk is None else [spec.disk.mount_fd]
                process = subprocess.Popen(
                    bare_python(launcher.__file__, str(theirs.fileno()), spec.label),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=descriptors,
                )
        except BaseException:
            ours.close()
            raise
    return process, ours


def _message(spec: Specification) -> dict[str, Any]:
    return {
        "agent": os.getpid(),
        "argv": list(spec.argv),
        "companions": [list(argv) for argv in spec.companions],
        "environment": dict(spec.environment),
        "directory": spec.directory,
        "user": None if spec.user is None else asdict(spec.user),
        "network_fd": spec.network_fd,
        "cgroups": [str(path) for path in spec.cgroups],
        "pid_namespace": spec.pid_namespace,
        "held": spec.on_executing is not None,
        "filter": None if spec.filter is None else spec.filter.hex(),
        "files": [list(pair) for pair in spec.files],
        "disk": None if spec.disk is None else asdict(spec.disk),
    }


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    try:
        channel.send(json.dumps(message).encode())
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
        raise InvalidRequest("argv and environment are too large together: pass less, or a file") from None


def _open_output(path: str) -> Any:
    try:
        return Path(path).open("ab", buffering=0)
    except OSError as error:
        raise InvalidRequest(
            f"output {path!r} cannot be opened ({error.strerror}): name a file in a directory that is there"
        ) from None


def _ancillary(received: Sequence[tuple[int, int, bytes]]) -> tuple[int, list[int]]:
    """The sender's process number as we see it, and the descriptors that came along."""
    sender, descriptors = 0, []
    for level, kind, data in received:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors += [fd for (fd,) in struct.iter_unpack("i", data)]
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            sender = _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
    return sender, descriptors
