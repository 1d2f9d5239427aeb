"""The fields of one column as numbers, as true or false, as moments in time, or as levels, however they were stored.

How the text of a column is read was decided once, on all its fields (`reading.py`); that `Reading` is a part of the
table's description, so that later fields are read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.errors import DataError
from backlit.tables import dates, numerals
from backlit.tables.numerals import Question

if TYPE_CHECKING:
    import polars as pl

TRUE, FALSE = ("true", "yes", "1", "1.0"), ("false", "no", "0", "0.0")

#: what people and programs write where they know nothing; the first ones go without saying
SILENT = ("", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "NaT", "NULL", "null", "Null", "<NA>", "#N/A")
MARKS = ("?", "-", "--", "---", "–", "—", ".", "..", "...", "n.a.", "N.A.", "n.a", "#n/a", "(null)", "(blank)")
ERRORS = (r"\N", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!", "#N/A N/A")
_WHOLE = re.compile(r"^([+-]?[0-9]+)[.,]0{1,2}$")  #: a whole number with decimals, as in -999.0
WORDS = ("None", "none", "NONE")  #: which may also be the name of a class
MISSING = (*SILENT, *MARKS, *ERRORS, *WORDS)


@dataclass(frozen=True)
class Reading:
    """How the text of a column is read.

    Attributes
    ----------
    decimal : the decimal mark, "." or ","; "" where no field shows one
    unit : what each number carries: "$", "%", "km"; "" for nothing
    date_order : of day, month and year, such as "dmy", where dates are figures alone
    missing : marks of a missing field, beside the usual ones
    """

    decimal: str = ""
    unit: str = ""
    date_order: str = ""
    missing: tuple[str, ...] = ()


PLAIN = Reading()


class FieldError(DataError):
    """A field that cannot be used: "column 'lat' is inf in row 7; leave it empty".

    Its facts are what ("column 'lat'"), value and row, which is a position among the rows at hand, from 0.
    """

    @classmethod
    def of(cls, series: pl.Series, row: int, kind: str, what: str = "column", **facts: Any) -> FieldError:
        """That of a series' field."""
        return cls(kind, what=f"{what} {series.name!r}", value=series[row], row=row, **facts)

    def at(self, row: int, error: type[DataError] | None = None) -> DataError:
        """The same of another row."""
        return (error or FieldError)(self.kind, **{**self.facts, "row": row})


class QuestionError(DataError):
    """A column with two readings, neither of which is known to be meant."""

    def __init__(self, name: str, question: Question) -> None:
        option, readings = question.option, question.readings
        meant = " or ".join(f"{value} (--{option.replace('_', '-')} {key})" for key, value in readings.items())
        super().__init__(
            "column.two_readings",
            column=name,
            entry=question.entry,
            meant=meant,
            option=option,
            key=next(iter(readings)),
        )
        self.name, self.question = name, question


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
        row = error.facts["row"]
        raise error.at(rows + row if isinstance(rows, int) else int(rows[row])) from None


def is_text(series: pl.Series) -> bool:
    """Whether the fields are text, as categories are too."""
    import polars as pl

    return series.dtype in (pl.String, pl.Categorical, pl.Enum)


def text_of(series: pl.Series, missing: Sequence[str] = (), usual: Sequence[str] = MISSING) -> pl.Series:
    """Text without the blanks around it; null where it says that something is missing.

    Parameters
    ----------
    missing, usual : the marks that say so
    """
    import polars as pl

    text = series.cast(pl.String).str.strip_chars()
    marked = text.is_in([*usual, *missing])
    if numeric := [bare for mark in missing if (bare := _WHOLE.sub(r"\1", mark)).lstrip("+-").isdecimal()]:
        marked |= text.str.replace(_WHOLE.pattern, "$1").is_in(numeric)
    return text.set(marked, None) if marked.any() else text


def without_marks(series: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Numbers, null where one equals a mark of a missing field, such as -999."""
    import polars as pl

    if not missing or not series.dtype.is_numeric():
        return series
    marks = numerals.plain_numbers(pl.Series(list(missing), dtype=pl.String)).drop_nulls()
    return series.set(series.cast(pl.Float64).is_in(marks.to_list()).fill_null(False), None)


def numbers(series: pl.Series, what: str = "column", reading: Reading = PLAIN) -> np.ndarray:
    """Finite numbers, (n,) float64, missing ones NaN.

    Raises
    ------
    FieldError
        A field is no number, infinite, or in another unit than was learnt.
    QuestionError
        The text has two readings.
    """
    import polars as pl

    if is_text(series):
        text = text_of(series, reading.missing)
        series = _read_numbers(text, reading, what)
        if series.null_count() > text.null_count():
            row = first(series.is_null() & text.is_not_null())
            kind, facts = _no_number(text[row], reading)
            raise FieldError.of(text, row, kind, what, **facts)
    elif not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise DataError("column.no_numbers", name=series.name, dtype=series.dtype)
    values = without_marks(series, reading.missing).cast(pl.Float64).to_numpy()
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise FieldError("field.infinite", what=f"{what} {series.name!r}", value=str(values[row]), row=row)
    return values


def _no_number(entry: str, reading: Reading) -> tuple[str, dict[str, str]]:
    """Why a field is no number, as a kind and its facts: it may be one with the other decimal mark."""
    import polars as pl

    other = "," if reading.decimal == "." else "."
    if not reading.decimal or numerals.fields_of(pl.Series([entry]))[other].null_count():
        return "field.no_number", {}
    return "field.other_mark", {"mark": reading.decimal, "other": other}


def _no_date(entry: str, order: str) -> tuple[str, dict[str, str]]:
    """Why a field is no date, as a kind and its facts: it may be one in another order of day, month and year."""
    import polars as pl

    for other in dates.ORDERS if order else ():
        if dates.dates_of(pl.Series([entry]), other).null_count() == 0:
            return "field.other_order", {"order": order, "other": other}
    return "field.not_learnt_date", {}


def _read_numbers(text: pl.Series, reading: Reading, what: str) -> pl.Series:
    """Text as numbers, null where it is none."""
    import polars as pl

    if reading.decimal != ",":
        plain = numerals.plain_numbers(text)
        if plain.null_count() == text.null_count():
            return plain
    fields = numerals.fields_of(text.drop_nulls().unique(maintain_order=True))
    known = fields.filter(pl.col("numeral").is_not_null())
    mark = reading.decimal or numerals.decide(known) or "."
    if isinstance(mark, Question):
        raise QuestionError(text.name, mark)
    of_another = ~pl.col("unit").is_in(["", reading.unit])
    if reading.unit:
        of_another |= ~pl.col("currency").is_in(["", reading.unit])
    other = known.filter(of_another)["text"]
    if len(other):
        kind = "field.other_unit" if reading.unit else "field.no_number"
        raise FieldError.of(text, first(text == other[0]), kind, what, unit=reading.unit)
    values = fields[mark]
    return text.replace_strict(fields["text"], values, default=None, return_dtype=pl.Float64)


def truths(series: pl.Series, reading: Reading = PLAIN) -> np.ndarray:
    """1 for true, 0 for false, NaN for missing; raises `DataError` for anything else."""
    import polars as pl

    if is_text(series):
        words, meant = [*TRUE, *FALSE], [1.0] * len(TRUE) + [0.0] * len(FALSE)
        series = text_of(series, reading.missing)
        values = series.str.to_lowercase().replace_strict(words, meant, default=None, return_dtype=pl.Float64)
    elif series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null):
        series = without_marks(series, reading.missing)
        series = series.fill_nan(None) if series.dtype.is_float() else series
        values = series.cast(pl.Float64)
        values = values.set(~values.is_in([0.0, 1.0]), None)
    else:
        raise DataError("column.no_truths", name=series.name, dtype=series.dtype)
    odd = values.is_null() & series.is_not_null()
    if odd.any():
        raise FieldError.of(series, first(odd), "field.no_truth")
    return values.to_numpy()


def moments(series: pl.Series, reading: Reading = PLAIN) -> pl.Series:
    """Dates, or dates and times without a zone."""
    import polars as pl

    if series.dtype == pl.Datetime:
        return series.dt.replace_time_zone(None)
    if series.dtype in (pl.Date, pl.Null):
        return series.cast(pl.Date)
    if not (is_text(series) or series.dtype.is_integer()):
        raise DataError("column.no_dates", name=series.name, dtype=series.dtype)
    text = text_of(series, reading.missing)
    distinct = text.drop_nulls().unique(maintain_order=True)
    order = reading.date_order or dates.decide(distinct)
    if isinstance(order, Question):
        raise QuestionError(series.name, order)
    if order is None:
        order = min(dates.ORDERS, key=lambda order: dates.dates_of(distinct, order).null_count())
    read = dates.dates_of(distinct, order)
    if read.null_count():
        row = first(text == distinct[first(read.is_null())])
        kind, facts = _no_date(text[row], order)
        raise FieldError.of(text, row, kind, **facts)
    return moments_of(text, distinct, read)


def moments_of(text: pl.Series, distinct: pl.Series, read: pl.Series) -> pl.Series:
    """A column's dates, from those of its distinct fields; with the time of the day where some field tells it."""
    import polars as pl

    read = read if dates.have_times(distinct) else read.cast(pl.Date)
    return text.replace_strict(distinct, read, default=None, return_dtype=read.dtype)


def level_texts(series: pl.Series, written: str = "text", reading: Reading | None = None) -> pl.Series:
    """Levels as text; a number is written alike whether it was stored as 3, as 3.0 or as "3.00".

    Parameters
    ----------
    written : how the levels were stored when they were learnt: text is read as that ("text", "number" or "boolean")
    reading : which marks mean a missing level; None: text is taken as it stands
    """
    import polars as pl

    if series.dtype.is_numeric():
        return _number_texts(series if reading is None else without_marks(series, reading.missing))
    if is_text(series):
        text = series.cast(pl.String) if reading is None else text_of(series, reading.missing)
        if written == "number":
            numbers = numerals.plain_numbers(text.str.strip_chars()).alias(series.name)
            return pl.select(pl.coalesce(_number_texts(numbers), text).alias(series.name)).to_series()
        return text.str.to_lowercase() if written == "boolean" else text
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise DataError("column.no_levels", name=series.name, dtype=series.dtype)
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


def first(true: pl.Series) -> int:
    """The position of the first field that is true."""
    return int(true.arg_max() or 0)
