import numpy as np
import pytest

from backlit.errors import ArgumentError, DataError
from backlit.fitting import baselines, scores, split_rows


def test_split_keeps_groups_together_and_near_the_shares():
    groups = np.random.default_rng(0).integers(0, 5000, 10_000)
    split = split_rows(groups)
    np.testing.assert_array_equal(np.sort(np.concatenate(split)), np.arange(10_000))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not set(groups[split[one]]) & set(groups[split[other]])
    shares = [len(part) / 10_000 for part in split]
    np.testing.assert_allclose(shares, [0.64, 0.16, 0.2], atol=0.02)
    np.testing.assert_array_equal(split.train, split_rows(groups).train)
    assert not np.array_equal(split.train, split_rows(groups, seed=1).train)


def test_split_refuses():
    with pytest.raises(ArgumentError, match=r"validation \+ test is 1.1; it must be below 1"):
        split_rows(np.arange(10), validation=0.5, test=0.6)
    with pytest.raises(DataError, match="leave none to learn from"):
        split_rows(np.zeros(0, int))


def test_baselines_and_scores():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(100, 3))
    y = X @ [1.0, 2.0, 3.0] + 5
    predictions = baselines(X, y, X)
    np.testing.assert_allclose(predictions["linear model"], y)
    np.testing.assert_array_equal(predictions["mean"], np.full(100, y.mean()))
    assert scores(predictions["mean"], y)["r2"] == pytest.approx(0)
    assert scores(predictions["linear model"], y)["rmse"] == pytest.approx(0, abs=1e-9)
