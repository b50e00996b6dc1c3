"""The Python side of a cluster that is kept by hand: the same as on the command line, as calls.

    control = Control.find()                     # the one cluster that is up, or Control.find("demo")
    control.apply(Path("partition.yaml").read_text())
    control.pause("partition"), control.describe("partition"), control.delete("partition")
    control.down()

Every call is a connection of its own to the cluster's keeper (:mod:`schrodinger.control.keeper`), a line of JSON each
way. Calls block until what they asked for has been done and read back. They raise :class:`ControlError` for what can't
be granted, which changes nothing, and ``ProviderError`` where a fault is not in force, or not lifted, as it should be.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from schrodinger_agent.state import StateDirectory, StateError

from schrodinger.cluster import ProviderError
from schrodinger.control.states import ClusterState, ControlError, ExperimentState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOCKET: Final = "keeper.sock"
"""In the cluster's directory below the agent's, which goes when the cluster does, whatever ended it."""

LONGEST_SOCKET: Final = 107
"""Bytes of ``sun_path`` in unix(7), less the terminating zero."""

TIMEOUT_S: Final = 90.0
"""What a request may take: taking a large cluster down lasts longest."""


def socket_path(cluster: str, state: Path | None = None) -> Path:
    """Where the keeper of a cluster listens.

    Raises:
        ControlError: the state directory can't be used.
    """
    try:
        path = StateDirectory.find(state).clusters / cluster / SOCKET
    except StateError as error:
        raise ControlError(str(error)) from error
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise ControlError(f"{path} is too long for a Unix socket: choose a shorter name, or state directory")
    return path


def clusters(state: Path | None = None) -> tuple[str, ...]:
    """The names of the clusters that are kept by hand now."""
    below = socket_path("", state).parent
    return tuple(sorted(path.parent.name for path in below.glob(f"*/{SOCKET}")))


@final
@dataclass(frozen=True, slots=True)
class Control:
    """One cluster that is kept by hand. ``state`` is the agent's state directory; by default the user's."""

    cluster: str
    state: Path | None = None

    @classmethod
    def find(cls, cluster: str | None = None, *, state: Path | None = None) -> Control:
        """The cluster of this name, or the only one that there is.

        Raises:
            ControlError: there is none, or there are several and none was named.
        """
        known = clusters(state)
        if cluster is None and len(known) == 1:
            return cls(known[0], state)
        if cluster in known:
            assert cluster is not None
            return cls(cluster, state)
        if not known:
            raise ControlError("no cluster is kept by hand here; `schrodinger cluster up SUITE` brings one up")
        named = "several clusters are kept by hand" if cluster is None else f"there is no cluster {cluster!r}"
        raise ControlError(f"{named}; name one of {', '.join(known)} by --cluster")

    def status(self) -> ClusterState:
        """The cluster and its nodes as they are now."""
        return ClusterState.of(self._ask("status"))

    def apply(self, text: str, source: str = "manifest.yaml") -> dict[str, str]:
        """Want what the manifests in the text say. Returns what became of each: created, configured, unchanged.

        All of them are applied or, when one is refused, none.

        Raises:
            ControlError: one can't be had; the message says which and why.
        """
        return dict(self._ask("apply", text=text, source=source))

    def experiments(self) -> tuple[ExperimentState, ...]:
        """All experiments, in the order in which they were applied."""
        return tuple(ExperimentState.of(plain) for plain in self._ask("list"))

    def describe(self, name: str) -> ExperimentState:
        """One experiment, with its past."""
        return ExperimentState.of(self._ask("describe", name=name))

    def pause(self, name: str) -> None:
        """Lift its faults, and let none begin until it is resumed."""
        self._ask("pause", name=name)

    def resume(self, name: str) -> None:
        """Let it go on."""
        self._ask("resume", name=name)

    def delete(self, name: str) -> None:
        """Want it no more. Its faults are lifted when this returns."""
        self._ask("delete", name=name)

    def down(self) -> tuple[str, ...]:
        """Take the cluster down. Returns what could not be removed."""
        return tuple(self._ask("down"))

    def _ask(self, what: str, **more: str) -> Any:
        request = json.dumps({"do": what, **more}) + "\n"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S)
            try:
                connection.connect(str(socket_path(self.cluster, self.state)))
                connection.sendall(request.encode())
                with connection.makefile("rb") as answers:
                    line = answers.readline()
            except (FileNotFoundError, ConnectionError):
                raise ControlError(self._gone()) from None
            except TimeoutError:
                raise ControlError(f"the keeper of cluster {self.cluster} did not answer in {TIMEOUT_S:g} s") from None
            except PermissionError as error:
                raise ControlError(f"cluster {self.cluster} belongs to another user: {error}") from None
        if not line:
            raise ControlError(self._gone())
        answer: Mapping[str, Any] = json.loads(line)
        if "broken" in answer:
            raise ProviderError(answer["broken"])
        if "refused" in answer:
            raise ControlError(answer["refused"])
        return answer["done"]

    def _gone(self) -> str:
        return f"cluster {self.cluster} is gone, its keeper has ended; `schrodinger cluster status` lists what there is"
