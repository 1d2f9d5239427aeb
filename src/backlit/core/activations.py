"""The functions that a layer applies to its dot products: A = f(Z), one record each.

To add one, add its record here and its struct in the native engine; the tests run over the registry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backlit.core.arrays import Array


@dataclass(frozen=True)
class Activation:
    """A = f(Z) and its slope dA/dZ.

    Attributes
    ----------
    value : (xp, Z) -> A
    slope : (xp, Z, A) -> dA/dZ, of Z's shape or one number; A is f(Z), at hand since the feed forward
    latex : f(z)
    start : the initializer that suits it
    kinks : the z at which the slope jumps; there the right-hand or zero slope is given
    """

    name: str
    value: Callable[[Any, Array], Array]
    slope: Callable[[Any, Array, Array], Array | float]
    latex: str
    start: str = "glorot_uniform"
    kinks: tuple[float, ...] = ()


def sigmoid(xp: Any, Z: Array) -> Array:
    """1 / (1 + exp(-z)), without overflow and without loss of digits on either side."""
    e = xp.exp(-xp.abs(Z))
    return xp.where(Z < 0, e, 1.0) / (1 + e)


def softplus(xp: Any, Z: Array) -> Array:
    """log(1 + exp(z)), without overflow."""
    return xp.maximum(Z, 0.0) + xp.log1p(xp.exp(-xp.abs(Z)))


# Klambauer et al., "Self-Normalizing Neural Networks" (2017), eq. 2
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# Hendrycks & Gimpel, "Gaussian Error Linear Units" (2016), the tanh form
_GELU_RATE, _GELU_CUBE = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(xp: Any, Z: Array) -> Array:
    return xp.tanh(_GELU_RATE * (Z + _GELU_CUBE * Z * Z * Z))


def _gelu_slope(xp: Any, Z: Array, A: Array) -> Array:
    T = _gelu_tanh(xp, Z)
    return 0.5 * (1 + T) + 0.5 * Z * (1 - T * T) * _GELU_RATE * (1 + 3 * _GELU_CUBE * Z * Z)


def _silu_slope(xp: Any, Z: Array, A: Array) -> Array:
    P = sigmoid(xp, Z)
    return P + A * (1 - P)


def _mish_slope(xp: Any, Z: Array, A: Array) -> Array:
    T = xp.tanh(softplus(xp, Z))
    return T + Z * sigmoid(xp, Z) * (1 - T * T)


ACTIVATIONS = {
    record.name: record
    for record in (
        Activation(
            "identity",
            value=lambda xp, Z: Z,
            slope=lambda xp, Z, A: 1.0,
            latex=r"z",
        ),
        Activation(
            "relu",
            value=lambda xp, Z: xp.maximum(Z, 0.0),
            slope=lambda xp, Z, A: xp.sign(A),
            latex=r"\max(0, z)",
            start="he_uniform",
            kinks=(0.0,),
        ),
        Activation(
            "leaky_relu",
            value=lambda xp, Z: xp.maximum(Z, 0.01 * Z),
            slope=lambda xp, Z, A: xp.where(Z > 0, xp.ones_like(Z), 0.01),
            latex=r"\max(0.01\,z, z)",
            start="he_uniform",
            kinks=(0.0,),
        ),
        Activation(
            "elu",
            value=lambda xp, Z: xp.where(Z > 0, Z, xp.expm1(xp.minimum(Z, 0.0))),
            slope=lambda xp, Z, A: 1 + xp.minimum(A, 0.0),
            latex=r"z \text{ if } z > 0, \text{ else } e^{z} - 1",
            start="he_uniform",
        ),
        Activation(
            "selu",
            value=lambda xp, Z: _SELU_SCALE * xp.where(Z > 0, Z, _SELU_ALPHA * xp.expm1(xp.minimum(Z, 0.0))),
            slope=lambda xp, Z, A: _SELU_SCALE * xp.where(Z > 0, 1.0, _SELU_ALPHA * xp.exp(xp.minimum(Z, 0.0))),
            latex=r"\lambda z \text{ if } z > 0, \text{ else } \lambda\alpha\,(e^{z} - 1)",
            start="lecun_normal",
            kinks=(0.0,),
        ),
        Activation(
            "gelu",
            value=lambda xp, Z: 0.5 * Z * (1 + _gelu_tanh(xp, Z)),
            slope=_gelu_slope,
            latex=r"\tfrac{z}{2}\left(1 + \tanh\left(\sqrt{2/\pi}\,(z + 0.044715\,z^3)\right)\right)",
            start="he_uniform",
        ),
        Activation(
            "silu",
            value=lambda xp, Z: Z * sigmoid(xp, Z),
            slope=_silu_slope,
            latex=r"z\,\sigma(z)",
            start="he_uniform",
        ),
        Activation(
            "mish",
            value=lambda xp, Z: Z * xp.tanh(softplus(xp, Z)),
            slope=_mish_slope,
            latex=r"z\,\tanh(\ln(1 + e^{z}))",
            start="he_uniform",
        ),
        Activation(
            "tanh",
            value=lambda xp, Z: xp.tanh(Z),
            slope=lambda xp, Z, A: 1 - A * A,
            latex=r"\tanh(z)",
        ),
        Activation(
            "sigmoid",
            value=sigmoid,
            slope=lambda xp, Z, A: A * (1 - A),
            latex=r"\frac{1}{1 + e^{-z}}",
        ),
        Activation(
            "softplus",
            value=softplus,
            slope=lambda xp, Z, A: sigmoid(xp, Z),
            latex=r"\ln(1 + e^{z})",
            start="he_uniform",
        ),
    )
}
