"""What is to be learnt: a table, the column to predict and which rows are for what; the way to a recorded training.

problem = Problem.of(houses, "price", Parting("group", "id"))
start = problem.start(Recipe())
with problem.recording("houses.backlit", start, {}) as recorder:
    fitted = fit(start, recorder=recorder)
problem.test(fitted.model).scores
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from backlit.errors import DataError
from backlit.fitting import Split, Start, prepare, split_by_order, split_rows
from backlit.model import Model
from backlit.recipe import Recipe
from backlit.runs.run import recording
from backlit.tables.fields import FieldError, is_text, moments, numbered
from backlit.tables.metrics import scores
from backlit.tables.reading import Hints, Kinds, Sheet, read_frame
from backlit.tables.table import Table
from backlit.tables.target import Target, guess_task, target_numbers
from backlit.words import Remark

if TYPE_CHECKING:
    import polars as pl

LEAST_ROWS = 10  #: of a table, so that some can test


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
        row = int(series.is_null().arg_max() or 0)
        raise FieldError("field.no_time_missing", what=f"column {series.name!r}", value=None, row=row)
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
    """A table, what is to be predicted of it, and which of its rows are for what: the way to a recorded training.

    Attributes
    ----------
    whole : the table as it is kept
    sheet : its rows that have a target, read
    rows : (n,) their numbers in the table
    targets, target : what is predicted, and its description, such as the classes; None for numbers
    columns : what was said of the columns, as in `Recipe`
    notices : what is to be known of the target
    """

    whole: pl.DataFrame
    sheet: Sheet
    rows: np.ndarray
    targets: pl.DataFrame
    target: Target | None
    parting: Parting
    split: Split
    columns: Kinds = None
    notices: tuple[Remark | str, ...] = ()

    @classmethod
    def of(
        cls, table: pl.DataFrame | Sheet, name: str, parting: Parting = Parting(), *, task: str | None = "regression",
        columns: Kinds = None, called: str = "the table", otherwise: str = "",
    ) -> Problem:  # fmt: skip
        """The problem of predicting a column.

        Parameters
        ----------
        task : "regression" or "classification"; None: what the column looks like
        called : the table's name in messages
        otherwise : how numbers are taken as classes
        """
        sheet = read_frame(table, Hints.of(columns).target(name))
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
        return cls(whole, sheet, rows, targets, target, parting, split, columns, notices)

    @property
    def name(self) -> str:
        """Of the column that is predicted."""
        return self.targets.columns[0]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are for what."""
        return {name: len(rows) for name, rows in self.split._asdict().items()}

    def start(self, recipe: Recipe, seed: int | None = None) -> Start:
        """A training that learns it; what it could not be tested on is refused before the work."""
        recipe = replace(recipe, columns=self.columns)
        start = prepare(
            self.sheet, self.targets, recipe, target=self.target, split=self.split, numbers=self.rows, seed=seed
        )
        with numbered(self.rows):
            start.table.target.encode(self.targets)
        return start

    def recording(self, path: str | Path, start: Start, about: Mapping[str, Any], **options: Any) -> Any:
        """A run file of a training; see `backlit.runs.run.recording`, which takes the options."""
        about = {**about, "rows": self.counts, "split": self.parting.to_dict()}
        return recording(path, *start, frame=self.whole, about=about, **options)

    def test(self, model: Model) -> Tested:
        """How a model does on the test rows, and how the baselines do that learn from the same training rows."""
        target, frame = model.table.target, self.sheet.frame
        with numbered(self.rows):
            plain = Table.fit(self.sheet, target, rows=self.split.train, columns=self.columns, encoding="plain")
            train, test = frame[self.split.train], frame[self.split.test]
            predictions = {"backlit": model.decode(test)}
            predictions |= baselines(plain, train, self.targets[self.split.train], test)
            truth = target.encode(self.targets[self.split.test])
        truth = truth[:, 0] if target.classes else target.decode_targets(truth)
        figures = {who: scores(prediction, truth, bool(target.classes)) for who, prediction in predictions.items()}
        return Tested(predictions, truth, figures)


def rows_with(target: pl.Series, called: str = "the table") -> np.ndarray:
    """The positions of the rows that have a target; raises `DataError` where the table so called has too few."""
    known = target.is_not_nan() if target.dtype.is_float() else target.is_not_null()
    rows = np.flatnonzero(known.fill_null(False).to_numpy())
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


def baselines(train: Table, frame: pl.DataFrame, targets: pl.DataFrame, new: pl.DataFrame) -> dict[str, np.ndarray]:
    """What a reader would try first, fitted on the training rows: always the mean, and a linear least-squares model.

    Parameters
    ----------
    train : a table fitted on the training rows with encoding="plain"
    frame, targets : the training rows
    new : the rows to predict

    Returns
    -------
    dict
        Predictions in the target's unit, (n, k); for classes, probabilities of each.
    """
    X, X_new = (np.hstack([train.encode(part, np.float64), np.ones((part.height, 1))]) for part in (frame, new))
    target = train.target
    Y = target.encode(targets)
    Y = target.decode_targets(Y) if not target.classes else (Y == np.arange(len(target.classes))).astype(np.float64)
    fitted = X_new @ np.linalg.lstsq(X, Y, rcond=None)[0]
    if target.classes:
        fitted = np.clip(fitted, 0.01, 0.99)
        fitted /= fitted.sum(axis=1, keepdims=True)
    constant = "class shares" if target.classes else "mean"
    return {constant: np.tile(Y.mean(axis=0), (new.height, 1)), "linear model": fitted}
