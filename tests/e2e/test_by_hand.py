"""A real etcd cluster that is kept by hand: faults by manifest, seen from outside, and nothing left however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from schrodinger.control import Control, ControlError, Wanted, bring_up, clusters
from schrodinger.control.entering import command_inside
from schrodinger.history import History
from schrodinger.nemesis.manifests import Roster
from tests.fakes.command import schrodinger, start
from tests.fakes.leftovers import Machine, eventually, pids_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NODES = ("n1", "n2", "n3")
PEER_PORT = 2380
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"

CUT = """
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
metadata: {name: cut}
spec:
  action: partition
  mode: one
  selector: {labelSelectors: {zone: east}}
  direction: both
  target: {mode: all, selector: {labelSelectors: {zone: west}}}
"""
LEAVE = "{name: leave, faults: [{kind: member-leave, targets: [n1], keep: 2}]}"
MEMBERS = """
import json, sys, urllib.request
asked = urllib.request.Request(f"http://{sys.argv[1]}:2379/v3/cluster/member/list", data=b'{"linearizable": true}')
print(*sorted(member.get("name", "?") for member in json.load(urllib.request.urlopen(asked, timeout=5))["members"]))
"""
KILL_EVERY_3_S = """
apiVersion: chaos-mesh.org/v1alpha1
kind: PodChaos
metadata: {name: crash}
spec: {action: pod-failure, mode: one, selector: {pods: {default: [n3]}}, duration: 1s, scheduler: {cron: '@every 3s'}}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """A cluster for tests that leave it as it was."""
    with own_state(tmp_path_factory.mktemp("c")) as state:
        yield kept(state)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory of a test's own."""
    with own_state(tmp_path) as directory:
        yield directory


@contextlib.contextmanager
def own_state(below: Path) -> Iterator[Path]:
    """A state directory of which nothing is left afterwards."""
    directory = below / "s"
    before = Machine.look(directory)
    yield directory
    for name in clusters(directory):
        Control(name, directory).down()
    assert eventually(lambda: not Machine.look(directory).beyond(before), within_s=20)
    assert not list((directory / "clusters").glob("*"))


def kept(state: Path) -> Control:
    """A cluster of three, n1 in the east, the others in the west, prepared for what the tests do."""
    zones = {"n1": "east", "n2": "west", "n3": "west"}
    wanted = Wanted(
        name="kept",
        suite="suites/etcd",
        nodes=NODES,
        directory=str(state.parent / "kept"),
        seed=7,
        options={"reads": "linearizable", "snapshots": "yes", "conditions": "yes", "addresses": "numbers"},
        kinds=("partition", "kill", "pause", "member-leave"),
        labels={node: {**Roster.of(NODES, "etcd").of_node(node), "zone": zone} for node, zone in zones.items()},
        state=str(state),
    )
    bring_up(wanted)
    return Control.find(state=state)


def hears(control: Control, source: str, destination: str) -> bool:
    """Whether a connection from a node to another one's peers' port comes about."""
    cluster = control.status()
    address = next(node.address for node in cluster.nodes if node.name == destination)
    argv = command_inside(cluster, source, [sys.executable, "-c", CONNECT, address, str(PEER_PORT)])
    return subprocess.run(argv, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_a_cut_by_manifest_is_seen_from_outside_paused_resumed_and_deleted(cluster: Control) -> None:
    control = cluster
    assert hears(control, "n1", "n2")
    assert control.apply(CUT) == {"cut": "created"}
    assert control.describe("cut").faults == ("partition: n1 cut off from {n2, n3}",)
    assert not hears(control, "n1", "n2")
    assert not hears(control, "n3", "n1")
    assert hears(control, "n2", "n3")
    control.pause("cut")
    assert hears(control, "n1", "n2")
    control.resume("cut")
    assert not hears(control, "n1", "n2")
    control.delete("cut")
    assert hears(control, "n1", "n2")
    assert control.experiments() == ()


def test_a_node_that_fails_again_and_again_is_started_again_each_time(cluster: Control) -> None:
    control = cluster
    control.apply(KILL_EVERY_3_S)
    assert control.describe("crash").next_start is not None
    assert control.describe("crash").next_recover is not None

    def happened(what: str) -> int:
        return [happening.what for happening in control.describe("crash").happenings].count(what)

    assert eventually(lambda: happened("healed") >= 2, within_s=20)
    control.delete("crash")
    assert eventually(lambda: {node.state for node in control.status().nodes} == {"ready"}, within_s=20)


def test_a_member_is_away_until_its_experiment_is_deleted_and_a_quorum_remains(cluster: Control) -> None:
    control = cluster

    def members() -> str:
        state = control.status()
        argv = command_inside(state, "clients", [sys.executable, "-c", MEMBERS, state.nodes[1].address])
        return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout

    assert members() == "n1 n2 n3\n"
    control.apply(LEAVE)
    assert control.describe("leave").in_force
    assert members() == "n2 n3\n"
    assert [node.state for node in control.status().nodes] == ["no member", "ready", "ready"]
    with pytest.raises(ControlError, match="it keeps 2 members, and only 1 would remain"):
        control.apply(LEAVE.replace("name: leave", "name: too").replace("n1", "n2"))
    control.delete("leave")
    assert eventually(lambda: {node.state for node in control.status().nodes} == {"ready"}, within_s=20)
    assert members() == "n1 n2 n3\n"
    assert control.experiments() == ()


def test_what_cannot_be_had_is_refused_and_changes_nothing(cluster: Control) -> None:
    control = cluster
    for text, why in {
        "faults: [{kind: disk-full, targets: [n1]}]": "not prepared for them",
        CUT.replace("east", "north"): "it selects none of n1, n2, n3",
        CUT.replace("NetworkChaos", "KernelChaos"): "a kernel that is built for fault injection",
        "faults: [{kind: pause, targets: [n4]}]": "no such node",
    }.items():
        with pytest.raises(ControlError, match=why):
            control.apply(text)
    assert control.experiments() == ()
    with pytest.raises(ControlError, match="there is no experiment 'cut'; none is applied"):
        control.delete("cut")
    with pytest.raises(ControlError, match="name one of kept"):
        Control.find("other", state=control.state)


@pytest.mark.parametrize("victim", ["keeper", "agent"])
def test_a_killed_keeper_or_agent_leaves_nothing_behind(state: Path, victim: str) -> None:
    control = kept(state)
    control.apply(f"{CUT}---\n{KILL_EVERY_3_S}")
    pids = [control.status().keeper] if victim == "keeper" else pids_of(state, "serve")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not pids_of(state, "etcd"), within_s=20)
    if victim == "keeper":  # the agent has removed its socket with the rest
        assert eventually(lambda: clusters(state) == (), within_s=20)
    assert eventually(lambda: not pids_of(state, "schrodinger.control"), within_s=20)
    with pytest.raises(ControlError, match="its keeper has ended"):
        control.experiments()


def test_a_starter_that_is_killed_leaves_nothing_behind(state: Path, tmp_path: Path) -> None:
    starter = start("cluster", "up", "suites/etcd", "--nodes", "3", "--root", str(tmp_path / "runs"), state=state)
    assert eventually(lambda: bool(pids_of(state, "schrodinger.control")), within_s=20)
    starter.kill()
    starter.wait()
    assert eventually(lambda: not pids_of(state, "schrodinger.control"), within_s=20)
    assert clusters(state) == ()


def test_the_commands_do_the_same(state: Path, tmp_path: Path) -> None:
    def command(*arguments: str) -> str:
        ended = schrodinger(*arguments, state=state)
        assert ended.status == 0, ended
        return ended.out

    manifest = tmp_path / "cut.yaml"
    manifest.write_text(CUT)
    up = ["cluster", "up", "suites/etcd", "--nodes", "3", "--faults", "partition", "--root", str(tmp_path / "runs")]
    assert "n3   10.77.0.3       ready" in command(*up, "--label", "zone=west", "--label", "n1:zone=east")
    assert "in force: partition: n1 cut off from {n2, n3}" in command("fault", "apply", "-f", str(manifest))
    assert "cut                  running   partition: n1 cut off from {n2, n3}" in command("fault", "list")
    assert schrodinger("cluster", "shell", "n1", "--", "sh", "-c", "test -d etcd && exit 7", state=state).status == 7
    assert command("cluster", "down") == "cluster etcd is down\n"
    gone = schrodinger("fault", "list", state=state)
    assert (gone.status, gone.err) == (
        2,
        "Error: no cluster is kept by hand here; `schrodinger cluster up SUITE` brings one up\n",
    )


@pytest.mark.thorough
def test_a_run_takes_its_faults_from_a_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "isolate.yaml"
    manifest.write_text(
        CUT.replace("metadata: {name: cut}", "metadata: {name: isolate}")
        + "  duration: 1s\n  scheduler: {cron: '@every 3s'}\n"
    )
    ended = schrodinger(
        *["run", "suites/etcd", "--schedule", str(manifest), "--nodes", "3", "--time", "8", "--rate", "100"],
        *["--label", "zone=west", "--label", "n1:zone=east", "--seed", "4", "--root", str(tmp_path / "runs")],
    )
    assert (ended.status, ended.value("verdict")) == (0, "valid"), ended
    faults = History.open(ended.value("run")).faults()
    assert {fault.description for fault in faults} == {"partition: n1 cut off from {n2, n3}"}
    assert len(faults) == 3
