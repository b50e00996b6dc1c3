"""The catalogue of faults: which kinds there are, by name.

It is an ordinary value, passed to whatever reads a plan or draws one. A suite with a fault of its own passes
``FAULTS.extended(MyFault)``; nothing is registered anywhere, so two suites in one process cannot disturb each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schrodinger.nemesis.clocks import (
    ClockDrift,
    ClockJump,
    ClockStrobe,
    MonotonicDrift,
    MonotonicJump,
    MonotonicStrobe,
)
from schrodinger.nemesis.damage import FileDamage, RollBack
from schrodinger.nemesis.disks import DiskFull, DiskReadOnly, DiskSlow, DiskStall, PowerLoss
from schrodinger.nemesis.invalid import InvalidValueError, choices
from schrodinger.nemesis.links import (
    BurstLoss,
    Corruption,
    Delay,
    Duplication,
    Loss,
    RateLimit,
    Reordering,
    Reset,
    SilentCorruption,
)
from schrodinger.nemesis.membership import MemberLeave, MemberReplace
from schrodinger.nemesis.names import DnsFailure, DnsLie
from schrodinger.nemesis.partition import Partition
from schrodinger.nemesis.processes import Kill, KillProcess, Pause, PauseProcess, RestartLoop, Terminate
from schrodinger.nemesis.resources import (
    CpuBurn,
    CpuLimit,
    DescriptorLimit,
    MemoryLimit,
    MemoryPressure,
    ProcessLimit,
)
from schrodinger.nemesis.system_calls import IoDelay, IoError, LyingSync

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schrodinger.nemesis.faults import Fault


@dataclass(frozen=True, slots=True)
class FaultCatalogue:
    """Fault classes, each known by its ``kind``."""

    classes: tuple[type[Fault], ...]

    def __post_init__(self) -> None:
        kinds = [fault.kind for fault in self.classes]
        for fault in self.classes:
            if kinds.count(fault.kind) > 1:
                raise InvalidValueError("kind", fault.kind, "two faults of one catalogue have it", "give each its own")

    def __iter__(self) -> Iterator[type[Fault]]:
        return iter(self.classes)

    def __getitem__(self, kind: str) -> type[Fault]:
        return self._find(kind, "kind")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of the faults, in the catalogue's order."""
        return tuple(fault.kind for fault in self.classes)

    def extended(self, *faults: type[Fault]) -> FaultCatalogue:
        """This catalogue with more faults in it."""
        return FaultCatalogue((*self.classes, *faults))

    def select(self, kinds: Iterable[str]) -> FaultCatalogue:
        """Only these kinds, in this catalogue's order, so that the order they were asked for in changes nothing."""
        wanted = frozenset(self._find(kind, "faults") for kind in kinds)
        return FaultCatalogue(tuple(fault for fault in self.classes if fault in wanted))

    def _find(self, kind: str, field: str) -> type[Fault]:
        for fault in self.classes:
            if fault.kind == kind:
                return fault
        raise InvalidValueError(field, kind, "no such fault", choices(kind, self.kinds))


FAULTS = FaultCatalogue(
    (
        Partition,
        Kill,
        Pause,
        PowerLoss,
        Delay,
        Loss,
        BurstLoss,
        Duplication,
        Reordering,
        Corruption,
        SilentCorruption,
        RateLimit,
        Reset,
        DiskFull,
        DiskReadOnly,
        DiskStall,
        DiskSlow,
        IoError,
        IoDelay,
        LyingSync,
        FileDamage,
        RollBack,
        MemberLeave,
        MemberReplace,
        DnsFailure,
        DnsLie,
        Terminate,
        RestartLoop,
        KillProcess,
        PauseProcess,
        CpuLimit,
        CpuBurn,
        MemoryLimit,
        MemoryPressure,
        ProcessLimit,
        DescriptorLimit,
        ClockJump,
        ClockDrift,
        ClockStrobe,
        MonotonicJump,
        MonotonicDrift,
        MonotonicStrobe,
    )
)
"""The faults that Schrodinger brings."""

USUAL_FAULTS = (Partition.kind, Kill.kind, Pause.kind)
"""What is drawn where nothing else is asked for: what every database says it survives, and finds the most."""
