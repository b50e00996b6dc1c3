"""A user without privileges, with a home of its own, to whom everything is open that a command needs to be run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from schrodinger.cluster import find_binary, load_suite
from tests.fakes.command import REPOSITORY, SCHRODINGER, Ended

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = 12345
OWN_NAMESPACES = ("unshare", "--user", "--map-root-user", "--net")


def schrodinger_as_user(*arguments: str, home: Path, inside: tuple[str, ...] = ()) -> Ended:
    """Run ``schrodinger`` as that user, only root can; ``inside`` is a command that runs it in namespaces.

    What only root can reach, such as an interpreter in root's home, is mounted in its place where nobody else sees it.
    """
    home.chmod(0o755)
    for parent in home.parents[:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    shutil.chown(home, USER, USER)
    as_user = [
        "setpriv",
        f"--reuid={USER}",
        f"--regid={USER}",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
    environment = ["env", "-i", f"HOME={home}", f"PATH={SCHRODINGER.parent}:/usr/sbin:/usr/bin:/sbin:/bin"]
    command = [*as_user, *environment, *inside, str(SCHRODINGER), *arguments]
    script = "\n".join(["set -e", *_opening(home), f"cd {REPOSITORY}", f"exec {shlex.join(command)}"])
    ended = subprocess.run(
        ["unshare", "--mount", "/bin/sh", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def fetched_for(home: Path) -> None:
    """Have etcd where that user's ``schrodinger`` looks for it: there is no way out of a network namespace."""
    binary = find_binary(load_suite(str(REPOSITORY / "suites" / "etcd")).database.sources, None)
    member = binary.parents[2]
    copy = shutil.copytree(member, home / ".cache" / "schrodinger" / member.name)
    for path in (home / ".cache", home / ".cache" / "schrodinger", copy, *copy.rglob("*")):
        os.chown(path, USER, USER)


def _opening(home: Path) -> Iterator[str]:
    """A directory that is closed to others becomes an empty one that is not, with only what is needed in it."""
    needed = [Path(sys.base_prefix).resolve(), REPOSITORY]
    closed = [directory for path in needed for directory in path.parents if not directory.stat().st_mode & 0o001]
    for number, path in enumerate(needed):
        if outermost := [directory for directory in closed if directory in path.parents][-1:]:
            kept, (cover,) = home / f"kept-{number}", outermost
            yield f"mkdir -p {kept}; mount --bind {path} {kept}"
            yield f"mount -t tmpfs -o mode=755 none {cover}; mkdir -p {path}; mount --bind {kept} {path}"
