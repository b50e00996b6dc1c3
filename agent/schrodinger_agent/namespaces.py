"""Network namespaces that are held by a file descriptor and nothing else.

A named namespace (``ip netns add``) is a bind mount that outlives whoever made it. An anonymous one lives as long as a
process, a socket or an open descriptor refers to it: when the agent dies, the kernel removes the namespace with every
link in it, and there is nothing to sweep. See namespaces(7) and network_namespaces(7).

A network namespace belongs to a *thread*, so every function here acts on the calling thread only. A thread started
afterwards inherits the namespace of the one that started it. ``os.setns`` and ``os.unshare`` come with Python 3.12;
until then, ctypes.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWNET = 0x40000000

OWN_NAMESPACES = "unshare --user --map-root-user --net COMMAND"
"""How an ordinary user may have networks, by unshare(1): a network namespace that belongs to the user namespace."""

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_INTERFACE_FLAGS = struct.Struct("16sH22x")
"""``struct ifreq`` of netdevice(7), as far as flags need it."""


def outer_user() -> int:
    """Who this process is outside of its user namespace, by user_namespaces(7); the user itself if it is in none."""
    user = os.geteuid()
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        inside, outside, length = map(int, line.split())
        if inside <= user < inside + length:
            return outside + user - inside
    return user


def open_network() -> int:
    """A descriptor of the calling thread's network namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def open_network_of(process: int, thread: int) -> int:
    """A descriptor of the network namespace of one thread of a process."""
    return os.open(f"/proc/{process}/task/{thread}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def unshare_network() -> None:
    """Move the calling thread into a new, empty network namespace."""
    _call("unshare", CLONE_NEWNET)


def enter_network(namespace: int) -> None:
    """Move the calling thread into the network namespace that a descriptor refers to."""
    _call("setns", namespace, CLONE_NEWNET)


@contextmanager
def inside_network(namespace: int) -> Iterator[None]:
    """Run a block with the calling thread inside a network namespace. Sockets opened there stay there for good."""
    here = open_network()
    try:
        enter_network(namespace)
        try:
            yield
        finally:
            enter_network(here)
    finally:
        os.close(here)


def new_network() -> int:
    """A descriptor of a new network namespace; the calling thread stays where it is."""
    here = open_network()
    try:
        unshare_network()
        try:
            return open_network()
        finally:
            enter_network(here)
    finally:
        os.close(here)


def raise_loopback() -> None:
    """Bring up ``lo`` in the calling thread's network namespace, where a new namespace has it down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        fcntl.ioctl(anything, _SIOCSIFFLAGS, _INTERFACE_FLAGS.pack(b"lo", _IFF_UP))


def same_network(one: int, other: int) -> bool:
    """Whether two descriptors refer to the same namespace."""
    a, b = os.fstat(one), os.fstat(other)
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name} of a network namespace: {os.strerror(error)}")
