"""What is written into a vDSO, and what is found written there.

The payload (``native/crates/clock``) goes into the room behind the image, and the first instruction of each clock
function becomes a jump to its counterpart there. The payload's header names who wrote it: the mark by which an agent
finds processes that an earlier one has left. To undo it the first instructions are written back, from the image that
the agent itself has; the payload stays, because a thread that is in it, or in a signal handler that interrupted it, has
still to come out of it. Nothing leads there any more.
"""

from __future__ import annotations

import os
import struct
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

from schrodinger_agent.clocks.errors import ClockError
from schrodinger_agent.clocks.skew import Skew, Skews
from schrodinger_agent.clocks.vdso import MACHINES, own_image, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAGIC: Final = b"schrodingerclock"
_OWNER_BYTES: Final = 112
_NUMBERS: Final = struct.Struct("<2q20q")  # sequence, reserved, and twice two skews of five
_SKEWS: Final = struct.Struct("<10q")
_SEQUENCE: Final = struct.Struct("<q")
_SEQUENCE_AT: Final = len(_MAGIC) + _OWNER_BYTES
_SKEWS_AT: Final = _SEQUENCE_AT + 16
HEADER_BYTES: Final = _SEQUENCE_AT + _NUMBERS.size

_LANDING_PAD: Final = bytes.fromhex("5f2403d5")  # bti c
_SIGNED_RETURN: Final = (bytes.fromhex("3f2303d5"), bytes.fromhex("7f2303d5"))  # paciasp, pacibsp


@dataclass(frozen=True, slots=True)
class Written:
    """A patch that was found: whose it is, how often it was changed, and what it does.

    It is ``whole`` if every function leads into it as this agent would have it: another one may have died while it
    wrote, or have had another payload.
    """

    owner: str
    sequence: int
    skews: Skews
    whole: bool


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes, and where in the image they go."""

    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Patch:
    """How the vDSO of this machine is changed. ``jumps`` by the place of what they replace, ``room`` of the payload."""

    image: bytes
    payload: bytes
    room: int
    jumps: tuple[Write, ...]

    @classmethod
    def of(cls, image: bytes, payload: bytes, places: Mapping[str, int], architecture: str) -> Patch:
        """Lay it out for an image that nobody has changed.

        Raises:
            ClockError: there is no payload for it, no room, or it is not what was expected.
        """
        machine = MACHINES.get(architecture)
        if machine is None or not payload:
            raise ClockError(f"there is no payload for {architecture}")
        parts = understood(image, machine)
        if len(image) - parts.room < len(payload):
            free = len(image) - parts.room
            raise ClockError(f"the vDSO has room for {free} bytes, and {len(payload)} are needed")
        jumps = []
        for name, (at, size) in sorted(parts.functions.items()):
            jump = _jump(image, at, parts.room + places[name], architecture)
            if jump.at + len(jump.data) > at + size:
                raise ClockError(f"{name} of the vDSO is too short for a jump")
            jumps.append(jump)
        return cls(image, payload, parts.room, tuple(jumps))

    @classmethod
    def here(cls) -> Patch:
        """Lay it out for this machine.

        Raises:
            ClockError: as :meth:`of`; the native package is not there; or the agent's own clocks are changed.
        """
        try:
            from schrodinger_native import clock_payload
        except ImportError as error:
            raise ClockError(f"the payload is the native package's: {error}") from None
        payload, places = clock_payload()
        return cls.of(own_image(), payload, places, os.uname().machine)

    @property
    def pristine(self) -> tuple[Write, ...]:
        """What the jumps replaced."""
        return tuple(Write(jump.at, self.image[jump.at : jump.at + len(jump.data)]) for jump in self.jumps)

    def filled(self, owner: str, skews: Skews) -> Write:
        """The payload for a process that has none yet."""
        name = owner.encode()
        assert len(name) < _OWNER_BYTES, "marks, names of clusters and of targets are short"
        header = _MAGIC + name.ljust(_OWNER_BYTES, b"\0") + _NUMBERS.pack(0, 0, *_numbers(skews), *_numbers(skews))
        return Write(self.room, header + self.payload[HEADER_BYTES:])

    def change(self, written: Written, skews: Skews) -> tuple[Write, Write]:
        """From one skew to another while the process runs, in this order: first what is not in use, then the switch."""
        sequence = written.sequence + 1
        at = self.room + _SKEWS_AT + (sequence & 1) * _SKEWS.size
        return (
            Write(at, _SKEWS.pack(*_numbers(skews))),
            Write(self.room + _SEQUENCE_AT, _SEQUENCE.pack(sequence)),
        )

    def found(self, image: bytes) -> Written | None:
        """What a process's image holds; ``None`` if its functions are the kernel's.

        Raises:
            ClockError: it is neither as the kernel made it nor as this patch would.
        """
        ours = image.startswith(_MAGIC, self.room)
        if image[: self.room] == self.image[: self.room]:
            if any(image[self.room :]) and not ours:
                raise ClockError("somebody else has written behind its vDSO")
            return None
        if not ours or _with(image[: self.room], self.pristine) != self.image[: self.room]:
            raise ClockError("its vDSO is not what the kernel made: somebody else has changed it")
        whole = image[: self.room] == _with(self.image[: self.room], self.jumps)
        return _read(image[self.room : self.room + HEADER_BYTES], whole)


def _with(image: bytes, writes: tuple[Write, ...]) -> bytes:
    changed = bytearray(image)
    for write in writes:
        changed[write.at : write.at + len(write.data)] = write.data
    return bytes(changed)


def _read(header: bytes, whole: bool) -> Written:
    owner = header[len(_MAGIC) : _SEQUENCE_AT].rstrip(b"\0").decode(errors="replace")
    sequence, _, *numbers = _NUMBERS.unpack_from(header, _SEQUENCE_AT)
    begin = 10 * (sequence & 1)
    realtime, monotonic = (Skew(*numbers[at : at + 5]) for at in (begin, begin + 5))
    return Written(owner, sequence, Skews(realtime, monotonic), whole)


def _numbers(skews: Skews) -> tuple[int, ...]:
    return (*astuple(skews.realtime), *astuple(skews.monotonic))


def _jump(image: bytes, at: int, to: int, architecture: str) -> Write:
    """A jump in place of what begins at ``at``."""
    if architecture == "x86_64":
        return Write(at, b"\xe9" + struct.pack("<i", to - (at + 5)))
    first = image[at : at + 4]
    if first in _SIGNED_RETURN:  # it is where indirect calls may land as well, and a branch is not
        raise ClockError("the functions of the vDSO sign their return addresses, for which there is no recipe")
    if first == _LANDING_PAD:
        at += 4
    return Write(at, struct.pack("<I", 0x14000000 | (to - at) // 4 & 0x03FFFFFF))
