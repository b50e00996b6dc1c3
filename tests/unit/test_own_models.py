"""Models that users write: the page's example as written, what they raise, and a native model written a second time."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.checkers import Linearizable, Model, Validity, Verdict, judge
from tests.fakes.scripts import recorded

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator
    from types import FrameType

    from schrodinger_native import ModelOperation

    from schrodinger.history import History

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def as_on_the_page(history: History) -> Verdict:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"history": history}
    exec(compile(code, "docs/models.md", "exec"), names)
    verdict: Verdict = names["verdict"]
    return verdict


BOOKED_TWICE = """
    0 invoke book 7
    0 ok book 7
    1 invoke book 8
    1 ok book 8
    1 invoke book 7
    1 ok book 7
"""


def test_the_example_of_the_page_finds_a_seat_that_was_booked_twice(tmp_path: Path) -> None:
    verdict = as_on_the_page(recorded(tmp_path / "h.arrow", BOOKED_TWICE))
    assert verdict.validity is Validity.VIOLATION
    assert verdict.statistics["model"] == "Seats"
    assert (verdict.statistics["keys"], verdict.reasons) == (2, ("1 key is not linearizable: 7",))
    (anomaly,) = verdict.anomalies
    assert anomaly.name == "impossible book"
    assert [operation.label for operation in anomaly.operations] == ["book 7", "book 7"]
    assert (
        "the object 7 is frozenset({7}) after process 0's book: process 1's book 7 can't go there" in anomaly.story[2]
    )


@pytest.mark.parametrize("ending", ["0 invoke cancel 7\n 0 info cancel 7\n", "0 invoke cancel 7\n 0 ok cancel 7\n"])
def test_a_seat_that_may_have_been_given_back_can_be_booked_again(tmp_path: Path, ending: str) -> None:
    script = BOOKED_TWICE.replace("1 invoke book 8", f"{ending} 1 invoke book 8")
    assert as_on_the_page(recorded(tmp_path / "h.arrow", script)).validity is Validity.VALID


class Broken:
    """A model that fails where it is told to."""

    initial = 0

    def __init__(self, where: str) -> None:
        self.where = where

    def step(self, state: int, operation: ModelOperation) -> Hashable | None:
        if self.where == "step" and operation.f == "cancel":
            raise LookupError("no such seat")
        unhashable: Any = [state]
        return unhashable if self.where == "state" else state

    def partition(self, operation: ModelOperation) -> int:
        return int("many") if self.where == "partition" else 0


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("step", "LookupError: no such seat"),
        ("state", "TypeError: unhashable type: 'list'"),
        ("partition", "ValueError: invalid literal"),
    ],
)
def test_what_a_model_raises_ends_the_check_with_its_trace(tmp_path: Path, where: str, told: str) -> None:
    history = recorded(tmp_path / "h.arrow", "0 invoke book 7\n 0 ok book 7\n 0 invoke cancel 7\n 0 ok cancel 7")
    verdict = judge(history, Linearizable(model=Broken(where)))
    assert verdict.validity is Validity.INFRASTRUCTURE_ERROR
    assert told in verdict.reasons[0]
    if where != "state":
        assert f"in {where}" in verdict.reasons[0]


class Endless:
    """Every operation leads to another state, so that no two orders are the same."""

    initial: tuple[int, ...] = ()

    def step(self, state: tuple[int, ...], operation: ModelOperation) -> tuple[int, ...] | None:
        assert operation.argument is not None
        return None if operation.argument[0] < 0 else (*state, operation.argument[0])


class HandlerRaisedError(Exception):
    """What the signal handler of this test raises."""


@pytest.fixture
def alarm() -> Iterator[None]:
    """Send a signal soon, whose handler raises as the one of Ctrl-C does."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise HandlerRaisedError

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_ctrl_c_ends_a_check_with_a_model_of_ones_own(tmp_path: Path) -> None:
    calls = "".join(f"{process} invoke put {process}\n" for process in range(20))
    returns = "".join(f"{process} ok put {process}\n" for process in range(20))
    history = recorded(tmp_path / "h.arrow", f"{calls} 99 invoke put -1\n {returns} 99 ok put -1\n")
    with pytest.raises(HandlerRaisedError):
        Linearizable(model=Endless(), max_steps=10**12).check(history)


def test_what_has_initial_and_step_is_a_model() -> None:
    assert isinstance(Endless(), Model)
    assert not isinstance("cas-register", Model)


class Queue:
    """The native queue, written again."""

    initial: tuple[int, ...] = ()

    def step(self, state: tuple[int, ...], operation: ModelOperation) -> tuple[int, ...] | None:
        if operation.f == "enqueue":
            return state + (operation.argument or ())
        if not operation.is_ok:
            return state[1:]
        return state[1:] if state[:1] == (operation.value or ()) else None


EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 2)), min_size=4, max_size=16)


def scripted(draws: list[tuple[int, int, int]]) -> str:
    lines: list[str] = []
    open_: dict[int, str] = {}
    for step, (process, choice, element) in enumerate(draws):
        if process not in open_:
            open_[process] = f"enqueue {element}" if choice % 2 else "dequeue"
            lines.append(f"{process + 10 * step} invoke {open_[process]}")
            open_[process] = f"{process + 10 * step} {open_[process]}"
            continue
        who, f, *argument = open_.pop(process).split()
        outcome = "info" if choice == 9 else "ok"
        value = " ".join(argument) if f == "enqueue" else str(element) if choice and outcome == "ok" else ""
        lines.append(f"{who} {outcome} {f} {value}")
    return "\n".join(lines)


@given(EVENTS)
def test_a_model_of_ones_own_gives_the_verdict_of_the_same_native_one(
    tmp_path_factory: pytest.TempPathFactory, draws: list[tuple[int, int, int]]
) -> None:
    history = recorded(tmp_path_factory.mktemp("own") / "h.arrow", scripted(draws))
    functions = frozenset(history.functions)
    own = Linearizable(model=Queue()).check(history)
    native = Linearizable(model="fifo-queue").check(history)
    if native.validity is not Validity.UNKNOWN:
        assert own.validity is native.validity, (functions, scripted(draws))
