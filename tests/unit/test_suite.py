"""Suites: found by the name a user gives, asked only for what they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from schrodinger import Suite, workloads
from schrodinger.cluster import SuiteError, find_suites, load_suite, suite_of_plan
from tests.fakes.memory import MemoryClient, MemoryDatabase, memory_suite

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "from tests.fakes.memory import memory_suite\n\nsuite = memory_suite()\n"


class Choosy(MemoryDatabase):
    """Has options."""

    options: ClassVar[dict[str, tuple[str, ...]]] = {"reads": ("safe", "fast"), "mode": ("one", "two")}


CHOOSY = Suite("choosy", Choosy(), [workloads.register(lambda: MemoryClient({}))])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the suite ``suites/toy``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suites" / "toy").mkdir(parents=True)
    (tmp_path / "suites" / "toy" / "suite.py").write_text(SOURCE)
    return tmp_path


@pytest.mark.parametrize("reference", ["toy", "suites/toy", "suites/toy/", "suites/toy/suite.py"])
def test_a_suite_is_found_by_name_folder_and_file(folder: Path, reference: str) -> None:
    assert load_suite(reference).name == "memory"


@pytest.mark.parametrize("reference", ["toy", "suites/toy", "suites/toy/suite.py"])
@pytest.mark.parametrize("plan", ["suites/toy/plans/plan.json", "runs/first/plan.json", "plan.json"])
def test_a_plan_finds_its_suite_from_any_directory(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, reference: str, plan: str
) -> None:
    assert suite_of_plan(reference, folder / plan) == reference
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert load_suite(suite_of_plan(reference, folder / plan)).name == "memory"


@pytest.mark.parametrize("reference", ["tyo", "suites/tyo", "no_such_package.tyo", "/nowhere/tyo", "tyo.py"])
def test_a_plan_whose_suite_is_nowhere_says_where_it_was_looked_for(folder: Path, reference: str) -> None:
    plan = folder / "elsewhere" / "plan.json"
    with pytest.raises(SuiteError, match=f"for suite '{reference}', and there is none below {folder}, nor below"):
        suite_of_plan(reference, plan)


def test_a_plan_whose_suite_is_a_module_needs_no_file(folder: Path) -> None:
    assert suite_of_plan("json.decoder", folder / "plan.json") == "json.decoder"


def test_suites_are_listed_by_name(folder: Path) -> None:
    (folder / "suites" / "abacus").mkdir()
    (folder / "suites" / "abacus" / "suite.py").touch()
    (folder / "suites" / "empty").mkdir()
    assert [path.parent.name for path in find_suites()] == ["abacus", "toy"]


def test_an_unknown_name_is_answered_with_those_that_exist(folder: Path) -> None:
    with pytest.raises(SuiteError, match="there is no suite 'tyo'; here are: suites/toy"):
        load_suite("tyo")


@pytest.mark.parametrize("reference", ["suites/tyo", "tyo.py", "suites/toy/notes.txt", ".", "..", ""])
def test_what_cannot_be_a_module_is_looked_for_as_a_path_only(folder: Path, reference: str) -> None:
    (folder / "suites" / "toy" / "notes.txt").touch()
    with pytest.raises(SuiteError, match=rf"there is no suite at '{reference}'; give a folder with a suite\.py"):
        load_suite(reference)


def test_a_file_that_is_no_python_is_no_suite(folder: Path) -> None:
    (folder / "notes").touch()
    with pytest.raises(SuiteError, match="there is no suite 'notes'; here are: suites/toy"):
        load_suite("notes")


@pytest.mark.parametrize(
    ("source", "message"), [("import no_such_module", "no_such_module"), ("1 / 0", "ZeroDivision")]
)
def test_a_suite_that_cannot_be_loaded_is_told_with_its_trace(folder: Path, source: str, message: str) -> None:
    (folder / "suites" / "toy" / "suite.py").write_text(source)
    with pytest.raises(SuiteError, match=f"(?s)suite toy could not be loaded:.*{message}"):
        load_suite("toy")


def test_a_library_that_is_missing_is_named_with_the_line_that_needs_it_and_how_to_add_it(folder: Path) -> None:
    (folder / "suites" / "toy" / "suite.py").write_text("import no_such_driver.client\n")
    with pytest.raises(SuiteError) as told:
        load_suite("toy")
    assert "No module named 'no_such_driver'" in str(told.value)
    assert "suites/toy/suite.py:1 imports; `uv run --with PACKAGE" in str(told.value)
    assert "Traceback" not in str(told.value)


def test_a_file_without_a_suite_says_how_to_end_it(folder: Path) -> None:
    (folder / "suites" / "toy" / "suite.py").write_text("suite = 1\n")
    with pytest.raises(SuiteError, match="defines no `suite`; end it with suite = Suite"):
        load_suite("toy")


def test_a_workload_is_had_by_name_and_the_first_without_one() -> None:
    suite = memory_suite()
    assert suite.workload(None) is suite.workload("register") is suite.workloads[0]
    with pytest.raises(SuiteError, match="has no workload 'bank'; it has register"):
        suite.workload("bank")


def test_a_suite_without_workloads_or_with_two_of_a_name_is_none() -> None:
    for given in ([], [*CHOOSY.workloads, *CHOOSY.workloads]):
        with pytest.raises(SuiteError, match="give at least one, each with its own name"):
            Suite("choosy", Choosy(), given)


def test_options_that_nobody_chose_have_their_first_value() -> None:
    assert CHOOSY.settle_options({}) == {"mode": "one", "reads": "safe"}
    assert CHOOSY.settle_options({"reads": "fast", "version": "3"}) == {"mode": "one", "reads": "fast", "version": "3"}


@pytest.mark.parametrize(
    ("chosen", "message"),
    [({"raeds": "fast"}, "has no option 'raeds'; it has mode, reads"), ({"reads": "slow"}, "choose one of safe, fast")],
)
def test_options_that_are_not_there_are_refused(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        CHOOSY.settle_options(chosen)
