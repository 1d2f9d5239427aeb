"""Layers that only tests know: each defines what a layer must, and nothing else."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
import pytest
from recorded import FRAME, PRICE, RECIPE, SPLIT

from backlit.core import rng
from backlit.core.arrays import array_namespace
from backlit.core.layer import Layer
from backlit.core.layers import LAYERS, Dense, Dropout, LayerNorm
from backlit.core.network import Network
from backlit.fitting import Structure, prepare
from backlit.problem import Problem


class InputCache(NamedTuple):
    X: np.ndarray


@dataclass(frozen=True)
class Embedding(Layer):
    """Each input as e learnt numbers: y[i, k] = x[i] · w[i, k] + b[i, k]."""

    d: int
    e: int

    name: ClassVar[str] = "embedding"

    def shapes(self):
        return {"w": (self.d, self.e), "b": (self.d, self.e)}

    @property
    def width(self):
        return self.d

    def units(self, sources):
        return tuple(f"{source}.{k}" for source in sources for k in range(1, self.e + 1))

    def start(self, seed, position):
        draws = rng.normal(seed, rng.START, position, size=2 * self.d * self.e).reshape(2, self.d, self.e)
        return draws[0], 0.1 * draws[1]

    def forward(self, p, X, key=None):
        w, b = p
        return self._flat(X[:, :, None] * w + b), InputCache(X)

    def backward(self, p, cache, dY, to_input=True):
        xp, (w, _) = array_namespace(dY), p
        dY = xp.reshape(dY, (-1, self.d, self.e))
        dX = xp.sum(dY * w, axis=2) if to_input else None
        return dX, (xp.sum(dY * cache.X[:, :, None], axis=0), xp.sum(dY, axis=0))

    def tangent(self, p, tp, cache, tX):
        (w, _), (tw, tb) = p, tp
        tY = cache.X[:, :, None] * tw + tb
        return self._flat(tY if tX is None else tY + tX[:, :, None] * w)

    def _flat(self, Y):
        return array_namespace(Y).reshape(Y, (-1, self.d * self.e))


@dataclass(frozen=True)
class Gain(Layer):
    """Every unit times the same learnt number: one weight that acts on all units."""

    name: ClassVar[str] = "gain"
    elementwise: ClassVar[bool] = True

    def shapes(self):
        return {"g": (1,)}

    def start(self, seed, position):
        return (np.full(1, 1.5),)

    def forward(self, p, X, key=None):
        return X * p[0], InputCache(X)

    def backward(self, p, cache, dY, to_input=True):
        xp = array_namespace(dY)
        return dY * p[0], (xp.reshape(xp.sum(dY * cache.X), (1,)),)

    def tangent(self, p, tp, cache, tX):
        tY = cache.X * tp[0]
        return tY if tX is None else tY + tX * p[0]


@dataclass(frozen=True)
class Leak(Layer):
    """x above 0 and a · x below it, with an a for each unit: elementwise, with a kink, and a weight that is no bias."""

    d: int

    name: ClassVar[str] = "leak"
    elementwise: ClassVar[bool] = True

    def shapes(self):
        return {"a": (self.d,)}

    def start(self, seed, position):
        return (np.linspace(0.1, 0.4, self.d),)

    def forward(self, p, X, key=None):
        return np.where(X > 0, X, p[0] * X), InputCache(X)

    def backward(self, p, cache, dY, to_input=True):
        return dY * np.where(cache.X > 0, 1, p[0]), ((dY * np.minimum(cache.X, 0)).sum(axis=0),)

    def tangent(self, p, tp, cache, tX):
        tY = np.minimum(cache.X, 0) * tp[0]
        return tY if tX is None else tY + tX * np.where(cache.X > 0, 1, p[0])

    def sides(self, cache):
        return [cache.X > 0]


@dataclass(frozen=True)
class Sides(Layer):
    """What lies of each input above 0, and what below: twice as many units, under other names."""

    name: ClassVar[str] = "sides"

    def units(self, sources):
        return tuple(f"{source} {side}" for side in ("above", "below") for source in sources)

    def forward(self, p, X, key=None):
        return np.hstack([np.maximum(X, 0), np.minimum(X, 0)]), InputCache(X)

    def backward(self, p, cache, dY, to_input=True):
        d = cache.X.shape[1]
        return np.where(cache.X > 0, dY[:, :d], dY[:, d:]), ()

    def tangent(self, p, tp, cache, tX):
        return None if tX is None else np.hstack([np.where(cache.X > 0, tX, 0), np.where(cache.X > 0, 0, tX)])

    def sides(self, cache):
        return [cache.X > 0]


@dataclass(frozen=True)
class Products(Layer):
    """y[k] = t · Σ x[i] · T[i, j, k] · x[j]: a cube of weights, and a single number."""

    d: int
    k: int

    name: ClassVar[str] = "products"

    def shapes(self):
        return {"T": (self.d, self.d, self.k), "t": ()}

    @property
    def width(self):
        return self.d

    def units(self, sources):
        return tuple(str(k) for k in range(1, self.k + 1))

    def start(self, seed, position):
        cube = rng.normal(seed, rng.START, position, size=self.d**2 * self.k)
        return cube.reshape(self.d, self.d, self.k), np.array(0.5)

    def forward(self, p, X, key=None):
        return p[1] * self._sum(p[0], X, X), InputCache(X)

    def backward(self, p, cache, dY, to_input=True):
        (T, t), X = p, cache.X
        dX = t * (np.einsum("nk,ijk,nj->ni", dY, T, X) + np.einsum("nk,jik,nj->ni", dY, T, X)) if to_input else None
        return dX, (t * np.einsum("ni,nj,nk->ijk", X, X, dY), np.asarray((dY * self._sum(T, X, X)).sum()))

    def tangent(self, p, tp, cache, tX):
        (T, t), (tT, tt), X = p, tp, cache.X
        tY = t * self._sum(tT, X, X) + tt * self._sum(T, X, X)
        return tY if tX is None else tY + t * (self._sum(T, tX, X) + self._sum(T, X, tX))

    @staticmethod
    def _sum(T, X, V):
        return np.einsum("ni,ijk,nj->nk", X, T, V)


@contextmanager
def registered():
    """These layers are in the registry, for whoever reads a network from JSON."""
    with pytest.MonkeyPatch.context() as patch:
        for layer in (Embedding, Gain):
            patch.setitem(LAYERS, layer.name, layer)
        yield


def plugged():
    """The start of a small training of a network of both, and of layers that everybody knows."""
    recipe = replace(RECIPE, encoding="plain", engine="reference")
    table = prepare(Problem(FRAME, PRICE, split=SPLIT), recipe, 5).table
    d = len(table.names)
    layers = [Embedding(d, 2), Gain(), Dense(2 * d, 6, "tanh"), LayerNorm(6), Dropout(0.2), Dense(6, 1)]
    net = Network(layers, "squared_error", table.names)
    return prepare(Problem(FRAME, PRICE, split=SPLIT), recipe, 5, structure=Structure(table, net))
