"""What this package returns, as types: plain data whose keys and words an editor and mypy know.

A checker returns its result, or :class:`Malformed` where the history makes no sense; ``found["verdict"]`` tells which,
and mypy follows that. A key is always there unless it is ``NotRequired``. Rows are row numbers of the history, mostly
of invocations; the README of this package says what each field means.
"""

from typing import Generic, Literal, NotRequired, TypeAlias, TypedDict, TypeVar, final

Element = TypeVar("Element")

EventType: TypeAlias = Literal["invoke", "ok", "fail", "info", "inject", "heal"]

Row: TypeAlias = tuple[int, int, int, EventType, str, int | None, tuple[int, ...] | None, str | None]
"""One event: index, time_ns, process, type, f, key, value, detail."""

Notation: TypeAlias = Literal["edn", "json", "log"]
"""How the text of a history is written."""

Answer: TypeAlias = Literal["valid", "violation", "unknown"]
"""Whether a history is possible."""

Guarantee: TypeAlias = Literal["read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads"]
"""What a session may rely on."""

Inference: TypeAlias = Literal["initial-state", "database-versions", "sequential-keys", "linearizable-keys"]
"""What may be assumed of the order of a register's versions."""


@final
class Malformed(TypedDict):
    """A history that makes no sense: the first ten problems, each with its row, and how many there are."""

    verdict: Literal["malformed"]
    problem_count: int
    problems: list[str]


# check_linearizable

Rule: TypeAlias = Literal[
    "never-put",
    "taken-twice",
    "taken-before-put",
    "overtaken",
    "left-behind",
    "not-empty",
    "entangled",
    "never-added",
    "seen-out-of-time",
    "seen-and-unseen",
    "forked",
    "vanished",
]
"""What an object with distinct elements promises."""

WitnessRole: TypeAlias = Literal[
    "blocked",
    "source",
    "overwrite",
    "observer",
    "put",
    "take",
    "put-first",
    "take-first",
    "empty",
    "may-have-taken",
    "seen",
    "unseen",
]
"""What an operation has to do with a failure."""


@final
class Algorithms(TypedDict):
    """How many objects each algorithm decided."""

    zones: int
    intervals: int
    search: int


@final
class Keys(TypedDict):
    """How many keys, and the first of them; None is what has no key."""

    count: int
    first: list[int | None]


@final
class Witness(TypedDict):
    """An operation of a failure, by its invocation."""

    row: int
    role: WitnessRole


@final
class Stuck(TypedDict):
    """An operation that could not go, and the value or element that it needs, if that is one."""

    row: int
    needs: str | None


@final
class Configuration(TypedDict):
    """Where a way to linearize the witness ends: the state in words, who brought it about, and who is stuck."""

    state: str
    since: int | None
    stuck: list[Stuck]


@final
class Failure(TypedDict):
    """Why an object is not linearizable."""

    key: int | None
    element: int | None
    blocked: int
    blocked_return: int
    start: int | None
    held: str | None
    beginning: int
    minimal: bool
    rule: Rule | None
    witness: list[Witness]
    configurations: list[Configuration]
    exhaustive: bool


@final
class Progress(TypedDict):
    """How far an undecided object got before a budget ended."""

    key: int | None
    limit: Literal["steps", "bytes"]
    row: int
    fraction: float


@final
class Linearizability(TypedDict):
    """What ``check_linearizable`` found. ``failure`` is there if it is a violation."""

    verdict: Answer
    keys: int
    objects: int
    operations: int
    info: int
    failed: int
    observations: int
    steps: int
    peak_bytes: int
    algorithms: Algorithms
    failing_keys: Keys
    undecided_keys: Keys
    failure: Failure | None
    progress: Progress | None


# check_set


@final
class Elements(TypedDict, Generic[Element]):
    """Elements of one kind: how many, and the first ten."""

    count: int
    first: list[Element]


class NamedElement(TypedDict):
    """An element, and the set that it is of, where the history has several."""

    key: int | None
    element: int


@final
class LostElement(NamedElement):
    """Known, and absent from every read from some point on."""

    known_since: int
    known_by: int
    last_seen: int | None
    missed_by: int


@final
class StaleElement(NamedElement):
    """Known, absent from a later read, and back."""

    known_since: int
    known_by: int
    missed_by: int
    seen_by: int
    vanished: int


@final
class UnexpectedElement(NamedElement):
    """Seen, and not possible. ``add`` is the row of an add that failed or came later, or None."""

    seen_by: int
    why: Literal["never-attempted", "failed", "not-yet-attempted"]
    add: int | None


@final
class DuplicatedElement(NamedElement):
    """Several times in one read."""

    seen_by: int
    times: int


@final
class Quantiles(TypedDict):
    """Of times in nanoseconds: the least, the median, 95 and 99 percent, the most."""

    p0: int
    p50: int
    p95: int
    p99: int
    p100: int


@final
class SetContents(TypedDict):
    """What ``check_set`` found."""

    verdict: Answer
    attempts: int
    acknowledged: int
    reads: int
    final_read: bool
    stable: int
    lost: Elements[LostElement]
    stale: Elements[StaleElement]
    unexpected: Elements[UnexpectedElement]
    duplicated: Elements[DuplicatedElement]
    never_read: Elements[NamedElement]
    recovered: Elements[NamedElement]
    stale_latencies_ns: Quantiles | None
    lost_latencies_ns: Quantiles | None


# check_append, check_rw_register

# Keys that are keywords of Python can't be attributes of a class.
_From = TypedDict("_From", {"from": int})
_Not = TypedDict("_Not", {"not": list[str]})


@final
class Step(_From):
    """Why the transaction ``from`` comes before ``to``, both by their invocations."""

    to: int
    kind: Literal["ww", "wr", "rw", "process", "realtime", "seen"]
    key: int | None
    previous: int | None
    value: int | None
    because: Literal[Inference, "writes-follow-reads", "unread"] | None


@final
class Sight(TypedDict):
    """Who had seen a transaction, and how: each step of ``path`` leads to the next, the last to the reader."""

    reader: int
    path: list[Step]


@final
class Cycle(TypedDict):
    """Transactions in a circle. ``sights`` has one entry for each step of the kind ``seen``, if there is any."""

    steps: list[Step]
    sights: NotRequired[list[Sight]]


@final
class Contradiction(TypedDict):
    """An anomaly that is no cycle: transactions by their invocations, and what each of them did."""

    transactions: list[int]
    roles: list[str]
    key: int
    value: int | None
    values: list[int]
    expected: list[int]


@final
class IsolationAnomaly(TypedDict):
    """One kind of anomaly: how many, and the first ten. ``"steps" in entry`` tells a cycle."""

    name: str
    count: int
    first: list[Cycle | Contradiction]


@final
class Transactions(TypedDict):
    """How many transactions, by how they ended, and of how many steps they consist."""

    ok: int
    failed: int
    info: int
    micro_operations: int


@final
class Edges(TypedDict):
    """How many dependencies there are, by kind."""

    ww: int
    wr: int
    rw: int
    process: int
    realtime: int


@final
class CycleSearch(TypedDict):
    """How far the search for short cycles got."""

    edges_visited: int
    exhausted: bool


@final
class Isolation(_Not):
    """What ``check_append`` and ``check_rw_register`` found; ``not`` are the weakest models that are ruled out."""

    verdict: Answer
    consistency: str
    transactions: Transactions
    keys: int
    edges: Edges
    anomalies: list[IsolationAnomaly]
    also_not: list[str]
    holds: list[str]
    warnings: list[str]
    search: CycleSearch


# All others


@final
class Case(TypedDict):
    """Operations by their invocations, what each of them did, and what that comes to."""

    rows: list[int]
    roles: list[str]
    told: str


@final
class Finding(TypedDict):
    """One kind of thing that must not be: how many, and the first ten."""

    name: str
    count: int
    first: list[Case]


@final
class Invariant(TypedDict):
    """What the checkers of invariants, of sequential consistency and of session guarantees found."""

    verdict: Answer
    operations: int
    observations: int
    findings: list[Finding]
    doubts: list[str]
    counts: dict[str, int]


# Not of checkers


@final
class Imported(TypedDict):
    """How ``import_history`` understood a text; ``words`` by the numbers that stand for them."""

    notation: Notation
    rows: int
    keyed: bool
    words: dict[int, str]
    remarks: list[str]


@final
class EffectCounters(TypedDict):
    """What an effect of a switch has done."""

    packets: int
    hits: int
    dropped: int
    held_ns: int
    longest_ns: int


@final
class EffectInForce(TypedDict):
    """An effect of a switch: where it is, what it is (``kind`` and its parameters), and what it has done."""

    source: int
    destination: int
    effect: dict[str, int | str]
    counters: EffectCounters


@final
class SwitchTotals(TypedDict):
    """What has happened in a switch apart from effects, in frames."""

    frames: int
    strays: int
    overflowed: int
    waiting: int


@final
class SwitchReading(TypedDict):
    """What ``Switch.read`` returns."""

    in_force: list[EffectInForce]
    totals: SwitchTotals
    refused: int
