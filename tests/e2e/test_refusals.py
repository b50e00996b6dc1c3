"""Bad input gets one clear message with the remedy, exit status 2, and nothing is started."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from schrodinger.nemesis import LEADER, AtTime, Event, Kill
from schrodinger.plan import Plan
from tests.fakes.command import schrodinger

if TYPE_CHECKING:
    from pathlib import Path

REFUSALS = {
    "unknown suite": (["run", "nosuch"], "there is no suite 'nosuch'"),
    "suite path that is not there": (["run", "suites/nosuch"], "there is no suite at 'suites/nosuch'"),
    "unknown workload": (["run", "etcd", "--workload", "ledger"], "has no workload 'ledger'; it has register, set"),
    "unknown fault": (["run", "etcd", "--faults", "partitoin"], "did you mean partition?"),
    "faults of which the suite can have none": (
        ["run", "etcd", "--faults", "dns-failure,dns-lie"],
        "none of dns-failure, dns-lie is possible for suite etcd",
    ),
    "negative rate": (["run", "etcd", "--rate", "-5"], "'--rate'"),
    "rate that is no number": (["run", "etcd", "--rate", "nan"], "give a finite one"),
    "no nodes": (["run", "etcd", "--nodes", "0"], "'--nodes'"),
    "time of nothing": (["run", "etcd", "--time", "0"], "'--time'"),
    "time beyond all time": (["run", "etcd", "--time", "1e300"], "'--time'"),
    "more clients than connections": (["run", "etcd", "--concurrency", "1000000000"], "'--concurrency'"),
    "unknown option of the suite": (
        ["run", "etcd", "--raeds", "serializable"],
        "has no option 'raeds'; it has addresses, conditions",
    ),
    "names of nodes that have none": (["run", "etcd", "--addresses", "names", "--loopback"], "choose others"),
    "wrong value of an option": (["run", "etcd", "--reads", "dirty"], "choose one of linearizable, serializable"),
    "option without a value": (["run", "etcd", "--reads"], "option --reads has no value"),
    "unknown version": (["run", "etcd", "--version", "9.9.9"], "has no version 9.9.9; it has 3.5.1, 3.5.0"),
    "unknown parameter": (["run", "etcd", "-p", "kees=4"], "has no parameter 'kees'"),
    "parameter out of range": (["run", "etcd", "-p", "keys=0"], "give a whole number of at least 1"),
    "schedule that is no file": (["run", "etcd", "--schedule", "nosuch.yaml"], "nosuch.yaml can't be read"),
    "schedule that is no manifest": (["run", "etcd", "--schedule", "pyproject.toml"], "pyproject.toml: "),
    "schedule and drawn faults": (
        ["run", "etcd", "--schedule", "x.yaml", "--faults", "kill"],
        "give one of the two",
    ),
    "cluster of no name": (["cluster", "up", "etcd", "--name", "../up"], "'../up' is no name of a cluster"),
    "label that is none": (["cluster", "up", "etcd", "--label", "zone"], "label 'zone' is not NAME=VALUE"),
    "label of no node": (["cluster", "up", "etcd", "--label", "n9:a=b"], "the nodes are n1, n2, n3, n4, n5"),
    "cluster of an unknown fault": (["cluster", "up", "etcd", "--faults", "kil"], "did you mean kill?"),
    "cluster that is not there": (["fault", "list", "--cluster", "nosuch"], "cluster"),
    "labels for nobody": (["run", "etcd", "--label", "zone=east"], "give one by --schedule"),
    "replay of nothing": (["replay", "nosuch"], "nosuch"),
    "check of nothing": (["check", "nosuch"], "nosuch"),
    "parameter that is no number": (["run", "etcd", "-p", "keys=²"], "give a whole number of at least 1"),
    "seed beyond 64 bits": (["run", "etcd", "--seed", "9" * 23], "more than 64 bits"),
    "root that is a file": (["run", "etcd", "--root", "README.md"], "'--root'"),
    "list of a root that is a file": (["runs", "--root", "README.md"], "'--root'"),
    "replay of a file that is no plan": (["replay", "README.md"], "README.md"),
    "check of a name that is too long": (["check", "n" * 300], "File name too long"),
}

FAILING_STRATEGY = """\
from hypothesis import strategies

from schrodinger import Client, Database, OnPath, Suite, workloads


class Idle(Database):
    sources = (OnPath("true"),)

    def command(self, binary, node, cluster):
        return [str(binary)]

    async def ready(self, node, cluster):
        return True


class Failing(type(workloads.register(Client))):
    def parameters(self):
        return strategies.just(0).map(lambda zero: {"keys": 1 // zero})


suite = Suite("failing", Idle(), workloads=[Failing(Client)])
"""


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_with_the_remedy(name: str) -> None:
    arguments, message = REFUSALS[name]
    ended = schrodinger(*arguments)
    assert (ended.status, message in ended.err) == (2, True), ended
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": -1}, "rate"),
        ({"version": 99}, "version"),
        ({"nodes": "five"}, "nodes"),
        ({"surprise": 1}, "surprise"),
        ({"schedule": [{"fault": {"kind": "meteor"}}]}, "schedule"),
    ],
)
def test_a_malformed_plan_is_refused_naming_the_field(tmp_path: Path, change: dict[str, object], message: str) -> None:
    plan = {
        "version": 1,
        "suite": "etcd",
        "workload": "register",
        "nodes": 3,
        "concurrency": 4,
        "rate": 100,
        "time_ns": 5_000_000_000,
        "seed": 1,
        "schedule": [],
        "operations": None,
        "parameters": {},
        "options": {"reads": "linearizable"},
    }
    (tmp_path / "plan.json").write_text(json.dumps({**plan, **change}))
    ended = schrodinger("replay", str(tmp_path / "plan.json"))
    assert (ended.status, message in ended.err) == (2, True), ended
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("content", [b"", b"not a history", b"ARROW1\0\0" + bytes(100)])
def test_a_file_that_is_no_history_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "history.arrow").write_bytes(content)
    ended = schrodinger("check", str(tmp_path / "history.arrow"))
    assert (ended.status, "Traceback" in ended.err) == (2, False), ended
    assert "history.arrow" in ended.err


@pytest.mark.parametrize("command", ["check", "replay"])
def test_a_plan_that_is_a_folder_is_refused(tmp_path: Path, command: str) -> None:
    (tmp_path / "plan.json").mkdir()
    ended = schrodinger(command, str(tmp_path))
    assert (ended.status, "Traceback" in ended.err) == (2, False), ended
    assert "can't be read as a plan (Is a directory)" in ended.err


def test_a_workload_that_cannot_draw_its_parameters_is_reported_with_its_trace(tmp_path: Path) -> None:
    (tmp_path / "suite.py").write_text(FAILING_STRATEGY)
    ended = schrodinger("run", str(tmp_path), "--root", str(tmp_path / "runs"))
    assert ended.status == 2, ended
    assert f"the code of suite {tmp_path} raised:" in ended.err
    assert "ZeroDivisionError" in ended.err
    assert not (tmp_path / "runs").exists()


def test_a_plan_that_aims_at_a_leader_nobody_can_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "suite.py").write_text(FAILING_STRATEGY)
    kill = Event(AtTime(10**8), Kill(frozenset({LEADER})), 10**8)
    plan = Plan(
        suite=str(tmp_path),
        workload="register",
        nodes=3,
        concurrency=1,
        rate=1.0,
        time_ns=10**9,
        seed=1,
        schedule=(kill,),
    )
    (tmp_path / "plan.json").write_text(plan.to_json())
    ended = schrodinger("replay", str(tmp_path / "plan.json"), "--root", str(tmp_path / "runs"))
    assert ended.status == 2, ended
    assert "suite failing can't tell who leads; name a node instead" in ended.err
    assert not (tmp_path / "runs").exists()


def test_a_suite_whose_code_raises_is_reported_with_its_trace(tmp_path: Path) -> None:
    (tmp_path / "suite.py").write_text("1 / 0\n")
    ended = schrodinger("run", str(tmp_path))
    assert ended.status == 2
    assert "ZeroDivisionError" in ended.err
