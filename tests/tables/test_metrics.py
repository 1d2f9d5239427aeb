"""Figures of merit, against scikit-learn's and against values worked by hand."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from backlit.tables.metrics import METRICS, score, scores

draw = np.random.default_rng(0)
TRUTH, PREDICTION, WEIGHTS = draw.normal(size=(50, 2)), draw.normal(size=(50, 2)), draw.random(50)
CLASSES, PROBABILITY = draw.integers(0, 3, 50), draw.dirichlet(np.ones(3), 50)


def test_by_hand():
    figures = scores(np.array([1.0, 2.0, 4.0]), np.array([1.0, 4.0, 4.0]))
    assert figures == {
        "rmse": pytest.approx((4 / 3) ** 0.5),
        "mae": pytest.approx(2 / 3),
        "r2": pytest.approx(1 - 4 / 6),
    }
    figures = scores(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1]), classes=True)
    assert figures == {"log_loss": pytest.approx(-np.log(0.5 * 0.75) / 2), "accuracy": 1}


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("mae", sklearn_metrics.mean_absolute_error),
        ("r2", sklearn_metrics.r2_score),
        ("rmse", lambda *y, sample_weight: sklearn_metrics.mean_squared_error(*y, sample_weight=sample_weight) ** 0.5),
    ],
)
def test_numbers_against_scikit_learn(name, peer, weights):
    assert METRICS[name].value(PREDICTION, TRUTH, weights) == pytest.approx(
        peer(TRUTH, PREDICTION, sample_weight=weights)
    )
    one = METRICS[name].value(PREDICTION[:, 0], TRUTH[:, 0], weights)
    assert one == pytest.approx(peer(TRUTH[:, 0], PREDICTION[:, 0], sample_weight=weights))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_classes_against_scikit_learn(weights):
    loss = sklearn_metrics.log_loss(CLASSES, PROBABILITY, sample_weight=weights)
    assert METRICS["log_loss"].value(PROBABILITY, CLASSES, weights) == pytest.approx(loss)
    share = sklearn_metrics.accuracy_score(CLASSES, PROBABILITY.argmax(axis=1), sample_weight=weights)
    assert METRICS["accuracy"].value(PROBABILITY, CLASSES, weights) == pytest.approx(share)


def test_at_the_edge():
    assert np.isnan(METRICS["r2"].value(np.array([1.0, 2.0]), np.array([5.0, 5.0]), None))  # nothing to explain
    certain_and_wrong = METRICS["log_loss"].value(np.array([[1.0, 0.0]]), np.array([1]), None)
    assert certain_and_wrong == pytest.approx(-np.log(1e-15))


def test_only_some_are_better_when_greater():
    assert {name for name, metric in METRICS.items() if metric.greater_is_better} == {"r2", "accuracy"}
    assert {name for name, metric in METRICS.items() if metric.in_unit} == {"rmse", "mae"}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("r2", -1.5e-4, "0.000"), ("r2", 0.9416, "0.942"), ("log_loss", 3.1e-8, "3.1e−8"), ("rmse", 9.0731, "$9.07")],
)
def test_a_score_is_written_with_three_decimals_or_in_the_unit(name, value, text):
    assert score(name, value, "$") == text
