"""What is answered to a database's system calls, and how many there were. Shared by the agent and its supervisors.

Several faults may have rules about the same call: it takes as long as the longest of their delays, and then it fails if
one of them says so, or else is passed off as done if one of them lies.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import final


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of one call. Without an error or a lie it is made, after the delay."""

    delay_ns: int = 0
    error: int = 0
    lie: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What one fault wants: every so many-th call of these classes gets this answer."""

    classes: frozenset[str]
    answer: Answer
    every: int = 1


@final
class Rules:
    """The rules about the calls of one target, by the kind of fault that made them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self._turns: Counter[tuple[str, Rule]] = Counter()
        self._met: Counter[tuple[str, Rule]] = Counter()
        self._answered: Counter[tuple[str, Rule]] = Counter()

    def __bool__(self) -> bool:
        return bool(self._rules)

    def set(self, kind: str, rules: tuple[Rule, ...]) -> None:
        """Let a kind of fault have these rules. What each meets is counted from when it got there."""
        with self._lock:
            before = set(self.of(kind))
            for gone in before - set(rules):
                del self._turns[kind, gone]
            for new in set(rules) - before:
                self._met[kind, new] = self._answered[kind, new] = 0
            if rules:
                self._rules[kind] = rules
            else:
                self._rules.pop(kind, None)

    def of(self, kind: str) -> tuple[Rule, ...]:
        """The rules of a kind of fault."""
        return self._rules.get(kind, ())

    def delays(self) -> bool:
        """Whether any call is to wait."""
        return any(rule.answer.delay_ns for rules in list(self._rules.values()) for rule in rules)

    def decide(self, about: str) -> Answer:
        """The answer to a call on the target's data."""
        delay_ns = error = 0
        lie = False
        with self._lock:
            for kind, rules in self._rules.items():
                turns = [rule for rule in rules if about in rule.classes and self._is_its_turn(kind, rule)]
                self._answered.update((kind, rule) for rule in turns)
                answers = [rule.answer for rule in turns]
                delay_ns = max(delay_ns, *(answer.delay_ns for answer in answers), 0)
                error = error or next((answer.error for answer in answers), 0)
                lie = lie or any(answer.lie for answer in answers)
        return Answer(delay_ns, error, lie and not error)

    def counts(self, kind: str) -> dict[Rule, tuple[int, int]]:
        """How many calls each rule of a kind was asked about, and how many it answered; of those it had last, too."""
        with self._lock:
            return {rule: (met, self._answered[kind, rule]) for (of, rule), met in self._met.items() if of == kind}

    def _is_its_turn(self, kind: str, rule: Rule) -> bool:
        self._met[kind, rule] += 1
        self._turns[kind, rule] += 1
        return self._turns[kind, rule] % rule.every == 0
