"""Which kind a column is, and which columns are left out, with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.tables.fields import is_text
from backlit.tables.reading import DROP, Sheet
from backlit.words import Remark

if TYPE_CHECKING:
    import polars as pl

_ID_NAME = re.compile(
    r"(^|[_\s.])(id|uid|uuid|guid|key|index|rownames?|rowid|row|no|nr)$|^unnamed|(?-i:(?<=[a-z])(ID|Id))$", re.I
)
_NUMBERED_NAME = re.compile(
    r"parcel|order|customer|account|invoice|ticket|serial|member|client|number|num\b|code", re.I
)
#: of the time of a series, which numbers its rows and is learnt from
_TIME_NAME = re.compile(r"(^|[_\W])(year|yr|date|day|week|month|quarter|time|timestamp|index)$", re.I)
LEAST_NUMBERED = 50  #: rows from which on nearly unique whole numbers are worth a word
LEAST_TELLING = 30  #: rows from which on a column can give the target away
GLANCE = 300  #: rows that are looked at before all are
SAME = 1e-6  #: share of the target's variance that rounding may leave unexplained


@dataclass(frozen=True)
class Guess:
    """A column's kind ("number", "category", "boolean", "date" or "drop"), and what there is to say about it.

    spare : whether it is left out only where something else is there to learn from
    """

    kind: str
    notice: Remark | None = None
    spare: bool = False


def choose_kinds(sheet: Sheet, names: Sequence[str], kinds: Mapping[str, str], rows: np.ndarray) -> dict[str, Guess]:
    """What each of these columns is: what the user says, else what it most likely is.

    Left out is also a column that equals an earlier one, or that is the same in all rows to learn from.

    Parameters
    ----------
    kinds : what the user says of some
    rows : positions of the rows to learn from

    Raises
    ------
    DataError
        What troubles a column that is not taken as it stands.
    """
    guesses: dict[str, Guess] = {}
    earlier: dict[Any, list[pl.Series]] = {}
    for name in names:
        if kinds.get(name) not in ("category", DROP):
            sheet.require_plain([name])
        series = sheet[name]
        guess = Guess(kinds[name]) if name in kinds else guess_kind(series)
        if guess.kind != DROP:
            twin = _twin(series, earlier)
            if twin is not None and name not in kinds:
                guess = Guess(DROP, Remark("column.twin", column=name, other=twin))
        guesses[name] = guess
    if all(guess.kind == DROP for guess in guesses.values()):
        guesses |= {name: Guess("number") for name, guess in guesses.items() if guess.spare}
    for name, guess in guesses.items():
        if guess.kind != DROP and name not in kinds and (fault := _fault_in(sheet[name][rows])):
            guesses[name] = Guess(DROP, Remark(f"column.{fault}_in_part", column=name))
    return guesses


def _fault_in(part: pl.Series) -> str:
    """Why there is nothing to learn from the training rows of a column: "missing", "same"; "" where there is."""
    known = part.drop_nulls()
    if len(known) == 0:
        return "missing"
    return "same" if len(known) == len(part) and not (known != known[0]).any() else ""


def _twin(series: pl.Series, earlier: dict[Any, list[pl.Series]]) -> str | None:
    """The name of an earlier column with the same content."""
    alike = earlier.setdefault((str(series.dtype), series.null_count(), series.hash(seed=0).sum()), [])
    for other in alike:
        if series.equals(other):
            return other.name
    alike.append(series)
    return None


def guess_kind(series: pl.Series) -> Guess:
    """What a column that was read most likely is.

    Left out ("drop") is a column with one value only, one that numbers or names its rows, or free text.

    Parameters
    ----------
    series : from a `Sheet`: text in it is neither numbers nor dates
    """
    import polars as pl

    name, dtype = series.name, series.dtype
    known = series.drop_nulls()
    if len(known) == 0:
        return Guess(DROP, Remark("column.missing", column=name))
    if not (dtype.is_numeric() or is_text(series) or dtype in (pl.Boolean, pl.Date, pl.Datetime)):
        return Guess(DROP, Remark("column.type", column=name, type=str(dtype)))
    levels = known.n_unique()
    if levels == 1 and len(known) == len(series):
        return Guess(DROP, Remark("column.same", column=name))
    if dtype == pl.Boolean:
        return Guess("boolean")
    if dtype in (pl.Date, pl.Datetime):
        return Guess("date")
    if dtype.is_numeric():
        return _guess_numbers(known, name, levels)
    return Guess("category") if dtype != pl.String else _guess_text(known, levels)


def _guess_numbers(known: pl.Series, name: str, levels: int) -> Guess:
    import polars as pl

    n, values = len(known), known.cast(pl.Float64).to_numpy()
    whole = known.dtype.is_integer() or bool((values == np.floor(values)).all())
    if whole and np.unique(values).size < levels:
        return Guess(DROP, Remark("column.too_large", column=name, entry=known[0]))
    if whole and n >= 10:
        steps = np.diff(values)
        counted = bool((steps > 0).all()) and float(steps.sum()) <= 2 * n and not _TIME_NAME.search(name)
        if counted or (_ID_NAME.search(name) and levels > 0.9 * n and not _TIME_NAME.search(name)):
            return Guess(DROP, Remark("column.numbers_rows", column=name), spare=True)
        if _NUMBERED_NAME.search(name) and levels > 0.9 * n >= 0.9 * LEAST_NUMBERED:
            return Guess("number", Remark("column.own_numbers", column=name))
    return Guess("number")


def _guess_text(known: pl.Series, levels: int) -> Guess:
    name, entries = known.name, known.unique(maintain_order=True)
    if not (levels > 20 and levels > 0.5 * len(known)):
        return Guess("category")
    long = float(entries.str.len_chars().mean() or 0) > 20  # type: ignore[arg-type]
    kind = "free_text" if long or bool(entries.str.contains(r"\s").any()) else "names_rows"
    if not long and bool(entries.head(100).str.contains(r"^[^\p{L}]*[0-9][^\p{L}]*$").all()):
        kind = "odd_figures"
    return Guess(DROP, Remark(f"column.{kind}", column=name, levels=levels, entry=entries[0]))


def giveaways(sheet: Sheet, targets: pl.DataFrame, names: Sequence[str]) -> list[Remark]:
    """What to say of columns each of which alone gives a target away, as one does that is the target by another name.

    A number does where the target is the same linear function of it in every row; a category or whole number with a few
    levels where each of them has one target only. So does a number along which each class takes one stretch.
    """
    return [
        Remark("target.given_away", column=name, target=target.name)
        for target in targets.iter_columns()
        for name in names
        if _gives_away(sheet[name], target)
    ]


def _gives_away(column: pl.Series, target: pl.Series) -> bool:
    import polars as pl

    rows = pl.DataFrame({"x": column, "y": target})
    first = rows.head(GLANCE).drop_nulls()
    constant = 1 in (first["x"].n_unique(), first["y"].n_unique())
    if not (constant or _one_each(first) or _one_line(first)):  # what holds for all rows holds for some
        return False
    rows = rows.drop_nulls()
    n, levels = rows.height, rows["x"].n_unique()
    if n < LEAST_TELLING or rows["y"].n_unique() < 2:
        return False
    return _one_each(rows) if levels <= n / 3 else _one_line(rows)


def _one_each(rows: pl.DataFrame) -> bool:
    """Whether each x has one y only."""
    return rows.n_unique() == rows["x"].n_unique()


def _one_line(rows: pl.DataFrame) -> bool:
    """Whether y is one linear function of x; or of classes, whether each takes one stretch of x."""
    import polars as pl

    if not rows["x"].dtype.is_numeric():
        return False
    if rows["y"].dtype.is_float():
        x, y = rows["x"].cast(pl.Float64).to_numpy(), rows["y"].to_numpy()
        with np.errstate(all="ignore"):
            return bool(1 - np.corrcoef(x, y)[0, 1] ** 2 < SAME)
    changes = rows.sort("x").select((pl.col("y") != pl.col("y").shift()).sum()).item()
    return int(changes) <= rows["y"].n_unique() - 1
