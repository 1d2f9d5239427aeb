"""What many tests share: random networks, finite differences, and the distance of a point from the nearest kink."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest

from backlit.core import rng
from backlit.core.activations import ACTIVATIONS
from backlit.core.backprop import backward, forward
from backlit.core.layer import Layer
from backlit.core.layers import Dense, Dropout, LayerNorm, PiecewiseLinear
from backlit.core.losses import LOSSES, Loss
from backlit.core.network import Network
from backlit.engines.native import missing

KINK_MARGIN = 1e-4

LAYER_STACKS: dict[str, Callable[[], list[Layer]]] = {
    "dense": lambda: [Dense(3, 4, "tanh"), Dense(4, 1)],
    "piecewise_linear": lambda: [PiecewiseLinear(((-1.0, 0.2, 0.9), (), (-0.5, 0.5))), Dense(4, 1)],
    "dropout": lambda: [Dense(3, 6, "tanh"), Dropout(0.4), Dense(6, 1)],
    "layer_norm": lambda: [Dense(3, 4, "tanh"), LayerNorm(4), Dense(4, 1)],
}


def need_native() -> None:
    """Skip a module of tests where the native engine cannot run; where it must, raise."""
    if not missing():
        return
    if os.environ.get("BACKLIT_REQUIRE_ENGINE") == "1":
        raise RuntimeError(f"BACKLIT_REQUIRE_ENGINE is 1, but the native engine cannot run: {missing()}")
    pytest.skip(f"the native engine cannot run: {missing()}", allow_module_level=True)


def random_targets(loss: Loss, n: int, outputs: int, draw: np.random.Generator) -> np.ndarray:
    """Targets within the loss's domain."""
    if "classes" in loss.learns:
        return draw.integers(0, outputs, (n, 1)).astype(float)
    columns = 1 if loss.quantiles else outputs
    if "two classes" in loss.learns:
        return draw.integers(0, 2, (n, columns)).astype(float)
    if "counts" in loss.learns:
        return draw.poisson(2.0, (n, columns)).astype(float)
    return draw.normal(size=(n, columns))


def random_outputs(loss: Loss, draw: np.random.Generator) -> int:
    if loss.quantiles:
        return len(loss.quantiles)
    return int(draw.integers(2 if "classes" in loss.learns else 1, 4))


def random_network(draw: np.random.Generator) -> Network:
    """A network of any registered layers, activations and loss, a few units wide."""
    loss = list(LOSSES.values())[draw.integers(len(LOSSES))]()
    d = width = int(draw.integers(1, 4))
    layers: list[Layer] = []
    if draw.random() < 0.5:
        edges = [tuple(np.sort(draw.normal(size=draw.integers(2, 5)))) if draw.random() < 0.7 else () for _ in range(d)]
        layers.append(PiecewiseLinear(tuple(edges)))
        width = len(layers[0].units(tuple(map(str, range(d)))))
    for _ in range(draw.integers(0, 3)):
        units = int(draw.integers(2, 5))
        layers.append(Dense(width, units, str(draw.choice(list(ACTIVATIONS)))))
        width = units
        if draw.random() < 0.3:
            layers.append(LayerNorm(width))
        if draw.random() < 0.3:
            layers.append(Dropout(0.3))
    layers.append(Dense(width, random_outputs(loss, draw), str(draw.choice(["identity", "sigmoid", "tanh"]))))
    return Network(layers, loss, [f"x{i}" for i in range(1, d + 1)])


class Draw:
    """One random network with weights, rows, row weights and dropout masks, away from every kink."""

    redrawn = 0
    drawn = 0

    def __init__(self, seed: int, network: Network | None = None, n: int = 5) -> None:
        draw = np.random.default_rng(seed)
        while True:
            self.net = net = network or random_network(draw)
            self.theta = net.start(int(draw.integers(2**32)), dtype=np.float64) + 0.2 * draw.normal(size=net.size)
            self.X = draw.normal(size=(n, len(net.inputs)))
            self.Y = random_targets(net.loss, n, net.outputs, draw)
            self.weights = draw.uniform(0.5, 1.5, n)
            self.weights /= self.weights.mean()
            self.key = rng.step_keys(seed, int(draw.integers(1000)), np.arange(n), n)[0]
            self.S, self.caches = forward(net, net.split(self.theta), self.X, self.key)
            Draw.drawn += 1
            if self.distance_to_kink() > KINK_MARGIN:
                break
            Draw.redrawn += 1
        self.draw = draw
        self.E, self.dS = net.loss.value_and_grad(self.S, self.Y, self.weights)
        self.back = backward(net, net.split(self.theta), self.caches, self.dS, to_input=True)

    def distance_to_kink(self) -> float:
        """How far the nearest dot product, input or score is from a point where a slope jumps."""
        gaps = [np.inf]
        A = self.X
        for i, (layer, p, cache) in enumerate(zip(self.net.layers, self.net.split(self.theta), self.caches)):
            if isinstance(layer, Dense):
                gaps += [np.abs(cache.Z - kink).min() for kink in ACTIVATIONS[layer.activation].kinks]
            if isinstance(layer, PiecewiseLinear):
                gaps += [np.abs(A[:, [j]] - np.array(edges)).min() for j, edges in enumerate(layer.edges) if edges]
            A, _ = layer.forward(p, A, self.key.at(i) if layer.random else None)
        gaps += [np.abs(self.S - self.Y - kink).min() for kink in self.net.loss.kinks]
        return float(min(gaps))

    def error(self, theta: np.ndarray, X: np.ndarray) -> float:
        S, _ = forward(self.net, self.net.split(theta), X, self.key)
        return float(self.net.loss.value(S, self.Y, self.weights))


def central_differences(f, x: np.ndarray) -> np.ndarray:
    """df/dx, entry by entry, with h = 1e-6 · max(1, |x|)."""
    slope = np.empty_like(x)
    for at in np.ndindex(x.shape):
        h = 1e-6 * max(1.0, abs(x[at]))
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        slope[at] = (f(up) - f(down)) / (up[at] - down[at])
    return slope


def assert_same_gradient(analytic: np.ndarray, numeric: np.ndarray, E: float, what: str = "") -> None:
    """‖a − n‖ / (‖a‖ + ‖n‖) < 1e-6, but for what rounding alone does to a difference of two E's.

    Each E is rounded to about 4 ulp after the sums behind it, so a central difference cannot be told closer than
    8 · eps · |E| / 2h per entry, with h ≥ 1e-6.
    """
    gap = float(np.linalg.norm(analytic - numeric))
    size = float(np.linalg.norm(analytic) + np.linalg.norm(numeric))
    rounding = 8 * np.finfo(float).eps * max(abs(E), 1.0) / 2e-6 * np.sqrt(analytic.size)
    assert gap < 1e-6 * size + rounding, f"{what}: |a − n| = {gap:.3g}, |a| + |n| = {size:.3g}"
