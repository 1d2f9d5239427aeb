"""Every derivative against finite differences, and forward mode against reverse mode."""

import numpy as np
import pytest
from checks import LAYER_STACKS, Draw, assert_same_gradient, central_differences
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.core.activations import ACTIVATIONS
from backlit.core.backprop import tangent
from backlit.core.layers import Dense, PiecewiseLinear
from backlit.core.losses import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Quantile,
    SquaredError,
)
from backlit.core.network import Network


def check_reverse(draw: Draw) -> None:
    numeric = central_differences(lambda theta: draw.error(theta, draw.X), draw.theta)
    for slot in draw.net.layout():
        at = slice(slot.start, slot.stop)
        assert_same_gradient(draw.back.gradient[at], numeric[at], float(draw.E), slot.name)
    numeric_X = central_differences(lambda X: draw.error(draw.theta, X), draw.X)
    assert_same_gradient(draw.back.dX, numeric_X, float(draw.E), "X")


def check_forward(draw: Draw) -> None:
    """⟨dS, tangent(t)⟩ = ⟨gradient, t⟩ for any direction t: two independent derivations of the same derivative."""
    net, split = draw.net, draw.net.split
    ttheta, tX = draw.draw.normal(size=net.size), draw.draw.normal(size=draw.X.shape)
    tS = tangent(net, split(draw.theta), split(ttheta), draw.caches, tX)
    forward_mode = float(np.sum(draw.dS * tS))
    reverse_mode = float(draw.back.gradient @ ttheta + np.sum(draw.back.dX * tX))
    scale = np.linalg.norm(draw.dS) * np.linalg.norm(tS) + np.abs(draw.back.gradient) @ np.abs(ttheta) + 1e-12
    assert abs(forward_mode - reverse_mode) / scale < 1e-10


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_activation(activation, seed):
    draw = Draw(seed, Network([Dense(3, 4, activation), Dense(4, 2, activation)]))
    check_reverse(draw)
    check_forward(draw)


@pytest.mark.parametrize("stack", LAYER_STACKS)
@pytest.mark.parametrize("seed", range(3))
def test_layer(stack, seed):
    draw = Draw(seed, Network(LAYER_STACKS[stack](), inputs=["a", "b", "c"]))
    check_reverse(draw)
    check_forward(draw)


@pytest.mark.parametrize(
    "loss",
    [
        *(cls() for cls in LOSSES.values()),
        SquaredError(scale=0.5, reduction="sum"),
        Huber(delta=0.3),
        Quantile(levels=(0.1, 0.9)),
        BinaryCrossEntropy(label_smoothing=0.1),
        CrossEntropy(label_smoothing=0.2, reduction="sum"),
    ],
    ids=lambda loss: repr(loss),
)
def test_loss(loss):
    outputs = len(loss.levels) if isinstance(loss, Quantile) else 2
    draw = Draw(0, Network([Dense(3, 4, "tanh"), Dense(4, outputs)], loss))
    check_reverse(draw)
    check_forward(draw)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_random_network(seed):
    draw = Draw(seed)
    check_reverse(draw)
    check_forward(draw)


def test_few_draws_are_near_a_kink():
    """The draws thrown away are counted, so that this does not hide a fault."""
    for seed in range(50):
        Draw(seed)
    assert Draw.redrawn < 0.05 * Draw.drawn


def test_a_wrong_gradient_is_caught():
    draw = Draw(1)
    numeric = central_differences(lambda theta: draw.error(theta, draw.X), draw.theta)
    with pytest.raises(AssertionError):
        assert_same_gradient(1.00001 * draw.back.gradient, numeric, float(draw.E))


def test_piecewise_slope_at_an_edge_is_the_right_hand_one():
    layer = PiecewiseLinear(((0.0, 1.0, 3.0),))
    X = np.array([[-1.0], [0.0], [0.5], [1.0], [3.0], [5.0]])
    Y, cache = layer.forward((), X)
    np.testing.assert_array_equal(Y, [[-1, 0], [0, 0], [0.5, 0], [1, 0], [1, 1], [1, 2]])
    dX, _ = layer.backward((), cache, np.ones_like(Y))
    np.testing.assert_array_equal(dX[:, 0], [1, 1, 1, 0.5, 0.5, 0.5])


def test_one_bin_is_not_clamped_at_either_side():
    layer = PiecewiseLinear(((0.0, 2.0),))
    Y, _ = layer.forward((), np.array([[-2.0], [1.0], [6.0]]))
    np.testing.assert_array_equal(Y[:, 0], [-1, 0.5, 3])
