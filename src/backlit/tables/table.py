"""A table's description: which columns are used, how they become the network's inputs, and what is predicted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from backlit.core.registry import lookup
from backlit.errors import ArgumentError, DataError, UnknownNameError, require
from backlit.tables.columns import KINDS, Boolean, Category, Column, Date, Input, Number
from backlit.tables.infer import DROP, guess_kind, require_kind
from backlit.tables.target import Target

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
        require("bins", bins, lambda v: isinstance(v, int) and v >= 1, "1 or more")
        if frame.height == 0:
            raise DataError("the table has no rows to learn from; give at least one")
        names, kinds = _chosen(frame, columns, target)
        fitted, notices, seen = [], [], {}
        for name in names:
            series = frame[name]
            guess = guess_kind(series)
            kind = kinds.get(name, guess.kind)
            if name not in kinds and guess.notice:
                notices.append(guess.notice)
            if kind == DROP:
                continue
            twin = _twin(series, seen)
            if twin is not None:
                notices.append(f"{name} is left out: it equals {twin}")
                continue
            fitted.append(_fit(kind, series, (units or {}).get(name, ""), bins if encoding == "piecewise" else None))
        if not fitted:
            raise DataError(f"no column is left to learn from ({'; '.join(notices) or 'the table has none'})")
        return cls(tuple(fitted), target, tuple(notices))

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs of the network, in their order."""
        return tuple(given for column in self.columns for given in column.inputs())

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
        X = np.empty((frame.height, len(self.inputs)), dtype=dtype)
        start = 0
        for column in self.columns:
            if column.name not in frame.columns:
                raise DataError(
                    f"column {column.name!r} is missing, but the network learnt from it; add it to the table"
                )
            width = len(column.inputs())
            column.encode(frame[column.name], X[:, start : start + width])
            start += width
        return X

    def label(self, name: str) -> str:
        """What an input, or a bin of one ("sqft_living#7"), means to people: "1,500–1,750 sqft"."""
        source, _, bin_number = name.rpartition("#")
        inputs = {given.name: given for given in self.inputs}
        if name in inputs:
            return inputs[name].label
        if source not in inputs or not bin_number.isdigit() or not 1 <= int(bin_number) < len(inputs[source].edges):
            raise UnknownNameError("input", name, inputs)
        column = next(column for column in self.columns if column.name == inputs[source].column)
        numbers = column if isinstance(column, Number) else _part(column, source)
        low, high = (numbers.decode(inputs[source].edges[int(bin_number) - i]) for i in (1, 0))
        return f"{low:,.6g}–{high:,.6g} {inputs[source].unit}".strip()

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
    if kind == "number":
        if np.isnan(Number.values(series)).all():
            raise DataError(f"column {series.name!r} holds no numbers at all; take it as a category or leave it out")
        return Number.fit(series, unit, bins)
    if kind == "date":
        return Date.fit(series, bins)
    return Boolean.fit(series) if kind == "boolean" else Category.fit(series)


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


def _twin(series: pl.Series, seen: dict[Any, str]) -> str | None:
    """The name of an earlier column with the same content."""
    key = (str(series.dtype), series.hash(seed=0).sum(), series.null_count())
    twin = seen.setdefault(key, series.name)
    return None if twin == series.name else twin


def _part(date: Column, name: str) -> Number:
    assert isinstance(date, Date)
    return next(part for part in date.parts if f"{date.name}.{part.name}" == name)


def _column(saved: Mapping[str, Any]) -> Column:
    fields = {name: _tuples(value) for name, value in saved.items() if name != "kind"}
    kind = lookup("kind of column", KINDS, saved["kind"])
    if kind is Date:
        fields["parts"] = tuple(Number(**{k: _tuples(v) for k, v in part.items()}) for part in saved["parts"])
    return kind(**fields)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
