"""From a table to a trained network: the split of its rows, and the baselines that a network has to beat."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backlit.core import rng
from backlit.errors import DataError, require
from backlit.tables.metrics import METRICS


class Split(NamedTuple):
    """Positions of the rows to learn from, to stop on, and to test on, each in increasing order."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_rows(groups: np.ndarray, seed: int = 0, validation: float = 0.16, test: float = 0.2) -> Split:
    """Part the rows at random, never a group.

    Parameters
    ----------
    groups : (n,) whole numbers; rows with the same number stay on the same side
    validation, test : about this share of the groups goes there
    """
    require("validation + test", validation + test, lambda v: 0 <= validation and 0 <= test and v < 1, "below 1")
    unique, group = np.unique(groups, return_inverse=True)
    draw = rng.uniform(seed, rng.SPLIT, size=len(unique))[group]
    parts = np.digitize(draw, [test, test + validation])
    split = Split(*(np.flatnonzero(parts == part) for part in (2, 1, 0)))
    if len(split.train) == 0:
        raise DataError(f"{len(groups)} rows leave none to learn from; give more rows or smaller shares")
    return split


def scores(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Every metric of some predictions, in the target's unit."""
    return {name: metric(prediction, truth) for name, metric in METRICS.items()}


def baselines(X: np.ndarray, y: np.ndarray, X_new: np.ndarray) -> dict[str, np.ndarray]:
    """What a reader would try first: always the mean, and the linear model of least squares, fitted on X and y."""
    ones, new_ones = np.ones((len(X), 1)), np.ones((len(X_new), 1))
    coefficients = np.linalg.lstsq(np.hstack([X, ones]), y, rcond=None)[0]
    return {
        "mean": np.full(len(X_new), y.mean()),
        "linear model": np.hstack([X_new, new_ones]) @ coefficients,
    }
