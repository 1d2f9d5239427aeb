"""Numbers as people read them."""

import math

import pytest

from backlit.tables.metrics import score
from backlit.tables.units import amount, number, percent


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.0, 1, "0.0%"), (1.0, 1, "100.0%"), (0.123456, 1, "12.3%"), (0.9999, 1, ">99.9%"), (1e-9, 1, "<0.1%"),
        (0.999, 1, "99.9%"), (0.0006, 1, "0.1%"), (0.996, 0, ">99%"), (0.004, 0, "<1%"), (0.5, 0, "50%"),
        (-0.25, 1, "−25.0%"), (2.24, 0, "224%"), (math.nextafter(1, 0), 1, ">99.9%"),
    ],
)  # fmt: skip
def test_percent(share, digits, text):
    assert percent(share, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (-0.0, "0.0000"), (0.5, "0.5000"), (-1234.5, "−1,234.5000"), (3.04e-8, "3.0e−08"),
     (-3.04e-8, "−3.0e−08"), (1e12, "1.0e+12"), (0.0001, "0.0001"), (math.inf, "inf")],
)  # fmt: skip
def test_number(value, text):
    assert number(value) == text


def test_scores_and_amounts():
    assert amount(1566700.4, "$") == "$1,566,700"
    assert amount(-0.8141999840736389) == "−0.8142"
    assert score("rmse", 3.684261, "kn") == "3.684 kn"
    assert score("log_loss", 10.33, "$") == "10.330"
    assert score("log_loss", 2e-5) == "2.0e−05"
    assert score("r2", -1.4e-4) == "0.000"
    assert score("r2", -0.0016) == "−0.002"
