"""What is told of a database that ended, from what it printed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from schrodinger.cluster import Cluster, Node
from schrodinger.runner.last_words import last_words
from schrodinger.runner.nodes import DatabaseNodes
from tests.fakes.memory import MemoryDatabase, MemoryProvider

if TYPE_CHECKING:
    from pathlib import Path

GALERA = """\
[Note] WSREP: GMCast version 0
[ERROR] WSREP: failed to open gcomm backend connection: parameter 'evs.keepalive_period' is out of range
 at ./gcomm/src/gcomm/conf.hpp:check_range():570
[ERROR] WSREP: gcs connect failed: Numerical result out of range
[ERROR] Aborting
"""
ZOOKEEPER = """\
[main] INFO  FileTxnSnapLog - The txnlog is in use
[main] ERROR QuorumPeer - Unable to load database on disk
java.io.IOException: No snapshot found, but there are log entries. Something is broken!
\tat FileTxnSnapLog.restore(FileTxnSnapLog.java:281)
[main] ERROR ServiceUtils - Exiting JVM with code 1
"""
REDIS = """\
1:M 12:00:00 * Ready to accept connections
1:M 12:00:01 # Fatal error, can't open config file
"""
RABBITMQ = """\
supervisor: {local,net_sup}
BOOT FAILED
===========
Exception during startup:

error:{badmatch,{error,nodistribution}}
Crash dump is being written to: erl_crash.dump...done
"""


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (
            GALERA,
            "[ERROR] WSREP: failed to open gcomm backend connection: parameter 'evs.keepalive_period' is out of range"
            " | at ./gcomm/src/gcomm/conf.hpp:check_range():570 | [ERROR] Aborting",
        ),
        (
            ZOOKEEPER,
            "[main] ERROR QuorumPeer - Unable to load database on disk"
            " | java.io.IOException: No snapshot found, but there are log entries. Something is broken!"
            " | [main] ERROR ServiceUtils - Exiting JVM with code 1",
        ),
        (
            RABBITMQ,
            "BOOT FAILED | Exception during startup: | Crash dump is being written to: erl_crash.dump...done",
        ),
        (REDIS, "1:M 12:00:01 # Fatal error, can't open config file"),
        ("listening\nbye\n\n", "bye"),
    ],
)
def test_the_cause_is_told_before_the_last_line(tmp_path: Path, printed: str, told: str) -> None:
    log = tmp_path / "n2" / "node.log"
    log.parent.mkdir()
    log.write_text(printed)
    assert last_words(log) == f"{told} (nodes/n2/node.log)"


def test_an_error_of_long_ago_is_not_the_cause(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    log.write_text("ERROR of an earlier start\n" + "all is well\n" * 100 + "bye\n")
    assert last_words(log).startswith("bye")


def test_a_database_that_printed_nothing_or_no_log_at_all_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "node.log").touch()
    assert last_words(tmp_path / "node.log") == "it printed nothing"
    assert "No such file" in last_words(tmp_path / "none.log")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (False, "says it is not ready"),
        (None, "does not say whether it is ready: no answer in time"),
        (OSError("refused"), "does not say whether it is ready: OSError: refused"),
    ],
)
def test_a_node_that_is_not_ready_in_time_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bool | OSError | None, told: str
) -> None:
    class NotYet(MemoryDatabase):
        async def ready(self, node: Node, cluster: Cluster) -> bool:
            if answer is None:
                await asyncio.Event().wait()
            if isinstance(answer, OSError):
                raise answer
            return False

    monkeypatch.setattr("schrodinger.runner.nodes.READY_S", 0.05)
    node = Node("n2", "127.0.0.1", tmp_path, tmp_path / "n2" / "node.log")
    node.log.parent.mkdir()
    node.log.write_text("[ERROR] Incorrect information in file\n")
    nodes = DatabaseNodes(MemoryProvider(), NotYet(), tmp_path, Cluster((node,)), lambda _name, _what: None)

    async def why_not() -> str:
        await nodes.start()
        assert not await nodes.is_ready(node)
        return await nodes.why_not()

    words = "[ERROR] Incorrect information in file (nodes/n2/node.log)"
    assert asyncio.run(why_not()) == f"n2 {told}; it printed: {words}"
