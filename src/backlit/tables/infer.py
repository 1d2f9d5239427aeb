"""Which kind a column is, and which columns are left out, with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backlit.errors import DataError
from backlit.tables.csv_text import has_codes
from backlit.tables.fields import AMBIGUOUS, date_formats, is_text, text_to_numbers

if TYPE_CHECKING:
    import polars as pl

DROP = "drop"
KIND_NAMES = ("number", "category", "boolean", "date", DROP)

_ID_NAME = re.compile(
    r"(^|[_\s.])(id|uid|uuid|guid|key|index|rownames?|rowid|row|no|nr)$|^unnamed|(?<=[a-z])(ID|Id)$", re.I
)
_ALMOST_NUMBER = re.compile(r"^\s*[$€£]?\s*-?\d[\d.,' ]*\s*([km%€$£]|bn)?\s*$", re.I)  # $450k, 12%, 3,5, 1 200
_TRUTHS = {"true", "false", "yes", "no"}


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

    name, dtype = series.name, series.dtype
    known = series.drop_nulls()
    if dtype.is_float():
        known = known.drop_nans()
    if len(known) == 0:
        return Guess(DROP, f"{name} is left out: all its fields are missing")
    if not (dtype.is_numeric() or is_text(series) or dtype in (pl.Boolean, pl.Date, pl.Datetime)):
        return Guess(DROP, f"{name} is left out: it holds {dtype}")
    levels = known.n_unique()
    if levels == 1 and len(known) == len(series):
        return Guess(DROP, f"{name} is left out: it is the same in every row")
    if dtype == pl.Boolean:
        return Guess("boolean")
    if dtype in (pl.Date, pl.Datetime):
        return Guess("date")
    if dtype.is_numeric():
        if dtype.is_integer() and _numbers_rows(known, name, levels):
            return Guess(DROP, f"{name} is left out: it numbers the rows")
        return Guess("number")
    return Guess("category") if dtype != pl.String else _guess_text(known, levels)


def require_kind(name: str, kind: str) -> str:
    """A kind named by the user, checked."""
    if kind not in KIND_NAMES:
        raise DataError(f"columns[{name!r}] is {kind!r}; it must be one of {', '.join(KIND_NAMES)}")
    return kind


def _numbers_rows(known: pl.Series, name: str, levels: int) -> bool:
    """Counted upwards with few gaps, as a part of the rows still is; or called an id and nearly all different."""
    n = len(known)
    if n < 10:
        return False
    steps = np.diff(known.to_numpy().astype(np.float64))
    counted = bool((steps > 0).all()) and float(steps.sum()) <= 2 * n
    return counted or (bool(_ID_NAME.search(name)) and levels > 0.9 * n)


def _guess_text(known: pl.Series, levels: int) -> Guess:
    name, entries = known.name, known.unique(maintain_order=True)
    first = entries[0]
    readable, codes = text_to_numbers(entries).is_not_null(), has_codes(entries)
    if readable.all() and not codes:
        return Guess("number", f"{name} holds numbers written as text, such as {first!r}; they are read as numbers")
    formats = [] if codes else date_formats(entries)
    if formats:
        several = set(AMBIGUOUS) <= set(formats)
        return Guess("date", f"{name} is read as month/day/year, such as {first!r}" if several else "")
    if levels <= 20 and set(entries.str.to_lowercase()) <= _TRUTHS:
        return Guess("boolean")
    told, odd = "", entries.filter(~readable)
    if len(odd) and (len(odd) < 0.5 * levels or all(map(_ALMOST_NUMBER.match, odd.head(20).to_list()))):
        told = f"{odd[0]!r} is not a number; write it as in 450000 or leave it empty if it should be one"
    if levels > 20 and levels > 0.5 * len(known):
        long = float(entries.str.len_chars().mean() or 0) > 20  # type: ignore[arg-type]
        what = "free text" if long or bool(entries.str.contains(r"\s").any()) else "names of rows"
        told = f"; {told}" if told else ""
        return Guess(DROP, f"{name} is left out: it looks like {what} ({levels:,} different entries){told}")
    if codes:
        return Guess("category", f"{name} holds codes that begin with a zero; they are taken as categories")
    return Guess("category", told and f"{name} is taken as text: {told}")
