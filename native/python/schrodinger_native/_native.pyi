"""The native core: recording histories, reading them back, checking them. Knows nothing of the framework."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, final

from schrodinger_native.results import (
    EventType,
    Guarantee,
    Imported,
    Inference,
    Invariant,
    Isolation,
    Linearizability,
    Malformed,
    Notation,
    Row,
    SetContents,
    SwitchReading,
)

__version__: str

@final
class Recorder:
    """Appends events to an Arrow file on one monotonic nanosecond clock. Thread-safe; a background thread writes.

    Args:
        path: the Arrow file (IPC file format). Beside it ``<path>.blocks`` gets the end, rows and CRC-32 of each block.
        functions: every ``f`` that will be recorded, at most 255; recording refers to them by position.
        origin_ns: the CLOCK_MONOTONIC reading that is time zero; now, when left out.
        flush_interval_ms: the longest an event stays out of the file.

    Raises:
        OSError: the file can't be written; FileExistsError: it is there already, and a history is never overwritten.
        ValueError: no functions, more than 255, one of them twice, or no flush interval.
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        functions: list[str],
        *,
        origin_ns: int | None = None,
        flush_interval_ms: int = 100,
    ) -> Recorder: ...
    @property
    def origin_ns(self) -> int: ...
    @property
    def events(self) -> int:
        """How many were recorded."""

    def now(self) -> int:
        """Nanoseconds since the origin, on CLOCK_MONOTONIC."""

    def record(
        self,
        type: EventType,  # noqa: A002 - the field's word for it
        process: int,
        f: int,
        key: int | None,
        value: int | tuple[int, ...] | list[int] | None,
        detail: str | None = None,
    ) -> int:
        """Append one event, stamped now, and return its row.

        An int is recorded as a list of one; ``None`` is no list, ``()`` an empty one. The process of the nemesis is -1.

        Raises:
            ValueError: an unknown type or function, or the recorder is closed.
            OSError: writing failed, now or at any time before.
        """

    def flush(self) -> None:
        """Write everything recorded so far."""

    def close(self) -> None:
        """Write what is left and the footer. Recording afterwards raises ValueError; closing again does nothing."""

@final
class Transcript:
    """Writes a history that was recorded elsewhere, with its own times; what :class:`Recorder` writes from a clock.

    Args:
        path: the Arrow file, which must not exist.
        functions: every ``f``, at most 255; events refer to them by position.

    Raises:
        OSError: the file can't be written; FileExistsError: it is there already.
        ValueError: no functions, more than 255, or one of them twice.
    """

    def __new__(cls, path: str | PathLike[str], functions: list[str]) -> Transcript: ...
    def write(
        self,
        time_ns: int,
        type: EventType,  # noqa: A002 - the field's word for it
        process: int,
        f: int,
        key: int | None,
        value: int | tuple[int, ...] | list[int] | None,
        detail: str | None = None,
    ) -> None:
        """Append one event. Rows are in the order of writing, which is the order that checkers believe."""

    def finish(self) -> None:
        """Write what is left and the footer. Finishing again does nothing."""

@final
class HistoryFile:
    """A recorded history, opened lazily: blocks are mapped, checked and decoded when they are first needed.

    Raises:
        OSError: the file can't be read.
        ValueError: this is no history at all (wrong magic or schema); the message says what was found.
    """

    def __new__(cls, path: str | PathLike[str]) -> HistoryFile: ...
    @property
    def rows(self) -> int:
        """Events in the good prefix."""

    @property
    def damage(self) -> str | None:
        """Why something is not used ("no footer: ...", "block 7 fails its checksum; ...") or unchecked, or None."""

    @property
    def complete(self) -> bool:
        """The writer closed the file."""

    @property
    def functions(self) -> list[str]: ...
    @property
    def words(self) -> dict[int, str]:
        """What numbers stand for that were words in the notation of another tool, as EDN writes them."""

    @property
    def origin_ns(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The good prefix as an Arrow stream (PyCapsule): index, time, process, type, f, key, value, detail."""

    def events(self, start: int = 0, stop: int | None = None) -> list[Row]:
        """Rows as tuples, for people and tests; tables are for everything else."""

    def events_of(self, process: int) -> list[Row]:
        """The rows of one process, of the nemesis for example, which are few."""

    def problems(self, limit: int = 10) -> list[str]:
        """What is malformed about the history as a history, each with its row.

        A completion with no invocation, an invocation of a process that still has one open or whose last one ended
        ``info``, a completion whose function differs from its invocation's, time going backwards.
        """

@final
class Operations:
    """The pairing of invocations with completions, as an Arrow table (PyCapsule interface).

    Columns: index (row of the invocation), completion (row, null if it never completed), process, f, type (ok, fail,
    info), key, argument (list), value (list), start_ns, end_ns (null), detail. An operation that never completed has
    type ``info``, for nobody knows how it ended. A completion of nothing is left out: see ``HistoryFile.problems``.
    """

    def __new__(cls, history: HistoryFile) -> Operations: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def check_linearizable(
    history: HistoryFile,
    *,
    model: object = ...,
    initial: int | None = None,
    read: str = "read",
    write: str = "write",
    cas: str = "cas",
    max_steps: int = 200_000_000,
    max_bytes: int = 2_000_000_000,
    threads: int | None = None,
) -> Linearizability | Malformed:
    """Check every object of a history, in parallel.

    Args:
        history: what happened.
        model: the name of a model (``cas-register`` when left out), or an object with ``initial`` (a hashable state)
            and ``step(state, operation)``, which returns the state afterwards or None; it may have
            ``partition(operation)`` and ``only_observes(operation)``.
        initial: what a register, counter or key of a store starts with.
        read: what reading a register is called.
        write: what writing is called.
        cas: what compare-and-set is called.
        max_steps: what the search of one object may take.
        max_bytes: what it may hold.
        threads: how many objects are checked at once; as many as there are processors, when left out.

    Raises:
        ValueError: no model has this name.
        Exception: whatever a model of your own raises.
    """

@final
class ModelOperation:
    """One operation, as a model of your own sees it. Equal ones are the same to it."""

    @property
    def f(self) -> str:
        """The function."""

    @property
    def key(self) -> int | None:
        """The independent key."""

    @property
    def argument(self) -> tuple[int, ...] | None:
        """What it was asked; None is nil."""

    @property
    def value(self) -> tuple[int, ...] | None:
        """What it returned, if it ``is_ok``; None is nil."""

    @property
    def is_ok(self) -> bool:
        """It certainly happened. Otherwise it may have, and nobody knows what it returned."""

def linearizable_models() -> list[str]:
    """The names of all models that ``check_linearizable`` knows."""

def check_set(
    history: HistoryFile,
    *,
    add: str = "add",
    read: str = "read-all",
    linearizable: bool = True,
) -> SetContents | Malformed:
    """Check a grow-only set of unique elements."""

def import_history(
    source: str | PathLike[str],
    target: str | PathLike[str],
    *,
    notation: Notation | None = None,
    keyed: bool | None = None,
) -> Imported:
    """Write a history of Jepsen's kind (EDN, JSON, lines of a log) as a history file. The source is streamed.

    Args:
        source: operations as maps or objects, one after the other or in one vector; or lines of tab-separated words.
        target: the history file, which must not exist.
        notation: how the source is written; found out from its beginning when left out.
        keyed: whether values are ``[key value]``; found out from what asks for a ``[key nil]`` when left out.

    Returns:
        ``notation``, ``rows``, ``keyed``; ``words``, which are numbers in the history and here by their numbers; and
        ``remarks``, what a user should know about how the source was understood.

    Raises:
        OSError: a file can't be read or written; FileExistsError: the target is there already.
        ValueError: the text is no history; the message has the line, what was found and what was expected.
    """

def export_history(history: HistoryFile, target: str | PathLike[str], format: Literal["edn", "jsonl"]) -> int:  # noqa: A002
    """Write every event, a line each, such that importing it gives the same history. Returns how many.

    Raises:
        OSError: the file can't be written; FileExistsError: it is there already.
    """

def copy_rows(history: HistoryFile, rows: list[int], target: str | PathLike[str]) -> int:
    """Write these rows, in their order, as a history file, which must not exist. Returns how many.

    Raises:
        OSError: the file can't be written; FileExistsError: it is there already.
        ValueError: the rows do not rise, or the history has not so many.
    """

def notation(source: str | PathLike[str]) -> Notation:
    """How a text is written, by its beginning; what is nothing of all this is called EDN. Raises OSError."""

def check_append(
    history: HistoryFile,
    *,
    consistency: str = "strict-serializable",
    transaction: str = "txn",
    max_search: int = 5_000_000,
) -> Isolation | Malformed:
    """Check transactions that read lists and append unique elements.

    Raises:
        ValueError: no consistency model has this name.
    """

def check_rw_register(
    history: HistoryFile,
    *,
    consistency: str = "strict-serializable",
    inferences: list[Inference] = ...,
    transaction: str = "txn",
    max_search: int = 5_000_000,
) -> Isolation | Malformed:
    """Check transactions that read and write registers, each value written to a key only once.

    The order of versions is inferred: writes follow reads, and what ``inferences`` assume of each key
    (``initial-state`` and ``database-versions`` when left out).

    Raises:
        ValueError: no consistency model, or no inference, has this name.
    """

def check_sequential(
    history: HistoryFile,
    *,
    initial: int | None = None,
    read: str = "read",
    write: str = "write",
    cas: str = "cas",
    max_steps: int = 200_000_000,
    max_bytes: int = 2_000_000_000,
) -> Invariant | Malformed:
    """One order of all operations on all registers keeps that of each process."""

def check_session_guarantees(
    history: HistoryFile,
    *,
    guarantees: list[Guarantee] | None = None,
    initial: int | None = None,
    read: str = "read",
    write: str = "write",
    cas: str = "cas",
) -> Invariant | Malformed:
    """Session guarantees of registers, all four when left out.

    Raises:
        ValueError: no guarantee has this name, or the list is empty.
    """

def check_unique_ids(history: HistoryFile, *, generate: str = "generate") -> Invariant | Malformed:
    """No id is handed out twice."""

def check_counter(
    history: HistoryFile, *, add: str = "add", read: str = "read", initial: int = 0
) -> Invariant | Malformed:
    """Every read of a counter lies between what must have been added and what may have been."""

def check_bank(
    history: HistoryFile,
    *,
    read: str = "read",
    total: int | None = None,
    accounts: list[int] | None = None,
    allow_negative: bool = False,
) -> Invariant | Malformed:
    """Every read of all balances (account, balance, account, balance, …) adds up to ``total``, or to the first."""

def check_queue(
    history: HistoryFile, *, enqueue: str = "enqueue", dequeue: str = "dequeue", drain: str = "drain"
) -> Invariant | Malformed:
    """What comes out of a queue was put in, and not more often than that, in whatever order."""

def check_total_queue(
    history: HistoryFile,
    *,
    enqueue: str = "enqueue",
    dequeue: str = "dequeue",
    drain: str = "drain",
    redelivers: bool = False,
) -> Invariant | Malformed:
    """The same, and what was put in comes out, once the queue was seen empty. ``redelivers``: it may do so twice."""

def check_final_set(history: HistoryFile, *, add: str = "add", read: str = "read") -> Invariant | Malformed:
    """What was added and acknowledged is in the last read of a set, and nothing that nobody added."""

def check_monotonic(
    history: HistoryFile,
    *,
    increment: str = "inc",
    read: str = "read",
    read_all: str = "read-all",
    sessions: bool = False,
) -> Invariant | Malformed:
    """No observation of a value that only grows shows less than one before it; of the same process, if ``sessions``."""

def check_long_fork(
    history: HistoryFile, *, transaction: str = "txn", read: str = "read", write: str = "write"
) -> Invariant | Malformed:
    """No two transactions that read the same keys, each written once, saw two writes in opposite orders."""

def check_lock(
    history: HistoryFile,
    *,
    acquire: str = "acquire",
    release: str = "release",
    use_: str = "use",
    leased: bool = False,
    reentrant: bool = False,
    exclusive: bool = True,
) -> Invariant | Malformed:
    """No two processes certainly held a lock at once (if ``exclusive``), and its fencing tokens only rise."""

def check_log(
    history: HistoryFile,
    *,
    send: str = "send",
    poll: str = "poll",
    transaction: str = "txn",
    assign: str = "assign",
    subscribe: str = "subscribe",
) -> Invariant | Malformed:
    """Messages of logs with offsets are there once, in one order, for everybody who polls."""

def consistency_models() -> list[str]:
    """The models that ``check_append`` knows, weaker ones before stronger ones."""

def consistency_aliases() -> dict[str, str]:
    """Other names of models (``pl-3``, ``si``, …), each with the name in ``consistency_models``."""

def rules_out(consistency: str, anomaly: str) -> bool:
    """Whether no history with this anomaly satisfies the model. Raises ValueError when no model has this name."""

@final
class Stream:
    """A counter-based random stream: depends only on (seed, process, index), never on what was drawn before.

    Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).

    Args:
        seed: unsigned, 64 bits.
        process: unsigned, 32 bits.
    """

    def __new__(cls, seed: int, process: int) -> Stream: ...
    def words(self, index: int) -> tuple[int, int, int, int]:
        """Four independent unsigned 64-bit words for operation ``index`` of this process."""

def enter(arguments: Sequence[str]) -> int:
    """Run a program of the host inside another process's namespaces, and pass on its signals and its end.

    It is all of the program ``schrodinger-enter``, whose ``arguments`` these are: ``TARGET [--only NAMESPACES]
    [--directory PATH] [--parent PID] -- PROGRAM [ARGUMENT...]``. Call it in a process of its own, with one thread, and
    exit with what it returns; where a signal ended the program, it ends the process instead.

    Returns:
        The program's status; 125 where the target cannot be entered, 126 where the program cannot be run inside, 127
        where there is none. What was wrong is then on standard error.
    """

@final
class Switch:
    """An Ethernet switch in user space: a thread that carries frames between files, and does to them what is wanted.

    Args:
        ports: the Ethernet address (six bytes) of who is there, and a non-blocking file of which one read gives one
            frame and one write sends one: a TAP device without packet information, a packet socket. The switch keeps a
            descriptor of its own. At most 256.
        capture: a file that gets every delivered frame, for tcpdump or Wireshark. It must not exist.

    Raises:
        ValueError: too many ports, or an address twice.
        OSError: the capture file cannot be made, or no thread or descriptor is to be had.
    """

    def __new__(cls, ports: Sequence[tuple[bytes, int]], *, capture: str | PathLike[str] | None = None) -> Switch: ...
    def replace(self, wanted: Sequence[Mapping[str, Any]]) -> None:
        """Make exactly these effects be in force, all at once, and leave alone those that stay.

        Each is ``{"source": 0, "destination": 1, "effect": {"kind": "loss", "share": 50000, "seed": 7}}``: shares in
        parts per million, times in nanoseconds. ``crates/switch/src/effect.rs`` says which effects there are.

        Raises:
            ValueError: one of them cannot be; nothing was changed.
            RuntimeError: the switch does not run any more.
        """

    def read(self) -> SwitchReading:
        """What is in force, with counters, and what else has happened.

        ``in_force`` has what was wanted, each with ``counters``: ``packets`` that met it, ``hits``, ``dropped``,
        ``held_ns`` summed up, ``longest_ns``. ``totals`` counts ``frames``, ``strays``, ``overflowed`` and
        ``waiting``; ``refused`` those that a port did not take.

        Raises:
            RuntimeError: the switch does not run any more.
        """

    def close(self) -> None:
        """Stop and close every file. May be called again."""

def clock_payload() -> tuple[bytes, dict[str, int]]:
    """Machine code that stands in for the clock functions of a process, and where in it each of them begins.

    ``crates/clock/src/lib.rs`` says what its header is. It is empty on machines that it was not written for.
    """
