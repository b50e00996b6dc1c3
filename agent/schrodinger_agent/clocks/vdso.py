"""The vDSO: the small library that the kernel maps into every process, with the functions that tell the time.

It is an ELF image of a page or two (vdso(7)), the same in every process of a machine until somebody writes to it: then
that process alone has a copy. What the last page has beyond the image is zeros that nobody uses. All offsets here are
from the beginning of the image, which is mapped as it is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schrodinger_agent.clocks.errors import ClockError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")  # Elf64_Ehdr
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
_SYMBOL: Final = struct.Struct("<IBBHQQ")  # Elf64_Sym
_MAGIC: Final = b"\x7fELF\x02\x01"  # of 64 bits, the low byte first
_DYNAMIC_SYMBOLS: Final = 11  # SHT_DYNSYM

_AUXILIARY: Final = struct.Struct("<QQ")
_IMAGE_AT: Final = 33  # AT_SYSINFO_EHDR

ALIGNMENT: Final = 64
"""Of the room: a line of the cache."""


@dataclass(frozen=True, slots=True)
class Machine:
    """An architecture: its number in ELF, and how its vDSO calls what stands in for the C library's functions."""

    name: str
    number: int
    symbols: Mapping[str, str]


MACHINES: Final[Mapping[str, Machine]] = {
    machine.name: machine
    for machine in (
        Machine(
            "x86_64",
            62,
            {
                "__vdso_clock_gettime": "clock_gettime",
                "__vdso_gettimeofday": "gettimeofday",
                "__vdso_time": "time",
            },
        ),
        Machine("aarch64", 183, {"__kernel_clock_gettime": "clock_gettime", "__kernel_gettimeofday": "gettimeofday"}),
    )
}
"""By the name that uname(2) has for them."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a vDSO consists of: for each function where it begins and how long it is, and where the room begins."""

    functions: Mapping[str, tuple[int, int]]
    room: int


def understood(image: bytes, machine: Machine) -> Image:
    """The parts of an image.

    Raises:
        ClockError: it is not what this machine's kernels have.
    """
    try:
        sections_end, sections = _sections(image, machine)
        functions = dict(_functions(image, machine, sections))
    except (struct.error, IndexError, ValueError) as error:
        raise ClockError(f"this kernel's vDSO is damaged, or of a kind that is not known: {error}") from None
    if "clock_gettime" not in functions:
        raise ClockError("this kernel's vDSO has no function that tells the time")
    end = max(sections_end, len(image.rstrip(b"\0")))
    return Image(functions, min(-(-end // ALIGNMENT) * ALIGNMENT, len(image)))


def base_of(process: int | str) -> int:
    """Where a process (or ``self``) has its vDSO, by what the kernel told it when it was executed.

    Raises:
        ClockError: it has none.
        OSError: it is ending, or may not be looked at.
    """
    told = Path(f"/proc/{process}/auxv").read_bytes()
    if not told:
        raise ProcessLookupError(f"process {process} has no memory any more")
    whole = told[: len(told) // _AUXILIARY.size * _AUXILIARY.size]
    entries: dict[int, int] = dict(_AUXILIARY.iter_unpack(whole))
    base = entries.get(_IMAGE_AT, 0)
    if not base:
        raise ClockError(f"process {process} has no vDSO, or is not one of 64 bits")
    return base


def own_image() -> bytes:
    """The image that this process has.

    Raises:
        ClockError: it has none.
    """
    base = base_of("self")
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, end = (int(address, 16) for address in line.split(maxsplit=1)[0].split("-"))
        if begin == base:
            with Path("/proc/self/mem").open("rb", buffering=0) as memory:
                memory.seek(begin)
                return memory.read(end - begin)
    raise ClockError("the agent's own vDSO is not where the kernel said that it is")


def _sections(image: bytes, machine: Machine) -> tuple[int, list[tuple[int, ...]]]:
    """Where the table of sections ends, and what is in it."""
    header = _HEADER.unpack_from(image)
    if header[0][:6] != _MAGIC or header[2] != machine.number:
        raise ClockError(f"this kernel's vDSO is no ELF image of {machine.name}")
    begin, entry_bytes, count = header[6], header[11], header[12]
    end = begin + entry_bytes * count
    if entry_bytes != _SECTION.size or end > len(image):
        raise ValueError("its table of sections is not in it")
    return end, list(_SECTION.iter_unpack(image[begin:end]))


def _functions(
    image: bytes, machine: Machine, sections: list[tuple[int, ...]]
) -> Iterator[tuple[str, tuple[int, int]]]:
    for _, kind, _, _, begin, length, link, *_ in sections:
        if kind != _DYNAMIC_SYMBOLS:
            continue
        names = sections[link][4]
        for name_at, _, _, _, value, size in _SYMBOL.iter_unpack(image[begin : begin + length]):
            name = image[names + name_at : image.index(b"\0", names + name_at)].decode(errors="replace")
            if name in machine.symbols:
                if not 0 < value <= len(image) - size:
                    raise ValueError(f"{name} is not in it")
                yield machine.symbols[name], (value, size)
