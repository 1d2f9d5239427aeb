import math

import numpy as np
import pytest

import backlit as bl
from backlit.explain.check import agreeing_digits, finite_difference
from backlit.explain.curvature import sharpest_curvature


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


def test_sharpest_curvature_of_a_linear_network():
    """E = mean (x·w + b − y)² bends by twice the greatest eigenvalue of the inputs' second moments."""
    draw = np.random.default_rng(0)
    X, Y = draw.normal(size=(200, 3)) * [1.0, 2.0, 3.0], draw.normal(size=(200, 1))
    net = bl.Network([bl.Dense(3, 1)])
    ones = np.hstack([X, np.ones((200, 1))])
    expected = 2 * np.linalg.eigvalsh(ones.T @ ones / 200).max()
    assert sharpest_curvature(net, net.start(0, dtype=np.float64), X, Y) == pytest.approx(expected, rel=1e-6)
