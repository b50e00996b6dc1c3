"""What runs a program of this machine inside a node: in its namespaces, in its data directory.

It is nsenter(1) of util-linux, at a process of the node. The node's processes are found by the launcher's command
line, which names the node's directory, so a database that was restarted is found as well as one that was not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from schrodinger.control.states import ControlError
from schrodinger.nemesis import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schrodinger.control.states import ClusterState

VARIABLE: Final = "SCHRODINGER_NODE"
"""Tells a shell where it is."""


def command_inside(cluster: ClusterState, node: str, argv: Sequence[str]) -> list[str]:
    """The argument list that runs ``argv`` in a node, or, for ``clients``, where clients reach the nodes from.

    Raises:
        ControlError: there is no such node, or nothing runs on it now.
    """
    environment = [f"{VARIABLE}={node}"]
    if node == CLIENTS:
        inside = [] if cluster.degradation else ["nsenter", f"--net=/proc/{cluster.keeper}/ns/net", "--"]
        return [*inside, "env", *environment, *argv]
    for state in cluster.nodes:
        if state.name == node:
            break
    else:
        known = ", ".join([*(state.name for state in cluster.nodes), CLIENTS])
        raise ControlError(f"cluster {cluster.name} has no node {node!r}; the choice is {known}")
    environment = ["env", f"--chdir={state.data}", *environment]
    if cluster.degradation:
        return [*environment, *argv]
    process = _init_of(Path(state.data).parent)
    if process is None:
        raise ControlError(
            f"nothing runs on {node} now, so there is nothing to enter; "
            "`schrodinger fault list` says which fault holds it"
        )
    return ["nsenter", f"--target={process}", "--net", "--mount", "--pid", "--", *environment, *argv]


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
