"""The native package by itself: installed alone, its README's examples run as written, and they type-check.

What is installed is the wheel that the set-up built: the files that its RECORD lists, in an environment that has
nothing else.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution
from typing import TYPE_CHECKING

import pytest

from tests.fakes.command import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPOSITORY / "native" / "README.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Three examples")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", SECTION, flags=re.DOTALL)
HISTORIES = re.findall(r"This is `(\S+)`:\n\n```clojure\n(.*?)```", SECTION, flags=re.DOTALL)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the native package, and nothing else."""
    root = tmp_path_factory.mktemp("alone")
    venv.create(root, with_pip=False, symlinks=True)
    site = next((root / "lib").glob("python*/site-packages"))
    wheel = distribution("schrodinger-native")
    assert wheel.files
    for file in wheel.files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.locate(), site / file)
    return root / "bin" / "python"


def run(python: Path, directory: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [str(python), "-I", *arguments], cwd=directory, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_nothing_else_is_needed(python: Path, tmp_path: Path) -> None:
    listed = "from importlib.metadata import distributions; print(*(each.name for each in distributions()))"
    assert run(python, tmp_path, "-c", listed).split() == ["schrodinger-native"]


def test_there_are_three_examples_and_the_files_they_read() -> None:
    assert len(EXAMPLES) == 3
    assert [name for name, _ in HISTORIES] == ["history.edn"]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_prints_what_the_page_says(python: Path, tmp_path: Path, number: int) -> None:
    for name, text in HISTORIES:
        (tmp_path / name).write_text(text)
    code, printed = EXAMPLES[number]
    assert run(python, tmp_path, "-c", code) == printed


def strictly_typed(python: Path, directory: Path, *programs: str) -> str:
    """What mypy says of programs, in its strictest mode."""
    files = []
    for number, code in enumerate(programs):
        files.append(directory / f"program_{number}.py")
        files[-1].write_text(code)
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--python-executable={python}", *map(str, files)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout


def test_the_examples_have_types_in_the_strictest_mode(python: Path, tmp_path: Path) -> None:
    assert strictly_typed(python, tmp_path, *(code for code, _ in EXAMPLES)).startswith("Success")


MISTAKEN = """
from schrodinger_native import HistoryFile, check_linearizable
from schrodinger_native.results import Failure


def witnesses(failure: Failure) -> list[int]:
    return [each["row"] for each in failure["witness"]]


found = check_linearizable(HistoryFile("history.arrow"))
found["steps"]
assert found["verdict"] != "malformed"
found["failures"]
witnesses(found["failure"])
"""


def test_a_key_that_no_result_has_and_a_result_that_may_be_missing_are_mistakes_to_mypy(
    python: Path, tmp_path: Path
) -> None:
    said = strictly_typed(python, tmp_path, MISTAKEN)
    assert re.findall(r"py:(\d+): error: .*\[([a-z-]+)\]", said) == [
        ("11", "typeddict-item"),
        ("13", "typeddict-item"),
        ("14", "arg-type"),
    ], said
