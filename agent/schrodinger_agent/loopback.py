"""Addresses for targets that share the host's network: a /24 of 127.0.0.0/8 for each cluster.

Clusters side by side, even of different agents and users, must not meet. A block is claimed by binding an abstract
Unix socket named after it: abstract names belong to the same network namespace as the addresses, are free for every
user, and the kernel releases them with the process, so there is no file to go stale. See unix(7).
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Final, Self, final

from schrodinger_agent.errors import NotNow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIRST, _LAST = 64, 254
"""Second bytes that we use: 127.0 and its neighbours belong to the distribution's services (127.0.0.53, 127.0.1.1)."""

_TARGETS_AT_MOST: Final = 254


@final
class LoopbackBlock:
    """A claimed block, with an address for each target."""

    def __init__(self, claim: socket.socket, prefix: str, targets: Sequence[str]) -> None:
        assert len(targets) <= _TARGETS_AT_MOST, "the request was validated"
        self._claim = claim
        self.addresses: Mapping[str, str] = {target: f"{prefix}.{i}" for i, target in enumerate(targets, start=1)}

    @classmethod
    def claim(cls, targets: Sequence[str]) -> Self:
        """Claim the first block that is free."""
        for second in range(_FIRST, _LAST):
            for third in range(256):
                prefix = f"127.{second}.{third}"
                if claim := _bound(prefix):
                    return cls(claim, prefix, targets)
        raise NotNow("every block of loopback addresses is in use: end other runs first")

    def release(self) -> None:
        """Give the block back. May be called again."""
        self._claim.close()


def _bound(prefix: str) -> socket.socket | None:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        claim.bind(f"\0schrodinger-{prefix}")
    except OSError as error:
        claim.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return claim
