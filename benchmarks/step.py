"""What a training step costs: the reference engine beside the same step in a bare NumPy loop, in one run.

    python benchmarks/step.py [--rounds 7]

Each step gathers a shuffled batch, feeds forward through ReLU and dropout, backpropagates the squared error and makes
an Adam update, in float32. Rounds are interleaved; the medians of the paired ratios are what to quote.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time

import numpy as np
from common import machine
from threadpoolctl import threadpool_limits

import backlit as bl

CASES = {"8-64-64-1, batch 32": ((8, 64, 64, 1), 32), "540-128-128-1, batch 256": ((540, 128, 128, 1), 256)}
DROPOUT = 0.1


def bare(sizes: tuple[int, ...], X: np.ndarray, Y: np.ndarray, batch: int, steps: int, flat: bool) -> float:
    """Seconds for `steps` steps of a loop that does this one network and nothing else.

    Plain, as it is usually written: a list of W and b, each with its own Adam. With `flat` all weights are views of one
    vector, so that Adam takes one pass: the fastest loop we can write without touching arrays in place.
    """
    rng = np.random.default_rng(0)
    shapes = [shape for i, o in itertools.pairwise(sizes) for shape in ((i, o), (o,))]
    weights = [rng.normal(0, (2 / shape[0]) ** 0.5, shape).astype(np.float32) for shape in shapes]
    gradients = [np.zeros_like(w) for w in weights]
    theta, gradient = weights, gradients
    if flat:
        theta, weights = flattened(weights)
        gradient, gradients = flattened(gradients)
        theta, gradient = [theta], [gradient]
    m = [np.zeros_like(w) for w in theta]
    v = [np.zeros_like(w) for w in theta]

    order, at = rng.permutation(len(X)), 0
    began = time.perf_counter()
    for t in range(1, steps + 1):
        if at >= len(X):
            order, at = rng.permutation(len(X)), 0
        rows = order[at : at + batch]
        at += batch
        A, y = X[rows], Y[rows]
        cache = []
        for W, b in zip(weights[:-2:2], weights[1:-2:2]):
            Z = A @ W + b
            M = (rng.random(Z.shape, np.float32) >= DROPOUT) * np.float32(1 / (1 - DROPOUT))
            cache.append((A, Z, M))
            A = np.maximum(Z, 0) * M
        D = A @ weights[-2] + weights[-1] - y
        E = float(np.mean(D * D))
        dZ = D * (2 / batch)
        for layer in reversed(range(len(weights) // 2)):
            np.matmul(A.T, dZ, out=gradients[2 * layer])
            np.sum(dZ, axis=0, out=gradients[2 * layer + 1])
            if layer:
                A, Z, M = cache[layer - 1]
                dZ = (dZ @ weights[2 * layer].T) * M * (Z > 0)
        for i, g in enumerate(gradient):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * (g * g)
            theta[i] -= 0.001 * (m[i] / (1 - 0.9**t)) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
    assert np.isfinite(E)
    return time.perf_counter() - began


def flattened(arrays: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """All arrays in one vector, and views of it in their shapes."""
    flat = np.concatenate([a.ravel() for a in arrays])
    stops = np.cumsum([a.size for a in arrays])
    return flat, [part.reshape(a.shape) for part, a in zip(np.split(flat, stops[:-1]), arrays)]


def reference(sizes: tuple[int, ...], X: np.ndarray, Y: np.ndarray, batch: int, steps: int) -> float:
    """Seconds for the same steps by the reference engine."""
    net = bl.Network.dense(sizes[0], sizes[1:-1], sizes[-1], activation="relu", dropout=DROPOUT)
    settings = bl.Settings(optimizer="adam", learning_rate=0.001, batch_size=batch, max_steps=steps, epochs=None)
    data = bl.Data(X, Y)
    began = time.perf_counter()
    for _ in bl.train(net, data, settings, engine="reference"):
        pass
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(machine())
    print(f"µs a step, medians of {rounds} rounds; in brackets the reference's time over the loop's, paired")
    print(f"{'network':28}{'reference':>10}{'plain loop':>20}{'flat loop':>20}")
    for name, (sizes, batch) in CASES.items():
        rng = np.random.default_rng(1)
        X = rng.normal(size=(20_000, sizes[0])).astype(np.float32)
        Y = rng.normal(size=(20_000, 1)).astype(np.float32)
        steps = 2000 if sizes[0] < 100 else 200
        runs = [lambda: reference(sizes, X, Y, batch, steps)]  # noqa: B023
        runs += [lambda flat=flat: bare(sizes, X, Y, batch, steps, flat) for flat in (False, True)]  # noqa: B023
        with threadpool_limits(limits=1, user_api="blas"):  # as the reference does: alike for all, and steady
            times = [[run() / steps * 1e6 for run in runs] for _ in range(rounds + 1)][1:]  # the first one warms up
        ours, plain, flat = (statistics.median(column) for column in zip(*times))
        ratios = [statistics.median(row[0] / row[i] for row in times) for i in (1, 2)]
        print(f"{name:28}{ours:10.0f}{plain:13.0f} ({ratios[0]:.2f}){flat:13.0f} ({ratios[1]:.2f})")


if __name__ == "__main__":
    main()
