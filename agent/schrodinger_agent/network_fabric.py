"""What carries packets between the endpoints: the one interface behind which mechanisms differ.

A fabric connects namespaces that exist already, in the thread that makes it, which is alone in the switch's namespace.
It is level-triggered: :meth:`Fabric.replace` takes every effect that shall be in force and leaves alone those that
stay, so that a lasting effect never blinks. What each has done is read back from whoever carries the packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from schrodinger_agent.network_effects import Counters, LinkEffect
    from schrodinger_agent.network_topology import Endpoint


class Fabric(Protocol):
    """Everything between the endpoints' namespaces, in force."""

    def replace(self, effects: AbstractSet[LinkEffect]) -> None:
        """Make exactly these effects be in force. They are of kinds that it can do, and between its endpoints."""
        ...

    def read(self) -> Mapping[LinkEffect, Counters]:
        """The effects in force, read back, with what they have done since they began."""
        ...

    def overflowed(self) -> int:
        """Packets that were dropped because too many were waiting, which no effect asked for."""
        ...

    def close(self) -> None:
        """Unplug every endpoint. What could not be undone is raised."""
        ...


class Mechanism(Protocol):
    """A way to make a fabric."""

    name: str
    """By which it is asked for."""

    words: str
    """How it does it, for people."""

    kinds: frozenset[str]
    """The effects that it can do."""

    needs: str
    """What to do where it is not to be had, when nothing better is known."""

    captures: bool
    """Whether it can write what it delivers to a file."""

    doubtful: bool
    """Whether a kernel may take its orders and do something else, so that each kind is tried before it is offered."""

    def connect(
        self, endpoints: Sequence[Endpoint], namespaces: Mapping[str, int], capture: Path | None = None
    ) -> Fabric:
        """Connect the endpoints, each in the namespace that its descriptor refers to.

        ``capture`` is a file, not there yet, for what is delivered. It is only asked of those that can.

        Raises:
            NetworkError: it is not to be had here. What was begun has been undone.
            OSError, NetlinkError, NftError: the system says no; so too.
        """
        ...
