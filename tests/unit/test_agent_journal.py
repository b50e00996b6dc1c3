"""The journal: what it says after any end of its writer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schrodinger_agent.journal import Journal, Resource

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = Resource("directory", "/a/directory", "c")
CGROUP = Resource("cgroup", "/a/cgroup", "c")


def test_what_was_written_is_outstanding_after_a_restart_until_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.about_to_make([DIRECTORY, CGROUP])
    with Journal(path) as journal:
        assert journal.outstanding() == (DIRECTORY, CGROUP)
        journal.gone(DIRECTORY)
    with Journal(path) as journal:
        assert journal.outstanding() == (CGROUP,)
        journal.gone(CGROUP)
        journal.gone(CGROUP)
    with Journal(path) as journal:
        assert journal.outstanding() == ()


def test_a_journal_begins_anew_once_it_is_large_and_nothing_is_outstanding(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    large = [Resource("directory", f"/{number}{'x' * 4000}", "c") for number in range(300)]
    with Journal(path) as journal:
        journal.about_to_make(large)
        for resource in large:
            assert path.stat().st_size > 1 << 20, "it is needed until the last is gone"
            journal.gone(resource)
        assert path.stat().st_size == 0
        journal.about_to_make(large[:1])
    with Journal(path) as journal:
        assert journal.outstanding() == (large[0],)


def test_what_is_written_is_in_the_file_before_anything_can_be_made(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.about_to_make([CGROUP])
        assert CGROUP.path in path.read_text()


@pytest.mark.parametrize("garbage", ["", "{", "null\n", "[1]\n", '{"made": "/x"}\n', "\xff\n"])
def test_a_line_that_is_torn_or_foreign_hides_no_other(tmp_path: Path, garbage: str) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.about_to_make([DIRECTORY])
    with path.open("a") as file:
        file.write(garbage)
    with Journal(path) as journal:
        assert journal.outstanding() == (DIRECTORY,)
        journal.about_to_make([CGROUP])
    with Journal(path) as journal:
        assert journal.outstanding() == (DIRECTORY, CGROUP)


@given(st.integers(min_value=0, max_value=400))
def test_a_journal_cut_off_anywhere_is_a_prefix_of_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    resources = [Resource("cgroup", f"/cgroup/{number}", "c") for number in range(5)]
    with Journal(path) as journal:
        for resource in resources:
            journal.about_to_make([resource])
    path.write_bytes(path.read_bytes()[:cut])
    with Journal(path) as journal:
        outstanding = list(journal.outstanding())
    assert outstanding == resources[: len(outstanding)]
