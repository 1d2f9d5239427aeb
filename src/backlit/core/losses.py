"""The error E that is minimised, and its exact derivative, on the network's raw scores S.

One row's error is the sum over its outputs, E the average over rows:

    E = scale / B · Σ_i w_i Σ_j e(S[i, j], Y[i, j])        (reduction="sum" leaves out 1 / B)

Each loss states e and ∂e/∂s element by element, in `terms`; everything else follows from that here. What differs from a
loss of numbers it answers too, and nobody asks for its name: which targets it learns and with which outputs, what its
scores mean to people, and how they read its error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from backlit.core.activations import sigmoid, softplus
from backlit.core.arrays import Array, array_namespace, like, reshape
from backlit.core.registry import make_plain
from backlit.errors import DataError, ShapeError, require

Goal = Literal["numbers", "counts", "shares", "two classes", "classes"]
"""What a target may be to a loss: numbers, scaled or not; numbers from 0 on, or from 0 to 1, as they are; one of two
classes; one of more."""


class Measure(NamedTuple):
    """An error as people read it.

    Attributes
    ----------
    name : what it is called; E has no name but its letter
    unit : of what `measure(E)` returns
    in_unit : whether that is measured as the target is, even if the target's unit has no name
    factor, power : it is factor · E ** (1 / power)
    """

    name: str = "E"
    unit: str = ""
    in_unit: bool = False
    factor: float = 1.0
    power: int = 1

    def __call__(self, E: float) -> float:
        return self.factor * math.copysign(abs(E) ** (1 / self.power), E)


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What every loss shares.

    Parameters
    ----------
    scale : a factor on E; textbooks like 0.5 before a squared error
    reduction : "mean" over the rows, or "sum"
    """

    scale: float = 1.0
    reduction: Literal["mean", "sum"] = "mean"

    name: ClassVar[str]
    kinks: ClassVar[tuple[float, ...]] = ()  #: the s − y at which ∂e/∂s jumps
    learns: ClassVar[tuple[Goal, ...]] = ("numbers",)
    title: ClassVar[str] = ""  #: what people call its mean over the rows, or the root of that; "": it has no name but E
    power: ClassVar[int] = 0  #: the root that makes a difference of its mean; 0: none does

    def __post_init__(self) -> None:
        make_plain(self)
        require("scale", self.scale, lambda v: 0 < v < math.inf, "a finite number greater than 0")
        require("reduction", self.reduction, lambda v: v in ("mean", "sum"), "'mean' or 'sum'")

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        """e and ∂e/∂s of every row and output, both (n, k)."""
        raise NotImplementedError

    def prediction(self, xp: Any, S: Array) -> tuple[Array, Array | float]:
        """What the scores mean to people: values, expected counts or probabilities, (n, k); and the slope of each.

        Each value is one of its target, on the target's scale, and is told in its unit: a spread is told as the value
        that lies so far off, not as a number of its own.
        The slope is ∂prediction/∂s by the prediction's own score, (n, k) or one number.
        """
        return S, 1.0

    def predict(self, S: Array) -> Array:
        """What the scores mean to people, (n, k)."""
        return self.prediction(array_namespace(S), S)[0]

    def outputs(self, names: Sequence[str], classes: Sequence[str] = ()) -> tuple[str, ...]:
        """What each output stands for, and so how many there are: one for each column, or any number for one column.

        Parameters
        ----------
        names : of the target's columns
        classes : of a target that is one of them; of two, the output stands for the second
        """
        return tuple((classes[1:] if len(classes) == 2 else classes) or names)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """Of which shares of the rows the one target lies below each output; (): of none that is known."""
        return ()

    def measure(self, width: float | None = None, unit: str = "") -> Measure:
        """E as people read it.

        Parameters
        ----------
        width : how far scores that differ by 1 are apart, in the target's unit; None: it depends on the score
        unit : of the target
        """
        averaged = self.title and self.reduction == "mean"
        if averaged and not self.power:
            return Measure(self.title, factor=1 / self.scale)
        if averaged and width is not None:
            return Measure(self.title, unit, True, width / self.scale ** (1 / self.power), self.power)
        return Measure()

    def check(self, Y: Array, outputs: int) -> None:
        """Raise unless Y can be learnt by a network with that many outputs."""
        if Y.shape[1] != outputs:
            raise ShapeError("loss.outputs", columns=Y.shape[1], outputs=outputs)

    def rows(self, S: Array, Y: Array) -> Array:
        """Each row's own error, (n,); their (weighted) mean or sum is E."""
        xp = array_namespace(S)
        return self.scale * xp.sum(self.terms(xp, S, Y)[0], axis=1)

    def value(self, S: Array, Y: Array, weights: Array | None = None) -> Array:
        """E alone, a scalar array."""
        return self.value_and_grad(S, Y, weights)[0]

    def value_and_grad(self, S: Array, Y: Array, weights: Array | None = None) -> tuple[Array, Array]:
        """E and ∂E/∂S.

        Parameters
        ----------
        S : (n, k) raw scores
        Y : (n, k) targets, or (n, 1) where the loss says so
        weights : (n,) each row's weight, of mean 1 over the training rows

        Returns
        -------
        E : scalar array
        dS : (n, k)
        """
        xp = array_namespace(S)
        e, dS = self.terms(xp, S, Y)
        share = self.scale / S.shape[0] if self.reduction == "mean" else self.scale
        if weights is None:
            return xp.sum(e) * share, dS * share
        share = reshape(share * weights, (-1, 1))
        return xp.sum(share * e), share * dS


@dataclass(frozen=True)
class SquaredError(Loss):
    """(s − y)²; learns the mean. With scale=0.5 the ½(t − y)² of many textbooks."""

    name: ClassVar[str] = "squared_error"
    title: ClassVar[str] = "RMSE"
    power: ClassVar[int] = 2

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        D = S - Y
        return D * D, 2 * D


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """\\|s − y\\|; learns the median. The derivative at s = y is given as 0."""

    name: ClassVar[str] = "absolute_error"
    title: ClassVar[str] = "mean absolute error"
    power: ClassVar[int] = 1
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        D = S - Y
        return xp.abs(D), xp.sign(D)


@dataclass(frozen=True)
class Huber(Loss):
    """½ d² up to |d| = delta, then delta · (|d| − ½ delta); Huber, Ann. Math. Statist. 35 (1964)."""

    delta: float = 1.0

    name: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("delta", self.delta, lambda v: 0 < v < math.inf, "a finite number greater than 0")

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        D = S - Y
        C = xp.minimum(xp.maximum(D, -self.delta), self.delta)  # D, held within ±delta
        return C * (D - 0.5 * C), C


@dataclass(frozen=True)
class Poisson(Loss):
    """exp(s) − y·s for counts y ≥ 0: the negative log-likelihood but for ln(y!); s is the log of the rate."""

    name: ClassVar[str] = "poisson"
    learns: ClassVar[tuple[Goal, ...]] = ("counts",)

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        rate = xp.exp(S)
        return rate - Y * S, rate - Y

    def prediction(self, xp: Any, S: Array) -> tuple[Array, Array]:
        rate = xp.exp(S)
        return rate, rate

    def check(self, Y: Array, outputs: int) -> None:
        super().check(Y, outputs)
        _require_targets(self.name, Y, Y >= 0, "0 or greater")


@dataclass(frozen=True)
class Quantile(Loss):
    """The pinball loss: output j learns the quantile levels[j] of the one target.

    Koenker & Bassett, Econometrica 46 (1978). The derivative at s = y is the mean of both sides'.
    """

    levels: tuple[float, ...] = (0.05, 0.5, 0.95)

    name: ClassVar[str] = "quantile"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def __post_init__(self) -> None:
        super().__post_init__()
        levels = self.levels
        require(
            "levels", levels, lambda v: len(v) > 0 and all(0 < t < 1 for t in v), "one or more numbers within 0 to 1"
        )

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        D = S - Y
        side = like([0.5 - level for level in self.levels], S) + 0.5 * xp.sign(D)
        return side * D, side

    def outputs(self, names: Sequence[str], classes: Sequence[str] = ()) -> tuple[str, ...]:
        return tuple(f"{names[0]}, {100 * level:g}%" for level in self.levels)

    @property
    def quantiles(self) -> tuple[float, ...]:
        return self.levels

    def check(self, Y: Array, outputs: int) -> None:
        if outputs != len(self.levels) or Y.shape[1] != 1:
            raise ShapeError("loss.quantile", levels=len(self.levels), outputs=outputs, columns=Y.shape[1])


@dataclass(frozen=True)
class LogLoss(Loss):
    """What the losses of classes share: −ln of the probability of the true one; smoothed, it has no name but E."""

    label_smoothing: float = 0.0

    title: ClassVar[str] = "log-loss"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("label_smoothing", self.label_smoothing, lambda v: 0 <= v < 1, "from 0 to below 1")

    def measure(self, width: float | None = None, unit: str = "") -> Measure:
        return Measure() if self.label_smoothing else super().measure(width, unit)


@dataclass(frozen=True)
class BinaryCrossEntropy(LogLoss):
    """ln(1 + exp(s)) − y·s: each output's log-loss, y = 0 or 1 (or a probability), s the log-odds."""

    name: ClassVar[str] = "binary_cross_entropy"
    learns: ClassVar[tuple[Goal, ...]] = ("two classes", "shares")

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        if self.label_smoothing:
            Y = (1 - self.label_smoothing) * Y + 0.5 * self.label_smoothing
        return softplus(xp, S) - Y * S, sigmoid(xp, S) - Y

    def prediction(self, xp: Any, S: Array) -> tuple[Array, Array]:
        P = sigmoid(xp, S)
        return P, P * (1 - P)

    def check(self, Y: Array, outputs: int) -> None:
        super().check(Y, outputs)
        _require_targets(self.name, Y, (Y >= 0) & (Y <= 1), "between 0 and 1")


@dataclass(frozen=True)
class CrossEntropy(LogLoss):
    """ln Σ_j exp(s_j) − Σ_j q_j s_j over k classes; Y is (n, 1), the class from 0 to k − 1.

    q is 1 at the class and 0 elsewhere; label smoothing ε makes it (1 − ε) q + ε / k.
    """

    name: ClassVar[str] = "cross_entropy"
    learns: ClassVar[tuple[Goal, ...]] = ("classes",)

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        k = S.shape[1]
        Q = xp.astype(Y == like(range(k), S), S.dtype)
        if self.label_smoothing:
            Q = (1 - self.label_smoothing) * Q + self.label_smoothing / k
        log_P = _log_softmax(xp, S)
        return -Q * log_P, xp.exp(log_P) - Q

    def prediction(self, xp: Any, S: Array) -> tuple[Array, Array]:
        P = xp.exp(_log_softmax(xp, S))
        return P, P * (1 - P)

    def check(self, Y: Array, outputs: int) -> None:
        if Y.shape[1] != 1 or outputs < 2:
            raise ShapeError("loss.cross_entropy", columns=Y.shape[1], outputs=outputs)
        xp = array_namespace(Y)
        _require_targets(
            self.name,
            Y,
            (Y >= 0) & (Y < outputs) & (Y == xp.floor(Y)),
            f"a class, a whole number from 0 to {outputs - 1}",
        )


def _log_softmax(xp: Any, S: Array) -> Array:
    S = S - xp.max(S, axis=1, keepdims=True)
    return S - xp.log(xp.sum(xp.exp(S), axis=1, keepdims=True))


def _require_targets(loss: str, Y: Array, good: Array, allowed: str) -> None:
    xp = array_namespace(Y)
    if not bool(xp.all(good)):
        row, column = (int(axis[0]) for axis in xp.nonzero(~good))
        raise DataError("loss.domain", row=row, column=column, value=float(Y[row, column]), loss=loss, allowed=allowed)


LOSSES: dict[str, type[Loss]] = {
    cls.name: cls for cls in (SquaredError, AbsoluteError, Huber, Poisson, Quantile, BinaryCrossEntropy, CrossEntropy)
}
