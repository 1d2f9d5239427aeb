"""The fields of one column as numbers, as true or false, as moments in time, or as levels, however they were stored.

How the text of a column is read was decided once, on all its fields (`reading.py`); that `Reading` is a part of the
table's description, so that later fields are read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    Attributes
    ----------
    what, value, row, remedy : the parts of its message; the row is a position among the rows at hand, from 0
    """

    def __init__(self, what: str, value: str, row: int, remedy: str) -> None:
        super().__init__(what, value, row, remedy)
        self.what, self.value, self.row, self.remedy = what, value, row, remedy

    def __str__(self) -> str:
        return f"{self.what} is {self.value} in row {self.row}{self.remedy}"


class QuestionError(DataError):
    """A column with two readings, neither of which is known to be meant."""

    def __init__(self, name: str, question: Question) -> None:
        super().__init__(name, question)
        self.name, self.question = name, question

    def __str__(self) -> str:
        option, readings = self.question.option, self.question.readings
        meant = " or ".join(f"{value} (--{option.replace('_', '-')} {key})" for key, value in readings.items())
        key = next(iter(readings))
        return (
            f"column {self.name!r} is {self.question.entry!r}, which may be {meant}; say which, in Python by "
            f"{option}={key!r}, or by columns={{{self.name!r}: {{{option!r}: {key!r}}}}}"
        )


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

    name, what = series.name, f"{what} {series.name!r}"
    if is_text(series):
        text = text_of(series, reading.missing)
        series = _read_numbers(text, reading, what)
        if series.null_count() > text.null_count():
            row = _first(series.is_null() & text.is_not_null())
            raise FieldError(what, repr(text[row]), row, _other_mark(text[row], reading) or not_a_number(text[row]))
    elif not (series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null)):
        raise DataError(f"column {name!r} holds {series.dtype}, but numbers are needed; mend it")
    values = without_marks(series, reading.missing).cast(pl.Float64).to_numpy()
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise FieldError(what, str(values[row]), row, "; leave such rows out, or the field empty")
    return values


def not_a_number(entry: str) -> str:
    """What to do about a field that is no number."""
    return f", which is no number; write it as in 1234.5, {_or_else(entry)}"


def _other_mark(entry: str, reading: Reading) -> str:
    """What to do about a field that is a number with the other decimal mark; "" for no such field."""
    import polars as pl

    other = "," if reading.decimal == "." else "."
    if not reading.decimal or numerals.fields_of(pl.Series([entry]))[other].null_count():
        return ""
    return (
        f", but numbers are read with the decimal mark {reading.decimal!r} here; if this table is written with "
        f"{other!r}, say so (--decimal {other}, in Python decimal={other!r})"
    )


def not_a_date(entry: str) -> str:
    """What to do about a field that is no date."""
    return f", which is no date; write it as in 2014-05-31, {_or_else(entry)}"


def _other_order(entry: str, order: str) -> str:
    """What to do about a field that is a date in another order of day, month and year; "" for no such field."""
    import polars as pl

    for other in dates.ORDERS if order else ():
        if dates.dates_of(pl.Series([entry]), other).null_count() == 0:
            return (
                f", but dates are read in the order {order} here; if this table is written with {other}, say so "
                f"(--date-order {other}, in Python date_order={other!r})"
            )
    return ""


def _or_else(entry: str) -> str:
    return (
        f"leave it empty, say that it means a missing one (--missing {entry!r}, in Python "
        f"columns={{name: {{'missing': [{entry!r}]}}}}), or take the column as a category"
    )


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
        learnt = f", but numbers in {reading.unit} were learnt from; write it so"
        raise FieldError(
            what, repr(other[0]), _first(text == other[0]), learnt if reading.unit else not_a_number(other[0])
        )
    values = fields[mark]
    return text.replace_strict(fields["text"], values, default=None, return_dtype=pl.Float64)


def truths(series: pl.Series, reading: Reading = PLAIN) -> np.ndarray:
    """1 for true, 0 for false, NaN for missing; raises `DataError` for anything else."""
    import polars as pl

    if is_text(series):
        words, said = [*TRUE, *FALSE], [1.0] * len(TRUE) + [0.0] * len(FALSE)
        series = text_of(series, reading.missing)
        values = series.str.to_lowercase().replace_strict(words, said, default=None, return_dtype=pl.Float64)
    elif series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null):
        series = without_marks(series, reading.missing)
        values = series.cast(pl.Float64).fill_nan(None)
        values = values.set(~values.is_in([0.0, 1.0]), None)
    else:
        raise DataError(f"column {series.name!r} holds {series.dtype}, but true or false is needed; mend it")
    known = series.fill_nan(None).is_not_null() if series.dtype.is_float() else series.is_not_null()
    odd = values.is_null() & known
    if odd.any():
        row = _first(odd)
        what = f"column {series.name!r}"
        raise FieldError(what, repr(series[row]), row, ", which is neither true nor false; mend it")
    return values.to_numpy()


def moments(series: pl.Series, reading: Reading = PLAIN) -> pl.Series:
    """Dates, or dates and times without a zone."""
    import polars as pl

    if series.dtype == pl.Datetime:
        return series.dt.replace_time_zone(None)
    if series.dtype in (pl.Date, pl.Null):
        return series.cast(pl.Date)
    if not (is_text(series) or series.dtype.is_integer()):
        raise DataError(f"column {series.name!r} holds {series.dtype}, but dates are needed; mend it")
    text = text_of(series, reading.missing)
    distinct = text.drop_nulls().unique(maintain_order=True)
    order = reading.date_order or dates.decide(distinct)
    if isinstance(order, Question):
        raise QuestionError(series.name, order)
    if order is None:
        order = min(dates.ORDERS, key=lambda order: dates.dates_of(distinct, order).null_count())
    read = dates.dates_of(distinct, order)
    if read.null_count():
        row = _first(text == distinct[_first(read.is_null())])
        told = _other_order(text[row], order) or ", which is no date; write it as 2014-05-31"
        raise FieldError(f"column {series.name!r}", repr(text[row]), row, told)
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


def _first(true: pl.Series) -> int:
    return int(true.arg_max() or 0)
