"""The kinds of columns, and how each becomes inputs of the network and can be read back from them.

Every kind is a record that is fitted on the training rows, encodes any rows later, and is plain JSON. `fit` takes all
rows, each of which must be of the kind, and learns from those at `rows`; it has the weights of the latter. A field that
was stored as a number, as true/false or as a date when the kind was fitted may later come as text, as it does from a
CSV.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backlit.errors import DataError
from backlit.tables.fields import PLAIN, Reading, is_text, level_texts, moments, numbers, truths
from backlit.tables.metrics import Weights

if TYPE_CHECKING:
    import polars as pl

MOST_LEVELS = 64  #: of a category that get an input of their own; the rarer ones share one
OTHER, UNKNOWN = "other", "missing"
DAYS = "days since 1970"
ALL = slice(None)  #: rows
_FAR = 1e30  # beyond what any learnt number is, within float32


@dataclass(frozen=True)
class Input:
    """One input of the network.

    Attributes
    ----------
    name : unique in the table, as in the names of weights
    column : the column it comes from
    label : what it means, for people
    unit : of its numbers
    edges : where its bins begin and end, in encoded units; () without bins
    centre, scale : the number that an encoded x stands for is centre + scale · x, if no outlier was held back
    """

    name: str
    column: str
    label: str
    unit: str = ""
    edges: tuple[float, ...] = ()
    centre: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Number:
    """Numbers: (value − centre) / scale; a missing one counts as the centre, marked with 1 in an input of its own.

    edges : of the bins, in encoded units; values beyond them count as the outermost, for nothing was learnt out there
    missing : whether some were missing in the training rows
    smooth : whether x / √(1 + (x/3)²) holds outliers within ±3, as it does without bins
    reading : how text is read as numbers
    """

    name: str
    centre: float
    scale: float
    unit: str = ""
    edges: tuple[float, ...] = ()
    missing: bool = False
    smooth: bool = False
    reading: Reading = PLAIN

    kind: ClassVar[str] = "number"

    @classmethod
    def fit(
        cls, series: pl.Series, rows: Any = ALL, unit: str = "", bins: int | None = None, weights: Weights = None,
        reading: Reading = PLAIN,
    ) -> Number:  # fmt: skip
        """Centre: the median; scale: the distance between the quartiles, or half the range where that is 0."""
        values = numbers(series, reading=reading)[rows]
        here = ~np.isnan(values)
        known, heavy = values[here], None if weights is None else weights[here]
        low, centre, high = quantiles(known, [0.25, 0.5, 0.75], heavy).tolist()
        scale = (high - low) or (float(known.max()) - float(known.min())) / 2 or 1.0
        column = cls(series.name, centre, min(scale, 1e300), unit, (), len(known) < len(values), not bins, reading)
        if not bins:
            return column
        return replace(column, edges=_distinct(column.scaled(quantiles(known, np.linspace(0, 1, bins + 1), heavy))))

    def inputs(self) -> list[Input]:
        extra = [Input(f"{self.name} {UNKNOWN}", self.name, f"{self.name} is missing")] if self.missing else []
        return [Input(self.name, self.name, self.name, self.unit, self.edges, self.centre, self.scale), *extra]

    def scaled(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return ((values - self.centre) / self.scale).clip(-_FAR, _FAR)

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        """Fill the (n, inputs) part of X that is this column's."""
        values = numbers(series, reading=self.reading)
        unknown = np.isnan(values)
        x = self.scaled(values)
        x[unknown] = 0.0
        if self.edges:
            x = x.clip(self.edges[0], self.edges[-1])
        out[:, 0] = x / np.sqrt(1 + (x / 3) ** 2) if self.smooth else x
        if self.missing:
            out[:, 1] = unknown

    def decode(self, x: np.ndarray | float) -> np.ndarray | float:
        """Encoded numbers in the column's unit again; an outlier that was held back as far as it can be told."""
        return self.centre + self.scale * (x / np.sqrt(np.maximum(1 - (x / 3) ** 2, 1e-12)) if self.smooth else x)


@dataclass(frozen=True)
class Category:
    """Levels: an input for each, 1 where the row has it. Rarer levels, and unseen ones, share the input "other".

    written : how the levels were stored: "text", "number" or "boolean"
    reading : which marks stand for a missing level
    """

    name: str
    levels: tuple[str, ...]
    other: bool = False
    missing: bool = False
    written: str = "text"
    reading: Reading = PLAIN

    kind: ClassVar[str] = "category"

    @classmethod
    def fit(cls, series: pl.Series, rows: Any = ALL, weights: Weights = None, reading: Reading = PLAIN) -> Category:
        """The levels in sorted order; of more than MOST_LEVELS, the most frequent."""
        import polars as pl

        text = level_texts(series[rows], reading=reading)
        counts = (
            pl.DataFrame({"level": text, "weight": np.ones(len(text)) if weights is None else weights})
            .drop_nulls()
            .group_by("level")
            .agg(pl.col("weight").sort().sum())
            .sort(["weight", "level"], descending=[True, False])
        )
        levels = counts["level"].to_list()
        frequent = levels if len(levels) <= MOST_LEVELS else levels[: MOST_LEVELS - 1]
        written = "boolean" if series.dtype == pl.Boolean else "number" if series.dtype.is_numeric() else "text"
        missing = text.null_count() > 0
        return cls(series.name, tuple(sorted(frequent)), len(levels) > MOST_LEVELS, missing, written, reading)

    def inputs(self) -> list[Input]:
        shown = [*self.levels, *([OTHER] if self.other else []), *([UNKNOWN] if self.missing else [])]
        names = [f"{self.name}={level}" for level in self.levels]
        names += [f"{self.name} {OTHER}"] * self.other + [f"{self.name} {UNKNOWN}"] * self.missing
        return [Input(name, self.name, f"{self.name} is {level}") for name, level in zip(names, shown)]

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        text = level_texts(series, self.written, self.reading)
        n = len(self.levels)
        place = text.replace_strict(list(self.levels), list(range(n)), default=-1, return_dtype=None).to_numpy()
        unknown = text.is_null().to_numpy()
        self._require_alike(series, place[~unknown])
        place = np.where(
            unknown, n + self.other if self.missing else -1, np.where(place < 0, n if self.other else -1, place)
        )
        out[:] = 0.0
        rows = np.flatnonzero(place >= 0)
        out[rows, place[rows].astype(np.int64)] = 1.0

    def unseen(self, series: pl.Series) -> pl.Series:
        """The fields that stand for no level."""
        text = level_texts(series, self.written, self.reading).drop_nulls()
        return text.filter(~text.is_in(list(self.levels)))

    def _require_alike(self, series: pl.Series, place: np.ndarray) -> None:
        """Raise `DataError` where text was learnt from, and now no field is any of its levels, nor text."""
        if self.written == "text" and self.levels and len(place) and (place < 0).all() and not is_text(series):
            raise DataError(
                "column.text_learnt",
                name=self.name,
                dtype=series.dtype,
                entry=series.drop_nulls()[0],
                level=self.levels[0],
            )


@dataclass(frozen=True)
class Boolean:
    """True and false as +1 and −1; missing as 0."""

    name: str
    reading: Reading = PLAIN

    kind: ClassVar[str] = "boolean"

    @classmethod
    def fit(cls, series: pl.Series, reading: Reading = PLAIN) -> Boolean:
        truths(series, reading)
        return cls(series.name, reading)

    def inputs(self) -> list[Input]:
        return [Input(self.name, self.name, self.name)]

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        values = truths(series, self.reading)
        out[:, 0] = np.where(np.isnan(values), 0.0, 2.0 * values - 1.0)


@dataclass(frozen=True)
class Date:
    """Dates and times in their parts, each a number of its own.

    reading : in which order days, months and years were written
    """

    name: str
    parts: tuple[Number, ...]
    reading: Reading = PLAIN

    kind: ClassVar[str] = "date"

    PARTS: ClassVar[tuple[str, ...]] = ("day", "year", "month", "weekday", "hour")

    @classmethod
    def fit(
        cls, series: pl.Series, rows: Any = ALL, bins: int | None = None, weights: Weights = None,
        reading: Reading = PLAIN,
    ) -> Date:  # fmt: skip
        """The day since 1970, and year, month, weekday and hour as far as they vary."""
        dates = moments(series, reading)[rows]
        values = {part: cls._part(dates, part) for part in cls.PARTS}
        varying = [part for part in cls.PARTS if part == "day" or values[part].drop_nulls().n_unique() > 1]
        units = {"day": DAYS}
        parts = [Number.fit(values[part].alias(part), ALL, units.get(part, ""), bins, weights) for part in varying]
        parts[1:] = [replace(part, missing=False) for part in parts[1:]]  # one input says that the date is missing
        return cls(series.name, tuple(parts), reading)

    @staticmethod
    def _part(dates: pl.Series, part: str) -> pl.Series:
        import polars as pl

        if part == "hour":
            return dates.cast(pl.Datetime).dt.hour()
        dates = dates.cast(pl.Date)
        return dates.to_physical() if part == "day" else getattr(dates.dt, part)()

    def inputs(self) -> list[Input]:
        return [
            replace(one, name=f"{self.name}.{one.name}", column=self.name, label=f"{self.name}: {one.label}")
            for part in self.parts
            for one in part.inputs()
        ]

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        dates, start = moments(series, self.reading), 0
        for part in self.parts:
            width = len(part.inputs())
            part.encode(self._part(dates, part.name), out[:, start : start + width])
            start += width


Column = Number | Category | Boolean | Date

KINDS: dict[str, type[Column]] = {cls.kind: cls for cls in (Number, Category, Boolean, Date)}


def quantiles(values: np.ndarray, shares: Any, weights: Weights = None) -> np.ndarray:
    """Numbers below which these shares of all rows lie, linear between one row and the next.

    Weighted, a row of weight 2 counts as two rows of the lightest weight: whole weights give the quantiles of the rows
    repeated so often, and equal ones those without weights (Hyndman & Fan, The American Statistician 1996, type 7).
    """
    if weights is None or weights.min() == weights.max():
        return np.quantile(values, shares)
    order = np.argsort(values, kind="stable")
    ends, one = np.cumsum(weights[order]), float(weights.min())
    starts = np.concatenate([[0.0], ends[:-1]])
    knots = np.column_stack([starts, np.maximum(ends - one, starts)]).ravel()
    return np.interp(np.asarray(shares) * (ends[-1] - one), knots, np.repeat(values[order], 2))


def _distinct(edges: np.ndarray) -> tuple[float, ...]:
    """Edges that float32 tells apart with room to spare; () where fewer than two are left."""
    kept = [float(edges[0])]
    for edge in edges[1:].tolist():
        if edge - kept[-1] > 1e-5 * max(abs(edge), abs(kept[-1])) + 1 / _FAR:
            kept.append(edge)
    return tuple(kept) if len(kept) > 1 else ()
