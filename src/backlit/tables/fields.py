"""The fields of one column as numbers, as true or false, as moments in time, or as levels, however they were stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from backlit.errors import DataError

if TYPE_CHECKING:
    import polars as pl

TRUE, FALSE = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0")

#: forms of dates in text; the first that fits all fields of a column is taken
DATE_FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%:z", "%Y%m%dT%H%M%S", "%Y%m%d",
    "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y",
)  # fmt: skip
AMBIGUOUS = ("%m/%d/%Y", "%d/%m/%Y")  #: many dates fit both


class FieldError(DataError):
    """A field that cannot be used: "column 'lat' is inf in row 7; leave it empty".

    Attributes
    ----------
    what, value, row, remedy : the parts of its message; the row is a position among the rows at hand, from 0
    """

    def __init__(self, what: str, value: str, row: int, remedy: str) -> None:
        super().__init__(what, value, row, remedy)
        self.what, self.value, self.row, self.remedy = what, value, row, remedy

    def __str__(self) -> str:
        return f"{self.what} is {self.value} in row {self.row}{self.remedy}"


@contextmanager
def numbered(rows: Sequence[int] | np.ndarray | int) -> Iterator[None]:
    """Let a `FieldError` name the row of the whole table.

    Parameters
    ----------
    rows : the position of each row at hand, or of the first of consecutive ones
    """
    try:
        yield
    except FieldError as error:
        row = rows + error.row if isinstance(rows, int) else int(rows[error.row])
        raise FieldError(error.what, error.value, row, error.remedy) from None


def is_text(series: pl.Series) -> bool:
    """Whether the fields are text, as categories are too."""
    import polars as pl

    return series.dtype in (pl.String, pl.Categorical, pl.Enum)


def numbers(series: pl.Series, what: str = "column") -> np.ndarray:
    """Finite numbers, float64, missing ones NaN; raises `DataError` for anything else."""
    import polars as pl

    what = f"{what} {series.name!r}"
    if is_text(series):
        text, series = series.cast(pl.String), text_to_numbers(series)
        if series.null_count() > text.null_count():
            row = _first(series.is_null() & text.is_not_null())
            raise FieldError(
                what, repr(text[row]), row, ", which is no number; write it as in 1234.5 or leave it empty"
            )
    elif not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise DataError(f"{what} holds {series.dtype}, but numbers are needed; mend it")
    values = series.cast(pl.Float64).to_numpy()
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise FieldError(what, str(values[row]), row, "; leave such rows out, or the field empty")
    return values


def text_to_numbers(series: pl.Series) -> pl.Series:
    """Text such as "1,200" or " 3.5" as numbers; anything else is missing."""
    import polars as pl

    text = series.cast(pl.String)
    plain = text.cast(pl.Float64, strict=False)
    if plain.null_count() == text.null_count():
        return plain
    text = text.str.strip_chars()
    plain = text.cast(pl.Float64, strict=False)
    grouped = text.str.contains(r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$")
    without = text.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
    return pl.select(pl.when(grouped).then(without).otherwise(plain).alias(series.name)).to_series()


def truths(series: pl.Series) -> np.ndarray:
    """1 for true, 0 for false, NaN for missing; raises `DataError` for anything else."""
    import polars as pl

    if is_text(series):
        words, said = [*TRUE, *FALSE], [1.0] * len(TRUE) + [0.0] * len(FALSE)
        plain = series.cast(pl.String).str.strip_chars().str.to_lowercase()
        values = plain.replace_strict(words, said, default=None, return_dtype=pl.Float64)
    elif series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null):
        values = series.cast(pl.Float64).fill_nan(None)
        values = values.set(~values.is_in([0.0, 1.0]), None)
    else:
        raise DataError(f"column {series.name!r} holds {series.dtype}, but true or false is needed; mend it")
    known = (
        series.is_not_null() if is_text(series) or not series.dtype.is_float() else series.fill_nan(None).is_not_null()
    )
    odd = values.is_null() & known
    if odd.any():
        row = _first(odd)
        raise FieldError(
            f"column {series.name!r}", repr(series[row]), row, ", which is neither true nor false; mend it"
        )
    return values.to_numpy()


def moments(series: pl.Series, form: str = "") -> pl.Series:
    """Dates or times without a zone; text is read in the given form, or in another that has one meaning."""
    import polars as pl

    if series.dtype == pl.Datetime:
        return series.dt.replace_time_zone(None)
    if series.dtype in (pl.Date, pl.Null):
        return series.cast(pl.Date)
    if not (is_text(series) or series.dtype.is_integer()):
        raise DataError(f"column {series.name!r} holds {series.dtype}, but dates are needed; mend it")
    text = series.cast(pl.String)
    if not (form and _fits(text, form)):
        form = next((fitting for fitting in date_formats(text) if fitting not in AMBIGUOUS), form or DATE_FORMATS[0])
    dates = _strptime(text, form)
    if dates.null_count() > text.null_count():
        row = _first(dates.is_null() & text.is_not_null())
        like = f", which is no date like {_example(form)!r}; mend it"
        raise FieldError(f"column {series.name!r}", repr(series[row]), row, like)
    return dates


def date_formats(text: pl.Series) -> list[str]:
    """The forms that fit every field."""
    return [form for form in DATE_FORMATS if _fits(text.head(100), form) and _fits(text, form)]


def level_texts(series: pl.Series, written: str = "text") -> pl.Series:
    """Levels as text; a number is written alike whether it was stored as 3, as 3.0 or as "3.00".

    Parameters
    ----------
    written : how the levels were stored when they were learnt: text is read as that ("text", "number" or "boolean")
    """
    import polars as pl

    if series.dtype.is_numeric():
        return _number_texts(series)
    if is_text(series):
        text = series.cast(pl.String)
        if written == "number":
            return pl.select(pl.coalesce(_number_texts(text_to_numbers(text)), text).alias(series.name)).to_series()
        return text.str.to_lowercase() if written == "boolean" else text
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise DataError(f"column {series.name!r} holds {series.dtype}, but text or numbers are needed; mend it")
    return series.cast(pl.String)


def _number_texts(series: pl.Series) -> pl.Series:
    import polars as pl

    if series.dtype.is_integer():
        return series.cast(pl.String)
    values = series.cast(pl.Float64) if series.dtype.is_decimal() else series
    values = values.fill_nan(None)
    whole = values.cast(pl.Int64, strict=False)
    as_whole = (whole.cast(pl.Float64) == values) & (values.abs() < 2.0**53)
    return pl.select(
        pl.when(as_whole).then(whole.cast(pl.String)).otherwise(values.cast(pl.String)).alias(series.name)
    ).to_series()


def _strptime(text: pl.Series, form: str) -> pl.Series:
    import polars as pl

    dates = text.str.strptime(pl.Datetime if "%H" in form else pl.Date, form, strict=False)
    return dates.dt.replace_time_zone(None) if dates.dtype == pl.Datetime else dates


def _fits(text: pl.Series, form: str) -> bool:
    return _strptime(text, form).null_count() == text.null_count()


def _example(form: str) -> str:
    from datetime import UTC, datetime

    return datetime(2014, 5, 31, 9, 30, tzinfo=UTC).strftime(form.replace("%.f", "").replace("%:z", "+00:00"))


def _first(true: pl.Series) -> int:
    return int(true.arg_max() or 0)
