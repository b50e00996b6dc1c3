"""Strength: each way in which a run can be too weak, and its twin that is strong enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from schrodinger.checkers import Strength, Validity
from schrodinger.history import NEMESIS, PHASE, FaultEdge, History, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FUNCTIONS = ["read", "write", "partition", "kill", "file-damage", PHASE]
READ, WRITE, PARTITION, KILL, DAMAGE, MARK = range(6)


class Script:
    """A history written line by line."""

    def __init__(self, path: Path, fault: int = PARTITION) -> None:
        self.path = path
        self.fault = fault
        self.recorder = Recorder(path, FUNCTIONS)

    def of(self, fault: int) -> Script:
        """The faults from here on are of this kind."""
        self.fault = fault
        return self

    def one_after(self, first: int, *, affected: int) -> Script:
        """A partition without effect, after another fault that is over."""
        before = self.operations(20).of(first).inject(0, affected=affected).operations(20).heal(0).of(PARTITION)
        return before.inject(1, affected=0).operations(20).heal(1).operations(20)

    def operations(
        self, count: int, *, f: int = READ, end: Literal["ok", "fail", "info"] = "ok", key: int = 0
    ) -> Script:
        for _ in range(count):
            self.recorder.record("invoke", 0, f, key, 1)
            self.recorder.record(end, 0, f, key, 1)
        return self

    def phase(self, name: str) -> Script:
        self.recorder.record("info", NEMESIS, MARK, None, None, name)
        return self

    def inject(self, event: int = 0, *, affected: int = 1, since_ns: int | None = None) -> Script:
        return self._edge("inject", event, affected, since_ns)

    def heal(self, event: int = 0) -> Script:
        return self._edge("heal", event, 0)

    def beginning(self, meanwhile: Callable[[Script], Script]) -> Script:
        """Inject a fault that takes as long to begin as this takes."""
        since_ns = self.recorder.now()
        return meanwhile(self).inject(since_ns=since_ns)

    def _edge(self, edge: str, event: int, affected: int, since_ns: int | None = None) -> Script:
        now = self.recorder.now()
        detail = FaultEdge(
            requested_ns=now,
            begin_ns=now if since_ns is None else since_ns,
            end_ns=now,
            description=f"{FUNCTIONS[self.fault]}: n1 alone",
            planned="",
            nodes=("n1",),
            affected=affected,
        )
        self.recorder.record(
            "inject" if edge == "inject" else "heal", NEMESIS, self.fault, event, None, detail.to_json()
        )
        return self

    def together(self) -> Script:
        """Two operations that are under way at once."""
        for kind in ("invoke", "ok"):
            for process in (1, 2):
                self.recorder.record(kind, process, READ, 0, 1)
        return self

    def reasons(self, planned: int = 0, nodes: int = 3, clients: int = 0) -> tuple[str, ...]:
        self.recorder.close()
        verdict = Strength(planned_faults=planned, nodes=nodes, clients=clients).check(History.open(self.path))
        assert verdict.validity is (Validity.UNKNOWN if verdict.reasons else Validity.VALID)
        return verdict.reasons


WEAK: dict[str, tuple[Callable[[Script], Script], str]] = {
    "nothing happened": (lambda it: it, "only 0 operations succeeded in the whole run"),
    "thin before": (
        lambda it: it.operations(3).inject().operations(20).heal().operations(20),
        "before the first fault",
    ),
    "thin during": (
        lambda it: it.operations(20).inject().operations(3).heal().operations(20),
        "while a fault was in force",
    ),
    "thin during, but for what succeeded while the fault began": (
        lambda it: it.operations(20).beginning(lambda it: it.operations(20)).operations(3).heal().operations(20),
        "only 3 operations began while a fault was in force",
    ),
    "thin after": (lambda it: it.operations(20).inject().operations(20).heal().operations(3), "after the last fault"),
    "failures only": (
        lambda it: it.operations(20).inject().operations(20).heal().operations(20, end="fail"),
        "only 0 operations succeeded after the last fault",
    ),
    "never healed": (lambda it: it.operations(20).inject().operations(20), "a fault was never healed"),
    "no effect": (
        lambda it: it.operations(20).inject(affected=0).operations(20).heal().operations(20),
        "had no effect",
    ),
    "no effect, after a fault that leaves nothing behind": (
        lambda it: it.one_after(KILL, affected=1),
        "had no effect",
    ),
    "no effect, after damage that found nothing": (lambda it: it.one_after(DAMAGE, affected=0), "had no effect"),
    "a function that never succeeds": (
        lambda it: it.operations(20).operations(60, f=WRITE, end="fail"),
        "none of 60 write operations succeeded",
    ),
    "a final operation that fails": (
        lambda it: it.operations(20).phase("final operations").operations(1, key=1).operations(3, key=2, end="fail"),
        "1 of 2 final operations never succeeded, the first a read of key 2",
    ),
}

STRONG: dict[str, Callable[[Script], Script]] = {
    "no faults": lambda it: it.operations(20),
    "before, during and after": lambda it: it.operations(20).inject().operations(20).heal().operations(20),
    "failures while a fault is in force": lambda it: (
        it.operations(20).inject(affected=2).operations(20, end="fail").heal().operations(20)
    ),
    "ends that are unknown since the fault began": lambda it: (
        it.operations(20).beginning(lambda it: it.operations(20, end="info")).heal().operations(20)
    ),
    "no effect, which another fault on the same node explains": lambda it: (
        it.operations(20).inject(0).inject(1, affected=0).operations(20).heal(1).heal(0).operations(20)
    ),
    "no effect, after damage from which a database may not have come back": (
        lambda it: it.one_after(DAMAGE, affected=1)
    ),
    "a final operation that succeeds when asked anew": lambda it: (
        it.operations(20).phase("final operations").operations(1, end="fail").operations(1)
    ),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_run_that_could_not_have_found_anything_is_unknown(tmp_path: Path, name: str) -> None:
    write, reason = WEAK[name]
    reasons = write(Script(tmp_path / "history.arrow")).reasons()
    assert any(reason in found for found in reasons), reasons


@pytest.mark.parametrize("name", STRONG)
def test_a_run_that_could_have_found_something_is_valid(tmp_path: Path, name: str) -> None:
    assert STRONG[name](Script(tmp_path / "history.arrow")).reasons() == ()


def test_planned_faults_that_never_were_in_force_make_a_run_unknown(tmp_path: Path) -> None:
    reasons = Script(tmp_path / "history.arrow").operations(20).reasons(planned=2)
    assert reasons == ("none of the 2 planned faults was ever in force",)


@pytest.mark.parametrize(
    ("fault", "nodes", "is_strong"), [(KILL, 1, True), (KILL, 3, False), (PARTITION, 1, False)], ids=str
)
def test_while_a_fault_stops_every_node_nobody_has_to_do_anything(
    tmp_path: Path, fault: int, nodes: int, is_strong: bool
) -> None:
    script = Script(tmp_path / "history.arrow", fault).operations(20).inject().heal().operations(20)
    assert (script.reasons(nodes=nodes) == ()) is is_strong


@pytest.mark.parametrize(
    ("write", "clients", "is_strong"),
    [
        (lambda it: it.operations(2000), 12, False),
        (lambda it: it.operations(2000).together(), 12, True),
        (lambda it: it.operations(2000), 1, True),
        (lambda it: it.operations(20), 12, True),
    ],
    ids=["one after the other", "two of them at once", "of one client", "too few to tell"],
)
def test_clients_that_never_do_anything_at_once_are_said_to_block(
    tmp_path: Path, write: Callable[[Script], Script], clients: int, is_strong: bool
) -> None:
    reasons = write(Script(tmp_path / "history.arrow")).reasons(clients=clients)
    assert (reasons == ()) is is_strong
    assert is_strong or "no two of 2000 operations of 12 clients were ever under way at once" in reasons[0]
