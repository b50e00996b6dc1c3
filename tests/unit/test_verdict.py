"""Verdicts combine by precedence, and lose no reason on the way."""

from __future__ import annotations

import itertools

import pytest

from schrodinger.checkers import Anomaly, Involved, Validity, Verdict, combine
from schrodinger.checkers.verdict_json import verdict_from_json, verdict_to_json

ORDER = [Validity.VIOLATION, Validity.INFRASTRUCTURE_ERROR, Validity.UNKNOWN, Validity.VALID]


def verdict(validity: Validity) -> Verdict:
    reasons = () if validity is Validity.VALID else (f"because {validity}",)
    return Verdict(validity=validity, checker=str(validity), reasons=reasons)


@pytest.mark.parametrize("parts", list(itertools.product(ORDER, repeat=3)))
def test_the_strongest_verdict_wins_and_every_reason_is_kept(parts: tuple[Validity, ...]) -> None:
    combined = combine(verdict(part) for part in parts)
    assert combined.validity is min(parts, key=ORDER.index)
    assert sorted(combined.reasons) == sorted(f"because {part}" for part in parts if part is not Validity.VALID)


def test_exit_codes_are_those_of_the_design() -> None:
    assert [validity.exit_code for validity in ORDER] == [1, 4, 3, 0]


def test_a_verdict_that_is_not_valid_needs_a_reason() -> None:
    with pytest.raises(AssertionError, match="needs a reason"):
        Verdict(validity=Validity.UNKNOWN, checker="any")


def test_a_verdict_survives_its_json() -> None:
    took_part = Involved(index=3, process=1, label="read 5", outcome="ok", start_ns=10, end_ns=None, role="stale read")
    anomaly = Anomaly(name="stale read", summary="one", story=("first", "then"), operations=(took_part,))
    violation = Verdict(
        validity=Validity.VIOLATION, checker="any", reasons=("one",), anomalies=(anomaly,), statistics={"keys": 3}
    )
    combined = combine([violation, verdict(Validity.VALID)])
    assert verdict_from_json(verdict_to_json(combined), source="here") == combined


def test_json_that_is_no_verdict_is_refused_naming_the_file() -> None:
    with pytest.raises(ValueError, match=r"verdict\.json holds no verdict"):
        verdict_from_json('{"validity": "splendid"}', source="verdict.json")
