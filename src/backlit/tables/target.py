"""What is predicted: how its values become the network's targets, and its scores predictions again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from backlit.core.arrays import Array
from backlit.core.losses import Loss
from backlit.errors import ArgumentError, DataError, require
from backlit.tables.columns import Category, Number

if TYPE_CHECKING:
    import polars as pl

Scaling = Literal["standard", "log", "raw"]


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
    """

    names: tuple[str, ...]
    scaling: Scaling | Literal["classes"]
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    classes: tuple[Any, ...] = ()
    unit: str = ""

    @classmethod
    def fit_numbers(cls, frame: pl.DataFrame, scaling: Scaling = "standard", unit: str = "") -> Target:
        """Centre and scale of each column of `frame`, the training rows' targets."""
        require("target", scaling, lambda v: v in ("standard", "log", "raw"), "'standard', 'log' or 'raw'")
        values = np.stack([target_numbers(frame[name]) for name in frame.columns], axis=1)
        for name, column in zip(frame.columns, values.T):
            if scaling == "log" and column.min() <= 0:
                row = int(np.argmin(column))
                raise DataError(f"target {name!r} is {column[row]:g} in row {row}; its log needs numbers above 0")
        if scaling == "raw":
            return cls(tuple(frame.columns), scaling, (0.0,) * frame.width, (1.0,) * frame.width, unit=unit)
        values = np.log(values) if scaling == "log" else values
        scale = np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
        return cls(tuple(frame.columns), scaling, tuple(values.mean(axis=0).tolist()), tuple(scale.tolist()), unit=unit)

    @classmethod
    def fit_classes(cls, series: pl.Series) -> Target:
        """The classes in sorted order; raises `DataError` where there is one only."""
        classes: tuple[Any, ...] = tuple(series.drop_nulls().unique().sort().to_list())
        if len(classes) < 2:
            raise DataError(
                f"target {series.name!r} has one class only, {series.drop_nulls().first()!r}; give two or more"
            )
        return cls((series.name,), "classes", classes=classes)

    @property
    def outputs(self) -> int:
        """How many scores the network needs for it, unless its loss says otherwise."""
        return len(self.names) if not self.classes else 1 if len(self.classes) == 2 else len(self.classes)

    def encode(self, frame: pl.DataFrame) -> np.ndarray:
        """(n, k) targets, float64."""
        if self.classes:
            import polars as pl

            texts = Category.texts(frame[self.names[0]])
            known = Category.texts(pl.Series(self.classes)).to_list()
            place = texts.replace_strict(known, list(range(len(known))), default=-1).to_numpy()
            if (place < 0).any():
                row = int(np.argmin(place))
                raise DataError(f"target {self.names[0]!r} is {texts[row]!r} in row {row}, a class that was not learnt")
            return place.astype(np.float64)[:, None]
        values = np.stack([target_numbers(frame[name]) for name in self.names], axis=1)
        return ((np.log(values) if self.scaling == "log" else values) - self.centre) / self.scale

    def decode(self, loss: Loss, S: Array) -> np.ndarray:
        """Predictions in the target's unit, (n, k), from scores; probabilities of every class for classes."""
        prediction = np.asarray(loss.predict(np.asarray(S, dtype=np.float64)))
        if self.classes:
            return np.hstack([1 - prediction, prediction]) if prediction.shape[1] == 1 else prediction
        return self.decode_targets(prediction)

    def decode_targets(self, Y: np.ndarray) -> np.ndarray:
        """Numbers in the target's unit, (n, k), from encoded ones; several quantiles of one target share its scale."""
        values = np.array(self.centre) + np.array(self.scale) * Y
        return np.exp(values) if self.scaling == "log" else values


def target_numbers(series: pl.Series) -> np.ndarray:
    """A target's finite numbers."""
    values = Number.values(series)
    if np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0])
        raise DataError(f"target {series.name!r} is missing or no number in row {row}; leave such rows out")
    return values


def guess_task(series: pl.Series) -> Literal["regression", "classification"]:
    """Classes if the target is text or true/false, or holds two values only; numbers otherwise."""
    import polars as pl

    if series.dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
        return "classification"
    if not series.dtype.is_numeric():
        raise ArgumentError(f"target {series.name!r} holds {series.dtype}; it must be numbers or classes")
    return "classification" if series.drop_nulls().n_unique() == 2 else "regression"
