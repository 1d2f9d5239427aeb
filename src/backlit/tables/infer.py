"""Which kind a column is, and which columns are left out, with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backlit.errors import DataError
from backlit.tables.columns import text_to_dates, text_to_numbers

if TYPE_CHECKING:
    import polars as pl

DROP = "drop"
KIND_NAMES = ("number", "category", "boolean", "date", DROP)

_ID_NAME = re.compile(
    r"(^|[_\s.])(id|uid|uuid|guid|key|index|rownames?|rowid|row|no|nr)$|^unnamed|(?<=[a-z])(ID|Id)$", re.I
)
_MONEY = re.compile(r"^\s*[$€£]\s*[\d.,]+\s*[kKmM]?\s*$|^\s*[\d.,]+\s*[%kKmM€$£]\s*$")


@dataclass(frozen=True)
class Guess:
    """A column's kind ("number", "category", "boolean", "date" or "drop"), and what to tell the user, if anything."""

    kind: str
    notice: str = ""


def guess_kind(series: pl.Series) -> Guess:
    """What a column most likely is.

    Left out ("drop") is a column with one value only, one that numbers or names its rows, or free text.
    """
    import polars as pl

    name, n = series.name, len(series)
    known = series.drop_nulls()
    if series.dtype.is_float():
        known = known.filter(known.is_not_nan())
    if len(known) == 0:
        return Guess(DROP, f"{name} is left out: all its fields are missing")
    levels = known.n_unique()
    if levels == 1 and len(known) == n:
        return Guess(DROP, f"{name} is left out: it is the same in every row")
    if series.dtype == pl.Boolean:
        return Guess("boolean")
    if series.dtype in (pl.Date, pl.Datetime):
        return Guess("date")
    if series.dtype.is_numeric():
        if series.dtype.is_integer() and _numbers_rows(known, name, levels):
            return Guess(DROP, f"{name} is left out: it numbers the rows")
        return Guess("number")
    if series.dtype in (pl.Categorical, pl.Enum):
        return Guess("category")
    if series.dtype != pl.String:
        return Guess(DROP, f"{name} is left out: it holds {series.dtype}")
    return _guess_text(series, known, levels)


def require_kind(name: str, kind: str) -> str:
    """A kind named by the user, checked."""
    if kind not in KIND_NAMES:
        raise DataError(f"columns[{name!r}] is {kind!r}; it must be one of {', '.join(KIND_NAMES)}")
    return kind


def _numbers_rows(known: pl.Series, name: str, levels: int) -> bool:
    n = len(known)
    if n < 10:
        return False
    values = known.to_numpy().astype(np.int64)
    counted = levels == n and bool((np.diff(values) == 1).all())
    return counted or (bool(_ID_NAME.search(name)) and levels > 0.9 * n)


def _guess_text(series: pl.Series, known: pl.Series, levels: int) -> Guess:
    name = series.name
    numbers = text_to_numbers(known)
    share = 1 - numbers.null_count() / len(known)
    if share == 1:
        return Guess("number", f"{name} holds numbers written as text, such as {known[0]!r}; they are read as numbers")
    if text_to_dates(known).dtype.is_temporal():
        return Guess("date")
    odd = known.filter(numbers.is_null())
    if share > 0.5:
        remark = f"{name} is taken as text: {odd[0]!r} is not a number; if it should be one, mend it or leave it empty"
    elif all(map(_MONEY.match, known.head(20).to_list())):
        remark = f"{name} is taken as text: {known[0]!r} is not a number; write it without its sign if it should be one"
    else:
        remark = ""
    if {value.lower() for value in known.head(1000).unique().to_list()} <= {"true", "false", "yes", "no"}:
        return Guess("boolean")
    length = float(known.str.len_chars().mean() or 0)  # type: ignore[arg-type]
    if levels > 20 and levels > 0.5 * len(known):
        what = "free text" if length > 20 or bool(known.str.contains(r"\s").any()) else "names of rows"
        return Guess(DROP, remark or f"{name} is left out: it looks like {what} ({levels:,} different entries)")
    return Guess("category", remark)
