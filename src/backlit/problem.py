"""What is to be learnt: a table's rows, what to predict of them, and which of them are for what; baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from backlit.core import rng
from backlit.errors import DataError, ShapeError, require
from backlit.model import Model
from backlit.tables.fields import FieldError, first, is_text, moments, numbered
from backlit.tables.metrics import scores
from backlit.tables.reading import DROP, Hints, Sheet, read_frame
from backlit.tables.table import Table
from backlit.tables.target import Target, guess_task, target_numbers
from backlit.words import Remark

if TYPE_CHECKING:
    import polars as pl

LEAST_ROWS = 10  #: of a table, so that some can test
FAR = 64  #: exponents of 2 up to which weights are taken as they are; float32 ends at 128, and sums need room


class Split(NamedTuple):
    """Positions of the rows to learn from, to stop on, and to test on, each in increasing order."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_rows(groups: np.ndarray, seed: int = 0, validation: float = 0.16, test: float = 0.2) -> Split:
    """Part the rows at random, never a group.

    Parameters
    ----------
    groups : (n,) rows with the same entry stay on the same side; ``np.arange(n)`` lets each go its own way
    validation, test : about this share of the groups goes there
    """
    _require_shares(validation, test)
    parts = np.digitize(rng.of_groups(seed, np.asarray(groups)), [test, test + validation])
    if (parts < 2).all() and (few := len(np.unique(groups))) < len(groups):
        raise DataError("split.few_groups", rows=len(groups), groups=few)
    return _split(parts, len(groups))


def split_by_order(order: np.ndarray, validation: float = 0.16, test: float = 0.2) -> Split:
    """Learn from what came first, test on what came last; `order` holds dates or other values that sort, (n,)."""
    _require_shares(validation, test)
    n = len(order)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(order, kind="stable")] = np.arange(n)
    return _split(2 - np.digitize(rank, [round((1 - test - validation) * n), round((1 - test) * n)]), n)


def _require_shares(validation: float, test: float) -> None:
    good = validation >= 0 and test >= 0
    require("validation + test", validation + test, lambda v: good and v < 1, "below 1, and neither below 0")


def _split(parts: np.ndarray, n: int) -> Split:
    split = Split(*(np.flatnonzero(parts == part) for part in (2, 1, 0)))
    if len(split.train) == 0:
        raise DataError("split.few_rows", rows=n)
    return split


class Parting(NamedTuple):
    """How a table's rows are parted: each by itself or by the groups of a column, at random; or in a column's order.

    seed : of what goes where at random
    """

    by: Literal["row", "group", "time"] = "row"
    column: str | None = None
    seed: int | None = 0

    def split(self, sheet: Sheet) -> Split:
        """The split of these rows."""
        if self.by == "time" and self.column is not None:
            sheet.require_plain([self.column])
            return split_by_order(_order(sheet[self.column]))
        groups = np.arange(sheet.frame.height) if self.column is None else sheet[self.column].to_numpy()
        return split_rows(groups, self.seed or 0)

    def to_dict(self) -> dict[str, Any]:
        """As it is recorded."""
        return {name: value for name, value in self._asdict().items() if (name, value) != ("seed", None)}


def _order(series: pl.Series) -> np.ndarray:
    """Dates or numbers, such that later ones are greater."""
    if series.null_count():
        raise FieldError.of(series, first(series.is_null()), "field.no_time_missing")
    if is_text(series):
        try:
            series = moments(series)
        except FieldError as error:
            raise FieldError("field.no_time", **error.facts) from None
    return series.to_physical().to_numpy()


class Tested(NamedTuple):
    """The test rows as the model and the baselines predict them, (n, k) each; their truth; and every metric."""

    predictions: dict[str, np.ndarray]
    truth: np.ndarray
    scores: dict[str, dict[str, float]]


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows to learn from, what is to be predicted of them, and which of them are for what.

    A row of weight 0 is not there: sheet, targets and rows are left without it.

    Attributes
    ----------
    sheet : the rows
    targets, target : what is predicted, none of it missing, and its description, such as the classes; None for numbers
    split : positions of the rows here that are for what; if not given, all are for learning
    weights : (n,) one for each row
    rows : (n,) their numbers in the table; if not given, from 0
    watched : rows of their own to watch, instead of those of the split
    whole : the table as it is kept
    parting : how the split came about
    notices : what is to be known of the target
    """

    sheet: Sheet | pl.DataFrame
    targets: pl.DataFrame
    target: Target | None = None
    split: Split = None  # type: ignore[assignment]  # as below
    weights: np.ndarray | None = None
    rows: np.ndarray = None  # type: ignore[assignment]  # as below
    watched: Problem | None = None
    whole: pl.DataFrame | None = None
    parting: Parting | None = None
    notices: tuple[Remark | str, ...] = ()

    def __post_init__(self) -> None:
        own = vars(self)
        if self.rows is None:
            own["rows"] = np.arange(self.targets.height)
        if self.weights is not None:
            here = rows_that_count(self.weights, self.targets.height)
            own["sheet"] = self.sheet.rows(here) if isinstance(self.sheet, Sheet) else self.sheet[here]
            own |= {name: getattr(self, name)[here] for name in ("targets", "weights", "rows")}
        if self.split is None:
            none = np.arange(0)
            own["split"] = Split(np.arange(len(self.rows)), none, none)

    @classmethod
    def of(
        cls, table: pl.DataFrame | Sheet, name: str, parting: Parting = Parting(), *, task: str | None = "regression",
        called: str = "the table", otherwise: str = "",
    ) -> Problem:  # fmt: skip
        """The problem of predicting a column of a table.

        Parameters
        ----------
        task : "regression" or "classification"; None: what the column looks like
        called : the table's name in messages
        otherwise : how numbers are taken as classes
        """
        sheet = read_frame(table, Hints().target(name))
        whole, rows = sheet.frame, rows_with(sheet[name], called)
        gone = whole.height - len(rows)
        sheet = sheet.rows(rows)
        if task != "classification":
            sheet.require_plain([name])
        with numbered(rows):
            target, targets, remarks = describe_target(sheet[name], task, otherwise)
            split = parting.split(sheet)
        missing = (Remark("rows.no_target", rows=gone, target=name),) if gone else ()
        notices = (*missing, *sheet.notices.get(name, ()), *remarks)
        return cls(sheet, targets, target, split, rows=rows, whole=whole, parting=parting, notices=notices)

    @property
    def name(self) -> str:
        """Of the column that is predicted."""
        return self.targets.columns[0]

    @property
    def frame(self) -> pl.DataFrame:
        """The rows' columns."""
        return self.sheet.frame if isinstance(self.sheet, Sheet) else self.sheet

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are for what."""
        return {name: len(rows) for name, rows in self.split._asdict().items()}

    def weights_of(self, rows: np.ndarray) -> np.ndarray | None:
        """The weights of some rows by their positions; multiplied by a power of 2 where float32 could not hold them."""
        if self.weights is None:
            return None
        weights = self.weights[rows]
        exponent = int(np.frexp(weights.max())[1])
        return weights if abs(exponent) <= FAR else np.ldexp(weights, -exponent)

    def test(self, model: Model) -> Tested:
        """How a model does on the test rows, and how the baselines do that learn from the same training rows."""
        target, (train, _, test) = model.table.target, self.split
        with numbered(self.rows):
            predictions = {"backlit": model.decode(self.frame[test])}
            predictions |= baselines(self.sheet, model.table, self.targets, train, test)
            truth = target.encode(self.targets[test])
        truth = truth[:, 0] if target.classes else target.decode_targets(truth)
        figures = {who: scores(prediction, truth, bool(target.classes)) for who, prediction in predictions.items()}
        return Tested(predictions, truth, figures)


def rows_that_count(weights: np.ndarray, rows: int) -> np.ndarray:
    """The positions of the rows of weight above 0: one of weight 0 is not there, whatever it holds.

    Raises
    ------
    ShapeError, DataError
        Another number of weights than of rows; a weight below 0, or none; all 0.
    """
    if np.shape(weights) != (rows,):
        raise ShapeError("weights.count", shape=np.shape(weights), rows=rows)
    odd = ~(np.isfinite(weights) & (weights >= 0))
    if odd.any():
        row = int(odd.argmax())
        raise DataError("weights.value", row=row, value=weights[row])
    here = np.flatnonzero(weights > 0)
    if len(here) == 0:
        raise DataError("weights.all_zero")
    return here


def rows_with(target: pl.Series, called: str = "the table") -> np.ndarray:
    """The positions of the rows that have a target; raises `DataError` where the table so called has too few."""
    rows = np.flatnonzero(target.is_not_null().to_numpy())
    if len(rows) < LEAST_ROWS:
        raise DataError("split.rows_with_target", called=called, rows=len(rows), name=target.name)
    return rows


def describe_target(series: pl.Series, task: str | None, otherwise: str) -> tuple[Target | None, pl.DataFrame, list]:
    """The classes, or None for numbers; the target's column, without missing ones; and what to say about it.

    Parameters
    ----------
    task : "regression" or "classification"; None: what the column looks like
    otherwise : how numbers are taken as classes
    """
    import polars as pl

    name, levels, notices = series.name, series.n_unique(), []
    chosen = task or guess_task(series)
    if chosen == "regression":
        values = target_numbers(series)
        if values.min() == values.max():
            raise DataError("target.constant", name=name, value=values[0])
        if levels <= 10 and task is None and (values % 1 == 0).all():
            notices.append(Remark("target.few_values", target=name, levels=levels, otherwise=otherwise))
        return None, pl.DataFrame({name: values}), notices
    if levels > 20 and levels > 0.2 * len(series):
        raise DataError("target.too_many_classes", name=name, levels=levels, rows=len(series), entry=series[0])
    target = Target.fit_classes(series)
    rare = series.value_counts(name="n" if name != "n" else "rows")
    rare = rare.filter(rare.to_series(1) == 1).to_series(0)
    if len(rare):
        notices.append(Remark("target.rare_classes", target=name, rows=len(rare), entry=rare[0]))
    return target, series.to_frame(), notices


def baselines(
    sheet: Sheet | pl.DataFrame, table: Table, targets: pl.DataFrame, train: np.ndarray, new: np.ndarray
) -> dict[str, np.ndarray]:
    """What a reader would try first, fitted on the training rows: always the mean, and a linear least-squares model.

    Parameters
    ----------
    sheet, targets : the rows
    table : its columns are learnt from, without bins
    train, new : the positions of the rows to learn from, and of those to predict

    Returns
    -------
    dict
        Predictions in the target's unit, (n, k); for classes, probabilities of each.
    """
    frame, target = sheet.frame if isinstance(sheet, Sheet) else sheet, table.target
    plain = table
    if any(table.edges):
        kinds = dict.fromkeys(frame.columns, DROP) | {column.name: column.kind for column in table.columns}
        plain = Table.fit(sheet, target, rows=train, columns=kinds, encoding="plain")
    X, X_new = (np.hstack([plain.encode(frame[at], np.float64), np.ones((len(at), 1))]) for at in (train, new))
    Y = target.encode(targets[train])
    Y = target.decode_targets(Y) if not target.classes else (Y == np.arange(len(target.classes))).astype(np.float64)
    fitted = X_new @ np.linalg.lstsq(X, Y, rcond=None)[0]
    if target.classes:
        fitted = np.clip(fitted, 0.01, 0.99)
        fitted /= fitted.sum(axis=1, keepdims=True)
    constant = "class shares" if target.classes else "mean"
    return {constant: np.tile(Y.mean(axis=0), (len(new), 1)), "linear model": fitted}
