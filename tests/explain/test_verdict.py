"""The verdict on a training, from its figures alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

import backlit as bl
from backlit.explain.curvature import Bend, bend_along_step
from backlit.explain.verdict import KINDS, Course, Match, judge, match

GOOD = Course(
    start=1.0, errors=(0.8, 0.3, 0.2, 0.15), watched=(0.7, 0.3, 0.25, 0.26), learnt=0.15,
    bends=(Bend(0, 1e-5, 100.0), Bend(4, 1e-3, 200.0)), learning_rate=1e-3, dropout=0.15, weight_decay=0.03,
    binned=True,
)  # fmt: skip
WINS = Match("rmse", {"backlit": 1.0, "mean": 4.0, "linear model": 2.0}, {"mean": -9.0, "linear model": -5.0}, 100)
LOSES = Match("rmse", {"backlit": 3.0, "mean": 4.0, "linear model": 2.0}, {"mean": -9.0, "linear model": 5.0}, 100)
USELESS = Match("rmse", {"backlit": 4.0, "mean": 4.0, "linear model": 2.0}, {"mean": 0.2, "linear model": 5.0}, 100)
NO_SIGNAL = Match("rmse", {"backlit": 4.1, "mean": 4.0, "linear model": 4.0}, {"mean": 0.2, "linear model": 0.1}, 100)


@pytest.mark.parametrize(
    ("course", "against", "kind", "beaten_by", "remedy"),
    [
        (GOOD, WINS, "healthy", None, {}),
        (GOOD, None, "healthy", None, {}),
        (GOOD, LOSES, "beaten", "linear model", {"encoding": "plain"}),
        (replace(GOOD, binned=False), LOSES, "beaten", "linear model", {"dropout": 0.3}),
        (replace(GOOD, binned=False, dropout=0.3), LOSES, "beaten", "linear model", {"weight_decay": 0.3}),
        (replace(GOOD, diverged=7), None, "diverged", None, {"learning_rate": 0.0002}),
        (replace(GOOD, diverged=7, learning_rate=10.0), None, "diverged", None, {"learning_rate": 0.004}),
        (
            replace(GOOD, learning_rate=10.0, errors=(1e4, 1.1, 1.0, 1.0), watched=(9.0, 1.1, 0.99, 0.99)), USELESS,
            "overshot", "mean", {"learning_rate": 0.004},
        ),
        (replace(GOOD, learning_rate=10.0), WINS, "healthy", None, {}),  # what goes well is not scolded for its rate
        (replace(GOOD, watched=(1.0, 0.999, 0.998, 0.997)), LOSES, "never_moved", "linear model", {}),
        (
            replace(GOOD, watched=(1.0, 0.999, 0.998, 0.997), learning_rate=1e-6), USELESS, "never_moved", "mean",
            {"learning_rate": 0.002},
        ),
        (
            replace(GOOD, watched=(0.9, 0.8, 0.7, 0.6), learning_rate=1e-6), WINS, "too_slow", None,
            {"learning_rate": 0.002},
        ),
        (replace(GOOD, watched=(0.7, 0.3, 0.25, 0.2)), WINS, "still_falling", None, {"epochs": 40}),
        (replace(GOOD, watched=(0.7, 0.3, 0.25, 0.2)), LOSES, "still_falling", "linear model", {"epochs": 40}),
        (replace(GOOD, watched=(0.7, 0.51, 0.5, 0.499)), WINS, "healthy", None, {}),
        (replace(GOOD, watched=(0.9, 0.67, 0.665, 0.64), start=0.69), LOSES, "still_falling", "linear model",
         {"epochs": 40}),
        (GOOD, NO_SIGNAL, "no_signal", "mean", {}),
        (replace(GOOD, dropout=0.9, learnt=0.26), LOSES, "underfitted", "linear model", {"dropout": 0.2}),
        (replace(GOOD, dropout=0.9, learnt=0.26), WINS, "healthy", None, {}),
        (replace(GOOD, watched=(0.3, 0.2, 0.25, 0.26)), WINS, "overfitted", None, {}),
        (replace(GOOD, watched=(0.3, 0.2, 0.25, 0.26)), LOSES, "overfitted", "linear model", {"encoding": "plain"}),
        (replace(GOOD, watched=(), errors=(0.5, 0.4, 0.2, 0.1), start=math.nan), WINS, "still_falling", None,
         {"epochs": 40}),
        (Course(), None, "healthy", None, {}),
    ],
)  # fmt: skip
def test_kinds(course, against, kind, beaten_by, remedy):
    verdict = judge(course, against)
    assert (verdict.kind, verdict.beaten_by, dict(verdict.remedy)) == (kind, beaten_by, remedy)
    assert kind in KINDS


def test_numbers_show_it():
    steep = judge(replace(GOOD, learning_rate=10.0, errors=(1e4, 1.0), watched=(2.0, 0.95)), USELESS).numbers
    assert steep["curvature"] == 100.0
    assert steep["limit"] == 2 / 100
    assert (steep["rate"], steep["at"]) == (10.0, 0)
    late = judge(replace(GOOD, diverged=9, bends=(Bend(0, 1e-5, 1.0), Bend(5, 0.5, 8.0)))).numbers
    assert (late["step"], late["at"], late["rate"], late["limit"]) == (9, 5, 0.5, 0.25)
    worse = judge(replace(GOOD, watched=(0.3, 0.2, 0.25, 0.26)), WINS).numbers
    assert (worse["best_epoch"], worse["epochs"]) == (2, 4)
    assert worse["rise"] == pytest.approx(0.3)
    assert judge(GOOD, WINS).numbers["scores"] == WINS.scores
    assert judge(GOOD, WINS).to_dict()["kind"] == "healthy"


def test_level_is_not_worse():
    level = replace(WINS, behind={"mean": -9.0, "linear model": 0.9})
    assert judge(GOOD, level).beaten_by is None
    assert judge(GOOD, replace(level, behind={"mean": -9.0, "linear model": 1.1})).beaten_by == "linear model"
    assert judge(GOOD, replace(level, behind={"mean": -0.9, "linear model": 0.0})).beaten_by == "mean"
    unknown = replace(level, behind={"mean": math.nan, "linear model": math.nan})
    assert judge(GOOD, unknown).beaten_by == "mean"


def test_match_is_over_the_same_rows():
    truth = np.array([[0.0], [1.0], [2.0], [5.0]])
    predictions = {"backlit": truth + np.array([[1.0], [0.0], [1.0], [2.0]]), "mean": np.full((4, 1), 2.0)}
    gap = np.array([1 - 4, 0 - 1, 1 - 0, 4 - 9])
    against = match(predictions, truth, {"backlit": {"rmse": 1.2}, "mean": {"rmse": 1.9}})
    assert against.behind == {"mean": pytest.approx(gap.mean() / (gap.std() / 2))}
    assert (against.figure, against.scores, against.rows) == ("rmse", {"backlit": 1.2, "mean": 1.9}, 4)
    P = np.array([[0.9, 0.1], [0.5, 0.5]])
    classes = {"backlit": P, "class shares": np.full((2, 2), 0.5)}
    chosen = np.array([0.9, 0.5])
    gap = -np.log(chosen) + np.log(0.5)
    against = match(classes, np.array([0, 1]), {name: {"log_loss": 0.0} for name in classes})
    assert against.behind["class shares"] == pytest.approx(gap.mean() / (gap.std() / math.sqrt(2)))
    alike = match({"backlit": P, "other": P}, np.array([0, 1]), {"backlit": {"a": 1.0}, "other": {"a": 1.0}})
    assert alike.behind == {"other": 0.0}


def test_bend_of_a_parabola():
    """One weight, E = (w·x − y)²: E'' = 2x², and gradient descent lands beyond where it was from 2 / E'' on."""
    net = bl.Network.dense(["x"], [], loss="squared_error")
    theta = np.zeros(net.size)
    theta[0] = 0.3
    settings = bl.Settings(optimizer="sgd", learning_rate=0.01)
    t = bl.trace(net, theta, [[1.5]], [[2.0]], settings)
    bend = bend_along_step(t)
    curvature = 2 * (1.5**2 + 1)  # of the weight and the bias together, along the gradient
    assert bend.curvature == pytest.approx(curvature, rel=1e-8)
    assert bend.limit == pytest.approx(2 / curvature)
    for share, lower in ((0.99, True), (1.01, False)):
        there = replace(t, rate=share * bend.limit).after
        assert (there.E < t.E) is lower
    assert replace(bend, curvature=-1.0).limit == math.inf
    flat = bend_along_step(bl.trace(net, theta * 0, [[0.0]], [[0.0]], settings))
    assert flat.limit == math.inf
