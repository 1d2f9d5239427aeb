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
from backlit.errors import ArgumentError, DataError, UnknownNameError, as_python
from backlit.tables.columns import DAYS, KINDS, Boolean, Category, Column, Date, Input, Number
from backlit.tables.fields import PLAIN, Reading
from backlit.tables.infer import choose_kinds
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
        guesses = choose_kinds(sheet, names, kinds, rows)
        used = {name: guess.kind for name, guess in guesses.items() if guess.kind != DROP}
        notices = list(sheet.notices.get("", ()))
        for name, guess in guesses.items():
            notices += sheet.notices.get(name, ()) if name in used or guess.notice else ()
            notices += [guess.notice] if guess.notice else []
        numeric = sum(kind in ("number", "date") for kind in used.values())
        each = _bins_each(numeric, bins) if encoding == "piecewise" else None
        if encoding == "piecewise" and each != bins:
            kind = "columns.fewer_bins" if each else "columns.no_bins"
            notices.append(Remark(kind, columns=numeric, bins=each, asked=bins))
        if not used:
            raise DataError("table.no_columns", why="; ".join(map(str, notices)) or "the table has none")
        weights = None if weights is None else np.asarray(weights, dtype=np.float64)

        def fitted(name: str, kind: str) -> Column:
            series, reading = sheet[name], sheet.readings.get(name, PLAIN)
            if series[rows].null_count() == len(rows):
                raise DataError("columns.all_missing", name=name, kind=kind)
            if kind == "category":
                return Category.fit(series, rows, weights, reading)
            if kind == "date":
                return Date.fit(series, rows, each, weights, reading)
            if kind == "boolean" or str(series.dtype) == "Boolean":
                return Boolean.fit(series, reading)
            return Number.fit(series, rows, (units or {}).get(name) or reading.unit, each, weights, reading)

        return cls(tuple(fitted(name, kind) for name, kind in used.items()), target, tuple(notices))

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
        return tuple(_renamed(one, taken) for column in self.columns for one in column.inputs())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(one.name for one in self.inputs)

    @property
    def edges(self) -> tuple[tuple[float, ...], ...]:
        """Each input's bin edges in encoded units, () for one without: the constants of `PiecewiseLinear`."""
        return tuple(one.edges for one in self.inputs)

    @property
    def hints(self) -> Hints:
        """How its columns, and the target's, were read: so that the same file is read alike again."""
        columns = {column.name: Hint(**vars(column.reading), kind=column.kind) for column in self.columns}
        goal = Hint(**vars(self.target.reading), kind="" if self.target.classes else "number", target=True)
        return Hints(columns=columns | dict.fromkeys(self.target.names, goal))

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
        inputs = {one.name: one for one in self.inputs}
        if name not in inputs:
            source, _, t = name.rpartition("#")
            if source not in inputs or not t.isdecimal() or not 1 <= int(t) < len(inputs[source].edges):
                raise UnknownNameError("input", name, inputs)
            name = source
        return inputs[name]

    def label(self, name: str) -> str:
        """What an input, or a bin of one ("sqft_living#7"), means to people: "1,500–1,750 sqft"."""
        source = self.input(name)
        if name == source.name:
            return source.label
        t = int(name.rpartition("#")[2])
        low, high = (source.centre + source.scale * edge for edge in source.edges[t - 1 : t + 1])
        if source.unit == DAYS:
            return "–".join(str(np.datetime64(round(day), "D")) for day in (low, high))
        ends = (f"{end:,.6g}".replace("-", "−") for end in (low, high))
        return f"{(' to ' if low < 0 else '–').join(ends)} {source.unit}".strip()

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


def _bins_each(columns: int, bins: int) -> int | None:
    """So many bins for each column; None where less than four would be left."""
    each = min(bins, MOST_BINS // max(1, columns))
    return each if each == bins or each >= 4 else None


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


def _renamed(one: Input, taken: set[str]) -> Input:
    """An input whose name and whose bins' names, without spaces, are not taken yet; then they are."""
    name, times = one.name, 1
    while (own := _names(name, len(one.edges))) & taken:
        times += 1
        name = f"{one.name} ({times})"
    taken |= own
    return dataclasses.replace(one, name=name)


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
    fields = {name: as_python(value) for name, value in saved.items()}
    if "reading" in fields:
        fields["reading"] = Reading(**_fields(fields["reading"]))
    return fields


def _some(names: Sequence[str], most: int = 80) -> str:
    """Names in one line."""
    line = plain(", ".join(names[:most]))
    return line if len(line) <= most and len(names) <= most else f"{line[:most]}..."
