"""What has been made that the kernel will not remove by itself, written down and synced *before* it is made.

One JSON object a line: ``{"made": PATH, "kind": ..., "cluster": ...}``, and ``{"gone": PATH}`` once it is removed.
Only what is written here (or carries the agent's mark) is ever removed by a sweep. A torn last line is harmless: it
was never acted upon.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_log = logging.getLogger(__name__)

_BYTES: Final = 1 << 20
"""A journal that has grown beyond this begins anew once nothing is outstanding. A cluster takes a few hundred bytes."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that outlives the agent, and the cluster that it was made for.

    A ``disk`` is the image of one; the file itself goes with its directory.
    """

    kind: Literal["disk", "cgroup", "directory"]
    path: str
    cluster: str


class Journal:
    """The open journal of a state directory. Held only by who holds the directory's lock."""

    def __init__(self, path: Path) -> None:
        self._outstanding: dict[str, Resource] = {entry.path: entry for entry in _read(path)}
        self._path = path
        self._lock = threading.Lock()  # resources are removed in worker threads, which take long
        self._file = self._rewritten()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def outstanding(self) -> tuple[Resource, ...]:
        """What was made and not yet removed, in the order it was made."""
        with self._lock:
            return tuple(self._outstanding.values())

    def about_to_make(self, resources: Iterable[Resource]) -> None:
        """Write down what is going to be made; on disk when this returns."""
        with self._lock:
            for resource in resources:
                self._outstanding[resource.path] = resource
                self._append(_made(resource))
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:  # of a write, which does not know the file's name
                raise OSError(error.errno, error.strerror, str(self._path)) from None

    def gone(self, resource: Resource) -> None:
        """It has been removed. Neither synced nor surely written: a sweep of something that is gone does nothing."""
        with self._lock:
            if self._outstanding.pop(resource.path, None) is None:
                return
            self._append({"gone": resource.path})
            try:
                self._file.flush()
                if not self._outstanding and self._file.tell() > _BYTES:
                    grown, self._file = self._file, self._rewritten()
                    grown.close()
            except OSError as error:  # the line stays in the buffer, for the next flush
                _log.warning("%s: the end of %s is not written down: %s", self._path, resource.path, error)

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")

    def _rewritten(self) -> TextIO:
        fresh = self._path.with_suffix(".new")
        fresh.touch(mode=0o600)
        with fresh.open("w") as file:
            file.writelines(json.dumps(_made(resource)) + "\n" for resource in self._outstanding.values())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        return self._path.open("a")


def _made(resource: Resource) -> dict[str, Any]:
    return {"made": resource.path, "kind": resource.kind, "cluster": resource.cluster}


def _read(path: Path) -> list[Resource]:
    outstanding: dict[str, Resource] = {}
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        match entry:
            case {"made": str(made), "kind": "disk" | "cgroup" | "directory" as kind, "cluster": str(cluster)}:
                outstanding[made] = Resource(kind, made, cluster)
            case {"gone": str(gone)}:
                outstanding.pop(gone, None)
            case _:  # torn: the agent died while writing it, before acting upon it
                _log.warning("%s: %r is no entry and says nothing", path, line)
    return list(outstanding.values())
