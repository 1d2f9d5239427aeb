"""Weights and scores as people hand them over."""

import numpy as np
import pandas as pd
import pytest

import backlit as bl
from backlit.errors import DataError

N = 120
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=N)})
y = X["a"] * 100 + 1000
QUICK = {"hidden": 8, "epochs": 3, "random_state": 0}


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e-30, 1e30, 1e300, 1.7e308])
def test_weights_count_by_their_ratios_alone(size):
    twice = np.where(np.arange(N) % 3, 1.0, 2.0)
    for weights in (np.ones(N), twice):
        other = weights * size if weights.max() == 1 or size < 1e308 else weights * (size / 2)
        plain = bl.NetRegressor(**QUICK).fit(X, y, sample_weight=weights)
        far = bl.NetRegressor(**QUICK).fit(X, y, sample_weight=other)
        np.testing.assert_allclose(far.predict(X), plain.predict(X), rtol=1e-5)


def test_weights_that_are_no_numbers_are_named():
    with pytest.raises(DataError, match=r"sample_weight holds what is no number \(could not convert string"):
        bl.NetRegressor(**QUICK).fit(X, y, sample_weight=["x"] * N)


def test_a_score_reads_the_target_as_fit_does():
    dollars = [f"${value:,.2f}" for value in y]
    model = bl.NetRegressor(**QUICK).fit(X, dollars)
    assert model.score(X, dollars) == model.score(X, y.round(2))
    with pytest.raises(DataError, match="y is missing in row 1"):
        model.score(X, [1.0, None, *y[2:]])


def test_rows_of_weight_0_are_not_in_the_score():
    weights = np.where(np.arange(N) % 3, 1.0, 0.0)
    odd_X, odd_y = X.where(weights[:, None] > 0, np.inf), y.where(weights > 0)
    kept = weights > 0
    model = bl.NetRegressor(**QUICK).fit(X, y)
    assert model.score(odd_X, odd_y, weights) == model.score(X[kept], y[kept], weights[kept])
    labels = pd.Series(np.where(y > 1000, "high", "low"))
    model = bl.NetClassifier(**QUICK).fit(X, labels)
    assert model.score(odd_X, labels.where(kept), weights) == model.score(X[kept], labels[kept])
