"""The state directory: where an agent lives, and by which everything of it is found.

    lock            held (flock) by the one agent of this directory
    door.sock       the door, where a client proves who it is and its session begins
    agent.sock      gRPC
    journal.jsonl   what has been made that the kernel will not remove by itself
    agent.log
    clusters/<cluster>/<target>/data

It is private to its user: whoever can open the sockets can run programs as the agent. Root's can be passed through
(mode 0711), for databases that another user runs; what is in it, only its user can open.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schrodinger_agent.namespaces import outer_user

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "SCHRODINGER_STATE"

_SOCKET_PATH_LIMIT: Final = 107
"""Bytes of ``sun_path`` in unix(7), less the terminating zero."""


class StateError(Exception):
    """The state directory cannot be used."""


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """One agent's directory. ``path`` is absolute."""

    path: Path

    @classmethod
    def find(cls, chosen: Path | None = None) -> StateDirectory:
        """The directory that was chosen, or that ``$SCHRODINGER_STATE`` names, or the user's default.

        Raises:
            StateError: its path is too long for a socket.
        """
        if chosen is None and VARIABLE in os.environ:
            chosen = Path(os.environ[VARIABLE])
        found = cls(Path(os.path.abspath(chosen or _default())))  # noqa: PTH100 - resolve() would follow the last link
        if len(os.fsencode(found.rpc_socket)) > _SOCKET_PATH_LIMIT:
            raise StateError(
                f"the state directory {found.path} is too long for Unix sockets: choose a shorter one with {VARIABLE}"
            )
        return found

    @property
    def lock(self) -> Path:
        """The file that the running agent holds locked."""
        return self.path / "lock"

    @property
    def door_socket(self) -> Path:
        """Where a client proves who it is."""
        return self.path / "door.sock"

    @property
    def rpc_socket(self) -> Path:
        """Where gRPC is served."""
        return self.path / "agent.sock"

    @property
    def journal(self) -> Path:
        """What has been made that the kernel will not remove by itself."""
        return self.path / "journal.jsonl"

    @property
    def log(self) -> Path:
        """What the agent did."""
        return self.path / "agent.log"

    @property
    def clusters(self) -> Path:
        """The parent of the clusters' directories."""
        return self.path / "clusters"

    @property
    def mark(self) -> str:
        """The ownership mark: how names of ours in host-wide tables begin.

        It tells agents of two directories apart, and those of two containers that share a table but neither processes
        nor directories: what the other left is not ours to sweep.
        """
        container = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - a namespace, not a path
        identity = os.fsencode(self.path) + container.encode()
        return f"schrodinger-{hashlib.sha256(identity).hexdigest()[:8]}-"

    def ensure(self) -> None:
        """Make the directory if it is not there, and refuse one that others could have put there or can enter.

        Raises:
            StateError: it cannot be made, belongs to someone else, or is open to others.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.path.lstat()
            if found.st_uid == os.geteuid() == 0 and stat.S_IMODE(found.st_mode) == 0o700:
                self.path.chmod(0o711)
        except OSError as error:
            raise StateError(
                f"the state directory {self.path} cannot be made ({error}): choose another with {VARIABLE}"
            ) from None
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise StateError(f"{self.path} is not a directory of user {os.geteuid()}: choose another with {VARIABLE}")
        if stat.S_IMODE(found.st_mode) & (0o066 if os.geteuid() == 0 else 0o077):
            raise StateError(f"the state directory {self.path} is open to other users: run `chmod 700 {self.path}`")

    def try_lock(self) -> int | None:
        """Become this directory's agent: the descriptor that holds the lock, or ``None`` if another process does.

        Raises:
            StateError: the file system has no room for the lock, or no locks.
        """
        try:
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._no_lock(error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise self._no_lock(error) from None
        return descriptor

    def _no_lock(self, error: OSError) -> StateError:
        return StateError(f"{self.lock} cannot be locked ({error.strerror}): choose another directory with {VARIABLE}")


@contextmanager
def closed_to_others() -> Iterator[None]:
    """While sockets are made that only their user may connect to: from the first moment, so not by a change of mode."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _default() -> Path:
    """Root of a user namespace is who it is outside, and has an agent for each: one cannot reach into another."""
    user = outer_user()
    if user == 0:
        return Path("/run/schrodinger")
    namespace = Path("/proc/self/ns/user").stat().st_ino
    name = "schrodinger" if os.geteuid() else f"schrodinger-in-namespace-{namespace}"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime, name) if runtime else Path(f"/tmp/{name}-{user}")  # noqa: S108 - ensure() checks its owner
