"""Durations, shares and rates: how they are written, read back, and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.nemesis import Duration, InvalidValueError, Offset, Percent, Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from schrodinger.nemesis.quantities import Quantity


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Duration(20_000_000), "20ms"),
        (Duration(1_500_000_000), "1500ms"),
        (Duration(2_000_000_000), "2s"),
        (Duration(1), "1ns"),
        (Duration(0), "0ns"),
        (Percent(50_000), "5%"),
        (Percent(1_000_000), "100%"),
        (Percent(2_500), "0.25%"),
        (Percent(1), "0.0001%"),
        (Rate(8_000_000), "8mbit"),
        (Rate(1_500), "1500bit"),
        (Offset(-500_000_000), "-500ms"),
        (Offset(5_400_000_000_000), "+90min"),
        (Offset(-86_400_000_000_000), "-1d"),
    ],
)
def test_a_quantity_is_written_as_people_write_it(quantity: Quantity, text: str) -> None:
    assert str(quantity) == text
    assert type(quantity).parse(text) == quantity


@pytest.mark.parametrize("kind", [Duration, Percent, Rate, Offset])
@given(st.data())
def test_what_was_written_is_read_back_as_the_same_value(kind: type[Quantity], data: st.DataObject) -> None:
    quantity = kind(data.draw(st.integers(-kind.MOST if kind.SIGNED else 0, kind.MOST)))
    assert kind.parse(str(quantity)) == quantity


def test_fractions_and_a_space_may_be_written() -> None:
    assert Duration.parse("1.5 s") == Duration(1_500_000_000)
    assert Percent.parse("0.5%") == Percent(5_000)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Duration.parse("20"),
            ' is "20": not a number with a unit; write 20ms; the units are ns, us, ms, s',
        ),
        (
            lambda: Offset.parse("-101000d"),
            ' is "-101000d": more than +36500d; write -500ms',
        ),
        (
            lambda: Offset(-(10**19)),
            "value is -10000000000000000000: less than -3153600000000000000; give a whole number of ns",
        ),
        (
            lambda: Duration.parse("-1s"),
            ' is "-1s": not a number with a unit; write 20ms; the units are ns, us, ms, s',
        ),
        (lambda: Duration.parse(20), " is 20: not a number with a unit; write 20ms; the units are ns, us, ms, s"),
        (lambda: Duration.parse("1h"), ' is "1h": not a number with a unit; write 20ms; the units are ns, us, ms, s'),
        (lambda: Duration.parse("0.5ns"), ' is "0.5ns": not a whole number of ns; write 20ms'),
        (lambda: Duration.parse("11000s"), ' is "11000s": more than 600s; write 20ms'),
        (lambda: Percent.parse("101%"), ' is "101%": more than 100%; write 5%'),
        (lambda: Percent(-1), "value is -1: less than 0; give a whole number of ppm"),
        (lambda: Percent(1_000_001), "value is 1000001: more than 100%; give 5%"),
        (lambda: Rate(True), "value is true: not an integer; give a whole number of bit"),
    ],
)
def test_what_is_no_quantity_is_refused_in_one_line(build: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValueError) as refusal:
        build()
    assert str(refusal.value) == message
