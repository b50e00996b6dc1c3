"""A shell in a node whose file system holds none: at a terminal, with its keys, its size, its jobs and its end."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schrodinger.control import ClusterState, ControlError, NodeState
from schrodinger.control.entering import command_inside
from tests.integration.agents import wait_until
from tests.integration.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = """
import ctypes, os, signal, sys
root, home = sys.argv[1:]
assert ctypes.CDLL(None).mount(b"none", root.encode(), b"tmpfs", 0, None) == 0
os.makedirs(f"{root}{home}/data")
open(f"{root}{home}/data/mine", "w").close()
os.chroot(root)
os.chdir("/")
print("ready", flush=True)
signal.pause()
"""
"""The first process of a node: nothing but its data is in its root."""

SHELL = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PS1": "", "PS2": "", "TERM": "dumb"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterState]:
    """A cluster of one node, ``n1``."""
    root, home = tmp_path / "root", tmp_path / "n1"
    root.mkdir()
    isolated = ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--net", "--propagation=private"]
    with subprocess.Popen([*isolated, sys.executable, "-c", NODE, root, home], stdout=subprocess.PIPE) as node:
        assert node.stdout
        if node.stdout.readline() != b"ready\n":
            pytest.skip("namespaces are not permitted here")
        try:
            yield cluster_of(NodeState(name="n1", address="-", data=str(home / "data"), log="-", state="ready"))
        finally:
            node.kill()


def cluster_of(node: NodeState) -> ClusterState:
    return ClusterState(
        name="c",
        suite="-",
        options={},
        seed=1,
        keeper=os.getpid(),
        degradation="",
        namespace="default",
        labels={},
        kinds=(),
        directory="-",
        leaders=(),
        nodes=(node,),
    )


def test_a_shell_at_a_terminal_has_its_keys_its_jobs_and_its_status(cluster: ClusterState) -> None:
    with Terminal(SHELL, ENVIRONMENT) as terminal:  # that of a user
        terminal.type(shlex.join(command_inside(cluster, "n1", SHELL)) + "\n")
        terminal.type("echo at $PWD with * in $SCHRODINGER_NODE as $$\n")
        seen = terminal.line("at .* as [0-9]+")
        assert seen.startswith(f"at {cluster.nodes[0].data} with mine in n1 as ")
        assert int(seen.split()[-1]) < 100, "it is among the node's processes"
        terminal.type("trap 'echo resized' WINCH; echo set\n")
        terminal.line("set")
        terminal.resize(33, 77)
        terminal.type("\n")
        terminal.line("resized")
        terminal.type("echo begun; while :; do :; done\n")
        terminal.line("begun")
        terminal.type("\x03")
        terminal.type("(trap 'exit 3' CONT; echo begun; while :; do :; done)\n")
        terminal.line("begun")
        terminal.type("\x1a")
        terminal.line(r"\[1\]\+  Stopped .*")
        terminal.type("fg; echo it went on and gave $?\n")
        terminal.line("it went on and gave 3")
        terminal.type("exit 7\n")
        terminal.type("echo it ended with $?, and here is $(type -t ls)\n")
        terminal.line("it ended with 7, and here is file")


def test_a_program_ends_when_its_terminal_does(cluster: ClusterState) -> None:
    with Terminal(command_inside(cluster, "n1", ["sh", "-c", "echo $$; while :; do :; done"]), ENVIRONMENT) as terminal:
        terminal.line("[0-9]+")
        terminal.hang_up()
        assert terminal.ended() == -signal.SIGHUP


def test_a_program_ends_with_its_node(cluster: ClusterState) -> None:
    inside = command_inside(cluster, "n1", ["sh", "-c", "echo begun; read line"])
    with subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout
        shell.stdout.readline()
        init = int(inside[inside.index("--directory") - 1])
        os.kill(init, signal.SIGKILL)
        assert shell.wait() == -signal.SIGKILL
    wait_until(lambda: not Path(f"/proc/{init}").exists(), "the node is gone")
    with pytest.raises(ControlError, match="nothing runs on n1 now"):
        command_inside(cluster, "n1", ["true"])
