"""What commands end with when they do not end with a verdict, and which runs they list."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from schrodinger_native import consistency_aliases

from schrodinger.checkers import ListAppend, SetFull, Validity, Verdict
from schrodinger.checkers.catalogue import KINDS, CheckerChoice, named, suitable
from schrodinger.cli import COMMANDS, main
from schrodinger.cli.execution import judge_run, report_run
from schrodinger.cli.failures import CommandLine, Refused, blaming, plain_errors
from schrodinger.cli.quantities import Budget
from schrodinger.cli.run import fault_kinds, suited_faults
from schrodinger.control import Control, ControlError
from schrodinger.nemesis import FAULTS
from schrodinger.plan import Plan
from schrodinger.store import create_run, write_verdict
from tests.fakes.memory import memory_suite
from tests.fakes.rows import recorded

if TYPE_CHECKING:
    from pathlib import Path

PLAN = Plan(suite="suites/etcd", workload="register", nodes=1, concurrency=1, rate=1.0, time_ns=10**9, seed=7)


def ended(error: BaseException) -> tuple[int, str]:
    """How a command that raises ``error`` ends, and what it says."""

    @click.command()
    def raising() -> None:
        with plain_errors():
            raise error

    result = CliRunner().invoke(CommandLine(commands={"raising": raising}), ["raising"])
    return result.exit_code, result.output


def test_every_command_is_listed_and_is_called_what_the_list_says() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    for name, summary in COMMANDS.items():
        assert f"{name} " in listed
        assert summary in listed
        assert CliRunner().invoke(main, [name, "--help"]).output.startswith(f"Usage: main {name} ")


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["check", "fresh.edn"]])
def test_to_list_the_commands_or_judge_a_file_nothing_is_loaded_that_runs_take(
    tmp_path: Path, arguments: list[str]
) -> None:
    ends = ("{:type :invoke, :f :read, :value nil, :process 0}", "{:type :ok, :f :read, :value nil, :process 0}")
    (tmp_path / "fresh.edn").write_text("\n".join(ends))
    command = [sys.executable, "-X", "importtime", "-c", "from schrodinger.cli import main; main()", *arguments]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "schrodinger.cli" in loaded
    assert not loaded & {"hypothesis", "polars", "pyroute2", "schrodinger.cluster", "schrodinger.runner"}


def test_an_interruption_is_no_violation() -> None:
    assert ended(KeyboardInterrupt()) == (130, "interrupted\n")


def test_a_mistake_of_our_own_is_no_violation_and_has_a_trace() -> None:
    status, said = ended(ZeroDivisionError("in our code"))
    assert status == 4
    assert "please report it" in said
    assert "ZeroDivisionError: in our code" in said


@pytest.mark.parametrize("error", [ValueError("wrong"), FileExistsError("wrong"), OSError("wrong")])
def test_what_a_user_caused_is_one_message(error: Exception) -> None:
    assert ended(error) == (2, "Error: wrong\n")


@pytest.mark.parametrize(
    ("checker", "value"),
    [("linearizable", "0"), ("sequential", "0"), ("session-guarantees", "0"), ("counter", "0"), ("counter", "-3")],
)
def test_what_an_object_held_at_first_may_be_said(tmp_path: Path, checker: str, value: str) -> None:
    # Knossos' data begin with a register of 0.
    read = "{:process 0, :type :invoke, :f :read, :value nil}\n{:process 0, :type :ok, :f :read, :value %s}\n"
    path = tmp_path / "history.edn"
    path.write_text(read % value)
    command = ["check", str(path), "--checker", checker]
    assert CliRunner().invoke(main, [*command, "--initial", value]).exit_code == 0
    assert CliRunner().invoke(main, [*command, "--initial", "7"]).exit_code == 1
    refused = CliRunner().invoke(main, ["check", str(path), "--checker", "bank", "--initial", value])
    assert (refused.exit_code, refused.output) == (2, "Error: checker bank has no initial; it takes no options\n")


def test_code_of_a_suite_is_blamed_by_name_unless_it_means_the_user() -> None:
    with pytest.raises(Refused, match=r"(?s)the code of suite toy raised:.*KeyError: 'lost'"), blaming("toy"):
        raise KeyError("lost")
    with pytest.raises(ValueError, match="give another"), blaming("toy"):
        raise ValueError("give another")


def test_runs_that_cannot_be_read_are_told_and_the_others_listed(tmp_path: Path) -> None:
    good, bad = create_run(PLAN, tmp_path), create_run(PLAN, tmp_path)
    write_verdict(Verdict(validity=Validity.VALID, checker="all"), good.verdict)
    bad.verdict.write_text("[]")
    result = CliRunner().invoke(main, ["runs", "--root", str(tmp_path), "--json"])
    assert [json.loads(line)["run"] for line in result.stdout.splitlines()] == [str(good.directory)]
    assert f"{bad.directory} is passed over: {bad.verdict} holds no verdict" in result.stderr


class OfExperiments:
    """A cluster that is kept, of which only the names of its experiments matter."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def describe(self, name: str) -> None:
        if name not in self.names:
            raise ControlError(f"no experiment is called {name}")

    def delete(self, name: str) -> None:
        self.names.remove(name)


@pytest.mark.parametrize(
    ("names", "status", "left"),
    [
        (["cut"], 0, {"slow", "crash"}),
        (["cut", "slow", "cut"], 0, {"crash"}),
        (["cut", "nosuch", "slow"], 2, {"cut", "slow", "crash"}),
        ([], 2, {"cut", "slow", "crash"}),
    ],
)
def test_several_experiments_are_deleted_at_once_or_none(
    monkeypatch: pytest.MonkeyPatch, names: list[str], status: int, left: set[str]
) -> None:
    kept = OfExperiments({"cut", "slow", "crash"})
    monkeypatch.setattr(Control, "find", lambda _: kept)
    assert CliRunner().invoke(main, ["fault", "delete", *names]).exit_code == status
    assert kept.names == left


def test_kinds_of_faults_that_a_suite_is_not_fit_for_are_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    able = suited_faults(FAULTS.kinds, memory_suite(), {}, tell=True)
    (said,) = capsys.readouterr().out.splitlines()
    for kind in FAULTS.kinds:
        assert (f" {kind}," in said or f" {kind} faults" in said) is (kind not in able)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--seed", "7"], True),
        (["--seed", "8"], False),
        (["--suite", "etcd"], True),
        (["--suite", "postgres"], False),
        (["--verdict", "no verdict"], True),
        (["--verdict", "valid"], False),
    ],
)
def test_runs_are_listed_by_what_they_were(tmp_path: Path, filters: list[str], *, found: bool) -> None:
    made = create_run(PLAN, tmp_path)
    result = CliRunner().invoke(main, ["runs", "--root", str(tmp_path), *filters])
    assert (str(made.directory) in result.stdout) is found


@pytest.mark.parametrize(
    ("named", "status", "kept"), [(["--checker", "stats"], 3, "7 is wrong"), ([], 1, "1 key is not linearizable")]
)
def test_what_another_checker_says_of_a_run_does_not_take_the_place_of_its_verdict(
    tmp_path: Path, named: list[str], status: int, kept: str
) -> None:
    files = create_run(PLAN, tmp_path)
    events = [("invoke", 0, "read", 0, None), ("ok", 0, "read", 0, 7)]
    recorded(files.history, ["read", "write", "cas"], events)
    write_verdict(Verdict(validity=Validity.VIOLATION, checker="all", reasons=("7 is wrong",)), files.verdict)
    assert CliRunner().invoke(main, ["check", str(files.directory), *named]).exit_code == status
    assert files.report.is_file() is (not named)
    (listed,) = CliRunner().invoke(main, ["runs", "--root", str(tmp_path)]).stdout.splitlines()
    assert "violation" in listed
    assert kept in listed


def test_the_columns_of_runs_stand_below_each_other(tmp_path: Path) -> None:
    for seed in (7, 70000):
        create_run(replace(PLAN, seed=seed), tmp_path)
    listed = CliRunner().invoke(main, ["runs", "--root", str(tmp_path)]).stdout.splitlines()
    assert len({line.index("no verdict") for line in listed}) == 1


def test_a_verdict_and_a_report_that_cannot_be_written_hide_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = create_run(PLAN, tmp_path)
    files.verdict.mkdir()
    files.report.mkdir()
    assert judge_run(files, SetFull(), PLAN).validity is Validity.INFRASTRUCTURE_ERROR
    report_run(files)
    said = capsys.readouterr().err
    assert "the verdict could not be written" in said
    assert "the report could not be written" in said


@pytest.mark.parametrize(
    ("text", "budget"), [("50M", (50_000_000, None)), ("5k,2GB", (5_000, 2_000_000_000)), ("7", (7, None))]
)
def test_a_budget_is_steps_and_perhaps_bytes(text: str, budget: tuple[int, int | None]) -> None:
    assert Budget().convert(text, None, None) == budget


def test_kinds_of_faults_are_a_list_or_all_or_none() -> None:
    assert fault_kinds("kill, partition") == ("partition", "kill")
    assert fault_kinds("all") == FAULTS.kinds
    assert fault_kinds("none") == ()
    with pytest.raises(ValueError, match="no such fault"):
        fault_kinds("kill,all")


@pytest.mark.parametrize("text", ["", "0", "-5", "5s", "1,2,3", "1.5M", "50M,"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="give"):
        Budget().convert(text, None, None)


def test_every_checker_of_the_catalogue_can_be_made_and_refuses_what_it_does_not_take() -> None:
    for kind in KINDS:
        assert named(kind.name, CheckerChoice()).name == kind.name
        for option in {"model", "consistency"} - kind.options:
            with pytest.raises(ValueError, match=f"{kind.name} has no {option}"):
                named(kind.name, CheckerChoice(**{option: "x"}))  # type: ignore[arg-type] # names of its fields


def test_a_consistency_model_goes_by_any_of_its_names_and_an_unknown_one_is_refused_with_those_that_are_near() -> None:
    for alias, name in (consistency_aliases() | {"Serializable": "serializable", "PL-2.99": "repeatable-read"}).items():
        assert named("list-append", CheckerChoice(consistency=alias)) == ListAppend(consistency=name)
    with pytest.raises(ValueError, match="did you mean serializable"):
        named("list-append", CheckerChoice(consistency="serialisable"))
    with pytest.raises(ValueError, match="a promise of single objects"):
        named("rw-register", CheckerChoice(consistency="linearizable"))


def test_a_history_suggests_its_checker() -> None:
    assert suitable(["txn", "phase"], CheckerChoice()).name == "list-append"
    assert suitable(["read", "transfer"], CheckerChoice()).name == "bank"
    assert suitable(["add", "read"], CheckerChoice()) == SetFull(read="read")
    assert suitable(["add", "read-all"], CheckerChoice()) == SetFull()
    with pytest.raises(ValueError, match="choose one with --checker unique-ids"):
        suitable(["dance"], CheckerChoice())
