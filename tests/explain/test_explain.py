import math

import numpy as np
import pytest

import backlit as bl
from backlit.core.backprop import value_and_grad
from backlit.errors import ArgumentError
from backlit.explain.check import agreeing_digits, finite_difference
from backlit.explain.curvature import sharpest_curvature
from backlit.explain.lesson import lesson
from backlit.tables.columns import Number
from backlit.tables.table import Table
from backlit.tables.target import Target

TABLE = Table(
    (Number("a", 0.0, 1.0), Number("b", 0.0, 1.0)),
    Target(("price",), "standard", (500_000.0,), (100_000.0,), unit="$"),
)


def test_finite_difference_needs_no_derivative():
    assert finite_difference(math.exp, 1.0) == pytest.approx(math.e, rel=1e-11)
    assert finite_difference(math.sin, 40.0) == pytest.approx(math.cos(40.0), rel=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "digits"),
    [
        (1.0, 1.0, 9),
        (0.0, 0.0, 9),
        (1.0, 1.0001, 4),
        (1.0, 2.0, 0),
        (1.0, -1.0, 0),
        (-5e-9, -5.0001e-9, 4),
        (0.0, 1e-20, 0),
    ],
)
def test_agreeing_digits(a, b, digits):
    assert agreeing_digits(a, b) == digits


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "identity", "relu"])
def test_factors_multiply_to_the_gradient(activation):
    net = bl.Network([bl.Dense(2, 3, activation), bl.Dense(3, 1)], inputs=["a", "b"])
    theta = net.start(1, dtype=np.float64)
    x, y = np.array([0.3, -1.2]), 0.7
    taught = lesson(net, theta, TABLE, x, y, rate=0.1)
    E, gradient = value_and_grad(net, theta, x[None, :], np.array([[y]]))
    assert taught.before.E == pytest.approx(float(E), rel=1e-15)
    assert [c.weight for c in taught.chains] == [net.weight_name(i) for i in range(net.size)]
    for c, g, w in zip(taught.chains, gradient, theta):
        assert c.gradient == g
        assert c.paths[0].product == pytest.approx(g, rel=1e-12, abs=1e-15)
        assert c.check.digits >= 8
        assert c.update.after == w - 0.1 * g
    assert sum(c.blame for c in taught.chains) == pytest.approx(1)
    assert taught.before.prediction - taught.truth == taught.before.difference


def test_lesson_wants_one_hidden_layer():
    net = bl.Network.dense(2, [3, 3])
    with pytest.raises(ArgumentError, match="one hidden layer"):
        lesson(net, net.start(0, dtype=np.float64), TABLE, np.zeros(2), 0.0, 0.1)


def test_sharpest_curvature_of_a_linear_network():
    """E = mean (x·w + b − y)² bends by twice the greatest eigenvalue of the inputs' second moments."""
    draw = np.random.default_rng(0)
    X, Y = draw.normal(size=(200, 3)) * [1.0, 2.0, 3.0], draw.normal(size=(200, 1))
    net = bl.Network([bl.Dense(3, 1)])
    ones = np.hstack([X, np.ones((200, 1))])
    expected = 2 * np.linalg.eigvalsh(ones.T @ ones / 200).max()
    assert sharpest_curvature(net, net.start(0, dtype=np.float64), X, Y) == pytest.approx(expected, rel=1e-6)
