"""The native engine's own exp, log and their kin: how far from the true values, and the same bits on every processor.

A stride over all 2^32 floats; with BACKLIT_SLOW=1 every one of them, some minutes a function.
"""

import os
import zlib

import numpy as np
import pytest
from checks import need_native

from backlit.core.activations import ACTIVATIONS
from backlit.engines import native

need_native()

engine = native._native
SETS = engine.instruction_sets()
STRIDE = 1 if os.environ.get("BACKLIT_SLOW") == "1" else 4001
ROW = 1 << 20


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


ELEMENTARY = [  # in the engine's order: the function, its domain, and the most ulp that it may be off
    ("exp", np.exp, (-np.inf, np.inf), 2),
    ("expm1", np.expm1, (-np.inf, np.inf), 3),
    ("log", np.log, (-np.inf, np.inf), 2),
    ("log1p", np.log1p, (0, 1), 3),
    ("tanh", np.tanh, (-np.inf, np.inf), 2),
    ("sigmoid", sigmoid, (-np.inf, np.inf), 3),
    ("softplus", softplus, (-np.inf, np.inf), 3),
]


def sweep(low=-np.inf, high=np.inf):
    """Floats of every size within low to high, and NaN where everything is; 2^20 at a time."""
    for start in range(0, 2**32, STRIDE * ROW):
        bits = np.arange(start, min(start + STRIDE * ROW, 2**32), STRIDE, dtype=np.uint64)
        x = bits.astype(np.uint32).view(np.float32)
        if np.isfinite(low):
            x = x[(x >= low) & (x <= high)]
        edges = np.array([0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan], np.float32)
        x = np.concatenate([x, edges if not np.isfinite(low) else np.clip(edges[:2], low, high)])
        if len(x):
            yield np.concatenate([x, np.resize(x[-1:], -len(x) % 16)])


def elementary(isa, which, x):
    y = np.empty_like(x)
    engine.elementary(isa, which, x, y)
    return y


def activate(isa, name, x):
    y, slope = np.empty_like(x), np.empty_like(x)
    engine.activate(isa, name, x, y, slope)
    return y, slope


def ulps(found, exact):
    """How many of the spacings of float32 at the exact value; infinite and NaN ones must be so exactly."""
    with np.errstate(over="ignore"):
        nearest = exact.astype(np.float32)
    special = ~np.isfinite(nearest)
    alike = np.where(np.isnan(nearest), np.isnan(found), found == nearest)
    # what nearly overflows may do so, and the other way round
    close = np.isinf(nearest) & (np.abs(found) >= np.float32(3.4028e38)) & (np.sign(found) == np.sign(nearest))
    assert np.all(alike[special] | close[special])
    spacing = np.spacing(np.abs(nearest[~special])).astype(float)
    with np.errstate(invalid="ignore"):
        off = np.abs(found[~special].astype(float) - exact[~special]) / spacing
    off[np.isinf(off) & (np.abs(nearest[~special]) >= np.float32(3.4028e38))] = 0
    return off.max(initial=0.0)


@pytest.mark.parametrize(("which", "name", "f", "domain", "most"), [(i, *rest) for i, rest in enumerate(ELEMENTARY)])
def test_elementary_functions(which, name, f, domain, most):
    worst = 0.0
    for x in sweep(*domain):
        with np.errstate(all="ignore"):
            exact = f(x.astype(float))
        worst = max(worst, ulps(elementary(SETS[0], which, x), exact))
    assert worst <= most, f"{name} is {worst:.3f} ulp off"


@pytest.mark.parametrize("which", range(len(ELEMENTARY)), ids=[name for name, *_ in ELEMENTARY])
def test_elementary_functions_have_the_same_bits_everywhere(which):
    assert len({hashed(lambda x, isa=isa: [elementary(isa, which, x)]) for isa in SETS}) == 1


def hashed(f):
    """Of everything, all NaN being one."""
    hash = 0
    for x in sweep():
        for y in f(x):
            hash = zlib.crc32(np.where(np.isnan(y), np.float32(np.nan), y), hash)
    return hash


# --- activations -------------------------------------------------------------------------------------------------


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0))), np.where(x > 0, 1, np.exp(np.minimum(x, 0)))


def selu(x):
    a, slope = elu(x)
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(x > 0, a, alpha * a), scale * np.where(x > 0, 1, alpha * slope)


def gelu(x):
    rate, cube = 1.5957691216057308, 0.044715
    u = rate * (x + cube * x**3)
    p = sigmoid(u)
    return x * p, p + x * p * sigmoid(-u) * rate * (1 + 3 * cube * x * x)


def silu(x):
    p = sigmoid(x)
    return x * p, p + x * p * sigmoid(-x)


def mish(x):
    """t = tanh(softplus(x)) = n / (n + 2) with n = e (e + 2) and e = e^x; its slope is 4 e (e + 1) / (n + 2)²."""
    e = np.exp(np.minimum(x, 100))
    n = e * (e + 2)
    return x * n / (n + 2), n / (n + 2) + 4 * x * (e / (n + 2)) * ((e + 1) / (n + 2))


EXACT = {  # value and slope in float64, in forms that keep the digits of the tails
    "identity": lambda x: (x, np.ones_like(x)),
    "relu": lambda x: (np.maximum(x, 0), (x > 0) * 1.0),
    "leaky_relu": lambda x: (np.where(x > 0, x, 0.01 * x), np.where(x > 0, 1, 0.01)),
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "silu": silu,
    "mish": mish,
    "tanh": lambda x: (np.tanh(x), 1 / np.cosh(np.clip(x, -300, 300)) ** 2),
    "sigmoid": lambda x: (sigmoid(x), sigmoid(x) * sigmoid(-x)),
    "softplus": lambda x: (softplus(x), sigmoid(x)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    """A value within 3 ulp; a slope within 4 u, u = 2^-24, of its true value: what tests/rounding.py counts on."""
    assert name in EXACT, f"give {name} its exact value and slope here"
    worst, off = 0.0, 0.0
    for x in sweep():
        x = np.where(np.abs(x) < 1e18, x, np.float32(0.5))  # beyond, squares overflow
        with np.errstate(all="ignore"):
            value, slope = EXACT[name](x.astype(float))
        found, its = activate(SETS[0], name, x)
        worst, off = max(worst, ulps(found, value)), max(off, np.abs(its - slope).max())
    assert worst <= 3, f"{name} is {worst:.2f} ulp off"
    assert off <= 4 * 2.0**-24, f"the slope of {name} is {off:.3g} off"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_have_the_same_bits_everywhere(name):
    assert len({hashed(lambda x, isa=isa: activate(isa, name, x)) for isa in SETS}) == 1
