"""The famous wrong way, written out here: what goes back to a layer passes through weights that are updated already."""

import numpy as np
import pytest

import backlit as bl
from backlit.core.layers import LayerNorm
from backlit.core.optimizers import Adam, Momentum
from backlit.errors import ArgumentError

RATE, ROWS = 0.3, 6
draw = np.random.default_rng(5)
X, Y = draw.normal(size=(ROWS, 4)), draw.normal(size=(ROWS, 2))
NET = bl.Network([bl.Dense(4, 5, "tanh"), bl.Dense(5, 3, "sigmoid"), bl.Dense(3, 2)], bl.SquaredError(), list("abcd"))
THETA = NET.start(1, dtype=np.float64)
SGD = bl.Settings(optimizer="sgd", learning_rate=RATE)


def by_hand(update_first):
    """∂E/∂ each weight, or what comes out if each layer is updated before the error passes through it."""
    W1, b1, W2, b2, W3, b3 = (part.copy() for layer in NET.split(THETA) for part in layer)
    A1 = np.tanh(X @ W1 + b1)
    A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    dZ3 = 2 / ROWS * (A2 @ W3 + b3 - Y)
    dW3, db3 = A2.T @ dZ3, dZ3.sum(axis=0)
    if update_first:
        W3 -= RATE * dW3
    dZ2 = (dZ3 @ W3.T) * A2 * (1 - A2)
    dW2, db2 = A1.T @ dZ2, dZ2.sum(axis=0)
    if update_first:
        W2 -= RATE * dW2
    dZ1 = (dZ2 @ W2.T) * (1 - A1**2)
    parts = (X.T @ dZ1, dZ1.sum(axis=0), dW2, db2, dW3, db3)
    return np.concatenate([part.ravel() for part in parts])


@pytest.fixture
def t():
    return bl.trace(NET, THETA, X, Y, SGD)


def test_it_is_what_comes_of_updating_later_layers_first(t):
    np.testing.assert_allclose(t.gradient, by_hand(update_first=False))
    astray = t.wrong_way()
    np.testing.assert_allclose(astray.gradient, by_hand(update_first=True))
    last = NET.positions("w3")
    np.testing.assert_array_equal(astray.gradient[last], t.gradient[last])
    assert np.abs(astray.gradient - t.gradient).max() > 0.01
    np.testing.assert_allclose(astray.update.after, THETA - RATE * by_hand(update_first=True))
    np.testing.assert_allclose(t.gradient, by_hand(update_first=False))  # and the right one is as it was


def test_it_is_no_slope_of_E(t):
    """E's own slope along a weight of the first layer is the right derivative, not what the wrong way has."""
    off = np.abs(t.wrong_way().gradient - t.gradient)
    worst = int(off[: NET.layout()[1].start].argmax())
    far = np.zeros_like(THETA)
    far[worst] = 1e-6
    slope = (t.at(THETA + far).E - t.at(THETA - far).E) / 2e-6
    assert slope == pytest.approx(t.gradient[worst], rel=1e-5)
    assert slope != pytest.approx(t.wrong_way().gradient[worst], rel=1e-3)


def test_it_has_no_chain_and_no_layer_is_to_blame(t):
    with pytest.raises(ArgumentError, match=r"wrong way's pull on w1\[a, 1\] is no derivative of E"):
        t.wrong_way()["w1[a, 1]"].chain()


def test_without_a_step_nothing_goes_wrong():
    still = bl.trace(NET, THETA, X, Y, bl.Settings(optimizer="sgd", learning_rate=1e-12))
    np.testing.assert_allclose(still.wrong_way().gradient, still.gradient, rtol=1e-9)


@pytest.mark.parametrize("optimizer", [Adam(clip_norm=0.5), Momentum()])
def test_any_layers_and_optimizers(optimizer):
    net = bl.Network([bl.Dense(4, 5, "relu"), LayerNorm(5), bl.Dense(5, 2)], bl.SquaredError())
    settings = bl.Settings(optimizer=optimizer, learning_rate=0.1)
    t = bl.trace(net, net.start(2, dtype=np.float64), X, Y, settings)
    astray = t.wrong_way()
    last = net.positions(f"w{len(net.numbered)}")
    np.testing.assert_array_equal(astray.gradient[last], t.gradient[last])
    first = net.positions("w1")
    assert not np.allclose(astray.gradient[first], t.gradient[first], rtol=1e-3)
    assert np.isfinite(astray.after.E)


def test_it_needs_to_know_the_update():
    with pytest.raises(ArgumentError, match="settings"):
        bl.trace(NET, THETA, X, Y).wrong_way().table()
