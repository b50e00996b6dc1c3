"""The history file as Python sees it: what is recorded is what is read, by us and by every other reader of Arrow."""

from __future__ import annotations

import errno
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pytest
from schrodinger_native import HistoryFile, Operations, Recorder, Stream

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = ["read", "write", "cas"]
READ, WRITE, CAS = range(3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.arrow"


def record_register(path: Path) -> None:
    """Two processes on one key: a write, a read beside it, a compare-and-set that fails, a write nobody knows about."""
    recorder = Recorder(path, FUNCTIONS)
    recorder.record("invoke", 0, WRITE, 7, 1)
    recorder.record("invoke", 1, READ, 7, None)
    recorder.record("inject", -1, READ, None, None, "partition n1 | n2 n3")
    recorder.record("ok", 0, WRITE, 7, 1)
    recorder.record("ok", 1, READ, 7, None)
    recorder.record("invoke", 0, CAS, 7, (2, 3))
    recorder.record("fail", 0, CAS, 7, (2, 3), "not equal")
    recorder.record("invoke", 1, WRITE, 7, [4])
    recorder.record("info", 1, WRITE, 7, 4, "timeout")
    recorder.record("invoke", 2, READ, 7, None)
    recorder.close()


def test_events_come_back_as_they_were_recorded(path: Path) -> None:
    before = time.monotonic_ns()
    record_register(path)
    history = HistoryFile(path)
    events = history.events()
    assert [event[2:] for event in events[:7]] == [
        (0, "invoke", "write", 7, (1,), None),
        (1, "invoke", "read", 7, None, None),
        (-1, "inject", "read", None, None, "partition n1 | n2 n3"),
        (0, "ok", "write", 7, (1,), None),
        (1, "ok", "read", 7, None, None),
        (0, "invoke", "cas", 7, (2, 3), None),
        (0, "fail", "cas", 7, (2, 3), "not equal"),
    ]
    assert [event[0] for event in events] == list(range(10))
    times = [event[1] + history.origin_ns for event in events]
    assert times == sorted(times)
    assert before < times[0] <= times[-1] < time.monotonic_ns()
    assert history.events(3, 5) == events[3:5]
    assert history.events(9, 99) == events[9:]
    assert (history.rows, history.damage, history.complete, history.functions) == (10, None, True, FUNCTIONS)
    assert history.problems() == []


def test_an_absent_value_is_not_an_empty_one(path: Path) -> None:
    recorder = Recorder(path, ["read-all"])
    recorder.record("ok", 0, 0, None, None)
    recorder.record("ok", 0, 0, None, ())
    recorder.close()
    assert [event[6] for event in HistoryFile(path).events()] == [None, ()]


def test_polars_and_pyarrow_read_the_history_object_and_the_file(path: Path) -> None:
    record_register(path)
    history = HistoryFile(path)
    frame = pl.DataFrame(history)
    assert frame.columns == ["index", "time", "process", "type", "f", "key", "value", "detail"]
    assert frame["value"].to_list() == [None if event[6] is None else list(event[6]) for event in history.events()]
    assert frame["type"].cast(pl.String).to_list() == [event[3] for event in history.events()]
    assert pa.table(history).drop_columns("index").to_pylist() == pa.ipc.open_file(path).read_all().to_pylist()
    assert pl.scan_ipc(path).collect().equals(frame.drop("index"))


def test_operations_are_invocations_beside_their_completions(path: Path) -> None:
    record_register(path)
    operations = pl.DataFrame(Operations(HistoryFile(path)))
    columns = ["index", "completion", "process", "f", "type", "argument", "value", "detail"]
    assert operations.select(columns).rows() == [
        (0, 3, 0, "write", "ok", [1], [1], None),
        (1, 4, 1, "read", "ok", None, None, None),
        (5, 6, 0, "cas", "fail", [2, 3], [2, 3], "not equal"),
        (7, 8, 1, "write", "info", [4], [4], "timeout"),
        (9, None, 2, "read", "info", None, None, None),
    ]
    assert operations["end_ns"].is_null().to_list() == [False] * 4 + [True]
    assert (operations["start_ns"] <= operations["end_ns"]).all()
    assert operations["key"].to_list() == [7] * 5


def test_what_is_malformed_about_a_history_is_told_with_its_row(path: Path) -> None:
    recorder = Recorder(path, FUNCTIONS)
    recorder.record("ok", 3, READ, 7, 1)
    recorder.record("invoke", 3, READ, 7, None)
    recorder.record("invoke", 3, WRITE, 7, 1)
    recorder.close()
    history = HistoryFile(path)
    assert history.problems() == [
        "row 0: process 3 completes read (ok) without having invoked it",
        "row 2: process 3 invokes write while its read of row 1 is open",
    ]
    assert len(history.problems(limit=1)) == 1


@pytest.mark.parametrize(
    ("event", "error", "message"),
    [
        (("done", 0, READ, None, None), ValueError, '"done" is no type of event'),
        (("ok", 0, 3, None, None), ValueError, "function 3 of 3"),
        (("ok", 0, -1, None, None), ValueError, "there is no function -1"),
        (("ok", 0, READ, None, "5"), TypeError, "a value is an int, a tuple of int or None, not str"),
        (("ok", 0, READ, None, 2**63), OverflowError, "int"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    path: Path, event: tuple[object, ...], error: type[Exception], message: str
) -> None:
    recorder = Recorder(path, FUNCTIONS)
    with pytest.raises(error, match=message):
        recorder.record(*event)  # type: ignore[arg-type]
    assert recorder.events == 0
    recorder.close()
    with pytest.raises(ValueError, match="the history is closed"):
        recorder.record("ok", 0, READ, None, None)


def test_a_history_is_never_overwritten(path: Path) -> None:
    record_register(path)
    with pytest.raises(FileExistsError) as raised:
        Recorder(path, FUNCTIONS)
    assert str(path) in str(raised.value)


def test_a_file_that_is_no_history_is_refused_with_what_was_found(tmp_path: Path) -> None:
    text = tmp_path / "history.json"
    text.write_text('{"type": "invoke"}')
    with pytest.raises(ValueError, match=r'history.json is not a history: it begins with "\{.*an Arrow file'):
        HistoryFile(text)
    table = pa.table({"a": [1], "b": ["x"]})
    with pa.ipc.new_file(tmp_path / "other.arrow", table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(ValueError, match="it is an Arrow file with the columns a: Int64, b: Utf8"):
        HistoryFile(tmp_path / "other.arrow")
    with pytest.raises(FileNotFoundError):
        HistoryFile(tmp_path / "missing.arrow")
    with pytest.raises(IsADirectoryError):
        HistoryFile(tmp_path)


def test_a_damaged_block_costs_itself_and_what_follows(path: Path) -> None:
    recorder = Recorder(path, FUNCTIONS)
    for block in range(3):
        recorder.record("invoke", block, READ, None, None)
        recorder.flush()
    damaged = bytearray(path.read_bytes())
    damaged[-100] ^= 1
    path.write_bytes(damaged)
    history = HistoryFile(path)
    assert history.rows == 2
    assert history.damage == "block 2 fails its checksum; it and what follows are not used"


RECORD_UNTIL_KILLED = textwrap.dedent(
    """
    import sys
    from schrodinger_native import Recorder

    recorder = Recorder(sys.argv[1], ["write"], flush_interval_ms=5)
    for value in range(10**9):
        recorder.record("invoke", value % 1000, 0, value % 7, value)
        if value % 1000 == 0:
            print(value, flush=True)
    """
)


@pytest.mark.parametrize("lines", [1, 20, 200])
def test_what_was_recorded_a_flush_interval_ago_survives_the_death_of_the_writer(path: Path, lines: int) -> None:
    command = [sys.executable, "-c", RECORD_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        recorded = [int(writer.stdout.readline()) for _ in range(lines)][-1]
        deadline = time.monotonic() + 30
        while HistoryFile(path).rows <= recorded:
            assert time.monotonic() < deadline, "the flush interval passed long ago"
        writer.kill()
    history = HistoryFile(path)
    assert history.rows > recorded
    assert [event[6] for event in history.events()] == [(value,) for value in range(history.rows)]
    assert not history.complete
    assert history.damage is not None
    assert history.damage.startswith("no footer: the writer was killed")


RECORD_ONTO_A_FULL_DISK = textwrap.dedent(
    """
    import resource, sys
    from schrodinger_native import Recorder

    recorder = Recorder(sys.argv[1], ["write"], flush_interval_ms=1)
    recorder.record("invoke", 0, 0, None, 1)
    recorder.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        while True:
            recorder.record("invoke", 0, 0, None, 1)
    except OSError as error:
        print(error.errno, error.filename)
    for call in (recorder.flush, recorder.close):
        try:
            call()
        except OSError as error:
            print(error.errno)
    recorder.close()
    """
)


def test_a_write_that_failed_is_raised_by_every_later_call(path: Path) -> None:
    command = [sys.executable, "-c", RECORD_ONTO_A_FULL_DISK, str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert output.split() == [str(errno.EFBIG), str(path), str(errno.EFBIG), str(errno.EFBIG)]
    history = HistoryFile(path)
    assert history.rows >= 1
    assert not history.complete


def test_threads_record_into_one_order(path: Path) -> None:
    recorder = Recorder(path, FUNCTIONS, flush_interval_ms=1)

    def record(process: int) -> None:
        for value in range(5_000):
            recorder.record("invoke", process, WRITE, None, value)

    threads = [threading.Thread(target=record, args=(process,)) for process in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    frame = pl.DataFrame(HistoryFile(path))
    assert frame.height == recorder.events == 20_000
    assert frame["time"].is_sorted()
    for process in range(4):
        assert frame.filter(pl.col("process") == process)["value"].list.first().to_list() == list(range(5_000))


def test_a_stream_depends_on_seed_process_and_index_only() -> None:
    stream = Stream(42, 3)
    words = [stream.words(index) for index in range(100)]
    assert [stream.words(index) for index in reversed(range(100))] == words[::-1]
    assert len({word for four in words for word in four}) == 400
    assert all(0 <= word < 2**64 for four in words for word in four)
    assert Stream(42, 4).words(0) != Stream(42, 3).words(0) != Stream(43, 3).words(0)
    # Philox 4x32-10 of counter 0 and key 0, as Random123 publishes it.
    assert Stream(0, 0).words(0)[:2] == (0xE169C58D_6627E8D5, 0x9B00DBD8_BC57AC4C)
