"""What is predicted: how its values become the network's targets, and its scores predictions again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from backlit.core.arrays import Array
from backlit.core.losses import Goal, Loss, Measure
from backlit.core.values import Names
from backlit.errors import ArgumentError, DataError
from backlit.tables.fields import PLAIN, FieldError, Reading, is_text, level_texts, numbers
from backlit.tables.metrics import Metric, Weights

if TYPE_CHECKING:
    import polars as pl

Scaling = Literal["standard", "log", "raw"]
SCALINGS = Names(get_args(Scaling))

TINY = 1e-140  #: differences whose squares float64 rounds to 0


@dataclass(frozen=True)
class Target:
    """One or more numbers, or one class.

    Attributes
    ----------
    names : of the target columns
    scaling : "standard": (y − centre) / scale; "log": the same of ln y; "raw": as they are; "classes"
    centre, scale : one for each column, over the training rows
    classes : the class labels, in the order of the network's outputs
    unit : of the numbers
    reading : how text is read as numbers
    """

    names: tuple[str, ...]
    scaling: Scaling | Literal["classes"]
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    classes: tuple[Any, ...] = ()
    unit: str = ""
    reading: Reading = PLAIN

    @classmethod
    def fit_numbers(
        cls, frame: pl.DataFrame, scaling: Scaling = "standard", unit: str = "", weights: Weights = None,
        reading: Reading = PLAIN,
    ) -> Target:  # fmt: skip
        """Centre and scale of each column of `frame`, the training rows' targets.

        Parameters
        ----------
        weights : (n,) of the rows
        """
        SCALINGS.require("target", scaling)
        names = tuple(frame.columns)
        raw = cls(names, scaling, (0.0,) * frame.width, (1.0,) * frame.width, (), unit, reading)
        values = raw._numbers(frame)
        if scaling == "raw":
            return raw
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if weights is None:
                centre, scale = values.mean(axis=0), values.std(axis=0)
            else:
                centre = np.average(values, axis=0, weights=weights)
                scale = np.sqrt(np.average((values - centre) ** 2, axis=0, weights=weights))
        for name, column, width in zip(names, values.T, scale):
            if not np.isfinite(width):
                raise DataError("target.too_large", name=name)
            if width < TINY and column.min() < column.max():
                raise DataError("target.too_small", name=name, value=column[0])
        scale = np.where(scale > 0, scale, 1.0)
        return replace(raw, centre=tuple(centre.tolist()), scale=tuple(scale.tolist()))

    @classmethod
    def fit_classes(cls, series: pl.Series) -> Target:
        """The classes in sorted order; raises `DataError` where there is one only."""
        import polars as pl

        known = (series.cast(pl.String) if is_text(series) else series).drop_nulls()
        classes: tuple[Any, ...] = tuple(known.unique().sort().to_list())
        if len(classes) < 2:
            raise DataError("target.one_class", name=series.name, entry=known.first())
        return cls((series.name,), "classes", classes=classes)

    @property
    def goals(self) -> tuple[Goal, ...]:
        """What it may be to a loss; that of counts takes numbers as they are, whichever way others scale them."""
        if self.classes:
            return ("two classes",) if len(self.classes) == 2 else ("classes",)
        return ("numbers", "counts", "shares") if self.scaling == "raw" else ("numbers", "counts")

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes as text."""
        import polars as pl

        return tuple(level_texts(pl.Series(self.classes)).to_list()) if self.classes else ()

    def encode(self, frame: pl.DataFrame) -> np.ndarray:
        """(n, k) targets, float64."""
        if self.classes:
            series, labels = frame[self.names[0]], self.labels
            texts = level_texts(series)
            place = texts.replace_strict(list(labels), list(range(len(labels))), default=-1).fill_null(-1).to_numpy()
            if (place < 0).any():
                row = int((place < 0).argmax())
                raise FieldError.of(texts, row, "field.unknown_class", "target")
            return place.astype(np.float64)[:, None]
        return (self._numbers(frame) - self.centre) / self.scale

    def _numbers(self, frame: pl.DataFrame) -> np.ndarray:
        """(n, k) numbers, or their logarithms, before they are scaled."""
        values = np.stack([target_numbers(frame[name], self.reading) for name in self.names], axis=1)
        if self.scaling != "log":
            return values
        for name, column in zip(self.names, values.T):
            if column.min() <= 0:
                row = int(np.argmin(column))
                raise FieldError("field.no_log", what=f"target {name!r}", value=float(column[row]), row=row)
        return np.log(values)

    def decode(self, loss: Loss, S: Array) -> np.ndarray:
        """Predictions in the target's unit, (n, k), from scores; probabilities of every class for classes."""
        prediction = np.asarray(loss.predict(np.asarray(S, dtype=np.float64)))
        if self.classes:
            return np.hstack([1 - prediction, prediction]) if prediction.shape[1] == 1 else prediction
        return self.decode_targets(prediction)

    def slope(self, loss: Loss, S: Array) -> np.ndarray:
        """(n, k) ∂prediction/∂s of numbers, in the target's unit, each prediction by its own score."""
        S = np.asarray(S, dtype=np.float64)
        P, slope = loss.prediction(np, S)
        slope = np.array(self.scale) * slope * np.ones_like(S)
        return slope * self.decode_targets(np.asarray(P)) if self.scaling == "log" else slope

    def measure(self, loss: Loss) -> Measure:
        """The loss's E as people read it; that of several columns is a sum, and logarithms have no unit."""
        if len(self.names) > 1:
            return Measure()
        return loss.measure(self.scale[0] if self.scaling in ("standard", "raw") else None, self.unit)

    def decode_targets(self, Y: np.ndarray) -> np.ndarray:
        """Numbers in the target's unit, (n, k), from encoded ones; several quantiles of one target share its scale."""
        values = np.array(self.centre) + np.array(self.scale) * Y
        return np.exp(values) if self.scaling == "log" else values


@dataclass(frozen=True)
class WatchedMetric:
    """A metric of predictions, asked with scores and encoded targets, as training has them."""

    metric: Metric
    target: Target
    loss: Loss

    @property
    def name(self) -> str:
        """What the metric is called."""
        return self.metric.name

    def __call__(self, S: Array, Y: Array, weights: Array | None) -> float:
        truth = Y[:, 0] if self.target.classes else self.target.decode_targets(Y)
        return self.metric.value(self.target.decode(self.loss, S), truth, weights)


def target_numbers(series: pl.Series, reading: Reading = PLAIN) -> np.ndarray:
    """A target's finite numbers."""
    values = numbers(series, "target", reading)
    if np.isnan(values).any():
        row = int(np.isnan(values).argmax())
        raise FieldError.of(series, row, "field.missing", "target")
    return values


def guess_task(series: pl.Series) -> Literal["regression", "classification"]:
    """Classes for text, true/false and two values only; numbers for numbers. The target is from a `Sheet`."""
    import polars as pl

    known = series.drop_nulls()
    if not (is_text(series) or series.dtype.is_numeric() or series.dtype == pl.Boolean):
        raise ArgumentError("target.type", name=series.name, dtype=series.dtype)
    if series.dtype == pl.Boolean or known.n_unique() == 2:
        return "classification"
    return "classification" if is_text(series) else "regression"
