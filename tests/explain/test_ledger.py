"""The account of a step: its parts add up to the change, and are what a slow walk along the step finds."""

import numpy as np
import pytest
from checks import Draw
from hypothesis import given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.core.backprop import value_and_grad
from backlit.errors import ArgumentError
from backlit.explain.ledger import account
from backlit.lesson import first_network, house_rows

SGD = bl.Settings(optimizer="sgd", learning_rate=0.05)


def walked(t, gradient, steps=4000):
    """Each weight's part by the midpoint rule, in many small steps."""
    middles = (np.arange(steps) + 0.5) / steps
    return sum(gradient(t.at(t.theta + s * t.update.step)) for s in middles) / steps * t.update.step


def house(row):
    net, theta, table, how = first_network()
    return bl.trace(net, theta, *house_rows(table, row), how, rows=[row], table=table)


def test_the_first_step_of_house_0_in_dollars():
    """Against central differences of the price along the way, one weight at a time."""
    t, h = house(0), 1e-5
    a = t.account()
    assert (a.of, a.unit) == ("prediction", "$")
    assert (a.before, a.after) == (t.prediction[0, 0], t.after.prediction[0, 0])

    def slopes(u):
        moved = [[u.at(u.theta + by * h * axis).prediction[0, 0] for by in (1, -1)] for axis in np.eye(len(u.theta))]
        return np.array([(up - down) / (2 * h) for up, down in moved])

    np.testing.assert_allclose(a.parts, walked(t, slopes, 200), rtol=1e-4, atol=0.5)
    assert abs(a.residual) < 0.01
    assert a.by_weight()["weight"].to_list()[:3] == ["b2[1]", "w2[2, 1]", "w2[3, 1]"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans())
def test_parts_and_residual_are_the_change_of_E(seed, n, masks):
    """Of any network, loss and number of rows; the residual is E's own, not what the parts were made to leave over."""
    draw = Draw(seed, n=n)
    state = bl.State(draw.theta, {}, seed, 10, step=3)
    t = bl.trace(draw.net, state, draw.X, draw.Y, SGD, weights=draw.weights, masks=masks)
    a = t.account("E")
    E_before, E_after = (value_and_grad(draw.net, theta, draw.X, draw.Y, draw.weights, t.key)[0]
                         for theta in (t.theta, t.theta + t.update.step))  # fmt: skip
    assert a.change == pytest.approx(E_after - E_before, rel=1e-9, abs=1e-12)
    assert abs(a.change - a.parts.sum()) <= 1e-5 * np.abs(a.parts).max() + 1e-12


def test_a_kink_on_the_way_is_closed_in_upon():
    """The only unit goes silent on the way: from there on no weight but the bias of the output does anything."""
    net = bl.Network([bl.Dense(1, 1, "relu"), bl.Dense(1, 1)], "squared_error")
    theta = net.start(0, {"w1": [[1.0]], "b1": -0.5, "w2": [[2.0]], "b2": 0.0}, np.float64)
    t = bl.trace(net, theta, np.array([[1.0]]), np.array([[-3.0]]), bl.Settings(optimizer="sgd", learning_rate=0.1))
    assert t.at(t.update.after).layer(1).slope[0, 0] == 0 < t.layer(1).slope[0, 0]
    a = account(t, "E")
    np.testing.assert_allclose(a.parts, walked(t, lambda u: u.gradient), rtol=2e-3)
    assert abs(a.residual) <= 1e-5 * np.abs(a.parts).max()


def test_where_nothing_moves_there_is_nothing_to_account_for():
    net = bl.Network([bl.Dense(1, 1)], "squared_error")
    theta = net.start(0, {"w1": [[1.0]], "b1": 0.0}, np.float64)
    a = bl.trace(net, theta, np.array([[2.0]]), np.array([[2.0]]), SGD).account()
    assert a.change == a.residual == 0
    assert not a.parts.any()


def test_a_step_beyond_all_numbers_ends():
    t = bl.trace(*_far(), bl.Settings(optimizer="sgd", learning_rate=1e300))
    with np.errstate(all="ignore"):
        assert not np.isfinite(t.account("E").change)


def _far():
    net = bl.Network([bl.Dense(1, 2, "tanh"), bl.Dense(2, 1)], "squared_error")
    return net, net.start(0, dtype=np.float64), np.array([[1.0]]), np.array([[1e200]])


def test_several_outputs_have_no_one_prediction():
    net = bl.Network([bl.Dense(2, 3)], "cross_entropy")
    t = bl.trace(net, net.start(0, dtype=np.float64), np.array([[1.0, 2.0]]), np.array([[1]]), SGD)
    assert t.account().of == "E"
    with pytest.raises(ArgumentError, match=r"3 outputs.*account of E"):
        t.account("prediction")


def test_an_account_of_something_else_is_refused():
    t = bl.trace(bl.Network.dense(2, [3]), np.zeros(13), np.ones((1, 2)), np.ones(1), SGD)
    with pytest.raises(ArgumentError, match=r"^of is 'error'; it must be prediction or E"):
        t.account("error")
