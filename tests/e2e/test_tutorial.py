"""The tutorial, as written: its files are taken from the page, its commands are run, and they end as it says."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.fakes.command import REPOSITORY, schrodinger

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`(suites/toy/\S+)`\n\n```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE))
COMMANDS = re.findall(r"^uv run schrodinger (run .*)$", PAGE, flags=re.MULTILINE)


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A working directory with the tutorial's files."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_suite_is_as_short_as_the_title_says() -> None:
    assert sum(len(text.splitlines()) for text in FILES.values()) <= 105
    assert len(FILES["suites/toy/suite.py"].splitlines()) < 60


def test_the_first_command_finds_the_bug(toy: Path) -> None:
    ended = schrodinger(*shlex.split(COMMANDS[0]), directory=toy)
    assert (ended.status, ended.value("verdict")) == (1, "violation"), ended


def test_the_second_command_finds_none(toy: Path) -> None:
    ended = schrodinger(*shlex.split(COMMANDS[1]), directory=toy)
    assert (ended.status, ended.value("verdict")) == (0, "valid"), ended
