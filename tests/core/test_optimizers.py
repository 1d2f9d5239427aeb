"""Each optimizer against the formulas of its paper, one weight at a time, step by step."""

import math

import numpy as np
import pytest

from backlit.core.optimizers import OPTIMIZERS, SGD, TINY, Adam, Momentum, Nesterov, RMSprop, clip
from backlit.errors import ArgumentError

RATES = [0.1, 0.05, 0.2, 0.1, 0.07, 0.1]


def by_hand(kind, w, gradients):
    """One weight through all steps, in plain Python, as the papers write it."""
    m = v = 0.0
    for t, (g, rate) in enumerate(zip(gradients, RATES), start=1):
        if kind == "sgd":
            w -= rate * g
        elif kind == "momentum":
            v = 0.9 * v + g
            w -= rate * v
        elif kind == "nesterov":
            v = 0.9 * v + g
            w -= rate * (g + 0.9 * v)
        elif kind == "rmsprop":
            v = 0.9 * v + 0.1 * g**2
            w -= rate * g / (math.sqrt(v) + 1e-8)
        else:
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g**2
            decay = rate * 0.01 * w if kind == "adamw" else 0.0
            w -= rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8) + decay
    return w


def run(optimizer, theta, gradients, **keywords):
    memory = optimizer.init(theta)
    for g, rate in zip(gradients, RATES):
        theta, memory = optimizer.step(theta, g, memory, rate, **keywords)
    return theta, memory


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_against_the_paper(kind):
    draw = np.random.default_rng(0)
    theta, gradients = draw.normal(size=5), draw.normal(size=(len(RATES), 5))
    entry = OPTIMIZERS[kind]
    after, _ = run(entry() if isinstance(entry, type) else entry, theta, gradients)
    expected = [by_hand(kind, w, gradients[:, i]) for i, w in enumerate(theta)]
    np.testing.assert_allclose(after, expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD, Momentum, Nesterov, RMSprop, Adam])
def test_weight_decay_is_a_term_of_its_own(optimizer):
    """With a zero gradient only the decay moves the weights: w (1 − α λ) at each step."""
    theta = np.array([1.0, -2.0])
    after, _ = run(optimizer(weight_decay=0.1), theta, np.zeros((len(RATES), 2)))
    np.testing.assert_allclose(after, theta * math.prod(1 - rate * 0.1 for rate in RATES), rtol=1e-12)


def test_decay_factors():
    theta = np.array([1.0, 1.0])
    after, _ = run(SGD(weight_decay=0.1), theta, np.zeros((len(RATES), 2)), decay_factors=np.array([0.0, 1.0]))
    assert after[0] == 1
    assert after[1] < 1


def test_clip_shortens_only_what_is_too_long():
    np.testing.assert_allclose(clip(np.array([3.0, 4.0]), 1.0), [0.6, 0.8])
    np.testing.assert_array_equal(clip(np.array([0.3, 0.4]), 1.0), [0.3, 0.4])
    after, _ = SGD(clip_norm=1.0).step(np.zeros(2), np.array([3.0, 4.0]), {}, 1.0)
    np.testing.assert_allclose(after, [-0.6, -0.8])


@pytest.mark.parametrize("optimizer", [Momentum(), Nesterov(), RMSprop(), Adam()])
def test_tiny_memory_becomes_zero(optimizer):
    theta = np.zeros(2, np.float32)
    memory = optimizer.init(theta)
    for _ in range(10_000):
        theta, memory = optimizer.step(theta, np.array([0, 1e-29], np.float32), memory, 0.0)
        theta, memory = optimizer.step(theta, np.zeros(2, np.float32), memory, 0.0)
        for name, value in memory.items():
            if name != "t":
                assert np.all((value == 0) | (np.abs(value) >= TINY))
        if memory.get("t", 1000) >= 1000:
            break


def test_step_is_pure():
    theta, g = np.ones(3), np.full(3, 0.5)
    optimizer = Adam(weight_decay=0.1, clip_norm=0.1)
    memory = optimizer.init(theta)
    optimizer.step(theta, g, memory, 0.1)
    np.testing.assert_array_equal(theta, np.ones(3))
    np.testing.assert_array_equal(g, np.full(3, 0.5))
    assert memory["t"] == 0
    assert not memory["m"].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(beta1=1.0), "beta1 is 1.0; it must be from 0 to below 1"),
        (lambda: Adam(epsilon=0), "epsilon is 0; it must be greater than 0"),
        (lambda: Momentum(momentum=-0.1), "momentum is -0.1"),
        (lambda: RMSprop(rho=2), "rho is 2"),
        (lambda: SGD(weight_decay=-1), "weight_decay is -1; it must be a finite number, 0 or greater"),
        (lambda: SGD(clip_norm=0), "clip_norm is 0; it must be greater than 0, or None"),
    ],
)
def test_settings_out_of_range(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
