"""What runs a program of this machine inside a node: in its namespaces, in its data directory.

It is ``schrodinger-enter`` of the native package, at a process of the node. The program comes from this machine, so the
node's file system need not hold it, nor a shell; what it looks for afterwards it looks for inside. The node's processes
are found by the launcher's command line, which names the node's directory, so a database that was restarted is found as
well as one that was not.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schrodinger.control.states import ControlError
from schrodinger.nemesis import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schrodinger.control.states import ClusterState

VARIABLE: Final = "SCHRODINGER_NODE"
"""Tells a shell where it is."""

_ENTER: Final = (sys.executable, "-P", "-m", "schrodinger_native.entering")


def command_inside(cluster: ClusterState, node: str, argv: Sequence[str]) -> list[str]:
    """The argument list that runs ``argv`` in a node, or, for ``clients``, where clients reach the nodes from.

    Raises:
        ControlError: there is no such node, or nothing runs on it now.
    """
    place = f"{VARIABLE}={node}"
    if node == CLIENTS:
        inside = [] if cluster.degradation else [*_ENTER, str(cluster.keeper), "--only", "network", "--"]
        return ["env", place, *inside, *argv]
    for state in cluster.nodes:
        if state.name == node:
            break
    else:
        known = ", ".join([*(state.name for state in cluster.nodes), CLIENTS])
        raise ControlError(f"cluster {cluster.name} has no node {node!r}; the choice is {known}")
    if cluster.degradation:
        return ["env", f"--chdir={state.data}", place, *argv]
    process = _init_of(Path(state.data).parent)
    if process is None:
        raise ControlError(
            f"nothing runs on {node} now, so there is nothing to enter; "
            "`schrodinger fault list` says which fault holds it"
        )
    return ["env", place, *_ENTER, str(process), "--directory", state.data, "--", *argv]


def _init_of(home: Path) -> int | None:
    """The first process of the node's PID namespace: of those with the launcher's command line the one inside."""
    here = Path("/proc/self/ns/pid").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            argv = (process / "cmdline").read_bytes().split(b"\0")
            inside = bytes(home) in argv and (process / "ns" / "pid").readlink() != here
        except OSError:  # it has ended, or is not ours
            continue
        if inside:
            return int(process.name)
    return None
