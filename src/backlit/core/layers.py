"""The layers: feed forward, backpropagation and forward mode of each, side by side; `Layer` says what each answers.

The letters are the textbooks': Z = X @ W + b are the dot products, A = f(Z) comes out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np

from backlit.core import rng
from backlit.core.activations import ACTIVATIONS
from backlit.core.arrays import Array, Weights, array_namespace, like
from backlit.core.initializers import INITIALIZERS
from backlit.core.layer import NONE, SEVERAL, Layer, Link, Names, Place, Stage
from backlit.core.registry import lookup, make_plain
from backlit.core.values import SHARE
from backlit.errors import require


class DenseCache(NamedTuple):
    """X (n, d_in) went in; Z (n, d_out) are the dot products; A = f(Z)."""

    X: Array
    Z: Array
    A: Array


@dataclass(frozen=True)
class Dense(Layer):
    """Every unit's dot product with all inputs, then an activation: A = f(X @ W + b).

    Parameters
    ----------
    d_in, d_out : number of inputs and of units
    activation : a name from ACTIVATIONS
    weights : how W starts, a name from INITIALIZERS; "" takes the activation's own. Biases start at 0
    bias_rate, bias_decay : factors on the rate and the decay of the biases; bias_rate=0 keeps them as they are
    """

    d_in: int
    d_out: int
    activation: str = "identity"
    weights: str = ""
    bias_rate: float = 1.0
    bias_decay: float = 1.0

    name: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        make_plain(self)
        require("d_in", self.d_in, lambda v: isinstance(v, int) and v >= 1, "1 or more inputs")
        require("d_out", self.d_out, lambda v: isinstance(v, int) and v >= 1, "1 or more units")
        require("bias_rate", self.bias_rate, lambda v: 0 <= v < math.inf, "a finite number, 0 or greater")
        require("bias_decay", self.bias_decay, lambda v: 0 <= v < math.inf, "a finite number, 0 or greater")
        lookup("activation", ACTIVATIONS, self.activation)
        if self.weights:
            lookup("initializer", INITIALIZERS, self.weights)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"w": (self.d_in, self.d_out), "b": (self.d_out,)}

    @property
    def summary(self) -> str:
        return f"{self.d_out}" if self.activation == "identity" else f"{self.d_out} {self.activation}"

    @property
    def width(self) -> int:
        return self.d_in

    @property
    def function(self) -> str:
        return self.activation

    def units(self, sources: Names) -> Names:
        return tuple(str(j) for j in range(1, self.d_out + 1))

    def ends(self, weight: str, sources: Names, units: Names) -> tuple[np.ndarray, np.ndarray]:
        if weight == "b":
            return np.full(self.d_out, NONE), np.arange(self.d_out)
        inputs, outputs = np.indices((self.d_in, self.d_out))
        return inputs, outputs

    def start(self, seed: int, position: int) -> tuple[np.ndarray, ...]:
        how = INITIALIZERS[self.weights or ACTIVATIONS[self.activation].start]
        deviation = math.sqrt(how.variance(self.d_in, self.d_out))
        size = self.d_in * self.d_out
        if how.distribution == "normal":
            W = deviation * rng.normal(seed, rng.START, position, size=size)
        else:
            W = deviation * math.sqrt(3) * (2 * rng.uniform(seed, rng.START, position, size=size) - 1)
        return W.reshape(self.d_in, self.d_out), np.zeros(self.d_out)

    def factors(self, weight: str) -> tuple[float, float]:
        return (self.bias_rate, self.bias_decay) if weight == "b" else (1.0, 1.0)

    def forward(self, p: Weights, X: Array, key: rng.Key | None = None) -> tuple[Array, DenseCache]:
        xp, f = array_namespace(X), ACTIVATIONS[self.activation]
        W, b = p
        Z = X @ W + b
        A = f.value(xp, Z)
        return A, DenseCache(X, Z, A)

    def backward(self, p: Weights, cache: DenseCache, dA: Array, to_input: bool = True) -> tuple[Array | None, Weights]:
        xp, f = array_namespace(dA), ACTIVATIONS[self.activation]
        W, b = p
        X, Z, A = cache
        dZ = dA * f.slope(xp, Z, A)
        dW = X.T @ dZ
        db = xp.sum(dZ, axis=0)
        dX = dZ @ W.T if to_input else None
        return dX, (dW, db)

    def tangent(self, p: Weights, tp: Weights, cache: DenseCache, tX: Array | None) -> Array:
        W, b = p
        tW, tb = tp
        X, Z, A = cache
        xp, f = array_namespace(X), ACTIVATIONS[self.activation]
        tZ = X @ tW + tb if tX is None else tX @ W + X @ tW + tb
        return tZ * f.slope(xp, Z, A)

    def before(self, cache: DenseCache, Y: Array) -> Array:
        return cache.Z

    def slope(self, cache: DenseCache) -> Array | None:
        if self.activation == "identity":
            return None
        return ACTIVATIONS[self.activation].slope(array_namespace(cache.Z), cache.Z, cache.A)

    def sides(self, cache: DenseCache) -> list[Array]:
        return [cache.Z > kink for kink in ACTIVATIONS[self.activation].kinks]

    def jacobian(self, p: Weights, cache: DenseCache, Y: np.ndarray) -> np.ndarray:
        W, b = p
        slope = self.slope(cache)
        return np.broadcast_to(W, (len(Y), *W.shape)) if slope is None else W * slope[:, None, :]

    def effect(self, p: Weights, cache: DenseCache, weight: str, index: Place) -> tuple[np.ndarray, np.ndarray]:
        ones = np.ones((len(cache.X), 1))
        return np.array(index[-1:]), cache.X[:, index[0], None] if weight == "w" else ones

    def links(self, stage: Stage, p: Weights, cache: DenseCache, j: int, i: int) -> list[Link]:
        facts = {"from": stage.sources[i], "below": stage.below, "to": stage.units[j]}
        weight = Link("link.weight", stage.slot("w").named((i, j)), float(p[0][i, j]), facts)
        return [*self._slope_links(stage, cache, j), weight]

    def weight_links(
        self, stage: Stage, p: Weights, cache: DenseCache, j: int, weight: str, index: Place
    ) -> list[Link]:
        links = self._slope_links(stage, cache, j)
        if weight == "w":
            facts = {"from": stage.sources[index[0]], "below": stage.below}
            links.append(Link("link.input", stage.source(index[0]), float(cache.X[0, index[0]]), facts))
        return links

    def _slope_links(self, stage: Stage, cache: DenseCache, j: int) -> list[Link]:
        slope = self.slope(cache)
        if slope is None:
            return []
        facts = {"function": self.activation, "z": float(cache.Z[0, j])}
        return [Link("link.slope", f"∂{stage.unit(j)}/∂{stage.sum(j)}", float(slope[0, j]), facts)]


class PiecewiseCache(NamedTuple):
    """X (n, d) went in; U (n, outputs) is how far it has come through each bin, before clamping."""

    X: Array
    U: Array


@dataclass(frozen=True)
class PiecewiseLinear(Layer):
    """Each chosen input as how far it has come through each of its bins; other inputs pass through.

    For edges b_1 < ... < b_{T+1} component t is clip((x − b_t) / (b_{t+1} − b_t), 0, 1), the first unclamped below and
    the last above. No weights. At an edge the slope on its right is given.
    Gorishniy, Rubachev & Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning" (2022), eq. 1.

    Parameters
    ----------
    edges : for each input its edges, strictly increasing, two or more; or () for one that passes through
    """

    edges: tuple[tuple[float, ...], ...]

    name: ClassVar[str] = "piecewise_linear"

    def __post_init__(self) -> None:
        make_plain(self)
        require("edges", self.edges, lambda v: len(v) > 0, "one tuple for each input")
        for i, edges in enumerate(self.edges):
            require(f"edges[{i}]", edges, _are_edges, "(), or two or more finite numbers in increasing order")

    def __repr__(self) -> str:
        return f"PiecewiseLinear({len(self.edges)} inputs to {len(self._source)})"

    @property
    def width(self) -> int:
        return len(self.edges)

    def units(self, sources: Names) -> Names:
        return tuple(
            name
            for source, edges in zip(sources, self.edges)
            for name in ([f"{source}#{t}" for t in range(1, len(edges))] if edges else [source])
        )

    def origins(self, sources: Names, units: Names) -> np.ndarray:
        return self._source

    @cached_property
    def _source(self) -> np.ndarray:
        """Each output's input."""
        return np.repeat(np.arange(len(self.edges)), [max(1, len(edges) - 1) for edges in self.edges])

    @cached_property
    def _bins(self) -> np.ndarray:
        """Each output's left edge, width, least and greatest value: (4, outputs)."""
        columns = []
        for edges in self.edges:
            T = len(edges) - 1
            if not edges:
                columns.append((0.0, 1.0, -math.inf, math.inf))
            for t in range(T):
                low, high = (-math.inf if t == 0 else 0.0), (math.inf if t == T - 1 else 1.0)
                columns.append((edges[t], edges[t + 1] - edges[t], low, high))
        return np.array(columns).T

    def forward(self, p: Weights, X: Array, key: rng.Key | None = None) -> tuple[Array, PiecewiseCache]:
        xp = array_namespace(X)
        left, width, low, high = (like(row, X) for row in self._bins)
        U = (xp.take(X, xp.asarray(self._source), axis=1) - left) / width
        return xp.minimum(xp.maximum(U, low), high), PiecewiseCache(X, U)

    def backward(
        self, p: Weights, cache: PiecewiseCache, dY: Array, to_input: bool = True
    ) -> tuple[Array | None, Weights]:
        if not to_input:
            return None, ()
        gather = like(self._source[:, None] == np.arange(len(self.edges)), dY)  # (outputs, inputs)
        return (dY * self._slope(cache)) @ gather, ()

    def tangent(self, p: Weights, tp: Weights, cache: PiecewiseCache, tX: Array | None) -> Array | None:
        if tX is None:
            return None
        xp = array_namespace(tX)
        return xp.take(tX, xp.asarray(self._source), axis=1) * self._slope(cache)

    def sides(self, cache: PiecewiseCache) -> list[Array]:
        _, _, low, high = (like(row, cache.X) for row in self._bins)
        return [low <= cache.U, cache.U < high]

    def _slope(self, cache: PiecewiseCache) -> Array:
        above, below = self.sides(cache)
        return array_namespace(cache.X).astype(above & below, cache.X.dtype) / like(self._bins[1], cache.X)


class DropoutCache(NamedTuple):
    """M (n, d): 0 for a silenced unit, 1 / (1 − rate) for one kept; None where nothing was silenced."""

    M: Array | None


@dataclass(frozen=True)
class Dropout(Layer):
    """While training, each unit of each row is silenced with probability `rate`, the others times 1 / (1 − rate).

    Srivastava et al., JMLR 15 (2014), in the inverted form. Without a key (prediction, traces of chosen rows) nothing
    is silenced.
    """

    rate: float

    name: ClassVar[str] = "dropout"
    random: ClassVar[bool] = True
    elementwise: ClassVar[bool] = True

    def __post_init__(self) -> None:
        make_plain(self)
        SHARE.require("rate of dropout", self.rate)

    @property
    def summary(self) -> str:
        return f"dropout {self.rate:g}"

    def forward(self, p: Weights, X: Array, key: rng.Key | None = None) -> tuple[Array, DropoutCache]:
        if key is None or self.rate == 0:
            return X, DropoutCache(None)
        M = like(rng.keep(key, X.shape[1], self.rate), X) * (1 / (1 - self.rate))
        return X * M, DropoutCache(M)

    def backward(
        self, p: Weights, cache: DropoutCache, dY: Array, to_input: bool = True
    ) -> tuple[Array | None, Weights]:
        return (dY if cache.M is None else dY * cache.M), ()

    def tangent(self, p: Weights, tp: Weights, cache: DropoutCache, tX: Array | None) -> Array | None:
        return tX if tX is None or cache.M is None else tX * cache.M

    def slope(self, cache: DropoutCache) -> Array | None:
        return cache.M

    def links(self, stage: Stage, p: Weights, cache: DropoutCache, j: int, i: int) -> list[Link]:
        return [] if cache.M is None else [Link("link.mask", f"mask[{stage.units[j]}]", float(cache.M[0, j]))]


class LayerNormCache(NamedTuple):
    """N (n, d): each row with mean 0 and variance 1; deviation (n, 1): what it was divided by."""

    N: Array
    deviation: Array


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Each row's units brought to mean 0 and variance 1 (N), then scaled and shifted: Y = gamma · N + beta.

    Ba, Kiros & Hinton, "Layer Normalization" (2016), eq. 4.
    """

    d: int
    epsilon: float = 1e-5

    name: ClassVar[str] = "layer_norm"

    def __post_init__(self) -> None:
        make_plain(self)
        require("d", self.d, lambda v: isinstance(v, int) and v >= 2, "2 or more units")
        require("epsilon", self.epsilon, lambda v: v > 0, "greater than 0")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"gamma": (self.d,), "beta": (self.d,)}

    @property
    def width(self) -> int:
        return self.d

    @property
    def numbered(self) -> bool:
        return False

    def ends(self, weight: str, sources: Names, units: Names) -> tuple[np.ndarray, np.ndarray]:
        return np.full(self.d, NONE if weight == "beta" else SEVERAL), np.arange(self.d)

    def start(self, seed: int, position: int) -> tuple[np.ndarray, ...]:
        return np.ones(self.d), np.zeros(self.d)

    def forward(self, p: Weights, X: Array, key: rng.Key | None = None) -> tuple[Array, LayerNormCache]:
        xp = array_namespace(X)
        gamma, beta = p
        C = X - xp.mean(X, axis=1, keepdims=True)
        deviation = xp.sqrt(xp.mean(C * C, axis=1, keepdims=True) + self.epsilon)
        N = C / deviation
        return gamma * N + beta, LayerNormCache(N, deviation)

    def backward(
        self, p: Weights, cache: LayerNormCache, dY: Array, to_input: bool = True
    ) -> tuple[Array | None, Weights]:
        xp = array_namespace(dY)
        gamma, beta = p
        N, deviation = cache
        dgamma = xp.sum(dY * N, axis=0)
        dbeta = xp.sum(dY, axis=0)
        dX = self._centred(xp, dY * gamma, N) / deviation if to_input else None
        return dX, (dgamma, dbeta)

    def tangent(self, p: Weights, tp: Weights, cache: LayerNormCache, tX: Array | None) -> Array:
        gamma, beta = p
        tgamma, tbeta = tp
        N, deviation = cache
        if tX is None:
            return tgamma * N + tbeta
        tN = self._centred(array_namespace(tX), tX, N) / deviation
        return gamma * tN + tgamma * N + tbeta

    def jacobian(self, p: Weights, cache: LayerNormCache, Y: np.ndarray) -> np.ndarray:
        gamma, beta = p
        N, deviation = cache
        passed = np.eye(self.d) - 1 / self.d - N[:, :, None] * N[:, None, :] / self.d
        return passed * (gamma / deviation)[:, None, :]

    def effect(self, p: Weights, cache: LayerNormCache, weight: str, index: Place) -> tuple[np.ndarray, np.ndarray]:
        own = cache.N[:, list(index)]
        return np.array(index), own if weight == "gamma" else np.ones_like(own)

    def links(self, stage: Stage, p: Weights, cache: LayerNormCache, j: int, i: int) -> list[Link]:
        value = float(self.jacobian(p, cache, cache.N)[0, i, j])
        return [Link("link.norm", f"∂n{stage.number}[{stage.units[j]}]/∂{stage.source(i)}", value)]

    def weight_links(
        self, stage: Stage, p: Weights, cache: LayerNormCache, j: int, weight: str, index: Place
    ) -> list[Link]:
        if weight == "beta":
            return []
        return [Link("link.input", f"n{stage.number}[{stage.units[j]}]", float(cache.N[0, j]))]

    @staticmethod
    def _centred(xp, V: Array, N: Array) -> Array:
        """V without its mean and without its part along N; the Jacobian of N is symmetric, so both modes need it."""
        return V - xp.mean(V, axis=1, keepdims=True) - N * xp.mean(V * N, axis=1, keepdims=True)


def _are_edges(edges: tuple[float, ...]) -> bool:
    rising = all(a < b for a, b in pairwise(edges))
    return len(edges) != 1 and rising and all(map(math.isfinite, edges))


LAYERS: dict[str, type[Layer]] = {cls.name: cls for cls in (Dense, PiecewiseLinear, Dropout, LayerNorm)}
