"""What is done to a cluster, to whom, and when: faults and schedules as data, and how they are drawn from a seed."""

from schrodinger.nemesis.catalogue import FAULTS, USUAL_FAULTS, FaultCatalogue
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
from schrodinger.nemesis.faults import CLIENTS, LEADER, Departure, Edge, Fault
from schrodinger.nemesis.invalid import EmptyFaultError, InvalidValueError
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
from schrodinger.nemesis.quantities import Duration, Offset, Percent, Rate
from schrodinger.nemesis.resources import (
    CpuBurn,
    CpuLimit,
    DescriptorLimit,
    MemoryLimit,
    MemoryPressure,
    ProcessLimit,
)
from schrodinger.nemesis.schedule import Anchor, AtOperation, AtTime, Event, Schedule, in_order
from schrodinger.nemesis.system_calls import IoDelay, IoError, LyingSync
from schrodinger.nemesis.targets import Targets

__all__ = [
    "CLIENTS",
    "FAULTS",
    "LEADER",
    "USUAL_FAULTS",
    "Anchor",
    "AtOperation",
    "AtTime",
    "BurstLoss",
    "ClockDrift",
    "ClockJump",
    "ClockStrobe",
    "Corruption",
    "CpuBurn",
    "CpuLimit",
    "Delay",
    "Departure",
    "DescriptorLimit",
    "DiskFull",
    "DiskReadOnly",
    "DiskSlow",
    "DiskStall",
    "DnsFailure",
    "DnsLie",
    "Duplication",
    "Duration",
    "Edge",
    "EmptyFaultError",
    "Event",
    "Fault",
    "FaultCatalogue",
    "FileDamage",
    "InvalidValueError",
    "IoDelay",
    "IoError",
    "Kill",
    "KillProcess",
    "Loss",
    "LyingSync",
    "MemberLeave",
    "MemberReplace",
    "MemoryLimit",
    "MemoryPressure",
    "MonotonicDrift",
    "MonotonicJump",
    "MonotonicStrobe",
    "Offset",
    "Partition",
    "Pause",
    "PauseProcess",
    "Percent",
    "PowerLoss",
    "ProcessLimit",
    "Rate",
    "RateLimit",
    "Reordering",
    "Reset",
    "RestartLoop",
    "RollBack",
    "Schedule",
    "SilentCorruption",
    "Targets",
    "Terminate",
    "in_order",
]
