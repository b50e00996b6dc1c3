"""The state directory: which one it is, and who may have it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from schrodinger_agent.state import StateDirectory, StateError


def test_the_choice_beats_the_variable_which_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHRODINGER_STATE", "/by/variable")
    assert StateDirectory.find(Path("/by/choice")).path == Path("/by/choice")
    assert StateDirectory.find().path == Path("/by/variable")
    monkeypatch.delenv("SCHRODINGER_STATE")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert StateDirectory.find().path == Path("/run/user/1000/schrodinger")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert StateDirectory.find().path == Path("/tmp/schrodinger-1000")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert StateDirectory.find().path == Path("/run/schrodinger")


def test_root_of_a_user_namespace_has_a_place_of_its_own_in_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCHRODINGER_STATE", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Path, "read_text", lambda _: "         0       1000          1\n")
    namespace = Path("/proc/self/ns/user").stat().st_ino
    assert StateDirectory.find().path == Path(f"/tmp/schrodinger-in-namespace-{namespace}-1000")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert StateDirectory.find().path == Path(f"/run/user/1000/schrodinger-in-namespace-{namespace}")


def test_it_is_made_private_but_for_roots_way_through(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "a" / "b")
    state.ensure()
    state.ensure()
    assert state.path.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)


def test_a_link_or_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    with pytest.raises(StateError, match="is not a directory of user"):
        StateDirectory(link).ensure()
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(StateError, match="cannot be made"):
        StateDirectory(file).ensure()


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    lock = state.try_lock()
    assert lock is not None
    assert state.try_lock() is None
    os.close(lock)
    again = state.try_lock()
    assert again is not None
    os.close(again)


def test_a_lock_that_cannot_be_had_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path)
    state.lock.mkdir()
    with pytest.raises(StateError, match=r"lock cannot be locked .*: choose another directory with SCHRODINGER_STATE"):
        state.try_lock()


def test_marks_of_two_directories_differ_and_stay(tmp_path: Path) -> None:
    one, two = StateDirectory(tmp_path / "one"), StateDirectory(tmp_path / "two")
    assert one.mark != two.mark
    assert one.mark == StateDirectory(tmp_path / "one").mark
    assert one.mark.startswith("schrodinger-")
