"""A recorded history: the one totally ordered record of what every client did and saw, and of every fault edge.

It is an Arrow file (IPC file format) written while the run goes on; :class:`History` opens it lazily. A history whose
writer was killed, or whose tail is damaged, is read up to its last good block, and :attr:`History.damage` says so.

Tables are polars, which takes longer to load than most histories to judge: it is loaded with the first table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from schrodinger_native import HistoryFile, Operations

from schrodinger.history.intervals import NEMESIS, EdgeRow, fault_record

if TYPE_CHECKING:
    from os import PathLike

    import polars

    from schrodinger.history.intervals import FaultInterval, FaultRecord

HISTORY_FILE: Final = "history.arrow"
NODES_FOLDER: Final = "nodes"
"""Beside the history in a run directory: a folder a node, with its logs."""
PHASE: Final = "phase"
"""The ``f`` of the nemesis's rows that mark where a phase of the run begins; ``detail`` is the phase's name."""
MAIN_PHASE: Final = "main"
"""The phase in which clients and faults are let loose."""
FINAL_OPERATIONS: Final = "final operations"
"""The phase after all faults are healed, in which everything is read once more."""


@final
class History:
    """The events of one run, as columns.

    ``events`` have the columns index, time (ns since the run began), process, type (invoke, ok, fail, info, inject,
    heal), f, key, value (list of integers, null for nil) and detail. ``operations`` pairs them: see
    :meth:`operations`.
    """

    __slots__ = ("file", "path")

    def __init__(self, path: Path, file: HistoryFile) -> None:
        self.path = path
        self.file = file

    @classmethod
    def open(cls, path: str | PathLike[str]) -> History:
        """Open a history file, or the one in a run directory.

        Raises:
            OSError: the file can't be read.
            ValueError: it is no history.
        """
        where = Path(path)
        if where.is_dir():
            where = where / HISTORY_FILE
        return cls(where, HistoryFile(where))

    @property
    def rows(self) -> int:
        """Events in the good prefix."""
        return self.file.rows

    @property
    def duration_ns(self) -> int | None:
        """The time of the last event; ``None`` for a history without times, which has numbers of rows instead."""
        last = sum(time for _, time, *_ in self.file.events(self.rows - 1)) if self.rows else 0
        return last if last >= self.rows else None

    @property
    def damage(self) -> str | None:
        """Why the file's tail is not used, or ``None`` when all of it is."""
        return self.file.damage

    @property
    def functions(self) -> tuple[str, ...]:
        """Every ``f`` that the history may contain."""
        return tuple(self.file.functions)

    def to_polars(self) -> polars.DataFrame:
        """All events, without copying the columns."""
        import polars  # see the module

        return polars.DataFrame(self.file)

    def operations(self) -> polars.DataFrame:
        """Client operations, a row each, in the order of their invocations.

        Columns: index (row of the invocation), completion (row, null if it never completed), process, f, type (ok,
        fail, info), key, argument and value (lists of integers), start_ns, end_ns (null if it never completed),
        detail.
        """
        import polars

        return polars.DataFrame(Operations(self.file))

    def worded_operations(self) -> polars.DataFrame:
        """The same with functions and types as text, not as categories."""
        operations = self.operations()
        return operations.with_columns(operations["f"].cast(str), operations["type"].cast(str))

    def problems(self, limit: int = 10) -> list[str]:
        """What makes this no well-formed history, each with its row; empty when nothing does."""
        return self.file.problems(limit)

    def faults(self) -> tuple[FaultInterval, ...]:
        """The intervals in which faults were in force, in the order they began."""
        return self._fault_record().intervals

    def fault_problems(self) -> tuple[str, ...]:
        """The rows that should be fault edges and are not, each with what is wrong; :meth:`faults` leaves them out."""
        return self._fault_record().problems

    def phases(self) -> dict[str, int]:
        """When each phase of the run began, in nanoseconds on the history's clock."""
        rows = self.file.events_of(NEMESIS)
        return {detail: time for _, time, _, _, f, _, _, detail in rows if f == PHASE and detail is not None}

    def node_logs(self) -> tuple[tuple[str, Path], ...]:
        """The logs of the run's nodes, each with its node's name; none for a history that is in no run directory."""
        folder = self.path.parent / NODES_FOLDER
        logs = sorted(path for path in folder.glob("*/*") if path.is_file())
        return tuple((path.parent.name, path) for path in logs)

    def _fault_record(self) -> FaultRecord:
        return fault_record(
            EdgeRow(index, type_, f, key, detail)
            for index, _, _, type_, f, key, _, detail in self.file.events_of(NEMESIS)
            if type_ in ("inject", "heal")
        )
