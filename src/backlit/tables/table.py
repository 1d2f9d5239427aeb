"""A table's description: which columns are used, how they become the network's inputs, and what is predicted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from backlit.core.registry import lookup
from backlit.errors import ArgumentError, DataError, UnknownNameError, require
from backlit.tables.columns import DAYS, KINDS, Boolean, Category, Column, Date, Input, Number
from backlit.tables.infer import DROP, Guess, guess_kind, require_kind
from backlit.tables.target import Target
from backlit.tables.units import plain

if TYPE_CHECKING:
    import polars as pl

Encoding = Literal["piecewise", "plain"]
Kinds = Mapping[str, str] | Sequence[str] | None


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
    notices: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        target: Target,
        *,
        columns: Kinds = None,
        encoding: Encoding = "piecewise",
        bins: int = 48,
        units: Mapping[str, str] | None = None,
    ) -> Table:
        """Learn from the training rows how to encode each column.

        Parameters
        ----------
        frame : the training rows; the target's own columns are passed over
        columns : the columns to use, or the kinds of some: ``{"zipcode": "category", "note": "drop"}``
        encoding : "piecewise" cuts each number into bins at its quantiles; "plain" leaves the bins out
        bins : at most so many for a column
        units : of the columns' numbers

        Raises
        ------
        DataError
            No rows or no usable column.
        UnknownNameError
            A column that is not there.
        """
        require("encoding", encoding, lambda v: v in ("piecewise", "plain"), "'piecewise' or 'plain'")
        bins = require("bins", bins, lambda v: isinstance(v, int) and v >= 1, "1 or more")
        if frame.height == 0:
            raise DataError("the table has no rows to learn from; give at least one")
        names, kinds = _chosen(frame, columns, target)
        fitted, notices, seen = [], [], {}
        for name in names:
            series = frame[name]
            guess = Guess(kinds[name]) if name in kinds else guess_kind(series)
            twin = None if guess.kind == DROP else _twin(series, seen)
            if twin is not None and name not in kinds:
                guess = Guess(DROP, f"{name} is left out: it equals {twin}")
            if guess.notice:
                notices.append(guess.notice)
            if guess.kind != DROP:
                unit = (units or {}).get(name, "")
                fitted.append(_fit(guess.kind, series, unit, bins if encoding == "piecewise" else None))
        if not fitted:
            raise DataError(f"no column is left to learn from ({'; '.join(notices) or 'the table has none'})")
        return cls(tuple(fitted), target, tuple(notices))

    def __repr__(self) -> str:
        """What is predicted from which columns, in a few lines."""
        lines = [f"<table: {_some(self.target.names)} ({self.target.scaling}) from {len(self.columns)} columns"]
        for kind in KINDS:
            if names := [column.name for column in self.columns if column.kind == kind]:
                lines.append(f"  {len(names)} {kind}: {_some(names)}")
        notices = len(self.notices)
        lines += [f"  {notices} notice{'s' * (notices != 1)}: see notices"] * bool(notices)
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
                raise DataError(f"column {column.name!r} is missing, but was learnt from; add it to the table ({near})")

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
            "notices": list(self.notices),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Table:
        """The table that `to_dict` wrote."""
        columns = tuple(_column(column) for column in saved["columns"])
        target = Target(**{name: _tuples(value) for name, value in saved["target"].items()})
        return cls(columns, target, tuple(saved["notices"]))


def _fit(kind: str, series: pl.Series, unit: str, bins: int | None) -> Column:
    if (series.fill_nan(None) if series.dtype.is_float() else series).null_count() == len(series):
        raise DataError(f"columns[{series.name!r}] is {kind!r}, but all its fields are missing; leave it out")
    if kind == "number" and str(series.dtype) != "Boolean":
        return Number.fit(series, unit, bins)
    if kind == "date":
        return Date.fit(series, bins)
    return Category.fit(series) if kind == "category" else Boolean.fit(series)


def _chosen(frame: pl.DataFrame, columns: Kinds, target: Target) -> tuple[list[str], dict[str, str]]:
    """The columns to look at, and the kinds that the user gave."""
    rest = [name for name in frame.columns if name not in target.names]
    if columns is None:
        return rest, {}
    if isinstance(columns, str):
        raise ArgumentError(f"columns is {columns!r}; give a list of names, or a mapping of names to kinds")
    for name in columns:
        if name not in frame.columns:
            raise UnknownNameError("column", name, frame.columns)
    if isinstance(columns, Mapping):
        return rest, {name: require_kind(name, kind) for name, kind in columns.items()}
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
    fields = {name: _tuples(value) for name, value in saved.items() if name != "kind"}
    kind = lookup("kind of column", KINDS, saved["kind"])
    if kind is Date:
        fields["parts"] = tuple(Number(**{k: _tuples(v) for k, v in part.items()}) for part in saved["parts"])
    return kind(**fields)


def _some(names: Sequence[str], most: int = 80) -> str:
    """Names in one line."""
    line = plain(", ".join(names[:most]))
    return line if len(line) <= most and len(names) <= most else f"{line[:most]}..."


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
