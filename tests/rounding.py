"""How far a training step in float32 may lie from the exact one, whatever the order of its sums.

A running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 3.1 and 3.3). Beside each
exact value, in float64, travels a bound on the error of its float32 twin. One operation adds u = 2^-24 times its
result; a sum of n terms in any order, fused or not, γ_n = n u / (1 − n u) times the sum of their absolute values; and
errors of the operands are carried through it. Through a function f the error e of x becomes the greater of
|f(x ± e) − f(x)|, which also holds where a kink lies within e, plus that of f itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backlit.core.activations import ACTIVATIONS
from backlit.core.layers import Dense, Dropout, LayerNorm, PiecewiseLinear
from backlit.core.losses import CrossEntropy
from backlit.engines.protocol import STUCK

U = 2.0**-24
TINY = 2e-30  #: memory below 1e-30 becomes 0, perhaps on one side only
ULPS = 4  #: of an activation; tests/engines/test_native_functions.py finds 3 at most
SLOPE = 6 * U  #: absolute error of a slope that is not piecewise constant; the same file finds 4 at most


@dataclass(frozen=True)
class Rounded:
    """Exact values, and how far float32 may be from each."""

    value: np.ndarray
    error: np.ndarray

    __array_ufunc__ = None  # so that an array on the left leaves the operation to this class

    @property
    def most(self) -> np.ndarray:
        return np.abs(self.value) + self.error

    def __getitem__(self, at: Any) -> Rounded:
        return Rounded(self.value[at], self.error[at])

    def __add__(self, other: Any) -> Rounded:
        other = exact(other)
        return made(self.value + other.value, self.error + other.error)

    def __sub__(self, other: Any) -> Rounded:
        return self + exact(other) * -1.0

    def __mul__(self, other: Any) -> Rounded:
        other = exact(other)
        error = np.abs(self.value) * other.error + self.error * other.most
        return made(self.value * other.value, error)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Rounded) -> Rounded:
        value = self.value / other.value
        least = np.abs(other.value) - other.error
        with np.errstate(all="ignore"):
            error = np.where(least > 0, (self.error + np.abs(value) * other.error) / least, np.inf)
        return made(value, error)

    def __matmul__(self, other: Rounded) -> Rounded:
        n = self.value.shape[1] + 1  # what is added to it next is a part of the sum
        error = np.abs(self.value) @ other.error + self.error @ other.most + gamma(n) * (self.most @ other.most)
        return made(self.value @ other.value, error, 0)

    def sum(self, axis: int | None = None) -> Rounded:
        n = self.value.size if axis is None else self.value.shape[axis]
        keep = axis == 1
        error = self.error.sum(axis, keepdims=keep) + gamma(n) * self.most.sum(axis, keepdims=keep)
        return made(self.value.sum(axis, keepdims=keep), error, 0)

    @property
    def T(self) -> Rounded:
        return Rounded(self.value.T, self.error.T)


def gamma(n: int) -> float:
    return n * U / (1 - n * U)


def made(value: np.ndarray, error: Any, roundings: float = 1) -> Rounded:
    """What an operation yields, rounded; 1e-44 is where it underflows. An error that is unknown has no bound."""
    error = error + roundings * U * (np.abs(value) + error) + 1e-44
    return Rounded(value, np.where(np.isnan(error), np.inf, error))


def exact(value: Any) -> Rounded:
    return value if isinstance(value, Rounded) else Rounded(np.asarray(value, float), np.zeros(np.shape(value)))


def constant(value: Any) -> Rounded:
    """A number that float32 may not have."""
    return made(np.asarray(value, float), 0.0)


def through(f: Any, x: Rounded, ulps: float = ULPS, floor: Any = 0.0) -> Rounded:
    """f(x), where float32's f errs by some ulps and `floor`."""
    value = f(x.value)
    error = np.maximum(np.abs(f(x.value + x.error) - value), np.abs(f(x.value - x.error) - value))
    return made(value, error + floor, 2 * ulps)


def root(x: Rounded) -> Rounded:
    return through(lambda v: np.sqrt(np.maximum(v, 0)), x, 1)


# --- a step ------------------------------------------------------------------------------------------------------


def forward(net: Any, p: list[Any], X: np.ndarray, key: Any) -> tuple[Rounded, list[Any]]:
    Y, caches = exact(X), []
    for i, layer in enumerate(net.layers):
        cache: Any = None
        if isinstance(layer, Dense):
            f = ACTIVATIONS[layer.activation]
            kinked = layer.activation in ("identity", "relu", "leaky_relu")
            Z = Y @ p[i][0] + p[i][1]
            floor = 1e-15 * (1 + np.abs(Z.value))  # float64's own
            A = through(lambda z, f=f: f.value(np, z), Z, ULPS, floor)
            D = through(lambda z, f=f: f.slope(np, z, f.value(np, z)) + 0 * z, Z, 1, 0 if kinked else SLOPE)
            cache, Y = (Y, D), A
        elif isinstance(layer, PiecewiseLinear):
            Y = made(layer.forward((), X)[0], 0.0, 2 + X.shape[1])  # sums of whole bins are added to one another
        elif isinstance(layer, Dropout):
            M = layer.forward((), Y.value, key.at(i) if key else None)[1].M
            cache = None if M is None else constant(M)
            Y = Y if M is None else Y * cache
        elif isinstance(layer, LayerNorm):
            d = constant(1 / layer.d)
            C = Y - Y.sum(1) * d
            deviation = root((C * C).sum(1) * d + constant(layer.epsilon))
            N = C / deviation
            N = replace(N, error=np.minimum(N.error, 2.1 * layer.d**0.5))  # Σ N² ≤ d
            cache, Y = (N, deviation), p[i][0] * N + p[i][1]
        caches.append(cache)
    return Y, caches


def backward(net: Any, p: list[Any], caches: list[Any], dY: Rounded) -> Rounded:
    parts: list[Rounded] = []
    for i in range(len(net.layers) - 1, -1, -1):
        layer, cache = net.layers[i], caches[i]
        if isinstance(layer, Dense):
            X, D = cache
            dZ = dY * D
            dZ = made(dZ.value, dZ.error, 3)  # a mask may be multiplied into D first
            parts += [dZ.sum(0), X.T @ dZ]
            dY = dZ @ p[i][0].T
        elif isinstance(layer, Dropout) and cache is not None:
            dY = dY * cache
        elif isinstance(layer, LayerNorm):
            N, deviation = cache
            parts += [dY.sum(0), (dY * N).sum(0)]
            dN, d = dY * p[i][0], constant(1 / layer.d)
            dY = ((dN - dN.sum(1) * d) - N * ((dN * N).sum(1) * d)) / deviation
    flat = [(part.value.ravel(), part.error.ravel()) for part in parts[::-1]]
    return Rounded(np.concatenate([v for v, _ in flat]), np.concatenate([e for _, e in flat]))


def error(loss: Any, S: Rounded, Y: np.ndarray, weights: np.ndarray | None) -> tuple[Rounded, Rounded]:
    """E and dS. A loss subtracts from one another numbers that are each some ulps off."""
    e, d = loss.terms(np, S.value, Y)
    if isinstance(loss, CrossEntropy):
        P, most = loss.predict(S.value), S.value.max(1, keepdims=True)
        log_P = np.log(P)
        off = S.error + (P * S.error).sum(1, keepdims=True) + gamma(S.value.shape[1])
        off = np.expm1(1.1 * off + 8 * U * (1 + np.abs(log_P) + np.abs(S.value - most)))
        terms, dS = made(e, np.abs(e / log_P) * off), made(d, P * off + 8 * U)
    else:
        size = 1 + np.abs(Y) + np.abs(d)
        dS = through(lambda s: loss.terms(np, s, Y)[1], S, ULPS, 8 * U * size)
        terms = through(lambda s: loss.terms(np, s, Y)[0], S, ULPS, 8 * U * (np.abs(e) + size * (1 + np.abs(S.value))))
    share = constant(loss.scale / len(Y) if loss.reduction == "mean" else loss.scale)
    if weights is not None:
        share = share * weights[:, None]
    return (share * terms).sum(), share * dS


def length(x: Rounded) -> Rounded:
    return root((x * x).sum())


def stuck(net: Any, caches: list[Any]) -> Rounded:
    """Each layer's share of units that pass no error back; without an error where no slope may cross the threshold."""
    shares = []  # with the slopes as they are, as great and as small as they may be
    for i, layer in enumerate(net.layers):
        if isinstance(layer, Dense) and layer.activation != "identity":
            _, D = caches[i]
            for behind, mask in zip(net.layers[i + 1 :], caches[i + 1 :]):
                if not isinstance(behind, Dropout):
                    break
                D = D if mask is None else D * mask
            slopes = np.abs(D.value), D.most, np.abs(D.value) - D.error
            shares.append([np.mean(np.all(slope < STUCK, axis=0)) for slope in slopes])
        elif net.slots[i]:
            shares.append([0.0] * 3)
    share, least, most = np.array(shares).T
    return Rounded(share, np.maximum(share - least, most - share))


@dataclass(frozen=True)
class Moment:
    """theta and the optimizer's memory, with what is known of their errors."""

    theta: Rounded
    memory: dict[str, Any]

    @classmethod
    def of(cls, state: Any) -> Moment:
        """Those of a state, free of error."""
        return cls(exact(state.theta), {k: v if k == "t" else exact(v) for k, v in state.memory.items()})


@np.errstate(all="ignore")  # bounds carried through many steps may become infinite, or inf − inf
def step(net: Any, optimizer: Any, at: Moment, X, Y, weights, key, rate: float) -> tuple[Moment, dict[str, Rounded]]:
    """The moment after one step, and the step's S, gradient and figures."""
    p = [*zip(net.split(at.theta.value), net.split(at.theta.error))]
    p = [[Rounded(v, e) for v, e in zip(*both)] for both in p]
    S, caches = forward(net, p, X, key)
    E, dS = error(net.loss, S, Y, weights)
    g = backward(net, p, caches, dS)
    norm = length(g)
    seen = {"S": S, "gradient": g, "E": E, "gradient_norm": norm, "stuck": stuck(net, caches)}
    parts = [length(g[slots[0].start : slots[-1].stop]) for slots in net.slots if slots]
    seen["layer_gradient_norm"] = Rounded(np.array([n.value for n in parts]), np.array([n.error for n in parts]))

    if optimizer.clip_norm is not None:
        g = g * through(lambda v: np.minimum(1, optimizer.clip_norm / v), norm)
    direction, memory = _direction(optimizer, g, at.memory)
    sizes = [slot.stop - slot.start for slot in net.layout()]
    rates = constant(rate * np.repeat([slot.rate for slot in net.layout()], sizes))
    decay = constant(optimizer.weight_decay * np.repeat([slot.decay for slot in net.layout()], sizes))
    theta = at.theta - rates * direction - rates * decay * at.theta
    theta = made(theta.value, theta.error, 2)
    seen["update_norm"] = length(theta - at.theta)
    return Moment(theta, memory), seen


def _direction(optimizer: Any, g: Rounded, memory: dict[str, Any]) -> tuple[Rounded, dict[str, Any]]:
    def average(decay: float, rest: float, before: Rounded, x: Rounded) -> Rounded:
        after = constant(decay) * before + constant(rest) * x
        return replace(after, error=after.error + TINY)

    def over_root(x: Rounded, v: Rounded, at_most: float) -> Rounded:
        """x / (√v + ε), of which `at_most` bounds the exact and, but for rounding, the other."""
        q = x / (root(v) + constant(optimizer.epsilon))
        return replace(q, error=np.minimum(q.error, 2.1 * at_most))

    o = optimizer
    if o.name == "sgd":
        return g, {}
    if o.name in ("momentum", "nesterov"):
        v = average(o.momentum, 1, memory["v"], g)
        return (v if o.name == "momentum" else g + constant(o.momentum) * v), {"v": v}
    if o.name == "rmsprop":
        v = average(o.rho, 1 - o.rho, memory["v"], g * g)
        return over_root(g, v, (1 - o.rho) ** -0.5), {"v": v}
    t = memory["t"] + 1
    m = average(o.beta1, 1 - o.beta1, memory["m"], g)
    v = average(o.beta2, 1 - o.beta2, memory["v"], g * g)
    in_m, in_v = ((1 - b) * b ** np.arange(t) / (1 - b**t) for b in (o.beta1, o.beta2))
    at_most = float(np.sqrt((in_m**2 / in_v).sum()))  # Cauchy and Schwarz: |m̂| = |Σ a g| ≤ √(Σ a²/b) √(Σ b g²)
    m_hat, v_hat = m * constant(1 / (1 - o.beta1**t)), v * constant(1 / (1 - o.beta2**t))
    return over_root(m_hat, v_hat, at_most), {"m": m, "v": v, "t": t}
