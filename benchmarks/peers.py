"""Who trains in step.py: backlit, PyTorch, JAX, scikit-learn and a bare NumPy loop, each as fast as we can write it.

Each function returns the seconds that so many epochs took, from new weights: shuffled batches gathered from memory,
ReLU, squared error, Adam, float32.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

import backlit as bl
from backlit.core.layers import Dense
from backlit.training import begin


class Case(NamedTuple):
    net: bl.Network
    data: bl.Data
    X: np.ndarray  #: what the peers get
    batch: int

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.X.shape[1], *(layer.d_out for layer in self.net.layers if isinstance(layer, Dense))

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return math.ceil(len(self.data) / self.batch)

    @property
    def operations(self) -> int:
        """Of an epoch's products, as if all were dense; nothing is propagated back to the inputs."""
        first, *rest = (i * o for i, o in itertools.pairwise(self.sizes))
        return 2 * len(self.data) * (2 * first + 3 * sum(rest))


def by_backlit(case: Case, epochs: int, engine: str) -> float:
    settings = bl.Settings(optimizer="adam", learning_rate=1e-3, batch_size=case.batch, epochs=epochs)
    plan = bl.Plan(case.net, case.data, settings, engine=engine)
    state = begin(plan)
    began = time.perf_counter()
    for _ in bl.train(plan, state):
        pass
    return time.perf_counter() - began


def torch_net(sizes: tuple[int, ...]) -> Any:
    from torch import nn

    layers = [layer for i, o in itertools.pairwise(sizes) for layer in (nn.Linear(i, o), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def by_torch(case: Case, epochs: int) -> float:
    import torch
    from torch.nn.functional import mse_loss

    X, Y = torch.from_numpy(case.X), torch.from_numpy(case.data.Y)
    net = torch_net(case.sizes)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    began = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(case.batch):
            E = mse_loss(net(X[rows]), Y[rows])
            optimizer.zero_grad(set_to_none=True)
            E.backward()
            optimizer.step()
    assert math.isfinite(E.item())
    return time.perf_counter() - began


@cache
def jax_epoch(sizes: tuple[int, ...], batch: int, flat: bool) -> Callable:
    """A compiled epoch, one scan over its batches.

    As it is usually written, with a list of W and b; or flat, with all weights in one vector and, at batch 1, the scan
    unrolled: the fastest that we found.
    """
    import jax
    import jax.numpy as jnp

    shapes = [shape for i, o in itertools.pairwise(sizes) for shape in ((i, o), (o,))]
    stops = np.cumsum([math.prod(shape) for shape in shapes])

    def error(theta, X, Y):
        weights = theta
        if flat:
            weights = [part.reshape(shape) for part, shape in zip(jnp.split(theta, stops[:-1]), shapes)]
        for W, b in zip(weights[:-2:2], weights[1:-2:2]):
            X = jax.nn.relu(X @ W + b)
        return jnp.mean((X @ weights[-2] + weights[-1] - Y) ** 2)

    def adam(theta, m, v, g, t):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * (g * g)
        return theta - 0.001 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v

    def step(state, rows, X, Y):
        theta, m, v, t = state
        X, Y = (A.at[rows].get(mode="promise_in_bounds") for A in (X, Y))
        E, g = jax.value_and_grad(error)(theta, X, Y)
        t += 1
        if flat:
            return (*adam(theta, m, v, g, t), t), E
        theta, m, v = (list(parts) for parts in zip(*(adam(*parts, t) for parts in zip(theta, m, v, g))))
        return (theta, m, v, t), E

    def epoch(state, order, X, Y):
        full = len(order) // batch * batch
        batches = order[:full].reshape(-1, batch)
        unroll = 8 if flat and batch == 1 else 1
        state, E = jax.lax.scan(lambda s, rows: step(s, rows, X, Y), state, batches, unroll=unroll)
        if full < len(order):
            state, _ = step(state, order[full:], X, Y)
        return state, E

    return jax.jit(epoch, donate_argnums=0)


def by_jax(case: Case, epochs: int, flat: bool = False) -> float:
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    epoch = jax_epoch(case.sizes, case.batch, flat)
    X, Y = jnp.asarray(case.X), jnp.asarray(case.data.Y)
    theta = [jnp.asarray(w) for w in starting(case.sizes, rng)]
    if flat:
        theta = jnp.concatenate([w.ravel() for w in theta])
    state = (theta, jax.tree.map(jnp.zeros_like, theta), jax.tree.map(jnp.zeros_like, theta), jnp.float32(0))
    state = jax.block_until_ready(state)
    began = time.perf_counter()
    for _ in range(epochs):
        state, E = epoch(state, rng.permutation(len(X)).astype(np.int32), X, Y)
    assert math.isfinite(E[-1])
    jax.block_until_ready(state)
    return time.perf_counter() - began


def by_sklearn(case: Case, epochs: int) -> float:
    from sklearn.neural_network import MLPRegressor

    settings = {"solver": "adam", "alpha": 0.0, "tol": 0.0, "n_iter_no_change": 10**9, "early_stopping": False}
    settings |= {"hidden_layer_sizes": case.sizes[1:-1], "batch_size": case.batch, "max_iter": epochs}
    model = MLPRegressor(**settings, random_state=0)
    y = case.data.Y[:, 0]
    began = time.perf_counter()
    model.fit(case.X, y)
    seconds = time.perf_counter() - began
    assert model.n_iter_ == epochs
    return seconds


def starting(sizes: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    shapes = [shape for i, o in itertools.pairwise(sizes) for shape in ((i, o), (o,))]
    return [rng.normal(0, (2 / shape[0]) ** 0.5, shape).astype(np.float32) for shape in shapes]


def flattened(arrays: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """All arrays in one vector, and views of it in their shapes."""
    flat = np.concatenate([a.ravel() for a in arrays])
    stops = np.cumsum([a.size for a in arrays])
    return flat, [part.reshape(a.shape) for part, a in zip(np.split(flat, stops[:-1]), arrays)]


def by_numpy(case: Case, epochs: int) -> float:
    """A loop that does this one network and nothing else.

    All weights are views of one vector, so that Adam takes one pass: the fastest loop we can write without touching
    arrays in place.
    """
    rng = np.random.default_rng(0)
    theta, weights = flattened(starting(case.sizes, rng))
    gradient, gradients = flattened([np.zeros_like(w) for w in weights])
    m, v, t = np.zeros_like(theta), np.zeros_like(theta), 0
    X, Y, batch = case.X, case.data.Y, case.batch
    began = time.perf_counter()
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            A, y = X[rows], Y[rows]
            cache = []
            for W, b in zip(weights[:-2:2], weights[1:-2:2]):
                Z = A @ W + b
                cache.append((A, Z))
                A = np.maximum(Z, 0)
            cache.append((A, A))
            D = A @ weights[-2] + weights[-1] - y
            E = float(np.mean(D * D))
            dZ = D * (2 / len(rows))
            for layer in reversed(range(len(cache))):
                np.matmul(cache[layer][0].T, dZ, out=gradients[2 * layer])
                np.sum(dZ, axis=0, out=gradients[2 * layer + 1])
                if layer:
                    dZ = (dZ @ weights[2 * layer].T) * (cache[layer - 1][1] > 0)
            t += 1
            m = 0.9 * m + 0.1 * gradient
            v = 0.999 * v + 0.001 * (gradient * gradient)
            theta -= 0.001 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    assert np.isfinite(E)
    return time.perf_counter() - began


#: and their packages
PEERS: dict[str, tuple[Callable[[Case, int], float], str]] = {
    "PyTorch": (by_torch, "torch"),
    "JAX": (by_jax, "jax"),
    "JAX, flat": (partial(by_jax, flat=True), "jax"),
    "sklearn": (by_sklearn, "scikit-learn"),
    "NumPy loop": (by_numpy, "numpy"),
}
