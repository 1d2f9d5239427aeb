"""What the error wants of a unit is what lowers E: compared with differences of an E that is written out here."""

import numpy as np
import pytest

import backlit as bl

ROWS, UNIT, SMALL = 5, 2, 1e-6
draw = np.random.default_rng(8)
X, Y = draw.normal(size=(ROWS, 4)), draw.normal(size=(ROWS, 2))
NET = bl.Network([bl.Dense(4, 3, "tanh"), bl.Dense(3, 2)], bl.SquaredError(), list("abcd"))
THETA = NET.start(3, dtype=np.float64)


def E(theta=THETA, more_in=0.0, more_out=0.0):
    """The mean of the squared errors; what unit UNIT alone takes in, and hands on, is so much more."""
    W1, b1 = theta[:12].reshape(4, 3), theta[12:15]
    W2, b2 = theta[15:21].reshape(3, 2), theta[21:]
    Z = X @ W1 + b1
    Z[:, UNIT - 1] = (X + more_in) @ W1[:, UNIT - 1] + b1[UNIT - 1]
    A = np.tanh(Z)
    A[:, UNIT - 1] += more_out
    return (((A @ W2 + b2) - Y) ** 2).sum() / ROWS


def slope(f):
    return (f(SMALL) - f(-SMALL)) / (2 * SMALL)


def moved(name):
    direction = np.zeros_like(THETA)
    direction[NET.positions(name)] = 1.0
    return slope(lambda far: E(THETA + far * direction))


@pytest.fixture
def t():
    t = bl.trace(NET, THETA, X, Y)
    assert t.E == pytest.approx(E())
    return t


def test_wishes_are_what_lowers_the_error(t):
    u = t.unit(1, UNIT)
    assert u.wishes.output == pytest.approx(-slope(lambda far: E(more_out=far)), rel=1e-6)
    assert u.wishes.bias == pytest.approx(-moved(f"b1[{UNIT}]"), rel=1e-6)
    np.testing.assert_allclose(u.wishes.weights, [-moved(name) for name in u.names], rtol=1e-6)
    inputs = [-slope(lambda far, one=one: E(more_in=far * one)) for one in np.eye(4)]
    np.testing.assert_allclose(u.wishes.inputs, inputs, rtol=1e-6)


def test_a_step_towards_the_wishes_lowers_the_error(t):
    u, step = t.unit(1, UNIT), np.zeros_like(THETA)
    for name, wish in zip((*u.names, f"b1[{UNIT}]"), (*u.wishes.weights, u.wishes.bias)):
        step[NET.positions(name)] = wish
    assert E(THETA + 1e-3 * step) < E() < E(THETA - 1e-3 * step)


def test_what_units_hand_back_together_is_what_their_input_is_wished(t):
    """−∂E/∂a of a unit is the sum of what the units that it leads to ask of it."""
    asked = sum(t.unit(2, k).wishes.inputs for k in (1, 2))
    np.testing.assert_allclose([t.unit(1, j).wishes.output for j in (1, 2, 3)], asked)


def test_of_one_row_the_greatest_input_has_the_greatest_wish():
    u = bl.trace(NET, THETA, X[:1], Y[:1]).unit(1, UNIT)
    assert np.argsort(np.abs(u.wishes.weights)).tolist() == np.argsort(np.abs(X[0])).tolist()
    assert np.argsort(np.abs(u.wishes.inputs)).tolist() == np.argsort(np.abs(u.weights)).tolist()
