"""A table's description: which columns are used, how they become the network's inputs, and what is predicted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from backlit.core.registry import lookup
from backlit.core.values import COUNT, Names
from backlit.errors import ArgumentError, DataError, UnknownNameError
from backlit.tables.columns import DAYS, KINDS, Boolean, Category, Column, Date, Input, Number
from backlit.tables.fields import PLAIN, Reading, moments, numbers, truths
from backlit.tables.infer import Guess, guess_kind
from backlit.tables.metrics import Weights
from backlit.tables.reading import DROP, Hint, Hints, Kinds, Sheet, read_frame
from backlit.tables.target import Target
from backlit.words import Remark, count, plain

if TYPE_CHECKING:
    import polars as pl

Encoding = Literal["piecewise", "plain"]
ENCODINGS = Names(get_args(Encoding))
MOST_BINS = 8192  #: of all columns together: each is an input with as many weights as the first layer has units


@dataclass(frozen=True)
class Table:
    """Fitted on the training rows; plain JSON; knows nothing of networks.

    Attributes
    ----------
    columns : those in use
    target : what is predicted
    notices : what the user should know, such as columns left out
    """

    columns: tuple[Column, ...]
    target: Target
    notices: tuple[Remark, ...] = ()

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame | Sheet,
        target: Target,
        *,
        rows: np.ndarray | None = None,
        weights: Weights = None,
        columns: Kinds = None,
        encoding: Encoding = "piecewise",
        bins: int = 48,
        units: Mapping[str, str] | None = None,
    ) -> Table:
        """Learn from the training rows how to encode each column.

        Parameters
        ----------
        frame : all rows at hand, which decide each column's kind; the target's own columns are passed over
        rows : positions of the training rows, from which everything else is learnt; None: all
        weights : (m,) one for each training row, above 0
        columns : the columns to use, or what some are: ``{"zipcode": "category", "preis": {"decimal": ","}}``
        encoding : "piecewise" cuts each number into bins at its quantiles; "plain" leaves the bins out
        bins : at most so many for a column, and MOST_BINS for all
        units : of the columns' numbers

        Raises
        ------
        DataError
            No rows or no usable column; a column that can be read in two ways; a field unlike all others.
        UnknownNameError
            A column that is not there.
        """
        ENCODINGS.require("encoding", encoding)
        bins = COUNT.require("bins", bins)
        sheet = read_frame(frame, Hints.of(columns))
        height = sheet.frame.height
        rows = np.arange(height) if rows is None else rows
        if len(rows) == 0:
            raise DataError("table.no_rows")
        names, kinds = _chosen(sheet.frame, columns, target)
        guesses, notices, seen = {}, list(sheet.notices.get("", ())), {}
        for name in names:
            series = sheet[name]
            guess = Guess(kinds[name]) if name in kinds else guess_kind(series)
            if name in sheet.troubles and kinds.get(name) not in ("category", DROP):
                raise sheet.troubles[name]
            twin = None if guess.kind == DROP else _twin(series, seen)
            if twin is not None and name not in kinds:
                guess = Guess(DROP, Remark("column.twin", column=name, other=twin))
            guesses[name] = guess
        if all(guess.kind == DROP for guess in guesses.values()):
            guesses |= {name: Guess("number") for name, guess in guesses.items() if guess.spare}
        everything = len(rows) == height
        for name, guess in guesses.items():
            if guess.kind != DROP and name not in kinds and not everything:
                guesses[name] = guess = _of_part(sheet[name], rows, guess)
            notices += sheet.notices.get(name, ()) if guess.kind != DROP or guess.notice else ()
            notices += [guess.notice] if guess.notice else []
        for name, guess in guesses.items():
            _require_kind(sheet[name], guess.kind, sheet.readings.get(name, PLAIN))
        numeric = sum(guess.kind in ("number", "date") for guess in guesses.values())
        each = _bins_each(numeric, bins) if encoding == "piecewise" else None
        if encoding == "piecewise" and each != bins:
            kind = "columns.fewer_bins" if each else "columns.no_bins"
            notices.append(Remark(kind, columns=numeric, bins=each, asked=bins))
        part = None if weights is None else np.asarray(weights, dtype=np.float64)
        fitted = [
            _fit(
                guess.kind, sheet[name][rows], (units or {}).get(name, ""), each, part, sheet.readings.get(name, PLAIN)
            )
            for name, guess in guesses.items()
            if guess.kind != DROP
        ]
        if not fitted:
            why = "; ".join(map(str, notices)) or "the table has none"
            raise DataError("table.no_columns", why=why)  # fmt: skip
        return cls(tuple(fitted), target, tuple(notices))

    def __repr__(self) -> str:
        """What is predicted from which columns, in a few lines."""
        lines = [f"<table: {_some(self.target.names)} ({self.target.scaling}) from {len(self.columns)} columns"]
        for kind in KINDS:
            if names := [column.name for column in self.columns if column.kind == kind]:
                lines.append(f"  {len(names)} {kind}: {_some(names)}")
        lines += [f"  {count(len(self.notices), 'notice')}: see notices"] * bool(self.notices)
        return "\n".join(lines) + ">"

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs of the network, in their order; of two with the same name the second is called "name (2)"."""
        taken: set[str] = set()
        return tuple(_renamed(given, taken) for column in self.columns for given in column.inputs())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(given.name for given in self.inputs)

    @property
    def edges(self) -> tuple[tuple[float, ...], ...]:
        """Each input's bin edges in encoded units, () for one without: the constants of `PiecewiseLinear`."""
        return tuple(given.edges for given in self.inputs)

    @property
    def hints(self) -> Hints:
        """How its columns, and the target's, were read: so that the same file is read alike again."""

        def hint(kind: str, reading: Reading, target: bool = False) -> Hint:
            return Hint(kind, reading.decimal, reading.date_order, reading.missing, target)

        columns = {column.name: hint(column.kind, column.reading) for column in self.columns}
        kind = "" if self.target.classes else "number"
        return Hints(columns=columns | {name: hint(kind, self.target.reading, True) for name in self.target.names})

    def read_as(self, hints: Hints) -> Table:
        """The same table for rows that are written as the hints say; where they say nothing, as before."""

        def again(column: Column) -> Column:
            hint, reading = hints[column.name], column.reading
            reading = Reading(
                hint.decimal or reading.decimal,
                reading.unit,
                hint.date_order or reading.date_order,
                (*reading.missing, *hint.missing),
            )
            return dataclasses.replace(column, reading=reading)

        return dataclasses.replace(self, columns=tuple(map(again, self.columns)))

    def encode(self, frame: pl.DataFrame, dtype: Any = np.float32) -> np.ndarray:
        """(n, d) inputs; centred and scaled in float64, then stored as `dtype`.

        Raises
        ------
        DataError
            A column is not there, or of another kind than was learnt.
        """
        self.require_columns(frame.columns)
        X = np.empty((frame.height, len(self.inputs)), dtype=dtype)
        start = 0
        for column in self.columns:
            width = len(column.inputs())
            column.encode(frame[column.name], X[:, start : start + width])
            start += width
        return X

    def require_columns(self, names: Iterable[str]) -> None:
        """Raise `DataError` where one that was learnt from is not among these."""
        names = set(names)
        for column in self.columns:
            if column.name not in names:
                near = UnknownNameError("column", column.name, sorted(names))
                raise DataError("column.not_there", name=column.name, near=near)

    def input(self, name: str) -> Input:
        """An input by its name, or by the name of one of its bins ("sqft_living#7")."""
        inputs = {given.name: given for given in self.inputs}
        if name not in inputs:
            source, _, t = name.rpartition("#")
            if source not in inputs or not t.isdecimal() or not 1 <= int(t) < len(inputs[source].edges):
                raise UnknownNameError("input", name, inputs)
            name = source
        return inputs[name]

    def label(self, name: str) -> str:
        """What an input, or a bin of one ("sqft_living#7"), means to people: "1,500–1,750 sqft"."""
        given = self.input(name)
        if name == given.name:
            return given.label
        t = int(name.rpartition("#")[2])
        low, high = (given.centre + given.scale * edge for edge in given.edges[t - 1 : t + 1])
        if given.unit == DAYS:
            return "–".join(str(np.datetime64(round(day), "D")) for day in (low, high))
        ends = (f"{end:,.6g}".replace("-", "−") for end in (low, high))
        return f"{(' to ' if low < 0 else '–').join(ends)} {given.unit}".strip()

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON."""
        return {
            "columns": [{"kind": column.kind, **dataclasses.asdict(column)} for column in self.columns],
            "target": dataclasses.asdict(self.target),
            "notices": [notice.to_dict() for notice in self.notices],
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Table:
        """The table that `to_dict` wrote."""
        columns = tuple(_column(column) for column in saved["columns"])
        target = Target(**_fields(saved["target"]))
        return cls(columns, target, tuple(map(Remark.from_dict, saved["notices"])))


def _require_kind(series: pl.Series, kind: str, reading: Reading) -> None:
    """Raise `FieldError` where a field of any row is not of the column's kind."""
    if kind == "number":
        numbers(series, reading=reading)
    elif kind == "boolean":
        truths(series, reading)
    elif kind == "date":
        moments(series, reading)


def _of_part(series: pl.Series, rows: np.ndarray, guess: Guess) -> Guess:
    """The guess, unless the training rows have nothing to learn from in this column."""
    part = series[rows]
    known = (part.fill_nan(None) if part.dtype.is_float() else part).drop_nulls()
    if len(known) == 0:
        return Guess(DROP, Remark("column.missing_in_part", column=series.name))
    if len(known) == len(part) and not (known != known[0]).any():
        return Guess(DROP, Remark("column.same_in_part", column=series.name))
    return guess


def _bins_each(columns: int, bins: int) -> int | None:
    """So many bins for each column; None where less than four would be left."""
    each = min(bins, MOST_BINS // max(1, columns))
    return each if each == bins or each >= 4 else None


def _fit(kind: str, series: pl.Series, unit: str, bins: int | None, weights: Weights, reading: Reading) -> Column:
    if (series.fill_nan(None) if series.dtype.is_float() else series).null_count() == len(series):
        raise DataError("columns.all_missing", name=series.name, kind=kind)
    if kind == "number" and str(series.dtype) != "Boolean":
        return Number.fit(series, unit or reading.unit, bins, weights, reading)
    if kind == "date":
        return Date.fit(series, bins, weights, reading)
    return Category.fit(series, weights, reading) if kind == "category" else Boolean.fit(series, reading)


def _chosen(frame: pl.DataFrame, columns: Kinds, target: Target) -> tuple[list[str], dict[str, str]]:
    """The columns to look at, and the kinds that the user gave."""
    rest = [name for name in frame.columns if name not in target.names]
    if columns is None:
        return rest, {}
    if isinstance(columns, str):
        raise ArgumentError("columns.no_names", columns=columns)
    for name in columns:
        if name not in frame.columns and name not in target.names:
            raise UnknownNameError("column", name, frame.columns)
    if isinstance(columns, Mapping):
        return rest, {name: hint.kind for name, hint in Hints.of(columns).columns.items() if hint.kind}
    return list(columns), {}


def _twin(series: pl.Series, seen: dict[Any, list[pl.Series]]) -> str | None:
    """The name of an earlier column with the same content."""
    alike = seen.setdefault((str(series.dtype), series.null_count(), series.hash(seed=0).sum()), [])
    for other in alike:
        if series.equals(other):
            return other.name
    alike.append(series)
    return None


def _renamed(given: Input, taken: set[str]) -> Input:
    """An input whose name and whose bins' names, without spaces, are not taken yet; then they are."""
    name, times = given.name, 1
    while (own := _names(name, len(given.edges))) & taken:
        times += 1
        name = f"{given.name} ({times})"
    taken |= own
    return dataclasses.replace(given, name=name)


def _names(name: str, edges: int) -> set[str]:
    plain = "".join(name.split())
    return {plain, *(f"{plain}#{t}" for t in range(1, edges))}


def _column(saved: Mapping[str, Any]) -> Column:
    fields = _fields(saved)
    kind = lookup("kind of column", KINDS, fields.pop("kind"))
    if kind is Date:
        fields["parts"] = tuple(Number(**_fields(part)) for part in saved["parts"])
    return kind(**fields)


def _fields(saved: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: _tuples(value) for name, value in saved.items()}
    if "reading" in fields:
        fields["reading"] = Reading(**_fields(fields["reading"]))
    return fields


def _some(names: Sequence[str], most: int = 80) -> str:
    """Names in one line."""
    line = plain(", ".join(names[:most]))
    return line if len(line) <= most and len(names) <= most else f"{line[:most]}..."


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
