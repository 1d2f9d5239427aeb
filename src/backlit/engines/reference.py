"""The reference engine: the steps of training in readable NumPy (or any array library); the truth."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from itertools import takewhile
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from backlit.core import rng
from backlit.core.arrays import Array, array_namespace
from backlit.core.backprop import backward, forward, value_and_grad
from backlit.core.layer import rows_of
from backlit.core.network import Network
from backlit.core.optimizers import Optimizer
from backlit.core.state import State
from backlit.engines.protocol import STUCK, Batches, Figures, Rows

_ROWS_AT_ONCE = 8192
_FEW_ROWS = 64  #: at one of them most units pass some error back; only where one does not, all rows are looked at


class ReferenceEngine:
    """Feed forward, backpropagate, update; see `Engine` for the contract."""

    name = "reference"
    dtype = np.float64

    def __init__(self, threads: int | None = None) -> None:
        """Whatever `threads` is, the steps run on one."""

    def lacks(self, net: Network, optimizer: Optimizer | None, dtype: Any) -> None:
        return None

    def run(
        self,
        net: Network,
        optimizer: Optimizer,
        state: State,
        rows: Rows,
        batches: Batches,
        rates: np.ndarray,
    ) -> tuple[State, Figures]:
        theta, memory = state.theta, state.memory
        slots = net.layout()
        weighted = {i: slice(slots[0].start, slots[-1].stop) for i, slots in enumerate(net.slots) if slots}
        keys = rng.step_keys(state.seed, state.step, rows.data.rows[batches.positions], batches.size)
        done, used = 0, state.used
        figures = Figures.room(net, len(rates))
        with _one_thread(), np.errstate(all="ignore"):  # what is not finite is noticed below, and stops the run
            for batch, rate, key in zip(batches, rates.tolist(), keys):
                some = rows.at(batch)
                p = net.split(theta)
                S, caches = forward(net, p, some.X, key)
                e, dS = net.loss.value_and_grad(S, some.Y, some.weights)
                gradient = backward(net, p, caches, dS).gradient

                figures.E[done] = float(e)
                figures.gradient_norm[done] = _length(gradient)
                figures.layer_gradient_norm[done] = [_length(gradient[part]) for part in weighted.values()]
                figures.stuck[done] = [_stuck(net, i, caches, len(batch)) for i in weighted]
                if not math.isfinite(figures.E[done] + figures.gradient_norm[done]):
                    figures.update_norm[done] = math.nan
                    break
                before = theta
                theta, memory = optimizer.step(theta, gradient, memory, rate, slots)
                figures.update_norm[done] = _length(theta - before)
                done += 1
                used += len(batch)
        state = replace(state, theta=theta, memory=memory, step=state.step + done, used=used)
        return state, figures.first(done + 1)

    def gradient(self, net: Network, theta: Array, rows: Rows, key: rng.Key | None = None) -> Array:
        with _one_thread(), np.errstate(all="ignore"):
            return value_and_grad(net, theta, rows.X, rows.Y, rows.weights, key)[1]

    def predict(self, net: Network, theta: Array, X: Array) -> Array:
        xp, n = array_namespace(X), X.shape[0]
        p = net.split(theta)
        with np.errstate(all="ignore"):
            parts = [
                forward(net, p, X[start : min(start + _ROWS_AT_ONCE, n), :])[0] for start in range(0, n, _ROWS_AT_ONCE)
            ]
        return xp.concat(parts, axis=0)

    def arithmetic(self) -> dict[str, str]:
        """NumPy, its BLAS library, and the processor's kind."""
        libraries = _blas().info()
        blas = {f"{lib['internal_api']} {lib['version']} {lib.get('architecture', '')}".strip() for lib in libraries}
        return {
            "numpy": np.__version__,
            "blas": ", ".join(sorted(blas)),
            "processor": platform.machine(),
            "threads": "1",
        }


def _one_thread() -> AbstractContextManager[Any]:
    """NumPy's products on one thread: those of a step are too small to share, and on a busy machine sharing them takes
    many times as long."""
    return _blas().limit(limits=1, user_api="blas")


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _length(vector: Array) -> float:
    return math.sqrt(float(array_namespace(vector).vecdot(vector, vector)))


def _stuck(net: Network, i: int, caches: Sequence[tuple[Any, ...]], n: int) -> float:
    """The share of the units of layer i that passed no error back, of n rows; see `Figures`."""
    own, *above = zip(net.layers[i:], caches[i:])
    masks = [*takewhile(lambda pair: pair[0].elementwise, above)]
    stuck, units = 0, 1
    for rows in sorted({min(n, _FEW_ROWS), n}):
        slopes = [layer.slope(rows_of(cache, slice(0, rows))) for layer, cache in (own, *masks)]
        if slopes[0] is None:
            return 0.0
        slope: Array = math.prod(slope for slope in slopes if slope is not None)
        xp, units = array_namespace(slope), slope.shape[1]
        stuck = int(xp.count_nonzero(xp.max(xp.abs(slope), axis=0) < STUCK))
        if stuck == 0:
            break
    return stuck / units
