"""Bringing a cluster up to keep: starting its keeper, a process of its own, and waiting until all nodes are ready."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping  # noqa: TC003 - part of a dataclass
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schrodinger.cluster import ProviderError
from schrodinger.control.states import ControlError
from schrodinger.history import NODES_FOLDER

if TYPE_CHECKING:
    from typing import Self

LOG: Final = "keeper.log"
_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
"""As the agent names clusters; it is part of paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A cluster to bring up.

    Attributes:
        name: of the cluster, ``[a-z0-9-]{1,40}``.
        suite: reference of the suite, as on the command line.
        nodes: the nodes' names, in order.
        directory: where its logs go; it stays when the cluster is gone.
        options: of the database, all of them.
        kinds: of faults that it is prepared for; ``None`` for all that can be had.
        isolated: whether nodes must, or must not, be in namespaces of their own.
        seed: what choices of nodes are drawn from.
        namespace, labels: how selectors see the nodes; labels by node.
        state: the agent's state directory; by default the user's.
    """

    name: str
    suite: str
    nodes: tuple[str, ...]
    directory: str
    seed: int
    options: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] | None = None
    isolated: bool | None = None
    namespace: str = "default"
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    state: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ControlError(f"{self.name!r} is no name of a cluster: use 1 to 40 of a-z, 0-9 and '-'")

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What :meth:`to_json` has written."""
        plain: dict[str, Any] = json.loads(text)
        kinds = plain["kinds"]
        return cls(
            **{**plain, "nodes": tuple(plain["nodes"]), "kinds": None if kinds is None else tuple(kinds)},
        )

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))


def bring_up(wanted: Wanted) -> tuple[str, ...]:
    """Bring it up, and return when every node is ready; what the keeper had to remark is returned.

    The cluster lives as long as its keeper, which is nobody's child and outlives us. If we are interrupted while we
    wait it sees that nobody listens any more, and ends.

    Raises:
        ControlError: it can't be had as it is wanted; the message says why. Nothing is left.
        ProviderError: the machinery failed, and the same.
    """
    (Path(wanted.directory) / NODES_FOLDER).mkdir(parents=True, exist_ok=True)
    keeper = [sys.executable, "-m", "schrodinger.control", wanted.to_json()]
    with (Path(wanted.directory) / LOG).open("ab") as log:
        started = subprocess.run(
            ["setsid", "--fork", *keeper],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # ends with the keeper's report
            stderr=log,
            check=False,
        )
    failed = f"cluster {wanted.name} did not come up"
    if not started.stdout:
        raise ProviderError(f"{failed}: its keeper ended without a word: see {wanted.directory}/{LOG}")
    report = json.loads(started.stdout)
    if "broken" in report:
        raise ProviderError(f"{failed}: {report['broken']}")
    if "refused" in report:
        raise ControlError(f"{failed}: {report['refused']}")
    return tuple(report["remarks"])
