"""What is done to a cluster, to whom, and when: faults and schedules as data, and how they are drawn from a seed."""

from schrodinger.nemesis.catalogue import FAULTS, USUAL_FAULTS, FaultCatalogue
from schrodinger.nemesis.disks import PowerLoss
from schrodinger.nemesis.faults import CLIENTS, LEADER, Edge, Fault
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
from schrodinger.nemesis.partition import Partition
from schrodinger.nemesis.processes import Kill, Pause
from schrodinger.nemesis.quantities import Duration, Percent, Rate
from schrodinger.nemesis.schedule import Anchor, AtOperation, AtTime, Event, Schedule, in_order
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
    "Corruption",
    "Delay",
    "Duplication",
    "Duration",
    "Edge",
    "EmptyFaultError",
    "Event",
    "Fault",
    "FaultCatalogue",
    "InvalidValueError",
    "Kill",
    "Loss",
    "Partition",
    "Pause",
    "Percent",
    "PowerLoss",
    "Rate",
    "RateLimit",
    "Reordering",
    "Reset",
    "Schedule",
    "SilentCorruption",
    "Targets",
    "in_order",
]
