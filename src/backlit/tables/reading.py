"""A table is read once: each column of text becomes numbers, dates, truth values or levels, and what was noticed.

Whoever learns from a column, encodes it, groups or splits by it takes it from the `Sheet` that `read_frame` makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from backlit.errors import ArgumentError, DataError, UnknownNameError, require
from backlit.tables import dates, numerals
from backlit.tables.fields import (
    FALSE,
    MISSING,
    SILENT,
    TRUE,
    WORDS,
    FieldError,
    QuestionError,
    Reading,
    first,
    is_text,
    moments_of,
    text_of,
    without_marks,
)
from backlit.tables.numerals import Question
from backlit.words import Remark

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

DROP = "drop"
KIND_NAMES = ("number", "category", "boolean", "date", DROP)
FEW = 0.05  #: of a column's distinct fields may be odd among numbers or dates, and are then mistakes, not levels
MANY = 20  #: distinct numbers or dates that make a column one of numbers or dates

Kinds = Mapping[str, Any] | Sequence[str] | None


@dataclass(frozen=True)
class Hint(Reading):
    """What the user says of a column and how it is read; each is "" or () where nothing was said.

    Attributes
    ----------
    kind : one of KIND_NAMES
    target : whether it is what is predicted, which may be the names of classes
    strict : whether the decimal mark was said of this very column, and must fit all its fields
    """

    kind: str = ""
    target: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        for name, values in (("decimal", (".", ",")), ("date_order", dates.ORDERS)):
            setting, value = f"{name} (--{name.replace('_', '-')})", getattr(self, name)
            require(setting, value, lambda v, values=values: v in ("", *values), f"one of {' '.join(values)}")
        object.__setattr__(self, "missing", (self.missing,) if isinstance(self.missing, str) else tuple(self.missing))


@dataclass(frozen=True)
class Hints:
    """What the user says of all columns, and of single ones."""

    general: Hint = Hint()
    columns: Mapping[str, Hint] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Kinds = None, **general: Any) -> Hints:
        """From a mapping of columns to kinds, or to what is said of each: ``{"preis": {"decimal": ","}}``.

        Parameters
        ----------
        general : decimal, date_order and missing of all columns; None for nothing

        Raises
        ------
        DataError, ArgumentError, UnknownNameError
            A kind, a key or a value that there is none of.
        """
        hint = Hint(**{name: value for name, value in general.items() if value is not None})
        single = columns if isinstance(columns, Mapping) else {}
        return cls(hint, {name: _hint(name, own, hint) for name, own in single.items()})

    def __getitem__(self, name: str) -> Hint:
        return self.columns.get(name, self.general)

    def say(self, name: str, **hint: str) -> Hints:
        """The same, and more of one column."""
        return replace(self, columns={**self.columns, name: replace(self[name], **hint, strict="decimal" in hint)})

    def target(self, *names: str) -> Hints:
        """The same, where these columns are what is predicted."""
        return replace(self, columns={**self.columns, **{name: replace(self[name], target=True) for name in names}})


def _hint(name: str, own: Any, general: Hint) -> Hint:
    if isinstance(own, str):
        own = {"kind": own}
    if not isinstance(own, Mapping):
        raise ArgumentError("columns.no_hint", name=name, hint=own)
    known = ("kind", "decimal", "date_order", "missing")
    for key in own:
        if key not in known:
            raise UnknownNameError("key", key, known, of=name)
    if own.get("kind", "") not in ("", *KIND_NAMES):
        raise DataError("columns.no_kind", name=name, kind=own["kind"], known=list(KIND_NAMES))
    return replace(general, **own, strict="decimal" in own)


@dataclass(frozen=True)
class Sheet:
    """A table that is read.

    Attributes
    ----------
    frame : its columns as numbers, dates, truth values or text; a missing field is null in each
    readings : how each column of text was read
    notices : what was noticed, column by column
    troubles : what keeps a column from being used as its kind, to be raised where it is used
    """

    frame: pl.DataFrame
    readings: Mapping[str, Reading] = field(default_factory=dict)
    notices: Mapping[str, tuple[Remark, ...]] = field(default_factory=dict)
    troubles: Mapping[str, DataError] = field(default_factory=dict)

    def require_plain(self, names: Iterable[str] | None = None) -> None:
        """Raise what troubles one of these columns, or any."""
        for name in self.troubles if names is None else names:
            if name in self.troubles:
                raise self.troubles[name]

    def rows(self, rows: Any) -> Sheet:
        """The same reading of some rows."""
        return replace(self, frame=self.frame[rows])

    def __getitem__(self, name: str) -> pl.Series:
        return self.frame[name]


def read_frame(
    frame: pl.DataFrame | Sheet, hints: Hints = Hints(), separator: str = "", numbers: np.ndarray | None = None
) -> Sheet:
    """Read every column of text; others are taken as they are.

    Parameters
    ----------
    numbers : (n,) each row's number in the table as given; None: its position
    separator : between the fields of the file; where it is ";", a comma among digits is likely to be a decimal mark. ""
        for a frame whose text is meant as text, so that reading numbers in it is worth a word
    """
    if isinstance(frame, Sheet):
        return frame
    texts = {
        series.name: _Text(series, hints[series.name])
        for series in frame.iter_columns()
        if is_text(series) and hints[series.name].kind != DROP
    }
    leanings = {text.leans for text in texts.values()} - {""}
    around = "," if separator == ";" and leanings != {"."} else next(iter(leanings)) if len(leanings) == 1 else ""
    if len(leanings) == 2 and not around:
        around = "?"
    columns, readings, notices, troubles = {}, {}, {}, {}
    for name, text in texts.items():
        column = text.read(around)
        if column.values is not None and column.values.dtype.is_numeric() and not (separator or column.notices):
            notice = Remark("column.numbers_as_text", column=name, entry=text.entries[0])
            column = replace(column, notices=(notice,))
        if column.values is not None:
            columns[name] = column.values.alias(name)
        readings[name] = column.reading
        if said := (*text.notices, *column.notices):
            notices[name] = said
        if column.trouble is not None:
            troubles[name] = _final(column.trouble, numbers)
    for series in frame.iter_columns():
        missing = hints[series.name].missing
        if series.dtype.is_float() and (filled := series.fill_nan(None)).null_count() > series.null_count():
            series = columns[series.name] = filled
        known = without_marks(series, missing)
        if gone := known.null_count() - series.null_count():
            columns[series.name], readings[series.name] = known, Reading(missing=missing)
            notices[series.name] = (Remark("column.mark", column=series.name, marks=list(missing), rows=gone),)
    return Sheet(frame.with_columns(**columns), readings, notices, troubles)


def _final(trouble: DataError, numbers: np.ndarray | None) -> DataError:
    """The error with the row's number in the table, which nobody changes any more."""
    if not isinstance(trouble, FieldError):
        return trouble
    row = trouble.facts["row"] if numbers is None else int(numbers[trouble.facts["row"]])
    return trouble.at(row, DataError)


@dataclass(frozen=True)
class _Column:
    """What became of a column of text. values: None where it stays as it is."""

    values: pl.Series | None
    reading: Reading
    notices: tuple[Remark, ...] = ()
    trouble: DataError | None = None


class _Text:
    """A column of text, and what its distinct fields look like."""

    def __init__(self, series: pl.Series, hint: Hint) -> None:
        import polars as pl

        self.name, self.hint, self.series = series.name, hint, series
        self.categories = series.dtype != pl.String
        usual = tuple(mark for mark in MISSING if not hint.target or mark not in WORDS)
        self.text = text_of(series, hint.missing, usual)
        self.entries = self.text.drop_nulls().unique(maintain_order=True)
        self.plain = numerals.plain_numbers(self.entries)
        self.codes = has_codes(self.entries)
        self.notices = tuple(self._missing())
        self.is_plain = self.plain.null_count() == 0 and len(self.entries) > 0

    @cached_property
    def fields(self) -> pl.DataFrame:
        """The distinct fields, taken apart as numbers."""
        return numerals.fields_of(self.entries)

    @property
    def leans(self) -> str:
        """The decimal mark that it shows beyond doubt, as a hint for other columns."""
        if self.hint.decimal or self.categories or len(self.entries) == 0:
            return ""
        if self.is_plain:
            either = self.entries.str.contains(r"^[+-]?[1-9]\d{0,2}\.\d{3}$|^[^.]*$")
            return "" if either.all() else "."
        return numerals.leans(self.fields) if self._all_numbers() else ""

    def _all_numbers(self) -> bool:
        if self.is_plain or self.fields["numeral"].null_count():
            return self.is_plain
        return not self.entries.str.contains(numerals.ADDRESS).all()

    def _missing(self) -> list[Remark]:
        """Marks of missing fields that are worth a word, and blanks around names."""
        import polars as pl

        if self.categories:
            return []
        stripped = self.series.str.strip_chars()
        quiet = [""] if self.hint.target else list(SILENT)
        marked = stripped.filter(self.text.is_null() & stripped.is_not_null() & ~stripped.is_in(quiet))
        notices = [
            self._remark("mark", marks=[mark], rows=n)
            for mark, n in marked.value_counts(sort=True, name="n" if self.name != "n" else "rows").iter_rows()
        ]
        blank = int(((stripped == "") & (self.series != "")).sum())
        if blank:
            notices.append(self._remark("blank", rows=blank))
        padded = (stripped != self.series) & self.text.is_not_null()
        numeric = self.plain.null_count() == 0
        if padded.any() and not numeric and self.text.dtype == pl.String:
            entry = self.series[first(padded)]
            notices.append(self._remark("blanks_around", entry=entry))
        return notices

    def read(self, around: str) -> _Column:
        """As what its fields are: numbers, dates, truth values, or levels."""
        kind, reading = self.hint.kind, Reading(missing=self.hint.missing)
        if len(self.entries) == 0:
            return _Column(self.text, reading)
        if self.categories and kind in ("", "category"):
            return _Column(None, reading)
        numeric = kind in ("", "number") or (kind == "category" and self.is_plain)
        if numeric and not (self.codes and kind != "number"):
            column = self._numbers(reading, around)
            if column is not None:
                return column
        if kind in ("", "date") and not self.codes and not self.hint.target:
            column = self._dates(reading)
            if column is not None:
                return column
        lower = self.entries.str.to_lowercase()
        truths = {"true", "false"} if self.hint.target else {*TRUE[:2], *FALSE[:2]}
        if kind in ("", "boolean") and lower.is_in(sorted(truths)).all():
            return _Column(self.text.str.to_lowercase().is_in(list(TRUE)), reading)
        return _Column(self.text, reading, self._levels(), self._odd())

    def _numbers(self, reading: Reading, around: str) -> _Column | None:
        """As numbers; None where some are none."""
        import polars as pl

        doubtful = self.hint.decimal == "," or around in (",", "?")
        if self.hint.kind != "number" and self.plain.n_unique() < len(self.entries) and self._too_large():
            return _Column(self.text, reading, (self._remark("large_names", entry=self.entries[0]),))
        if self.is_plain and not (doubtful and self.entries.str.contains(".", literal=True).any()):
            reading = replace(reading, decimal="." if self.entries.str.contains(".", literal=True).any() else "")
            whole = self.text.cast(pl.Int64, strict=False)
            whole = whole if whole.null_count() == self.text.null_count() else None
            return _Column(numerals.plain_numbers(self.text) if whole is None else whole, reading)
        if not self._all_numbers():
            return None
        unit = numerals.one_unit(self.fields)
        if unit is None:
            return None
        mark = self.hint.decimal
        if not mark or (not self.hint.strict and self.fields[mark].null_count()):
            mark = numerals.decide(self.fields, around)
        if mark is None:
            return None
        if isinstance(mark, Question):
            return _Column(self.text, reading, (), QuestionError(self.name, mark))
        if mark and self.fields[mark].null_count():
            odd = self.fields[mark].is_null()
            return _Column(self.text, reading, (), self._error("field.not_with_mark", odd, mark=mark))
        values = self.fields[mark or "."]
        whole = not self.fields["numeral"].str.contains(f"\\{mark or '.'}").any() and bool((values.abs() < 2**53).all())
        dtype = pl.Int64 if whole and bool((values % 1 == 0).all()) else pl.Float64
        read = self.text.replace_strict(self.fields["text"], values.cast(dtype), default=None, return_dtype=dtype)
        notices = self._read_as(numerals.plain_numbers(self.fields["text"]), values)
        return _Column(read, replace(reading, decimal=mark, unit=unit), notices)

    def _too_large(self) -> bool:
        """Whether all are whole numbers that float64 rounds."""
        return self.is_plain and bool(
            self.entries.str.contains(r"^[+-]?[1-9]\d*$").all() and (self.plain.abs() >= 2.0**53).all()
        )

    def _read_as(self, plain: pl.Series, values: pl.Series) -> tuple[Remark, ...]:
        """The field that is read the most unlike how it looks."""
        other = (plain.is_null() | (plain != values)).arg_true()
        if len(other) == 0:
            return ()
        marked = other.gather(self.fields["numeral"].gather(other).str.contains("[.,' ]").arg_true())
        row = int((marked if len(marked) else other)[0])
        value = values[row]
        shown = f"{int(value)}" if float(value).is_integer() and abs(value) < 2**53 else f"{value:.15g}"
        return (self._remark("read_as", entry=self.fields["text"][row], value=shown),)

    def _dates(self, reading: Reading) -> _Column | None:
        """As dates; None where some are none."""
        order = self.hint.date_order
        if not order or dates.dates_of(self.entries, order).null_count():
            order = dates.decide(self.entries)
        if isinstance(order, Question) and not self.hint.date_order:
            return _Column(self.text, reading, (), QuestionError(self.name, order))
        if not isinstance(order, str):
            return None
        read = dates.dates_of(self.entries, order)
        reading = replace(reading, date_order=order)
        values = moments_of(self.text, self.entries, read)
        moved = self.text.str.contains(r":\d\d\S* ?[+-]\d\d:?\d\d$").fill_null(False)
        row = first(moved if moved.any() else self.text.is_not_null())
        entry = self.text[row]
        if not moved.any() and re.match(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(\D|$)", entry):
            return _Column(values, reading)
        kind = "read_as_utc" if moved.any() else "read_as"
        return _Column(values, reading, (self._remark(kind, entry=entry, value=str(values[row])),))

    def _levels(self) -> tuple[Remark, ...]:
        """What to say of a column that stays text."""
        import polars as pl

        same = pl.DataFrame({"level": self.entries, "lower": self.entries.str.to_lowercase()})
        twice = same.filter(pl.col("lower").is_duplicated()).sort("lower", maintain_order=True)
        if twice.height:
            return (self._remark("capitals", entry=twice["level"][0], other=twice["level"][1]),)
        dotted = self.entries.filter(self.entries.str.ends_with("."))
        bare = dotted.str.strip_suffix(".").is_in(self.entries.to_list())
        if bare.any():
            entry = dotted.filter(bare)[0]
            return (self._remark("final_dot", entry=entry, other=entry[:-1]),)
        if self.codes and not self.hint.kind:
            return (self._remark("codes"),)
        if self.entries.str.contains(r"^\d+([-/.,:]\d+){2,}$").all():
            odd = self.entries.filter(~self._any_date())
            if len(odd) == 0:
                return (self._remark("no_date_order"),)
            return (self._remark("no_number", entry=odd[0]),)
        return ()

    def _error(self, kind: str, odd: pl.Series, **facts: Any) -> FieldError:
        """What keeps the first of the distinct fields that are odd from being used."""
        return FieldError.of(self.text, first(self.text == self.entries[first(odd)]), kind, **facts)

    def _remark(self, kind: str, **facts: Any) -> Remark:
        return Remark(f"column.{kind}", column=self.name, **facts)

    def _odd(self) -> DataError | None:
        """A few fields that are neither numbers nor dates among many that are."""
        if self.hint.kind in ("category", "boolean") or self.codes or self.categories:
            return None
        n = len(self.entries)
        for what, good in (("number", self.fields["numeral"].is_not_null() & (self.fields["unit"] == "") &
                            self.fields["times"].is_null()), ("date", self._any_date())):  # fmt: skip
            odd = int((~good).sum())
            if n - odd > MANY and 0 < odd <= FEW * n:
                return self._error(f"field.no_{what}", ~good)
        return None

    def _any_date(self) -> pl.Series:
        """Which distinct fields are dates in some order."""
        good = self.entries.is_null()
        if dates.share(self.entries) > 0.5:
            for order in dates.ORDERS:
                good = good | dates.dates_of(self.entries, order).is_not_null()
        return good


def has_codes(text: pl.Series) -> bool:
    """Whether some fields are digits that begin with a zero, such as the zip code 01234: names, not quantities."""
    return bool(text.str.contains(r"^\s*0\d+\s*$").any())
