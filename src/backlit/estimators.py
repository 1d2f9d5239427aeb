"""scikit-learn estimators: `NetRegressor` and `NetClassifier`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import accuracy_score, d2_pinball_score, r2_score
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from backlit.core.values import SHARE
from backlit.errors import ArgumentError, DataError, ShapeError, as_python
from backlit.fitting import EpochInUnit, Start, Structure, choose_loss, default_network, prepare
from backlit.incoming import (
    Rows,
    free_name,
    labels_of,
    read_targets,
    require_alike,
    require_known,
    row_weights,
    target_columns,
)
from backlit.keywords import estimator, strict
from backlit.problem import Problem, split_rows
from backlit.progress import fit
from backlit.recipe import SETTINGS, Choices, Recipe, setting
from backlit.runs.file import require_new
from backlit.runs.recorder import Recorder
from backlit.tables.frames import has_names, require_usable, to_frame, to_series
from backlit.tables.reading import Hints
from backlit.tables.target import Target
from backlit.training import begin
from backlit.words import Remark

FAR = 3  #: scales from what was learnt, or times its scale: `fit` then takes the target's scale anew
TOO_FAR, MANY = 20, 10  #: scales at which `partial_fit` refuses rows, of which there are so many


@dataclass(kw_only=True, eq=False, repr=False)
class _Net(Choices, BaseEstimator):
    """What both estimators share."""

    validation_fraction: float = setting(
        0.2, "fit", SHARE, "Share of the rows to watch, unless fit is given some; the best epoch's weights are kept."
    )
    warm_start: bool = setting(
        False, "fit", None, "Whether fit goes on from the weights of the last one. How it trains may change, and its "
        "target is scaled anew where it has another scale; table, network and classes may not.",
    )  # fmt: skip
    run: str | Path | None = setting(
        None, "fit", None, "The file in which the run is recorded; you can return to any of its steps.",
        "it is not recorded",
    )  # fmt: skip
    random_state: Any = setting(
        None, "fit", None, "Of starting weights, order of rows, dropout and split.", "they are drawn"
    )
    progress: bool = setting(False, "fit", None, "Whether a live bar is shown on a terminal.")

    @strict
    def set_params(self, **params: Any) -> Self:
        """Change settings by their names; see scikit-learn."""
        return super().set_params(**params)

    # --- learning --------------------------------------------------------------------------------------------------

    @strict
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Learn from rows.

        Parameters
        ----------
        X : (n, d) frame of any library, mapping of columns, list of mappings, or array; missing values, text and dates
            are welcome
        y : (n,) targets: numbers, (n, k) of them for several, or class labels; they belong to the rows by position
        sample_weight : (n,) how much each row counts; one of weight 0 is not there
        X_val, y_val, sample_weight_val : rows to watch, instead of a share of X
        groups : (n,) rows with the same entry stay together when a share is set aside
        """
        if self.run is not None:
            require_new(self.run, asker="fit")
        before = self._before("warm_start") if self.warm_start and hasattr(self, "model_") else None
        rows = self._rows(X, y, sample_weight, first=before is None)
        if X_val is None and (y_val is not None or sample_weight_val is not None):
            raise ArgumentError("validation.no_rows")
        problem = self._problem(rows, whole=rows.frame.with_columns(rows.targets))
        if (n := len(problem.rows)) < 2:
            raise DataError("sample.one", samples=n)
        self.seed_ = self._seed()
        if X_val is not None:
            watched = self._problem(self._rows(X_val, y_val, sample_weight_val, first=False, which="_val"))
            problem = replace(problem, watched=watched)
        elif SHARE.require("validation_fraction", self.validation_fraction, none=True):
            if groups is not None and len(groups) != rows.frame.height:
                raise ShapeError("groups.count", entries=len(groups), rows=rows.frame.height)
            groups = np.arange(n) if groups is None else np.asarray(groups)[problem.rows]
            problem = replace(problem, split=split_rows(groups, self.seed_, self.validation_fraction, 0.0))
        notices: tuple[Remark, ...] = ()
        if before is not None:
            before, notices = self._at_scale(before, problem)
        start = prepare(problem, self._recipe(), self.seed_, structure=before)
        if before is not None:
            start = start.at(begin(start.plan, theta=self.model_.theta, seed=self.seed_))
        if self.run is None:
            return self._train(start, notices=notices)
        with start.recording(self.run) as recorder:
            return self._train(start, recorder, notices)

    @strict
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One pass over the rows at hand, going on from what was learnt before.

        The first call fits the table on its rows: how columns and target are scaled and binned stays as it is from then
        on. Settings of the network cannot change from call to call, those of the training can.
        """
        return self._learn_on(X, y, sample_weight)

    def _learn_on(self, X: Any, y: Any, sample_weight: Any, **keywords: Any) -> Self:
        if self.run is not None:
            raise ArgumentError("run.partial_fit", run=self.run)
        before = self._before("partial_fit") if hasattr(self, "state_") else None
        rows = self._rows(X, y, sample_weight, first=before is None, **keywords)
        if before is None:
            self.seed_ = self._seed()
        problem = self._problem(rows)
        if before is not None:
            self._require_scale(before.table.target, problem)
        recipe = self._recipe(epochs=1, max_steps=None, schedule="constant", patience=None, target_error=None)
        start = prepare(problem, recipe, self.seed_, structure=before)
        if before is not None:
            last, state = self.state_, begin(start.plan, theta=self.state_.theta, seed=self.seed_)
            same = type(start.plan.settings.optimizer) is type(self._optimizer)
            start = start.at(replace(state, step=last.step, memory=last.memory if same else state.memory))
        return self._train(start)

    def _train(self, start: Start, recorder: Recorder | None = None, notices: tuple[Remark, ...] = ()) -> Self:
        fitted = fit(start, show=self.progress, recorder=recorder)
        self.model_, plan = fitted.model, start.plan
        self.state_ = fitted.state
        self.history_ = [EpochInUnit.of(epoch, start.table.target, plan) for epoch in fitted.epochs]
        self.n_iter_ = fitted.state.epoch
        self.best_epoch_ = fitted.best_epoch
        self.notices_ = tuple(map(str, (*getattr(self, "_read", ()), *start.table.notices, *notices)))
        self._learnt, self._optimizer = self._structure(), plan.settings.optimizer
        return self

    def _recipe(self, **changes: Any) -> Recipe:
        return Recipe(**{name: getattr(self, name) for name in SETTINGS} | changes)

    def _seed(self) -> int:
        if isinstance(self.random_state, np.random.Generator):
            return int(self.random_state.integers(2**31))
        seed = as_python(self.random_state)
        return seed if isinstance(seed, int) else int(check_random_state(self.random_state).randint(2**31))

    # --- going on ----------------------------------------------------------------------------------------------------

    def _structure(self) -> dict[str, Any]:
        """The settings of table and network: they stay as they are where learning goes on."""
        recipe = self._recipe()
        stay = {name: getattr(recipe, name) for name, setting in SETTINGS.items() if setting.part == "network"}
        return stay | {"loss": choose_loss(recipe, self.model_.table.target)}

    def _before(self, how: str) -> Structure:
        """The table and the network to go on with; its dropout may have changed, nothing else."""
        for name, value in self._structure().items():
            if value != (learnt := self._learnt[name]):
                now, then = (getattr(setting, "name", setting) for setting in (value, learnt))
                raise ArgumentError("going_on.other", name=name, now=now, how=how, then=then)
        table = self.model_.table
        return Structure(table, default_network(table, self.model_.net.loss, self._recipe()))

    def _at_scale(self, before: Structure, problem: Problem) -> tuple[Structure, tuple[Remark, ...]]:
        """What to go on with, its target's centre and scale taken anew where these rows lie far from them."""
        target = before.table.target
        if target.scaling not in ("standard", "log"):
            return before, ()
        Y = target.encode(problem.targets)
        middle, spread = np.abs(Y.mean(axis=0)), Y.std(axis=0)
        if not ((middle > FAR) | (spread > FAR) | ((spread > 0) & (spread < 1 / FAR))).any():
            return before, ()
        other = Target.fit_numbers(problem.targets, target.scaling, target.unit, problem.weights)
        now, then = ({"centre": _listed(scaled.centre), "scale": _listed(scaled.scale)} for scaled in (other, target))
        notice = Remark("target.other_scale", **now, old_centre=then["centre"], old_scale=then["scale"])
        return before._replace(table=replace(before.table, target=other)), (notice,)

    def _require_scale(self, target: Target, problem: Problem) -> None:
        """Raise `DataError` where the targets lie so far from those of the first call that its scale is of no use."""
        if target.scaling not in ("standard", "log"):
            return
        Y = target.encode(problem.targets)
        if len(Y) < MANY:
            return
        far = np.median(np.abs(Y), axis=0) > TOO_FAR
        if target.scaling == "standard":
            values = np.abs(target.decode_targets(Y)).max(axis=0)
            size = np.abs(target.centre) + np.array(target.scale)
            far |= (values > 0) & (values < 1e-3 * size)
        if far.any():
            j = int(far.argmax())
            raise DataError(
                "y.far",
                middle=np.median(problem.targets.to_series(j).to_numpy()),
                centre=target.centre[j],
                scale=target.scale[j],
            )

    # --- what comes in -----------------------------------------------------------------------------------------------

    def _rows(self, X: Any, y: Any, sample_weight: Any, *, first: bool, which: str = "", **keywords: Any) -> Rows:
        """Rows, checked against those that were learnt from, unless these are the first.

        Parameters
        ----------
        which : "_val" for the rows to watch
        """
        frame = self._frame(X, reset=first)
        if first:
            self._require_usable(frame)
        targets = target_columns(y, f"y{which}")
        n = frame.height
        if targets.height != n:
            raise ShapeError("validation.counts", which=which, rows=n, targets=targets.height)
        rows = Rows(frame, targets, row_weights(sample_weight, n, f"sample_weight{which}"))
        if not rows.counted.any():
            raise DataError("weights.zero", which=which)
        return self._named(self._checked(rows, y, f"y{which}", first, **keywords), first, f"y{which}")

    def _named(self, rows: Rows, first: bool, called: str) -> Rows:
        """The rows with targets that are called as in the first call, and as no column of X is."""
        frame, targets, _ = rows
        if first:
            taken, names = set(frame.columns), []
            for name in targets.columns:
                names.append(free_name(name, taken))
                taken.add(names[-1])
            self._targets = tuple(names)
        if targets.width != len(self._targets):
            raise ShapeError("y.columns", called=called, width=targets.width, learnt=len(self._targets))
        return rows._replace(targets=pl.DataFrame([s.alias(n) for s, n in zip(targets, self._targets)]))

    def _frame(self, X: Any, *, reset: bool) -> pl.DataFrame:
        """X as a frame, its columns checked against those of `fit`; an array's are taken by position."""
        frame = to_frame(X)
        shown: Any = frame if has_names(X) else np.empty(frame.shape)
        shown = X if hasattr(X, "iloc") else shown  # whose columns may be called by numbers
        validate_data(self, shown, reset=reset, skip_check_array=True)
        if frame.width == 0:
            raise DataError("table.no_features", shape=frame.shape)
        if frame.height == 0:
            raise DataError("table.no_samples", shape=frame.shape)
        if reset:
            self._columns = tuple(frame.columns)
        if tuple(frame.columns) != self._columns:
            frame = pl.DataFrame([series.alias(name) for series, name in zip(frame, self._columns)])
        return frame

    def _require_usable(self, frame: pl.DataFrame) -> None:
        """Raise `DataError` where a column that is not left out can be neither learnt from nor predicted from."""
        columns = as_python(self.columns)
        for series in frame.iter_columns():
            if isinstance(columns, Mapping):
                used = columns.get(series.name) != "drop"
            else:
                used = columns is None or series.name in columns
            if used:
                require_usable(series)

    def _checked(self, rows: Rows, y: Any, called: str, first: bool) -> Rows:
        """The rows, their targets read."""
        raise NotImplementedError

    def _target(self) -> Target | None:
        """The description of the target, where it is known before the rows are split."""
        return None

    def _problem(self, rows: Rows, **more: Any) -> Problem:
        """What is to be learnt from rows."""
        return Problem(rows.frame, rows.targets, self._target(), weights=rows.weights, **more)

    def _scores(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "model_")
        return self.model_.decode(self._frame(X, reset=False))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = False
        tags.target_tags.required = True
        return tags


@estimator
@dataclass(kw_only=True, eq=False, repr=False)
class NetRegressor(RegressorMixin, _Net):
    """A feed-forward network that predicts numbers.

    `activation`, `loss`, `optimizer`, `schedule` and `metric` are names or records; an optimizer's record keeps its own
    decay and clipping.

    Attributes
    ----------
    model_ : table, network and weights; predicts any frame
    history_ : each epoch's figures: epoch, step, error (E while learning), metric (of the watched rows), improved; and
        error_in_unit and metric_in_unit, the same in the target's unit (such as the RMSE, the root of the squared
        error), None where a figure has no unit
    n_iter_, best_epoch_ : epochs made, and the one whose weights are kept
    seed_ : the seed drawn
    notices_ : what to know, such as columns left out, and why

    Examples
    --------
    >>> import backlit as bl
    >>> houses = bl.datasets.load_houses().head(500)
    >>> X, y = houses.drop("price"), houses["price"]
    >>> net = bl.NetRegressor(epochs=3, random_state=0).fit(X, y)
    >>> net.predict(X.head(2)).shape
    (2,)
    """

    def predict(self, X: Any) -> np.ndarray:
        """(n,) or (n, k), in the target's unit; with the quantile loss a column for each level."""
        prediction = self._scores(X)
        return prediction[:, 0] if prediction.shape[1] == 1 else prediction

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R²; for the quantile loss D², the same of its own error, averaged over its levels.

        D² is 1 − (pinball loss of the predictions) / (pinball loss of always the quantile of y): 1 for perfect
        predictions, 0 for a constant, below 0 for worse than that; see `sklearn.metrics.d2_pinball_score`.
        """
        check_is_fitted(self, "model_")
        rows = self._rows(X, y, sample_weight, first=False)
        frame, truth = rows.frame.filter(rows.counted), rows.targets.filter(rows.counted).to_numpy()
        weights = None if rows.weights is None else rows.weights[rows.counted]
        loss, predictions = self.model_.net.loss, self.model_.decode(frame)
        if not loss.quantiles:
            return float(r2_score(np.broadcast_to(truth, predictions.shape), predictions, sample_weight=weights))
        return float(np.mean([
            d2_pinball_score(truth, prediction, alpha=level, sample_weight=weights)
            for level, prediction in zip(loss.quantiles, predictions.T)
        ]))  # fmt: skip

    def _checked(self, rows: Rows, y: Any, called: str, first: bool) -> Rows:
        read = read_targets(rows, Hints.of(self.columns), called)
        if first:
            self._read = tuple(notice for notices in read.notices.values() for notice in notices)
        return rows._replace(targets=read.frame)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


@estimator
@dataclass(kw_only=True, eq=False, repr=False)
class NetClassifier(ClassifierMixin, _Net):
    """A feed-forward network that predicts classes and their probabilities; see `NetRegressor`."""

    class_weight: Any = setting(
        None, "fit", None, 'How much each class counts: {class: weight}, or "balanced".', "each row alike"
    )

    @strict
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, *, classes: Any = None) -> Self:
        """One pass over the rows at hand, going on from what was learnt before; see `NetRegressor.partial_fit`.

        Parameters
        ----------
        classes : all that there will be, in the first call; None: those of its rows
        """
        return self._learn_on(X, y, sample_weight, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, (n,)."""
        prediction = self._scores(X)
        return self.classes_[prediction.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, (n, classes), in the order of `classes_`."""
        return self._scores(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose class is predicted."""
        check_is_fitted(self, "model_")
        frame, targets = self._frame(X, reset=False), target_columns(y, "y")
        if targets.height != frame.height:
            raise ShapeError("rows.unlike", rows=frame.height, targets=targets.height)
        rows = Rows(frame, targets, row_weights(sample_weight, frame.height, "sample_weight"))
        known = rows.counted
        labels = (
            labels_of(targets, y) if known.all() else labels_of(targets.filter(known), labels_of(targets, y)[known])
        )
        predicted = self.classes_[self.model_.decode(frame.filter(known)).argmax(axis=1)]
        weights = None if rows.weights is None else rows.weights[known]
        return float(accuracy_score(labels, predicted, sample_weight=weights))

    def _checked(self, rows: Rows, y: Any, called: str, first: bool, classes: Any = None) -> Rows:
        """The rows with labels for targets, and their weights times those of their classes."""
        targets = rows.targets
        if targets.width > 1:
            raise ShapeError("y.several", called=called, columns=targets.width)
        if getattr(y, "ndim", 1) == 2:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected", DataConversionWarning, stacklevel=5
            )
        require_known(targets.to_series(), rows.counted, called)
        if targets.dtypes[0].is_temporal():
            raise DataError("y.times", called=called, dtype=targets.dtypes[0])
        labels, counted = labels_of(targets, y), rows.counted
        known = labels if counted.all() else labels_of(targets.filter(counted), labels[counted])
        if known.dtype.kind == "f" and np.isinf(known).any():
            row = np.flatnonzero(counted)[int(np.isinf(known).argmax())]
            raise DataError("y.no_class", called=called, value=labels[row], row=row)
        require_alike(known, counted, called)
        check_classification_targets(known)
        if self.class_weight is not None:
            weights = np.zeros(len(labels))
            weights[counted] = compute_sample_weight(self.class_weight, known)
            rows = rows._replace(weights=weights if rows.weights is None else weights * rows.weights)
            known, counted = known[rows.counted[counted]], rows.counted
        named = None if classes is None else np.unique(np.asarray(classes))
        if first:
            self.classes_ = np.unique(known) if named is None else named
            if len(self.classes_) < 2:
                one = f"{self.classes_.tolist()[0]!r}" if len(self.classes_) else "none"
                more = "" if counted.all() else " in rows of a weight above 0"
                raise DataError("y.one_class", called=called, level=one, more=more)
        elif named is not None and not np.array_equal(named, self.classes_):
            raise DataError("y.other_classes", named=named.tolist(), known=self.classes_.tolist())
        odd = ~np.isin(known, self.classes_)
        if odd.any():
            row = np.flatnonzero(counted)[int(odd.argmax())]
            remedy = "leave such rows out" if called != "y" else "name all classes in the first call (classes=...)"
            remedy = "begin anew: fit with warm_start=False" if called == "y" and self.warm_start else remedy
            raise DataError(
                "y.unknown_class",
                called=called,
                level=known[odd].tolist()[0],
                known=_some(self.classes_),
                row=row,
                remedy=remedy,
            )
        return rows._replace(targets=pl.DataFrame([to_series(labels, targets.columns[0])]))

    def _target(self) -> Target:
        return Target(self._targets, "classes", classes=tuple(self.classes_.tolist()))


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _some(classes: np.ndarray) -> str:
    some = ", ".join(map(repr, classes[:10].tolist()))
    return f"{some}, ..." if len(classes) > 10 else some
