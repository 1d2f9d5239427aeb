"""The error E that is minimised, and its exact derivative, on the network's raw scores S.

One row's error is the sum over its outputs, E the average over rows:

    E = scale / B · Σ_i w_i Σ_j e(S[i, j], Y[i, j])        (reduction="sum" leaves out 1 / B)

Each loss states e and ∂e/∂s element by element; everything else follows from that here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from backlit.core.activations import sigmoid, softplus
from backlit.core.arrays import Array, array_namespace, like, reshape
from backlit.core.registry import make_plain
from backlit.errors import DataError, ShapeError, require


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
    latex: ClassVar[str]  #: e(s, y)
    kinks: ClassVar[tuple[float, ...]] = ()  #: the s − y at which ∂e/∂s jumps

    def __post_init__(self) -> None:
        make_plain(self)
        require("scale", self.scale, lambda v: 0 < v < math.inf, "a finite number greater than 0")
        require("reduction", self.reduction, lambda v: v in ("mean", "sum"), "'mean' or 'sum'")

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        """e and ∂e/∂s of every row and output, both (n, k)."""
        raise NotImplementedError

    def predict(self, S: Array) -> Array:
        """What the scores mean to the user: values, expected counts or probabilities; shape (n, k)."""
        return S

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
    latex: ClassVar[str] = r"(s - y)^2"

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        D = S - Y
        return D * D, 2 * D


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """\\|s − y\\|; learns the median. The derivative at s = y is given as 0."""

    name: ClassVar[str] = "absolute_error"
    latex: ClassVar[str] = r"|s - y|"
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        D = S - Y
        return xp.abs(D), xp.sign(D)


@dataclass(frozen=True)
class Huber(Loss):
    """½ d² up to |d| = delta, then delta · (|d| − ½ delta); Huber, Ann. Math. Statist. 35 (1964)."""

    delta: float = 1.0

    name: ClassVar[str] = "huber"
    latex: ClassVar[str] = (
        r"\tfrac12 (s-y)^2 \text{ if } |s-y| \le \delta, \text{ else } \delta(|s-y| - \tfrac12\delta)"
    )

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
    latex: ClassVar[str] = r"e^{s} - y\,s"

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        rate = xp.exp(S)
        return rate - Y * S, rate - Y

    def predict(self, S: Array) -> Array:
        return array_namespace(S).exp(S)

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
    latex: ClassVar[str] = r"\max(\tau (y - s), (\tau - 1)(y - s))"
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

    def check(self, Y: Array, outputs: int) -> None:
        if outputs != len(self.levels) or Y.shape[1] != 1:
            raise ShapeError("loss.quantile", levels=len(self.levels), outputs=outputs, columns=Y.shape[1])


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """ln(1 + exp(s)) − y·s: each output's log-loss, y = 0 or 1 (or a probability), s the log-odds."""

    label_smoothing: float = 0.0

    name: ClassVar[str] = "binary_cross_entropy"
    latex: ClassVar[str] = r"\ln(1 + e^{s}) - y\,s"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("label_smoothing", self.label_smoothing, lambda v: 0 <= v < 1, "from 0 to below 1")

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        if self.label_smoothing:
            Y = (1 - self.label_smoothing) * Y + 0.5 * self.label_smoothing
        return softplus(xp, S) - Y * S, sigmoid(xp, S) - Y

    def predict(self, S: Array) -> Array:
        return sigmoid(array_namespace(S), S)

    def check(self, Y: Array, outputs: int) -> None:
        super().check(Y, outputs)
        _require_targets(self.name, Y, (Y >= 0) & (Y <= 1), "between 0 and 1")


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """ln Σ_j exp(s_j) − Σ_j q_j s_j over k classes; Y is (n, 1), the class from 0 to k − 1.

    q is 1 at the class and 0 elsewhere; label smoothing ε makes it (1 − ε) q + ε / k.
    """

    label_smoothing: float = 0.0

    name: ClassVar[str] = "cross_entropy"
    latex: ClassVar[str] = r"\ln \textstyle\sum_j e^{s_j} - s_y"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("label_smoothing", self.label_smoothing, lambda v: 0 <= v < 1, "from 0 to below 1")

    def terms(self, xp: Any, S: Array, Y: Array) -> tuple[Array, Array]:
        k = S.shape[1]
        Q = xp.astype(Y == like(range(k), S), S.dtype)
        if self.label_smoothing:
            Q = (1 - self.label_smoothing) * Q + self.label_smoothing / k
        log_P = _log_softmax(xp, S)
        return -Q * log_P, xp.exp(log_P) - Q

    def predict(self, S: Array) -> Array:
        xp = array_namespace(S)
        return xp.exp(_log_softmax(xp, S))

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
