"""Whole runs of a user who is not root: on loopback addresses, and in a user namespace of his own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from schrodinger.history import History
from tests.fakes.leftovers import Machine, eventually
from tests.fakes.ordinary_user import OWN_NAMESPACES, USER, fetched_for, schrodinger_as_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")

ANYWHERE = ("kill", "pause", "io-error", "io-delay", "restart-loop", "file-damage", "descriptor-limit")
ISOLATED = ("partition", "delay", "loss", "silent-corruption", "rate", "reset")
WITH_ROOT = ("power-loss", "disk-full", "cpu-limit", "memory-limit", "process-limit")


@pytest.mark.parametrize(("inside", "faults"), [((), ANYWHERE), (OWN_NAMESPACES, (*ISOLATED, *ANYWHERE))])
def test_what_is_offered_to_an_ordinary_user_works_and_the_rest_is_told(
    tmp_path: Path, inside: tuple[str, ...], faults: tuple[str, ...]
) -> None:
    fetched_for(tmp_path)
    told = schrodinger_as_user("doctor", "--json", home=tmp_path, inside=inside)
    assert told.status == 0, told.err
    entries = {entry["name"]: entry for entry in json.loads(told.out)}
    assert all(entries[kind]["available"] for kind in faults), told.out
    for kind in {*ISOLATED, *WITH_ROOT} - {*faults}:
        assert entries[kind]["reason"]
        remedy = "run as root, or in namespaces of your own: unshare" if kind in ISOLATED else "run as root"
        assert entries[kind]["remedy"].startswith(remedy)

    arguments = ["run", "suites/etcd", "--nodes", "3", "--time", "5", "--rate", "200", "--seed", "5"]
    arguments += ["--faults", ",".join(faults), "--root", str(tmp_path / "runs")]
    ended = schrodinger_as_user(*arguments, home=tmp_path, inside=inside)

    # On a busy machine there may be too little to judge; what matters is that every fault was in force.
    assert ended.status in {0, 3}, ended
    assert History.open(ended.value("run")).faults()
    state = "/tmp/schrodinger-in-namespace-" if inside else f"/tmp/schrodinger-{USER}"
    assert eventually(lambda: Machine.look(Path(state)).processes == frozenset(), 15)
