"""Losses that only tests know: each says what a loss must, and no more than differs from a loss of numbers."""

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import pytest

from backlit.core.activations import sigmoid, softplus
from backlit.core.arrays import like
from backlit.core.losses import LOSSES, Loss


@dataclass(frozen=True)
class LogCosh(Loss):
    """width · ln cosh((s − y) / width): all that backpropagation needs, and a setting of its own."""

    width: float = 1.0

    name: ClassVar[str] = "log_cosh"

    def terms(self, xp, S, Y):
        Z = (S - Y) / self.width
        return self.width * (softplus(xp, 2 * Z) - Z - math.log(2)), xp.tanh(Z)


@dataclass(frozen=True)
class Quartic(Loss):
    """(s − y)⁴: people are told of its fourth root, in the target's unit."""

    name: ClassVar[str] = "quartic"
    title: ClassVar[str] = "fourth root"
    power: ClassVar[int] = 4

    def terms(self, xp, S, Y):
        D = S - Y
        return D**4, 4 * D**3


@dataclass(frozen=True)
class Gamma(Loss):
    """y · exp(−s) + s for amounts: s is the logarithm of what is predicted."""

    name: ClassVar[str] = "gamma"
    learns = ("counts",)

    def terms(self, xp, S, Y):
        ratio = Y * xp.exp(-S)
        return ratio + S, 1 - ratio

    def prediction(self, xp, S):
        return xp.exp(S), xp.exp(S)


@dataclass(frozen=True)
class Exponential(Loss):
    """exp(−s) for the second of two classes, exp(s) for the first; s is half the log-odds."""

    name: ClassVar[str] = "exponential"
    learns = ("two classes",)
    title: ClassVar[str] = "exponential loss"

    def terms(self, xp, S, Y):
        sign = 1 - 2 * Y
        e = xp.exp(sign * S)
        return e, sign * e

    def prediction(self, xp, S):
        P = sigmoid(xp, 2 * S)
        return P, 2 * P * (1 - P)


@dataclass(frozen=True)
class Expectile(Loss):
    """|τ − 1| (s − y)² where s is above y, τ (s − y)² below: an output for each τ. Newey & Powell (1987)."""

    levels: tuple[float, ...] = (0.2, 0.8)

    name: ClassVar[str] = "expectile"

    def outputs(self, names, classes=()):
        return tuple(f"{names[0]} at {level}" for level in self.levels)

    def check(self, Y, outputs):
        assert (Y.shape[1], outputs) == (1, len(self.levels))

    def terms(self, xp, S, Y):
        D = S - Y
        side = xp.abs(like(self.levels, S) - xp.astype(D > 0, S.dtype))
        return side * D * D, 2 * side * D


OURS = (LogCosh, Quartic, Gamma, Exponential, Expectile)


@contextmanager
def registered():
    """These losses are in the registry, for whoever chooses one by name or reads a network from JSON."""
    with pytest.MonkeyPatch.context() as patch:
        for loss in OURS:
            patch.setitem(LOSSES, loss.name, loss)
        yield
