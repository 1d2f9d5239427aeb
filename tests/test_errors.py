"""Errors name things, suggest names, and survive the way back from a worker process."""

import math
import pickle

import numpy as np
import pytest

from backlit.core.layers import Dense
from backlit.errors import ArgumentError, DivergedError, UnknownNameError, require
from backlit.tables.fields import FieldError


@pytest.mark.parametrize(
    "error",
    [
        ArgumentError("rate is 0"),
        UnknownNameError("column", "pric", ["price", "sqft"]),
        ArgumentError("not_allowed", setting="rate", value=np.float32(0.5), allowed="above 1"),
        ArgumentError("network.no_layer", layer=lambda: 0),
        DivergedError("diverged", state=None, step=3, E=1e30, derivative=-math.inf, weight="w1[a, 1]", rate=None),
        FieldError("field.infinite", what="column 'lat'", value="inf", row=7),
    ],
    ids=lambda error: type(error).__name__,
)
def test_pickles_whole(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


def test_an_error_carries_its_kind_and_plain_facts():
    error = ArgumentError("not_allowed", setting="rate", value=np.float32(0.5), allowed="above 1")
    assert (error.kind, error.facts) == ("not_allowed", {"setting": "rate", "value": 0.5, "allowed": "above 1"})
    assert str(error) == "rate is 0.5; it must be above 1"
    layer = Dense(3, 1)
    assert repr(layer) in str(ArgumentError("network.no_layer", layer=layer))
    assert str(layer) in str(ArgumentError("network.width", position=0, layer=layer, width=3, sources=4))


def test_an_error_of_a_kind_that_the_catalogue_does_not_have():
    assert str(ArgumentError("look_up.missing", word="house")) == "missing: word house"


def test_the_nearest_names_are_suggested():
    assert str(UnknownNameError("column", "pric", ["price", "sqft"])) == "unknown column 'pric'; did you mean 'price'?"
    assert "known: 'price' and 'sqft'" in str(UnknownNameError("column", "zzz", ["price", "sqft"]))


def test_require_takes_another_type_for_a_bad_value():
    with pytest.raises(ArgumentError, match="rate is 'fast'; it must be above 0"):
        require("rate", "fast", lambda v: v > 0, "above 0")
