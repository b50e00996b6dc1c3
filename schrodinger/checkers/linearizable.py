"""Linearizability: every operation on an object seems to take effect at one instant within its interval.

The work is native (``schrodinger_native.check_linearizable``): exact and linear for registers of which all written
values differ, which is how the register workload writes, and a memoised search elsewhere. Budgets are steps and bytes
for each object, not time, so a verdict never depends on the machine; a key that exceeds them is *unknown*, unless
another is a violation.

A compare-and-set that failed is left out, like every operation that certainly did not happen: why it failed is not
evidence. A key's ``info`` operations may have taken effect at any time after their call, or never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schrodinger_native import check_linearizable

from schrodinger.checkers.deed import listed
from schrodinger.checkers.malformed import malformed_verdict
from schrodinger.checkers.object_story import object_anomaly
from schrodinger.checkers.register_story import register_anomaly
from schrodinger.checkers.rule_story import rule_anomaly
from schrodinger.checkers.verdict import Validity, Verdict

if TYPE_CHECKING:
    from schrodinger_native.results import Failure, Linearizability

    from schrodinger.checkers.model import Model
    from schrodinger.checkers.verdict import Anomaly
    from schrodinger.history import History

_STATISTICS = ("keys", "objects", "operations", "info", "failed", "observations", "steps", "peak_bytes", "algorithms")


@dataclass(frozen=True, slots=True)
class Linearizable:
    """Each key is a linearizable object.

    Attributes:
        model: what the objects are, one of ``schrodinger_native.linearizable_models()``, or a :class:`Model` of your
            own.
        initial: what every register, counter or key of a store holds at first; ``None`` is nil, of a counter zero.
        max_steps: how many operations the search may linearize for one object, those taken back included; looking at
            64 open operations counts as one more. The search does a few million a second.
        max_bytes: how much memory the search may hold for one object.
        read: what reading a register is called in the history, and ``write`` and ``cas`` the others.
        name: the name in verdicts.
    """

    model: str | Model = "cas-register"
    initial: int | None = None
    max_steps: int = 200_000_000
    max_bytes: int = 2_000_000_000
    read: str = "read"
    write: str = "write"
    cas: str = "cas"
    name: str = "linearizable"

    @property
    def violations_are_final(self) -> bool:
        """Linearizability is closed under prefixes: what is open at the cut may have happened or not."""
        return True

    @property
    def _model_name(self) -> str:
        return self.model if isinstance(self.model, str) else type(self.model).__name__

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_linearizable(
            history.file,
            model=self.model,
            initial=self.initial,
            read=self.read,
            write=self.write,
            cas=self.cas,
            max_steps=self.max_steps,
            max_bytes=self.max_bytes,
        )
        if found["verdict"] == "malformed":
            return malformed_verdict(self.name, found)
        anomalies: tuple[Anomaly, ...] = ()
        if found["failure"] is not None:
            anomalies = (self._anomaly(history, found["failure"]),)
        statistics: dict[str, object] = {"model": self._model_name}
        statistics |= {name: value for name, value in found.items() if name in _STATISTICS}
        statistics |= {name: found[name]["count"] for name in ("failing_keys", "undecided_keys")}
        return Verdict(
            validity=Validity(found["verdict"]),
            checker=self.name,
            reasons=tuple(self._reasons(found)),
            anomalies=anomalies,
            statistics=statistics,
        )

    def _anomaly(self, history: History, failure: Failure) -> Anomaly:
        if self.model in ("register", "cas-register"):
            return register_anomaly(history.operations(), failure, read=self.read, initial=self.initial)
        if failure["rule"] is not None:
            return rule_anomaly(history.operations(), failure, failure["rule"], model=self._model_name)
        return object_anomaly(history.operations(), failure, model=self._model_name)

    def _reasons(self, found: Linearizability) -> list[str]:
        reasons = []
        failing, undecided, progress = found["failing_keys"], found["undecided_keys"], found["progress"]
        if failing["first"] == [None]:
            reasons.append("the history is not linearizable")
        elif failing["count"]:
            which = listed((_key(key) for key in failing["first"]), failing["count"])
            reasons.append(f"{_are_keys(failing['count'])} not linearizable: {which}")
        if progress is not None:
            steps_or_bytes = {"steps": f"{self.max_steps:,} steps", "bytes": f"{self.max_bytes:,} bytes"}
            limit = f"undecided within {steps_or_bytes.get(progress['limit'], progress['limit'])}"
            far = f"{progress['fraction']:.0%} can be linearized, up to row {progress['row']}"
            if undecided["first"] == [None]:
                reasons.append(f"{limit}; {far}")
            else:
                reasons.append(f"{_are_keys(undecided['count'])} {limit}; of key {_key(progress['key'])}, {far}")
        if not reasons and found["verdict"] == "unknown":
            reasons.append("nothing was observed: no operation that tells something about the state completed ok")
        return reasons


def _are_keys(count: int) -> str:
    return "1 key is" if count == 1 else f"{count:,} keys are"


def _key(key: int | None) -> str:
    return "nil" if key is None else str(key)
