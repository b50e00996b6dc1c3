"""Damage to a node's files while it is down, and files that are put back to what they were.

``file-damage`` kills the node, damages so many spots of its files, and keeps it down until the fault ends. Damage does
not heal: the database has to live with it, or to refuse to. ``roll-back`` stops the node for a moment to copy its
files, lets it go on, and at its end puts them back: a disk that has forgotten, as one does that was restored from an
old copy.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, final

from schrodinger_agent.disks import damage
from schrodinger_agent.disks.copying import copy_open
from schrodinger_agent.disks.damage import HOWS
from schrodinger_agent.errors import InvalidRequest
from schrodinger_agent.injectors.conditions import Condition, number, only

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from schrodinger_agent.target import Target

_TOLD: Final = 20
"""Spots that are told one by one."""

_DONE: Final = "done"

Damages: TypeAlias = tuple[tuple[str, str, int, int], ...]
"""A setting: how, which files, how many spots, and the seed."""


@final
class FileDamage(Condition[Damages]):
    """The damaged files of one cluster."""

    kind: ClassVar[str] = "file-damage"
    needs: ClassVar[frozenset[str]] = frozenset()
    mechanism: ClassVar[str] = "bytes of files are changed while the node is down"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._done: dict[str, dict[tuple[str, str, int, int], list[damage.Spot]]] = {name: {} for name in targets}

    def setting(self, parameters: Mapping[str, Any]) -> Damages:
        """``how``, ``files``, ``spots`` and ``seed``."""
        only(self.kind, parameters, ("how", "files", "spots", "seed"))
        how = parameters.get("how")
        if how not in HOWS:
            raise InvalidRequest(f"{self.kind}: 'how' is {how!r}: use {', '.join(HOWS)}")
        spots = number(self.kind, parameters, "spots", 1, 10_000)
        seed = number(self.kind, parameters, "seed", 0, (1 << 64) - 1)
        return ((str(how), pattern(self.kind, parameters), spots, seed),)

    def combined(self, settings: Sequence[Damages]) -> Damages:
        """All of them."""
        return tuple(sorted({one for setting in settings for one in setting}))

    async def begin(self, target: Target, setting: Damages) -> None:
        """Kill, and do what has not been done."""
        await target.kill_and_hold(self.kind)
        await self._do(target, setting)

    async def end(self, target: Target) -> None:
        """Let it be started again, on what is left."""
        self._measure(target.place.name)
        self._done[target.place.name] = {}
        target.release(self.kind)

    async def problem(self, target: Target, setting: Damages) -> str:
        """Nothing may run, and the last damage, which no other can have hit, must be on the disk.

        Where files have been put back meanwhile it is done again, to what they are now; so is what found nothing.
        """
        left = target.processes()
        if left:
            return f"processes {list(left)} are left"
        if not await self._lasts(target):
            self._done[target.place.name] = {}
        await self._do(target, setting)
        if await self._lasts(target):
            return ""
        spot = self._spots(target)[-1]
        return f"the damage of {spot.path} at {spot.offset} is not there"

    def measure(self, target: Target) -> dict[str, Any]:
        """What was done, setting by setting."""
        return {_DONE: dict(self._done[target.place.name])}

    def told(self, setting: Damages, measured: Mapping[str, Any]) -> Mapping[str, Any]:
        """The spots of the fault's own damage."""
        (one,) = setting
        spots = measured.get(_DONE, {}).get(one, [])
        told = [{"file": spot.path, "offset": spot.offset, "bytes": len(spot.now)} for spot in spots[:_TOLD]]
        others = {name: value for name, value in measured.items() if name != _DONE}
        return {**others, "spots": len(spots), "damage": told}

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Spots."""
        return int(measured.get("spots", 0))

    async def _do(self, target: Target, setting: Damages) -> None:
        done = self._done[target.place.name]
        for one in [one for one in setting if not done.get(one)]:
            done[one] = []
            await target.while_down(partial(self._damage, target, one))

    async def _lasts(self, target: Target) -> bool:
        spots = self._spots(target)
        return not spots or await asyncio.to_thread(self._is_there, target, spots[-1])

    def _damage(self, target: Target, one: tuple[str, str, int, int]) -> None:
        how, files, spots, seed = one
        random = Random(f"{seed}/{target.place.name}")
        with open_data(target) as data:
            for _ in range(spots):
                if found := damage.written_below(data, files):
                    spot = damage.damage(data, found, how, random)
                    self._done[target.place.name][one] += [spot] if spot is not None else []

    def _spots(self, target: Target) -> list[damage.Spot]:
        return [spot for done in self._done[target.place.name].values() for spot in done]

    def _is_there(self, target: Target, spot: damage.Spot) -> bool:
        with open_data(target) as data:
            return damage.is_there(data, spot)


@final
class RollBack(Condition[tuple[str, ...]]):
    """Targets of one cluster whose files will be put back. A setting is the patterns of which."""

    kind: ClassVar[str] = "roll-back"
    needs: ClassVar[frozenset[str]] = frozenset()
    mechanism: ClassVar[str] = "files are copied while the node is down for a moment, and put back likewise"

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__(targets)
        self._copied: dict[str, dict[str, int]] = {name: {} for name in targets}
        self._put_back: dict[str, int] = {}

    def setting(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """``files``."""
        only(self.kind, parameters, ("files",))
        return (pattern(self.kind, parameters),)

    def combined(self, settings: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted({one for setting in settings for one in setting}))

    async def begin(self, target: Target, setting: tuple[str, ...]) -> None:
        """Copy what was not copied before, and put back what is not wanted any more."""
        copied = self._copied[target.place.name]
        for one in [one for one in copied if one not in setting]:
            await self._restore(target, one)
        for one in [one for one in setting if one not in copied]:
            await target.while_down(partial(self._copy, target, one))

    async def end(self, target: Target) -> None:
        """Put all back."""
        for one in list(self._copied[target.place.name]):
            await self._restore(target, one)
        self._measure(target.place.name)

    async def problem(self, target: Target, setting: tuple[str, ...]) -> str:
        """There must be copies."""
        missing = [one for one in setting if one not in self._copied[target.place.name]]
        return f"no copy of {missing}" if missing else ""

    def measure(self, target: Target) -> dict[str, Any]:
        """How many files were copied, and how many were put back or removed."""
        return {
            "copied_files": sum(self._copied[target.place.name].values()),
            "put_back_files": self._put_back.get(target.place.name, 0),
        }

    def touched(self, measured: Mapping[str, Any]) -> int:
        """Files, also of a database that does not run any more."""
        return max(int(measured.get("copied_files", 0)), int(measured.get("put_back_files", 0)))

    async def _restore(self, target: Target, one: str) -> None:
        await target.while_down(partial(self._put, target, one))
        del self._copied[target.place.name][one]

    def _copy(self, target: Target, one: str) -> None:
        place = self._place(target, one)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        with open_data(target) as data:
            paths = list(damage.paths_below(data, one))
            for path in paths:
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                _copy_file(path, data, str(place / path), None)
        self._put_back[target.place.name] = 0
        self._copied[target.place.name][one] = len(paths)

    def _put(self, target: Target, one: str) -> None:
        place = self._place(target, one)
        copies = sorted(path for path in place.rglob("*") if path.is_file())
        with open_data(target) as data:
            for path in list(damage.paths_below(data, one)):
                os.unlink(path, dir_fd=data)
            for copy in copies:
                _copy_file(str(copy), None, str(copy.relative_to(place)), data)
            os.fsync(data)
        shutil.rmtree(place)
        self._put_back[target.place.name] += len(copies)

    def _place(self, target: Target, one: str) -> Path:
        return target.place.data.with_name(f"copy-{one.encode().hex()}")


@contextlib.contextmanager
def open_data(target: Target) -> Iterator[int]:
    """The open data directory of a target that is down, on a disk with which nothing is wrong for the moment."""
    with contextlib.nullcontext() if target.place.disk is None else target.disk.healthy():
        data = target.place.open_data()
        try:
            yield data
        finally:
            os.close(data)


def pattern(kind: str, parameters: Mapping[str, Any]) -> str:
    """Which files: a pattern of their paths in the data directory, in which ``*`` stands for anything."""
    files = parameters.get("files")
    if not isinstance(files, str) or not files or len(files) > 100:
        raise InvalidRequest(f"{kind}: 'files' is {files!r}: give a pattern of paths in the data directory, or '*'")
    return files


def _copy_file(source: str, source_directory: int | None, target: str, target_directory: int | None) -> None:
    """Copy a file, the directories of which are there or whose directory was never removed."""
    read = os.open(source, os.O_RDONLY | os.O_CLOEXEC, dir_fd=source_directory)
    try:
        status = os.fstat(read)
        write = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target_directory)
        try:
            copy_open(read, write)
            os.fsync(write)
            os.fchown(write, status.st_uid, status.st_gid)
            os.fchmod(write, status.st_mode & 0o7777)
        finally:
            os.close(write)
    finally:
        os.close(read)
