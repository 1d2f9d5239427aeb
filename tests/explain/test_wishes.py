"""What each row wants of a weight: together they are the step of plain gradient descent, whatever else a step has."""

import numpy as np
import pytest

import backlit as bl
from backlit.core.backprop import value_and_grad
from backlit.core.optimizers import SGD, Adam, Momentum
from backlit.errors import ArgumentError

N, RATE = 24, 0.05
draw = np.random.default_rng(8)
X, Y = draw.normal(size=(N, 3)), draw.normal(size=(N, 1))
COUNTS = draw.uniform(0.2, 3, N)


def traced(loss=None, weights=None, **settings):
    net = bl.Network([bl.Dense(3, 4, "tanh"), bl.Dense(4, 1)], loss or bl.SquaredError())
    settings = bl.Settings(**({"optimizer": "sgd", "learning_rate": RATE} | settings))
    return bl.trace(net, net.start(2, dtype=np.float64), X, Y, settings, weights=weights)


def alone(t, row):
    """(p,) ∂E/∂theta of one row for itself."""
    return value_and_grad(t.net, t.theta, X[[row]], Y[[row]])[1]


@pytest.mark.parametrize("name", ["w1[x2, 3]", "b1[1]", "w2[4, 1]", "b2[1]"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, COUNTS])
def test_each_wish_is_the_rows_own_step_and_together_they_are_the_step(name, reduction, weights):
    t = traced(bl.SquaredError(reduction=reduction), weights)
    at = t.net.positions(name)[0]
    counts = np.ones(N) if weights is None else weights / weights.mean()
    own = [-RATE * counts[i] * alone(t, i)[at] for i in range(N)]
    asked = t[name].wishes
    np.testing.assert_allclose(asked.wishes, own, rtol=1e-9, atol=1e-15)
    whole = np.mean(own) if reduction == "mean" else np.sum(own)
    assert asked.wish == pytest.approx(whole, rel=1e-9)
    assert asked.step == pytest.approx(whole, rel=1e-9)
    assert (asked.together, asked.weighted, asked.terms) == (reduction, weights is not None, ())
    assert asked.raised == sum(wish > 0 for wish in own)
    assert asked.lowered == sum(wish < 0 for wish in own)


@pytest.mark.parametrize(
    ("optimizer", "terms"),
    [
        (Momentum(), ["averaged"]),
        (Adam(weight_decay=0.1), ["averaged", "scaling", "decay"]),
        (SGD(clip_norm=0.01), ["clipped"]),
        (SGD(weight_decay=0.1), ["decay"]),
    ],
)
def test_what_else_a_step_has_is_named(optimizer, terms):
    t = traced(optimizer=optimizer)
    asked, plain = t["w1[x1, 1]"].wishes, traced()["w1[x1, 1]"].wishes
    assert list(asked.terms) == terms
    np.testing.assert_allclose(asked.wishes, plain.wishes)
    assert asked.wish == pytest.approx(plain.wish)
    assert asked.step == t.update.step[0]
    other = terms != ["averaged"]  # the first average is the pull
    assert (asked.step != pytest.approx(asked.wish, rel=1e-6)) == other


def test_at_a_rate_of_0_they_wish_by_the_last_rate_that_was_not():
    schedule = bl.Settings(optimizer="sgd", learning_rate=RATE, schedule="cosine", batch_size=N, epochs=4)
    net = bl.Network([bl.Dense(3, 4, "tanh"), bl.Dense(4, 1)], bl.SquaredError())
    theta = net.start(2, dtype=np.float64)
    t = bl.trace(net, bl.State(theta, {}, 0, planned=4, step=4), X, Y, schedule)
    asked = t["b2[1]"].wishes
    assert (t.rate, asked.step, asked.terms) == (0, 0, ("still",))
    assert t.last_rate > 0
    assert asked.wish == pytest.approx(-t.last_rate * t.gradient[-1], rel=1e-12)
    np.testing.assert_allclose(asked.wishes, [-t.last_rate * alone(t, i)[-1] for i in range(N)], rtol=1e-9)


def test_bins_wish_together():
    layers = [bl.PiecewiseLinear(((0.0, 1.0, 2.0, 3.0),)), bl.Dense(3, 2, "tanh"), bl.Dense(2, 1)]
    net = bl.Network(layers, inputs=["size"])
    settings = bl.Settings(optimizer="sgd", learning_rate=RATE)
    t = bl.trace(net, net.start(0, dtype=np.float64), draw.uniform(0, 3, (N, 1)), Y, settings)
    bins = [t[f"w1[size#{i}, 2]"].wishes for i in (1, 2, 3)]
    asked = t["w1[size, 2]"].wishes
    np.testing.assert_allclose(asked.wishes, sum(one.wishes for one in bins), atol=1e-15)
    assert asked.step == pytest.approx(sum(one.step for one in bins))


def test_without_settings_there_is_no_step():
    net = bl.Network.dense(3, [2])
    t = bl.trace(net, net.start(0, dtype=np.float64), X, Y)
    with pytest.raises(ArgumentError):
        t["b1[1]"].wishes  # noqa: B018
