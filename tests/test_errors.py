"""Errors name things, suggest names, and survive the way back from a worker process."""

import pickle

import pytest

from backlit.errors import ArgumentError, DivergedError, UnknownNameError, require
from backlit.tables.fields import FieldError


@pytest.mark.parametrize(
    "error",
    [
        ArgumentError("rate is 0"),
        UnknownNameError("column", "pric", ["price", "sqft"]),
        DivergedError("diverged", state=None, step=3),
        FieldError("column 'lat'", "inf", 7, "; leave it empty"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_pickles_whole(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


def test_the_nearest_names_are_suggested():
    assert str(UnknownNameError("column", "pric", ["price", "sqft"])) == "unknown column 'pric'; did you mean 'price'?"
    assert "known: 'price' and 'sqft'" in str(UnknownNameError("column", "zzz", ["price", "sqft"]))


def test_require_takes_another_type_for_a_bad_value():
    with pytest.raises(ArgumentError, match="rate is 'fast'; it must be above 0"):
        require("rate", "fast", lambda v: v > 0, "above 0")
