"""Targets, class labels and weights as people hand them over: by position, whatever they are called there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from backlit.errors import ArgumentError, DataError, ShapeError
from backlit.tables.frames import has_names, to_frame, to_series
from backlit.tables.reading import Hints, Sheet, read_frame


class Rows(NamedTuple):
    """Rows as they come in: columns to learn from, targets, and the weight of each (None: all alike)."""

    frame: pl.DataFrame
    targets: pl.DataFrame
    weights: np.ndarray | None

    @property
    def counted(self) -> np.ndarray:
        """(n,) whether a row is there: a weight of 0 says that it is not."""
        return np.ones(self.frame.height, dtype=bool) if self.weights is None else self.weights != 0


def target_columns(y: Any, called: str) -> pl.DataFrame:
    """The target as a frame of its columns."""
    if y is None:
        raise ArgumentError("y.none", called=called)
    if isinstance(y, pl.Series):
        return pl.DataFrame([y.alias(y.name or "y")])
    if has_names(y):
        return to_frame(y)
    array = np.asarray(y)
    if array.ndim > 1:
        return to_frame(array, tuple(f"y{i}" for i in range(1, array.shape[1] + 1)))
    if array.ndim == 0:
        raise ShapeError("y.one_number", called=called, value=y)
    name = getattr(y, "name", None)
    return pl.DataFrame([to_series(y if hasattr(y, "dtype") else array, "y" if name is None else str(name))])


def free_name(name: str, taken: set[str]) -> str:
    """The name, or one made of it that no column has."""
    free, times = name, 1
    while free in taken:
        free = f"{name} (target)" if times == 1 else f"{name} (target {times})"
        times += 1
    return free


def labels_of(targets: pl.DataFrame, y: Any) -> np.ndarray:
    """(n,) class labels, as NumPy has them."""
    series = targets.to_series()
    if (series.dtype.is_numeric() or series.dtype == pl.Boolean) and not series.null_count():
        return series.to_numpy()
    return series.to_numpy() if isinstance(y, pl.Series) or has_names(y) else np.asarray(y).ravel()


def require_known(series: pl.Series, counted: np.ndarray, called: str) -> None:
    """Raise `DataError` where a target of a row that counts is missing."""
    missing = series.is_null().to_numpy() & counted
    if series.dtype.is_float():
        missing |= series.is_nan().fill_null(False).to_numpy() & counted
    if missing.any():
        raise DataError("y.missing", called=called, row=int(missing.argmax()))


def read_targets(rows: Rows, hints: Hints, called: str) -> Sheet:
    """Targets as numbers, though they be written as text, by the one reader; rows that do not count become null.

    Raises
    ------
    DataError
        A target that is missing or no number, in a row that counts; text that can be read in two ways.
    """
    here = np.flatnonzero(rows.counted)
    sheet = read_frame(rows.targets[here], hints.target(*rows.targets.columns), numbers=here)
    sheet.require_plain()
    for series in sheet.frame:
        if series.dtype == pl.String and series.null_count() < len(series):
            raise DataError("y.text", target=series.name, entry=series.drop_nulls().first())
    n = rows.frame.height
    targets = [pl.Series(series.name, [None] * n, dtype=series.dtype).scatter(here, series) for series in sheet.frame]
    for series in targets:
        require_known(series, rows.counted, called)
    return replace(sheet, frame=pl.DataFrame(targets))


def require_alike(labels: np.ndarray, counted: np.ndarray, called: str) -> None:
    """Raise `DataError` where some labels are text and some are not: they have no order."""
    if labels.dtype != object:
        return
    texts = np.array([isinstance(label, str) for label in labels.tolist()], dtype=bool)
    if texts.any() and not texts.all():
        rows = np.flatnonzero(counted)
        one, other = int(texts.argmax()), int(texts.argmin())
        raise DataError(
            "y.mixed", called=called, text=labels[one], row=rows[one], number=labels[other], row_2=rows[other]
        )


def row_weights(sample_weight: Any, n: int, called: str) -> np.ndarray | None:
    """(n,) the weight of each row; one number is that of all."""
    if sample_weight is None:
        return None
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("weights.no_numbers", called=called, why=error) from None
    weights = np.full(n, float(weights)) if weights.ndim == 0 else weights
    if weights.shape != (n,):
        raise ShapeError("weights.shape", called=called, shape=weights.shape, rows=n)
    return weights
