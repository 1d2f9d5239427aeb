"""Columns to arrays and back: a table's numbers, centred and scaled, with their names and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Column:
    """A column of numbers: encoded = (value − centre) / scale. `unit` is shown behind its numbers."""

    name: str
    centre: float
    scale: float
    unit: str = ""

    @classmethod
    def fit(cls, name: str, values: np.ndarray, unit: str = "") -> Column:
        """Centre and scale are the mean and the standard deviation of `values`; a constant column has scale 1."""
        return cls(name, float(values.mean()), float(values.std()) or 1.0, unit)

    def encode(self, values: np.ndarray) -> np.ndarray:
        return (values - self.centre) / self.scale

    def decode(self, encoded: np.ndarray) -> np.ndarray:
        return self.centre + self.scale * encoded


@dataclass(frozen=True)
class Table:
    """How a frame's columns become the network's inputs and its target, fitted on the training rows."""

    columns: tuple[Column, ...]
    target: Column

    @classmethod
    def fit(
        cls, frame: pl.DataFrame, columns: Sequence[str], target: str, units: Mapping[str, str] | None = None
    ) -> Table:
        """Learn centre and scale of each column from `frame`, the training rows.

        Raises
        ------
        DataError
            No rows; or a column that holds no numbers, or missing or infinite ones.
        UnknownNameError
            A column that is not there.
        """
        if frame.height == 0:
            raise DataError("the table has no rows; give at least one")
        units = units or {}
        *fitted, fitted_target = [
            Column.fit(name, numbers(frame, name), units.get(name, "")) for name in (*columns, target)
        ]
        return cls(tuple(fitted), fitted_target)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs."""
        return tuple(column.name for column in self.columns)

    def encode(self, frame: pl.DataFrame) -> np.ndarray:
        """(n, d) inputs, float64."""
        return np.stack([column.encode(numbers(frame, column.name)) for column in self.columns], axis=1)

    def encode_target(self, frame: pl.DataFrame) -> np.ndarray:
        """(n, 1) targets, float64."""
        return self.target.encode(numbers(frame, self.target.name))[:, None]

    def to_dict(self) -> dict[str, Any]:
        """The table's description as JSON."""
        return {"columns": [asdict(column) for column in self.columns], "target": asdict(self.target)}


def numbers(frame: pl.DataFrame, name: str) -> np.ndarray:
    """A column as finite float64 numbers; raises `DataError` that says where it holds anything else."""
    if name not in frame.columns:
        raise UnknownNameError("column", name, frame.columns)
    column = frame[name]
    if name not in numeric_columns(frame):
        raise DataError(f"column {name!r} holds {column.dtype}, not numbers; leave it out")
    values = column.cast(float).to_numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"column {name!r} has {len(bad)} missing or infinite numbers, the first in row {bad[0]}; "
            "leave those rows out"
        )
    return values


def numeric_columns(frame: pl.DataFrame) -> list[str]:
    """The columns that hold numbers, or true and false."""
    return [name for name, dtype in frame.schema.items() if dtype.is_numeric() or str(dtype) == "Boolean"]
