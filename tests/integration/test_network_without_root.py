"""The switch of an ordinary user, who is root only of a user namespace of his own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.agents import NOBODY

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an ordinary user")

SCENARIO = Path(__file__).parent / "scenarios" / "network_in_a_user_namespace.py"


def test_an_ordinary_user_delays_and_loses_packets_in_a_user_namespace_of_his_own() -> None:
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # To read, because the interpreter may be in root's home; nothing else.
    command += [f"--{which}-caps=-all,+dac_read_search" for which in ("inh", "ambient")]
    command += ["--bounding-set=-all,+dac_read_search", sys.executable, str(SCENARIO)]

    told = subprocess.run(command, capture_output=True, text=True, check=False)

    if "no user namespace" in told.stderr:
        pytest.skip(told.stderr.strip())
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["mechanism"] in {"tap", "packet"}
    assert found["before_ms"] < 20
    assert found["delay_ms"] >= 20
    assert found["loss_ms"] is None
    assert found["after_ms"] < 20
    assert (found["delay_failures"], found["loss_failures"], found["problems"]) == (0, 0, [])
