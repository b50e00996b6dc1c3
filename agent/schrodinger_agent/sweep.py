"""Removing what is left behind: what the journal names, and what carries the agent's mark."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schrodinger_agent import cgroups
from schrodinger_agent.clocks import ClockError
from schrodinger_agent.clocks.leftovers import marked
from schrodinger_agent.disks.disk import IMAGE, await_release, thaw
from schrodinger_agent.journal import Journal, Resource
from schrodinger_agent.types import HealReport

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from schrodinger_agent.state import StateDirectory

_log = logging.getLogger(__name__)

_ORDER: Final = ("disk", "cgroup", "directory")
"""A disk that hangs is let go first, or the processes that wait for it could not end; and these end before the files
that they use are removed."""


def sweep(state: StateDirectory, journal: Journal, *, keep: Collection[str] = ()) -> HealReport:
    """Remove everything that belongs to no cluster in ``keep``. Goes on after an error. Blocks for seconds at most.

    Only for who holds the lock of the state directory.
    """
    found = {resource.path: resource for resource in (*journal.outstanding(), *_marked(state))}
    removed, errors = [], []
    for resource in sorted(found.values(), key=lambda resource: (_ORDER.index(resource.kind), resource.path)):
        if resource.cluster in keep:
            continue
        there = Path(resource.path).exists() and resource.kind != "disk"
        if problem := remove(resource, journal):
            errors.append(problem)
        elif there:
            removed.append(f"{resource.kind} {resource.path}")
    for clocks, owner in marked(state.mark):
        if owner.removeprefix(state.mark).partition(".")[0] in keep:
            continue
        try:
            if clocks.put_right(owner):
                removed.append(f"wrong clocks of process {clocks.process}")
        except ProcessLookupError:
            continue
        except (ClockError, OSError) as error:
            errors.append(f"the clocks of process {clocks.process} cannot be put right: {error}")
    _log.debug("swept: removed %s, errors %s", removed, errors)
    return HealReport(removed=tuple(removed), errors=tuple(errors))


def remove(resource: Resource, journal: Journal) -> str:
    """Remove one thing, with the processes in it. Returns what went wrong, or the empty string."""
    path = Path(resource.path)
    try:
        match resource.kind:
            case "disk":
                thaw(path)
            case "cgroup":
                cgroups.remove(path)
            case "directory":
                await_release(path)
                if path.exists():
                    shutil.rmtree(path)
    except OSError as error:
        return f"{resource.kind} {path} cannot be removed: {error}"
    journal.gone(resource)
    return ""


def _marked(state: StateDirectory) -> Iterator[Resource]:
    for hierarchy in cgroups.find_hierarchies():
        for path in sorted(hierarchy.glob(f"{state.mark}*")):
            cluster = path.name.removeprefix(state.mark).partition(".")[0]
            yield Resource("cgroup", str(path), cluster)
    if state.clusters.is_dir():
        for path in sorted(state.clusters.iterdir()):
            yield from (Resource("disk", str(image), path.name) for image in sorted(path.glob(f"*/{IMAGE}")))
            yield Resource("directory", str(path), path.name)
