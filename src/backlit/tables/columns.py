"""The kinds of columns, and how each becomes inputs of the network and can be read back from them.

Every kind is a record that is fitted on the training rows, encodes any rows later, and is plain JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from backlit.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MOST_LEVELS = 64  #: of a category that get an input of their own; the rarer ones share one
OTHER, UNKNOWN = "other", "missing"


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
    """

    name: str
    column: str
    label: str
    unit: str = ""
    edges: tuple[float, ...] = ()


@dataclass(frozen=True)
class Number:
    """Numbers: (value − centre) / scale; a missing one counts as the centre, and says so in an input of its own.

    edges : of the bins, in encoded units; values beyond them count as the outermost, for nothing was learnt out there
    missing : whether some were missing in the training rows
    smooth : whether x / √(1 + (x/3)²) holds outliers within ±3, as it does without bins
    """

    name: str
    centre: float
    scale: float
    unit: str = ""
    edges: tuple[float, ...] = ()
    missing: bool = False
    smooth: bool = False

    kind: ClassVar[str] = "number"

    @classmethod
    def fit(cls, series: pl.Series, unit: str = "", bins: int | None = None) -> Number:
        """Centre: the median; scale: the distance between the quartiles, or half the range where that is 0."""
        values = cls.values(series)
        known = values[~np.isnan(values)]
        low, centre, high = np.quantile(known, [0.25, 0.5, 0.75]).tolist()
        scale = (high - low) or (known.max() - known.min()) / 2 or 1.0
        edges: tuple[float, ...] = ()
        if bins:
            edges = _distinct((np.quantile(known, np.linspace(0, 1, bins + 1)) - centre) / scale)
        return cls(series.name, centre, float(scale), unit, edges, len(known) < len(values), not bins)

    @staticmethod
    def values(series: pl.Series) -> np.ndarray:
        """float64, missing ones NaN."""
        import polars as pl

        if series.dtype == pl.String:
            text, series = series, text_to_numbers(series)
            if series.null_count() > text.null_count():
                row = int((series.is_null() & text.is_not_null()).arg_max() or 0)
                raise DataError(f"column {series.name!r} is {text[row]!r} in row {row}, which is no number; mend it")
        elif not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
            raise DataError(
                f"column {series.name!r} holds {series.dtype}, but numbers were learnt from; make them alike"
            )
        values = series.cast(pl.Float64).to_numpy()
        if np.isinf(values).any():
            row = int(np.flatnonzero(np.isinf(values))[0])
            raise DataError(
                f"column {series.name!r} is {values[row]} in row {row}; leave such rows out, or the field empty"
            )
        return values

    def inputs(self) -> list[Input]:
        extra = [Input(f"{self.name} {UNKNOWN}", self.name, f"{self.name} is missing")] if self.missing else []
        return [Input(self.name, self.name, self.name, self.unit, self.edges), *extra]

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        """Fill the (n, inputs) part of X that is this column's."""
        values = self.values(series)
        unknown = np.isnan(values)
        x = (values - self.centre) / self.scale
        x[unknown] = 0.0
        if self.edges:
            x = x.clip(self.edges[0], self.edges[-1])
        out[:, 0] = x / np.sqrt(1 + (x / 3) ** 2) if self.smooth else x
        if self.missing:
            out[:, 1] = unknown

    def decode(self, x: np.ndarray | float) -> np.ndarray | float:
        """Encoded numbers in the column's unit again."""
        return self.centre + self.scale * x


@dataclass(frozen=True)
class Category:
    """Levels: an input for each, 1 where the row has it. Rarer levels, and unseen ones, share the input "other"."""

    name: str
    levels: tuple[str, ...]
    other: bool = False
    missing: bool = False

    kind: ClassVar[str] = "category"

    @classmethod
    def fit(cls, series: pl.Series) -> Category:
        text = cls.texts(series)
        counts = text.drop_nulls().value_counts(sort=True, name="n").sort(["n", series.name], descending=[True, False])
        levels = tuple(counts[series.name].to_list())
        frequent = levels if len(levels) <= MOST_LEVELS else tuple(sorted(levels[: MOST_LEVELS - 1]))
        return cls(series.name, tuple(sorted(frequent)), len(levels) > MOST_LEVELS, text.null_count() > 0)

    @staticmethod
    def texts(series: pl.Series) -> pl.Series:
        """The levels as text; a whole number is written alike whether it was stored as 3 or as 3.0."""
        import polars as pl

        if series.dtype.is_float() and bool((series.drop_nulls() % 1 == 0).all()):
            series = series.cast(pl.Int64, strict=False)
        return series.cast(pl.String)

    def inputs(self) -> list[Input]:
        shown = [*self.levels, *([OTHER] if self.other else []), *([UNKNOWN] if self.missing else [])]
        names = [f"{self.name}={level}" for level in self.levels]
        names += [f"{self.name} {OTHER}"] * self.other + [f"{self.name} {UNKNOWN}"] * self.missing
        return [Input(name, self.name, f"{self.name} is {level}") for name, level in zip(names, shown)]

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        text = self.texts(series)
        n = len(self.levels)
        place = text.replace_strict(list(self.levels), list(range(n)), default=n if self.other else -1).to_numpy()
        unknown = text.is_null().to_numpy()
        out[:] = 0.0
        place = np.where(unknown, n + self.other if self.missing else -1, place)
        rows = np.flatnonzero(place >= 0)
        out[rows, place[rows].astype(np.int64)] = 1.0


@dataclass(frozen=True)
class Boolean:
    """True and false as +1 and −1; missing as 0."""

    name: str

    kind: ClassVar[str] = "boolean"

    @classmethod
    def fit(cls, series: pl.Series) -> Boolean:
        return cls(series.name)

    def inputs(self) -> list[Input]:
        return [Input(self.name, self.name, self.name)]

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        import polars as pl

        if series.dtype == pl.String:
            series = series.str.to_lowercase().replace_strict(
                ["true", "yes", "1", "false", "no", "0"], [True] * 3 + [False] * 3, default=None
            )
        values = series.cast(pl.Float64).to_numpy()
        out[:, 0] = np.where(np.isnan(values), 0.0, 2.0 * (values != 0) - 1.0)


@dataclass(frozen=True)
class Date:
    """Dates and times in their parts, each a number of its own."""

    name: str
    parts: tuple[Number, ...]

    kind: ClassVar[str] = "date"

    PARTS: ClassVar[tuple[str, ...]] = ("day", "year", "month", "weekday", "hour")

    @classmethod
    def fit(cls, series: pl.Series, bins: int | None = None) -> Date:
        """The day since 1970, year, month, weekday and hour, as far as they vary."""
        values = {part: cls._part(series, part) for part in cls.PARTS}
        varying = [part for part, numbers in values.items() if numbers.drop_nulls().n_unique() > 1]
        return cls(series.name, tuple(Number.fit(values[part].alias(part), bins=bins) for part in varying))

    @staticmethod
    def _part(series: pl.Series, part: str) -> pl.Series:
        import polars as pl

        if series.dtype == pl.String:
            series = text_to_dates(series)
        if series.dtype not in (pl.Date, pl.Datetime):
            raise DataError(f"column {series.name!r} holds {series.dtype}, but dates were learnt from; make them alike")
        if part == "hour":
            return series.cast(pl.Datetime).dt.hour()
        dates = series.cast(pl.Date)
        return dates.to_physical() if part == "day" else getattr(dates.dt, part)()

    def inputs(self) -> list[Input]:
        return [
            Input(f"{self.name}.{given.name}", self.name, f"{self.name}: {given.label}", "", given.edges)
            for part in self.parts
            for given in part.inputs()
        ]

    def encode(self, series: pl.Series, out: np.ndarray) -> None:
        start = 0
        for part in self.parts:
            width = len(part.inputs())
            part.encode(self._part(series, part.name).alias(f"{self.name}.{part.name}"), out[:, start : start + width])
            start += width


Column = Number | Category | Boolean | Date

KINDS: dict[str, type[Column]] = {cls.kind: cls for cls in (Number, Category, Boolean, Date)}


def _distinct(edges: np.ndarray) -> tuple[float, ...]:
    """Edges that float32 tells apart with room to spare; () where fewer than two are left."""
    least = 1e-5 * max(1.0, float(np.abs(edges).max()))
    kept = [float(edges[0])]
    for edge in edges[1:].tolist():
        if edge - kept[-1] > least:
            kept.append(edge)
    return tuple(kept) if len(kept) > 1 else ()


def text_to_numbers(series: pl.Series) -> pl.Series:
    """Text such as "1,200" or " 3.5" as numbers; anything else is missing."""
    import polars as pl

    plain = series.str.strip_chars()
    grouped = plain.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
    plain = pl.select(pl.when(grouped).then(plain.str.replace_all(",", "")).otherwise(plain)).to_series()
    return plain.cast(pl.Float64, strict=False).alias(series.name)


_DATE_FORMATS = ("%Y-%m-%d", "%Y%m%dT%H%M%S", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y")


def text_to_dates(series: pl.Series) -> pl.Series:
    """Text in the first usual form that fits every entry, as dates; as it is where none does."""
    import polars as pl

    for form in _DATE_FORMATS:
        kind = pl.Datetime if "%H" in form else pl.Date
        dates = series.str.strptime(kind, form, strict=False)
        if dates.null_count() == series.null_count():
            return dates
    times = series.str.to_datetime(strict=False, format="%Y-%m-%dT%H:%M:%S")
    return times if times.null_count() == series.null_count() else series
