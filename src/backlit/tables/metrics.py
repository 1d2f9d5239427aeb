"""How good predictions are, in the target's own unit.

Each takes prediction and truth, (n,), and optionally a weight for each row.
"""

from __future__ import annotations

import numpy as np


def root_mean_squared_error(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """√ of the average squared difference; the target's unit."""
    return float(np.sqrt(np.average((prediction - truth) ** 2, weights=weights)))


def mean_absolute_error(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The average difference without its sign; the target's unit."""
    return float(np.average(np.abs(prediction - truth), weights=weights))


def r2(prediction: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """1 for perfect predictions, 0 for always the mean of `truth`, below 0 for worse than that."""
    residual = np.average((prediction - truth) ** 2, weights=weights)
    total = np.average((truth - np.average(truth, weights=weights)) ** 2, weights=weights)
    return float(1 - residual / total)


METRICS = {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r2}
