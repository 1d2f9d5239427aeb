"""Whatever predicts answers alike: one network here, and several that share their table."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from recorded import FRAME, WHOLE

import backlit as bl
from backlit.model import Model, Predictor
from backlit.tables.table import Table

TOWN = FRAME["town"].to_list()


@dataclass
class Mean(Predictor):
    """Several networks: the mean of their decoded predictions."""

    models: list[Model]

    @property
    def table(self) -> Table:
        return self.models[0].table

    @property
    def networks(self) -> str:
        return f"{len(self.models)} networks"

    def decode_encoded(self, X: np.ndarray) -> np.ndarray:
        return np.mean([model.decode_encoded(X) for model in self.models], axis=0)


QUICK = {"hidden": (4,), "epochs": 3, "random_state": 0}


@pytest.fixture(scope="module")
def models():
    """Two networks over the same table."""
    first = bl.NetRegressor(**QUICK).fit(FRAME, WHOLE["price"]).model_
    return [first, Model(first.table, first.net, 2 * first.theta)]


def test_several_networks_predict_their_mean(models):
    both = Mean(models)
    expected = np.mean([model.predict(FRAME) for model in models], axis=0)
    np.testing.assert_allclose(both.predict(FRAME), expected)
    assert both.decode(FRAME).shape == (len(FRAME), 1)
    assert both.summary.startswith("price from 3 columns\n  2 networks")
    with pytest.raises(bl.ArgumentError, match="predict_proba needs a model of classes"):
        both.predict_proba(FRAME)


def test_several_networks_of_classes():
    first = bl.NetClassifier(**QUICK).fit(FRAME.drop("town"), TOWN).model_
    both = Mean([first, Model(first.table, first.net, -first.theta)])
    P = both.predict_proba(FRAME.drop("town"))
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_array_equal(both.predict(FRAME.drop("town")), np.array(["Auburn", "Kent"])[P.argmax(axis=1)])


def test_encoded_rows_are_predicted_as_the_rows_themselves(models):
    for model in models:
        X = model.encode(FRAME)
        np.testing.assert_array_equal(model.decode_encoded(X), model.decode(FRAME))
        np.testing.assert_array_equal(model.decode_encoded(X[3:5]), model.decode(FRAME[3:5]))


def test_arrays_are_taken_by_position(models):
    numbers = bl.NetRegressor(**QUICK).fit(FRAME.select("size", "rooms"), WHOLE["price"]).model_
    array = FRAME.select("size", "rooms").cast(pl.Float64).to_numpy()
    np.testing.assert_array_equal(numbers.predict(array), numbers.predict(FRAME))
