"""Which faults a database is fit for: those for which its suite can do what they need.

Whether the machine can inject them is another question, which the agent answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.cluster.database import Membership, Names, PowerLoss
from schrodinger.nemesis import FAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schrodinger.cluster.database import Database
    from schrodinger.cluster.protocols import Capability


def why_unfit(kind: str, database: Database, options: Mapping[str, str] | None) -> str | None:
    """Why a database can't have a kind of fault, to be read after its name; ``None`` if it can.

    Args:
        kind: a kind of :data:`schrodinger.nemesis.FAULTS`.
        database: the database of a suite.
        options: those of the run; ``None`` if it can have the fault with some options.
    """
    fault = FAULTS[kind]
    if fault.needs_disks and not isinstance(database, PowerLoss):
        return "doesn't say where its data is; give its database a method data_directory"
    if fault.needs_membership and not isinstance(database, Membership):
        return "can't change its members; give its database the methods members, join and leave"
    if fault.needs_names and not isinstance(database, Names):
        return "can't address its nodes by names; give its database a method by_name"
    if fault.needs_names and options is not None and not goes_by_names(database, options):
        return "doesn't address its nodes by names with these options; `schrodinger suites` lists what it has"
    return None


def goes_by_names(database: Database, options: Mapping[str, str]) -> bool:
    """Whether it addresses its nodes by their names with these options."""
    return isinstance(database, Names) and database.by_name(options)


def why_unreachable(database: Database, options: Mapping[str, str], capabilities: Sequence[Capability]) -> str | None:
    """Why nodes that go by names could not find each other here; ``None`` if they can, or go by addresses."""
    if goes_by_names(database, options):
        for capability in capabilities:
            if capability.name == "names" and not capability.available:
                return f"addresses its nodes by names, which they don't have here ({capability.reason}); choose others"
    return None
