"""Losses: values by hand, weights, predictions, and the targets they refuse."""

import math

import numpy as np
import pytest

import backlit as bl
from backlit.core.losses import LOSSES
from backlit.errors import BacklitError, DataError, ShapeError

S = np.array([[0.5, -1.0], [2.0, 0.0]])
Y = np.array([[1.0, 0.0], [0.0, 1.0]])


def test_values_by_hand():
    assert bl.SquaredError().value(S, Y) == pytest.approx((0.25 + 1 + 4 + 1) / 2)
    assert bl.SquaredError(scale=0.5, reduction="sum").value(S, Y) == pytest.approx((0.25 + 1 + 4 + 1) / 2)
    assert bl.AbsoluteError().value(S, Y) == pytest.approx((0.5 + 1 + 2 + 1) / 2)
    assert bl.Huber(1.0).value(S, Y) == pytest.approx((0.125 + 0.5 + 1.5 + 0.5) / 2)
    assert bl.Poisson().value(S, Y) == pytest.approx((math.exp(0.5) - 0.5 + math.exp(-1) + math.exp(2) + 1) / 2)
    assert bl.Quantile((0.25, 0.75)).value(S, np.array([[1.0], [1.0]])) == pytest.approx(
        (0.25 * 0.5 + 0.75 * 2 + 0.75 * 1 + 0.75 * 1) / 2
    )
    assert bl.BinaryCrossEntropy().value(S, Y) == pytest.approx(
        -(math.log(_sigmoid(0.5)) + math.log(1 - _sigmoid(-1)) + math.log(1 - _sigmoid(2)) + math.log(_sigmoid(0))) / 2
    )
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    assert bl.CrossEntropy().value(S, np.array([[1.0], [0.0]])) == pytest.approx(-np.log([P[0, 1], P[1, 0]]).mean())


def _sigmoid(z):
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("name", LOSSES)
def test_E_is_the_weighted_mean_of_the_rows(name):
    loss = LOSSES[name]()
    scores = np.random.default_rng(0).normal(size=(4, 3))
    targets = np.array([[0.0], [1.0], [1.0], [0.0]]) if name in ("cross_entropy", "quantile") else np.abs(scores) % 1
    weights = np.array([0.5, 1.5, 2.0, 0.0])
    E, dS = loss.value_and_grad(scores, targets, weights)
    rows = loss.rows(scores, targets)
    assert pytest.approx((rows * weights).sum() / 4) == E
    assert not dS[3].any()
    alone = [loss.value_and_grad(scores[i : i + 1], targets[i : i + 1])[1][0] for i in range(4)]
    np.testing.assert_allclose(dS, np.array(alone) * weights[:, None] / 4)


@pytest.mark.parametrize("loss", [bl.BinaryCrossEntropy(), bl.CrossEntropy()])
def test_far_scores_stay_finite(loss):
    scores = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    targets = np.array([[0.0], [0.0]]) if isinstance(loss, bl.CrossEntropy) else np.zeros((2, 2))
    E, dS = loss.value_and_grad(scores, targets)
    assert np.isfinite(E)
    assert np.isfinite(dS).all()
    assert np.isfinite(loss.predict(scores)).all()


def test_predictions():
    np.testing.assert_allclose(bl.Poisson().predict(S), np.exp(S))
    np.testing.assert_allclose(bl.BinaryCrossEntropy().predict(S), 1 / (1 + np.exp(-S)))
    np.testing.assert_allclose(bl.CrossEntropy().predict(S).sum(axis=1), 1)
    assert bl.SquaredError().predict(S) is S


def test_label_smoothing_is_cross_entropy_with_softened_targets():
    soft = bl.BinaryCrossEntropy(label_smoothing=0.2).value(S, Y)
    assert soft == pytest.approx(bl.BinaryCrossEntropy().value(S, 0.8 * Y + 0.1))


@pytest.mark.parametrize(
    ("loss", "targets", "outputs", "error", "message"),
    [
        ("poisson", [[1.0], [-2.0]], 1, DataError, r"Y\[1, 0\] is −2; poisson needs targets that are 0 or greater"),
        ("cross_entropy", [[0.0], [3.0]], 3, DataError, r"Y\[1, 0\] is 3; .* from 0 to 2"),
        ("cross_entropy", [[0.5]], 3, DataError, "a whole number"),
        ("cross_entropy", [[0.0, 1.0]], 3, ShapeError, "one column of Y"),
        ("cross_entropy", [[0.0]], 1, ShapeError, "two or more outputs"),
        ("binary_cross_entropy", [[0.0], [2.0]], 1, DataError, "between 0 and 1"),
        ("quantile", [[1.0]], 2, ShapeError, "3 levels needs 3 outputs"),
        ("squared_error", [[1.0, 2.0]], 1, ShapeError, "Y has 2 columns, but the network has 1 outputs"),
    ],
)
def test_targets_outside_the_domain(loss, targets, outputs, error, message):
    with pytest.raises(error, match=message) as caught:
        LOSSES[loss]().check(np.array(targets), outputs)
    assert isinstance(caught.value, BacklitError)
