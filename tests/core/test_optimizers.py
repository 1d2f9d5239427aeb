"""Each optimizer against the formulas of its paper, one weight at a time, step by step."""

import dataclasses
import math

import numpy as np
import pytest

from backlit.core.network import Slot
from backlit.core.optimizers import OPTIMIZERS, SGD, TINY, Adam, Momentum, Nesterov, RMSprop, clip
from backlit.core.registry import resolve
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
            beta2, decay = (0.95, 0.03) if kind == "adamw" else (0.999, 0.0)
            v = beta2 * v + (1 - beta2) * g**2
            w -= rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - beta2**t)) + 1e-8) + rate * decay * w
    return w


def slot_of(theta, rate=1.0, decay=1.0, start=0):
    """A vector of weights as one slot."""
    n = len(theta)
    return Slot("b", 1, start, start + n, (n,), (tuple(map(str, range(1, n + 1))),), rate, decay)


def run(optimizer, theta, gradients, slots=None):
    slots = slots or [slot_of(theta)]
    memory = optimizer.init(theta, slots)
    for g, rate in zip(gradients, RATES):
        theta, memory = optimizer.step(theta, g, memory, rate, slots)
    return theta, memory


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_against_the_paper(kind):
    draw = np.random.default_rng(0)
    theta, gradients = draw.normal(size=5), draw.normal(size=(len(RATES), 5))
    after, _ = run(resolve("optimizer", OPTIMIZERS, kind), theta, gradients)
    expected = [by_hand(kind, w, gradients[:, i]) for i, w in enumerate(theta)]
    np.testing.assert_allclose(after, expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD, Momentum, Nesterov, RMSprop, Adam])
def test_weight_decay_is_a_term_of_its_own(optimizer):
    """With a zero gradient only the decay moves the weights: w (1 − α λ) at each step."""
    theta = np.array([1.0, -2.0])
    after, _ = run(optimizer(weight_decay=0.1), theta, np.zeros((len(RATES), 2)))
    np.testing.assert_allclose(after, theta * math.prod(1 - rate * 0.1 for rate in RATES), rtol=1e-12)


def test_slots_carry_factors_on_the_rate_and_the_decay():
    theta, g = np.array([1.0, 1.0]), np.array([0.5, 0.5])
    slots = [slot_of(theta[:1], rate=3.0, decay=0.0), slot_of(theta[:1], start=1)]
    after, _ = SGD(weight_decay=0.1).step(theta, g, {}, 0.2, slots)
    np.testing.assert_allclose(after, [1 - 3 * 0.2 * 0.5, 1 - 0.2 * 0.5 - 0.2 * 0.1])


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("changes", [{}, {"weight_decay": 0.3, "clip_norm": 0.5}])
def test_terms_are_the_step(kind, changes):
    """Worked out weight by weight in plain Python, the terms as they come are what `step` makes of theta."""
    draw = np.random.default_rng(3)
    theta, gradients = draw.normal(size=4), draw.normal(size=(3, 4))
    optimizer = dataclasses.replace(resolve("optimizer", OPTIMIZERS, kind), **changes)
    slots = [slot_of(theta[:3], decay=0.5), slot_of(theta[:1], rate=2.0, start=3)]
    memory = optimizer.init(theta, slots)
    for g, rate in zip(gradients, RATES):
        terms, _ = optimizer.update(theta, g, memory, rate, slots)
        assert len({term.kind for term in terms}) == len(terms)
        assert (terms[-1].kind == "decay") == bool(optimizer.weight_decay)
        formula = "w"
        for term in terms:
            formula += {"minus": "-", "times": "*", "over": "/"}[term.enters] + term.kind
        after, memory = optimizer.step(theta, g, memory, rate, slots)
        for i, w in enumerate(theta):
            values = {term.kind: float(np.broadcast_to(term.values, theta.shape)[i]) for term in terms}
            assert after[i] == pytest.approx(eval(formula, {"w": w} | values), rel=1e-14)
        theta = after


@pytest.mark.parametrize(
    ("kind", "kinds"),
    {
        "sgd": ["rate", "gradient"],
        "momentum": ["rate", "averaged"],
        "nesterov": ["rate", "averaged"],
        "rmsprop": ["rate", "gradient", "scaling"],
        "adam": ["rate", "averaged", "scaling"],
        "adamw": ["rate", "averaged", "scaling", "decay"],
    }.items(),
)
def test_kinds_of_terms(kind, kinds):
    optimizer, theta = resolve("optimizer", OPTIMIZERS, kind), np.ones(2)
    terms, _ = optimizer.update(theta, theta, optimizer.init(theta, []), 0.1, [slot_of(theta)])
    assert [term.kind for term in terms] == kinds


def test_clip_shortens_only_what_is_too_long():
    np.testing.assert_allclose(clip(np.array([3.0, 4.0]), 1.0), [0.6, 0.8])
    np.testing.assert_array_equal(clip(np.array([0.3, 0.4]), 1.0), [0.3, 0.4])
    after, _ = SGD(clip_norm=1.0).step(np.zeros(2), np.array([3.0, 4.0]), {}, 1.0, [slot_of(np.zeros(2))])
    np.testing.assert_allclose(after, [-0.6, -0.8])


@pytest.mark.parametrize("optimizer", [Momentum(), Nesterov(), RMSprop(), Adam()])
def test_tiny_memory_becomes_zero(optimizer):
    theta = np.zeros(2, np.float32)
    slots = [slot_of(theta)]
    memory = optimizer.init(theta, slots)
    for _ in range(10_000):
        theta, memory = optimizer.step(theta, np.array([0, 1e-29], np.float32), memory, 0.0, slots)
        theta, memory = optimizer.step(theta, np.zeros(2, np.float32), memory, 0.0, slots)
        for name, value in memory.items():
            if name != "t":
                assert np.all((value == 0) | (np.abs(value) >= TINY))
        if memory.get("t", 1000) >= 1000:
            break


def test_step_is_pure():
    theta, g = np.ones(3), np.full(3, 0.5)
    optimizer = Adam(weight_decay=0.1, clip_norm=0.1)
    memory = optimizer.init(theta, [slot_of(theta)])
    optimizer.step(theta, g, memory, 0.1, [slot_of(theta)])
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
        (lambda: SGD(clip_norm=0), "clip_norm is 0; it must be a finite number greater than 0, or None"),
    ],
)
def test_settings_out_of_range(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
