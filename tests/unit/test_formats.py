"""Histories in other formats: told apart by content, imported and exported without loss, refused with the line."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Literal, cast

import polars
import pyarrow
import pyarrow.feather
import pytest
from click.testing import CliRunner

from schrodinger import Client, workloads
from schrodinger.checkers.catalogue import CheckerChoice
from schrodinger.checkers.detection import suiting
from schrodinger.cli import main
from schrodinger.history import History
from schrodinger.history.formats import export_history, format_of, import_history, open_history
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

STALE = """{:type :invoke, :f :write, :value 1, :process 0, :time 10}
{:type :ok, :f :write, :value 1, :process 0, :time 20}
{:type :invoke, :f :read, :value nil, :process 1, :time 30}
{:type :ok, :f :read, :value nil, :process 1, :time 40}
"""
SKEW = """[#jepsen.history.Op{:type :invoke, :f :txn, :value [[:r 1 nil] [:append 2 1]], :process 0}
#jepsen.history.Op{:type :invoke, :f :txn, :value [[:r 2 nil] [:append 1 1]], :process 1}
#jepsen.history.Op{:type :ok, :f :txn, :value [[:r 1 []] [:append 2 1]], :process 0}
#jepsen.history.Op{:type :ok, :f :txn, :value [[:r 2 []] [:append 1 1]], :process 1}]
"""
EVENTS = [
    ("invoke", 0, "write", 4, 1),
    ("info", -1, "kill", None, None),
    ("ok", 0, "write", 4, 1),
    ("invoke", 1, "read", 4, None),
    ("ok", 1, "read", 4, 1),
    ("invoke", 1, "cas", 4, (1, 2)),
    ("fail", 1, "cas", 4, (1, 2)),
]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def check(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(main, ["check", *arguments])
    return ended.exit_code, ended.output


def test_a_stale_read_of_another_tool_is_found(tmp_path: Path) -> None:
    status, said = check(str(written(tmp_path / "history.edn", STALE)))
    assert (status, "stale read" in said) == (1, True), said
    fresh = STALE.replace(":value nil, :process 1, :time 40", ":value 1, :process 1, :time 40")
    assert check(str(written(tmp_path / "fresh.edn", fresh)))[0] == 0


def test_write_skew_of_another_tool_is_found_and_allowed_by_a_weaker_model(tmp_path: Path) -> None:
    path = str(written(tmp_path / "nameless", SKEW))
    status, said = check(path)
    assert (status, "G2-item" in said) == (1, True), said
    assert check(path, "--consistency", "snapshot-isolation")[0] == 0


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        (STALE, "edn"),
        (SKEW, "edn"),
        ('{"type": "ok"}', "json"),
        ('{"type" "ok"}', "edn"),
        ("", "arrow"),
        ("; x\n[", "edn"),
    ],
)
def test_a_format_is_told_by_its_content(tmp_path: Path, text: str, format_: str) -> None:
    assert format_of(written(tmp_path / "file", text)) == format_


@pytest.mark.parametrize("format_", ["edn", "jsonl"])
def test_what_goes_out_comes_back(tmp_path: Path, format_: str) -> None:
    history = recorded(tmp_path / "h.arrow", ["read", "write", "cas", "kill"], EVENTS)
    export_history(history, tmp_path / "out", format_)  # type: ignore[arg-type] # one of its words
    import_history(tmp_path / "out", tmp_path / "back.arrow")
    assert History.open(tmp_path / "back.arrow").file.events() == history.file.events()


def test_an_imported_history_outlives_its_temporary_file(tmp_path: Path) -> None:
    history = open_history(written(tmp_path / "history.edn", STALE))
    assert [row[4] for row in history.file.events()] == ["write", "write", "read", "read"]
    assert len(history.operations()) == 2
    assert not history.path.exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (STALE + "{:type :maybe, :f :read, :process 1}", "line 5: an operation's :type is :maybe"),
        ('{"type": "ok", "process": 0, "f": "read"}\n{"type": "ok"', "line 2: the file ends inside the form"),
        ('{"type": "done", "process": 0, "f": "read"}', 'line 1: an operation\'s :type is "done"'),
        ('{"type": "ok", "process": 0, "f": "read"}\n{"type" "ok"}', "line 2: no JSON"),
        ('{"type": "ok", "process": 0, "f": "read", "value": 99999999999999999999}', "line 1: 9999"),
        ("hello", "line 1: an operation is a map"),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(tmp_path: Path, text: str, what: str) -> None:
    status, said = check(str(written(tmp_path / "history", text)))
    assert (status, what in said) == (2, True), said
    assert "Traceback" not in said


def test_the_command_converts_and_counts(tmp_path: Path) -> None:
    source = written(tmp_path / "history.edn", STALE)

    def history(*arguments: str) -> tuple[int, str]:
        ended = CliRunner().invoke(main, ["history", *arguments])
        return ended.exit_code, ended.output

    assert history("convert", str(source), str(tmp_path / "a.arrow"))[0] == 0
    assert history("convert", str(tmp_path / "a.arrow"), str(tmp_path / "b.jsonl"))[0] == 0
    first = json.loads((tmp_path / "b.jsonl").read_text().splitlines()[0])
    assert (first["time"], first["f"], first["value"]) == (10, "write", [1])
    status, said = history("stats", str(tmp_path / "b.jsonl"))
    assert status == 0
    assert "operations  2 by 2 processes" in said
    assert "read: 1 ok, 0 fail, 0 info" in said
    assert history("convert", str(source), str(tmp_path / "a.arrow"))[0] == 2
    assert "says no format" in history("convert", str(source), str(tmp_path / "a.xyz"))[1]


SETS = """{:type :invoke, :f :add, :value [:a 1], :process 0}
{:type :ok, :f :add, :value [:a 1], :process 0}
{:type :invoke, :f :add, :value [:b 1], :process 0}
{:type :ok, :f :add, :value [:b 1], :process 0}
{:type :invoke, :f :read, :value [:a nil], :process 1}
{:type :ok, :f :read, :value [:a [1]], :process 1}
{:type :invoke, :f :read, :value [:b nil], :process 1}
{:type :ok, :f :read, :value [:b [1]], :process 1}
"""


@pytest.mark.parametrize("tagged", [False, True])
def test_sets_with_independent_keys_are_judged_one_by_one(tmp_path: Path, *, tagged: bool) -> None:
    text = SETS.replace(":value ", ":value #jepsen.independent/tuple ") if tagged else SETS
    path = written(tmp_path / "history.edn", text)
    assert suiting(open_history(path), CheckerChoice()).name == "set-full"
    for checker in ("set-full", "set"):
        assert check(str(path), "--checker", checker)[0] == 0
    path.write_text(text.replace("[:b [1]]", "[:b []]"))
    status, said = check(str(path))
    assert (status, "1 element was lost: 1 of key :b" in said) == (1, True), said
    status, said = check(str(path), "--checker", "set")
    assert (status, "Of key :b, 1 was acknowledged, and the last read has it not" in said) == (1, True), said
    path.write_text(text[: text.rindex("{:type :invoke, :f :read")])
    status, said = check(str(path))
    assert (status, "1 acknowledged element was never read: 1 of key :b" in said) == (3, True), said


def test_counters_and_queues_with_independent_keys_are_judged_one_by_one(tmp_path: Path) -> None:
    counters = SETS.replace("[:a [1]]", "[:a 1]").replace("[:b [1]]", "[:b 1]")
    path = written(tmp_path / "history.edn", counters)
    assert check(str(path), "--checker", "counter")[0] == 0
    path.write_text(counters.replace("[:b 1], :process 1", "[:b 2], :process 1"))
    assert check(str(path), "--checker", "counter")[0] == 1
    queues = counters.replace(":f :add", ":f :enqueue").replace(":f :read", ":f :dequeue")
    path.write_text(queues)
    assert check(str(path), "--checker", "total-queue")[0] == 0
    path.write_text(queues.replace("[:b 1], :process 1", "[:b nil], :process 1"))
    status, said = check(str(path), "--checker", "total-queue")
    assert (status, "Of key :b, 1 was acknowledged and never came out" in said) == (1, True), said


def test_what_a_queue_delivers_twice_is_judged_by_what_it_promises(tmp_path: Path) -> None:
    path = tmp_path / "twice.arrow"
    done = (("enqueue", 1, 1), ("dequeue", None, 1), ("dequeue", None, 1), ("dequeue", None, None))
    ends = ("invoke", "ok")
    recorded(path, ["enqueue", "dequeue"], ((end, 0, f, None, v[end == "ok"]) for f, *v in done for end in ends))
    assert check(str(path))[0] == 1
    status, said = check(str(path), "--delivery", "at-least-once", "--json")
    assert (status, json.loads(said)["parts"][0]["statistics"]["redelivered"]) == (0, 1), said
    status, said = check(str(path), "--delivery", "sometimes")
    assert (status, "at-least-once" in said) == (2, True), said
    with pytest.raises(ValueError, match="delivery is 'sometimes': take one of exactly-once, at-least-once"):
        workloads.queue(Client, delivery=cast("Any", "sometimes"))


def test_words_are_told_again_in_verdicts_and_on_the_way_out(tmp_path: Path) -> None:
    text = STALE.replace(":value 1", ":value :one").replace(
        ":value nil, :process 1, :time 40", ':value "two", :process 1'
    )
    path = written(tmp_path / "history.edn", text)
    status, said = check(str(path))
    assert (status, 'The register read as "two"' in said) == (1, True), said
    history = open_history(path)
    export_history(history, tmp_path / "out.edn", "edn")
    assert ":value :one" in (tmp_path / "out.edn").read_text()
    export_history(history, tmp_path / "out.jsonl", "jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[-1])["value"] == ["two"]


def test_completions_alone_are_judged_and_the_user_is_told_what_that_means(tmp_path: Path) -> None:
    text = "{:type :ok, :value [[:append :x 1] [:r :y [1]]]}\n{:type :ok, :value [[:append :y 1] [:r :x [1]]]}\n"
    status, said = check(str(written(tmp_path / "history.edn", text)))
    assert (status, "G1c" in said, "completions and no invocations" in said) == (1, True, True), said


@pytest.mark.parametrize(
    ("text", "checker"),
    [
        ("{:type :invoke :f :txn :value [[:r :x nil] [:w :x 1]] :process 0}", "rw-register"),
        ("{:type :invoke :f :txn :value [[:r :x nil] [:append :x 1]] :process 0}", "list-append"),
        ("{:type :invoke :f :add :value 1 :process 0}{:type :invoke :f :add :value 1 :process 1}", "counter"),
        ("{:type :invoke :f :add :value 1 :process 0}{:type :invoke :f :add :value 2 :process 1}", "set-full"),
        ("{:type :invoke :f :txn :value [[:send :x 1] [:poll]] :process 0}", "log"),
        ("INFO  jepsen.util - 0\t:invoke\t:cas\t[nil 1]\n", "linearizable"),
    ],
)
def test_a_checker_is_suggested_by_functions_and_values(tmp_path: Path, text: str, checker: str) -> None:
    assert suiting(open_history(written(tmp_path / "history", text)), CheckerChoice()).name == checker


def test_a_compare_and_set_of_what_was_never_written_expects_nil(tmp_path: Path) -> None:
    cas = "{:process 1, :type :invoke, :f :cas, :value [nil 1]}\n{:process 1, :type :ok, :f :cas, :value [nil 1]}\n"
    assert check(str(written(tmp_path / "once.edn", cas)))[0] == 0
    assert check(str(written(tmp_path / "twice.edn", cas + cas.replace("nil 1", "nil 2"))))[0] == 1


FOREIGN = {
    "process": [0, 0, -1],
    "type": ["invoke", "ok", "info"],
    "f": ["write", "write", "kill"],
    "value": [[4], [4], None],
    "more": [1.5, 2.5, 3.5],
}


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_an_arrow_file_of_another_program_is_read_by_its_columns(
    tmp_path: Path, compression: Literal["uncompressed", "lz4", "zstd"]
) -> None:
    frame = polars.DataFrame(FOREIGN).with_columns(polars.col("f").cast(polars.Categorical), key=polars.lit(7))
    frame.write_ipc(tmp_path / "foreign.arrow", compression=compression)
    events = open_history(tmp_path / "foreign.arrow").file.events()
    assert events[0] == (0, 0, 0, "invoke", "write", 7, (4,), None)
    assert events[2][2:5] == (-1, "info", "kill")


def test_an_arrow_file_of_pyarrow_is_read_and_values_may_be_plain(tmp_path: Path) -> None:
    table = pyarrow.table({**FOREIGN, "value": pyarrow.array([4, 4, None], pyarrow.int8())})
    pyarrow.feather.write_feather(table, tmp_path / "foreign.feather")
    assert [row[6] for row in open_history(tmp_path / "foreign.feather").file.events()] == [(4,), (4,), None]


@pytest.mark.parametrize(
    ("column", "values", "what"),
    [
        ("f", None, "none is f"),
        ("process", [0.0, 0.0, -1.0], "the column process should be integers, and is Float64"),
        ("value", ["a", "b", "c"], "the column value should be lists of integers, and is String"),
        ("type", ["invoke", "done", "info"], "row 2: an operation's :type is"),
    ],
)
def test_an_arrow_file_that_does_not_fit_is_refused_with_its_column(
    tmp_path: Path, column: str, values: list[object] | None, what: str
) -> None:
    columns = {**FOREIGN, column: values} if values else {name: FOREIGN[name] for name in FOREIGN if name != column}
    polars.DataFrame(columns).write_ipc(tmp_path / "foreign.arrow")
    status, said = check(str(tmp_path / "foreign.arrow"))
    assert (status, what in said) == (2, True), said


@pytest.mark.parametrize(
    ("beginning", "remedy"),
    [
        (gzip.compress(b"{:type :invoke, :f :read, :process 0}"), "gunzip"),
        (b"\x28\xb5\x2f\xfd", "unzstd"),
        (b"\xfd7zXZ\0", "unxz"),
        (b"BZh91AY&SY", "bunzip2"),
        (b"PK\x03\x04", "unzip it"),
        (b"PAR1", "Arrow"),
        (b"JEPSEN\0\0", "history.edn or history.txt"),
        ("{:type :invoke}".encode("utf-16"), "UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_refused_with_what_makes_a_history_of_it(
    tmp_path: Path, beginning: bytes, remedy: str
) -> None:
    (tmp_path / "history.edn").write_bytes(beginning)
    status, said = check(str(tmp_path / "history.edn"))
    assert (status, said.count("\n"), remedy in said) == (2, 1, True), said


@pytest.mark.parametrize("text", [" ", "\r\n\r\n", "; a comment\n", "[]", "()\n"])
def test_a_text_without_operations_is_refused(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "history.edn", text)
    assert check(str(path)) == (2, f"Error: {path}, line 1: there is no operation in it\n")


def test_an_arrow_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.arrow").write_bytes(b"ARROW1\0\0" + bytes(10))
    status, said = check(str(tmp_path / "history.arrow"))
    assert (status, said.count("\n"), "begins as an Arrow file and is none that can be read" in said) == (2, 1, True)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert check(str(tmp_path / "nothing")) == (2, f"Error: {tmp_path / 'nothing'}: No such file or directory\n")


def test_times_may_be_floats_or_missing_and_never_go_back(tmp_path: Path) -> None:
    operation = "{:type :%s, :f :read, :process 0, :value nil, :time %s}\n"
    times = [("invoke", "1.5e9"), ("ok", "2500000000.7"), ("invoke", "nil"), ("ok", "3")]
    history = open_history(written(tmp_path / "history.edn", "".join(operation % line for line in times)))
    assert history.to_polars()["time"].to_list() == [1_500_000_000, *[2_500_000_000] * 3]
