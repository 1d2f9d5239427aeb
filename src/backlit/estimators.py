"""scikit-learn estimators: `NetRegressor` and `NetClassifier`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from inspect import Signature, signature
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from backlit.core.losses import Loss
from backlit.core.optimizers import Optimizer
from backlit.core.registry import lookup
from backlit.core.state import State
from backlit.engines.protocol import Engine
from backlit.errors import ArgumentError, DataError, ShapeError
from backlit.fitting import Recipe, prepare, split_rows
from backlit.plan import Plan
from backlit.progress import fit
from backlit.runs.file import require_new
from backlit.runs.recorder import Recorder
from backlit.runs.run import recording
from backlit.tables.frames import to_frame, to_series
from backlit.tables.metrics import METRICS, Metric
from backlit.tables.reading import Kinds
from backlit.tables.table import Encoding
from backlit.tables.target import Scaling, Target


class _Net(BaseEstimator):
    """What both estimators share."""

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (128, 128),
        activation: str = "relu",
        encoding: Encoding = "piecewise",
        bins: int = 48,
        columns: Kinds = None,
        target: Scaling = "standard",
        loss: str | Loss | None = None,
        optimizer: str | Optimizer = "adamw",
        learning_rate: float = 1e-3,
        schedule: Any = "warmup_cosine",
        batch_size: int | None = 256,
        epochs: int | None = None,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        dropout: float = 0.15,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        validation_fraction: float = 0.2,
        metric: str | Metric | None = None,
        patience: int | None = None,
        target_error: float | None = None,
        warm_start: bool = False,
        run: str | Path | None = None,
        engine: str | Engine = "auto",
        threads: int | None = None,
        random_state: Any = None,
        progress: bool = False,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.encoding = encoding
        self.bins = bins
        self.columns = columns
        self.target = target
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_steps = max_steps
        self.max_seconds = max_seconds
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.validation_fraction = validation_fraction
        self.metric = metric
        self.patience = patience
        self.target_error = target_error
        self.warm_start = warm_start
        self.run = run
        self.engine = engine
        self.threads = threads
        self.random_state = random_state
        self.progress = progress

    # --- learning --------------------------------------------------------------------------------------------------

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
        X : (n, d) frame or array; missing values, text and dates are welcome
        y : (n,) targets: numbers, (n, k) of them for several, or class labels
        sample_weight : (n,) how much each row counts
        X_val, y_val, sample_weight_val : rows to watch, instead of a share of X
        groups : (n,) rows with the same entry stay together when a share is set aside
        """
        if self.run is not None:
            require_new(self.run, asker="fit")
        frame, targets = self._frame(X, reset=True), self._targets(y, reset=True)
        weights = self._weights(sample_weight, frame, targets)
        validation = None
        split = None
        if X_val is not None:
            watch, truth = self._frame(X_val, reset=False), self._targets(y_val, reset=False)
            validation = (watch, truth, self._weights(sample_weight_val, watch, truth))
        elif self.validation_fraction:
            groups = np.arange(frame.height) if groups is None else np.asarray(groups)
            if len(groups) != frame.height:
                raise ShapeError(f"groups has {len(groups)} entries; give one for each of the {frame.height} rows")
        if frame.height < 2:
            raise DataError(f"X has {frame.height} sample; a network needs two or more rows to learn from")
        self.seed_ = self._seed()
        if X_val is None and self.validation_fraction:
            split = split_rows(groups, self.seed_, self.validation_fraction, 0.0)
        learnt = self.warm_start and hasattr(self, "model_")
        plan = prepare(
            frame, targets, self._recipe(), target=self._target(), weights=weights, split=split, validation=validation,
            seed=self.seed_, table=self.model_.table if learnt else None, net=self.model_.net if learnt else None,
        )  # fmt: skip
        state = plan.begin(self.model_.theta if learnt else None)
        if self.run is None:
            return self._train(plan, state)
        with recording(self.run, plan, state, frame=frame.with_columns(targets)) as recorder:
            return self._train(plan, state, recorder)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, **keywords: Any) -> Any:
        """One pass over the rows at hand, going on from what was learnt before.

        The first call fits the table on its rows: how columns are scaled and binned stays as it is from then on.
        """
        if self.run is not None:
            raise ArgumentError(f"run is {self.run!r}, but partial_fit, whose rows differ from call to call, is not "
                                "recorded; use fit, or set run=None")  # fmt: skip
        first = not hasattr(self, "state_")
        frame, targets = self._frame(X, reset=first), self._targets(y, reset=first, **keywords)
        weights = self._weights(sample_weight, frame, targets)
        if first:
            self.seed_ = self._seed()
        known = {} if first else {"table": self.model_.table, "net": self.model_.net}
        recipe = self._recipe(epochs=1, max_steps=None, schedule="constant", patience=None, target_error=None)
        plan = prepare(frame, targets, recipe, target=self._target(), weights=weights, seed=self.seed_, **known)
        state = plan.begin()
        if not first:
            before: State = self.state_
            state = State(before.theta, before.memory, self.seed_, state.planned, step=before.step)
        return self._train(plan, state)

    def _train(self, plan: Plan, state: State, recorder: Recorder | None = None) -> Self:
        fitted = fit(plan, state, show=self.progress, recorder=recorder)
        self.model_ = plan.model(fitted.theta)
        self.state_ = fitted.state
        self.history_ = list(fitted.epochs)
        self.n_iter_ = fitted.state.epoch
        self.best_epoch_ = fitted.best_epoch
        self.notices_ = plan.notices
        return self

    def _recipe(self, **changes: Any) -> Recipe:
        given = {f.name: getattr(self, f.name) for f in fields(Recipe) if hasattr(self, f.name)}
        if isinstance(self.metric, str):
            given["metric"] = lookup("metric", METRICS, self.metric)
        return Recipe(**(given | changes))

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    # --- what comes in -----------------------------------------------------------------------------------------------

    def _frame(self, X: Any, *, reset: bool) -> pl.DataFrame:
        """X as a frame, its columns checked against those of `fit`."""
        named = hasattr(X, "columns") or isinstance(X, Mapping)
        frame = to_frame(X)
        given: Any = X if named else np.empty(frame.shape)
        validate_data(self, given, reset=reset, skip_check_array=True)
        if frame.width == 0:
            raise DataError(f"0 feature(s) (shape={frame.shape}) while a minimum of 1 is required.")
        if frame.height == 0:
            raise DataError(f"0 sample(s) (shape={frame.shape}) while a minimum of 1 is required.")
        return frame

    def _targets(self, y: Any, *, reset: bool) -> pl.DataFrame:
        raise NotImplementedError

    def _target(self) -> Target | None:
        """The description of the target, where it is known before the rows are split."""
        return None

    def _weights(self, sample_weight: Any, frame: pl.DataFrame, targets: pl.DataFrame) -> np.ndarray | None:
        n = frame.height
        if targets.height != n:
            raise ShapeError(f"X has {n} rows and y {targets.height}; give one target for each row")
        if sample_weight is None:
            return None
        weights = np.asarray(sample_weight, dtype=np.float64)
        weights = np.full(n, float(weights)) if weights.ndim == 0 else weights
        if weights.shape != (n,):
            raise ShapeError(f"sample_weight has shape {weights.shape}; give one weight for each of the {n} rows")
        return weights

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


class NetRegressor(RegressorMixin, _Net):
    """A feed-forward network that predicts numbers.

    Parameters
    ----------
    hidden : units of each hidden layer
    activation : of the hidden layers
    encoding : "piecewise" gives each number an input for each of its bins; "plain" one input
    bins : at most so many bins for a column, at its quantiles
    columns : the columns to use, or the kinds of some: ``{"zipcode": "category", "note": "drop"}``
    target : "standard" centres and scales the target, "log" its logarithm, "raw" leaves it
    loss : a name or a record; None: squared error
    optimizer : a name or a record, which then keeps its own decay and clipping. "adamw" is Adam with beta2 = 0.95
    learning_rate, schedule : α, and how it changes over the planned steps
    batch_size : rows in a step; None: all
    epochs : passes over the rows; None: 60, or enough for 300 steps
    max_steps, max_seconds : further limits
    dropout : share of hidden units silenced while training
    weight_decay : None: 0.03 for "adamw", else 0
    clip_norm : a longer gradient is shortened to this length
    validation_fraction : share of the rows to watch, unless `fit` is given some; the best epoch's weights are kept
    metric : what is watched, a name from METRICS or a record; None: E
    patience : stop after so many epochs without a better metric
    target_error : stop at this metric
    warm_start : go on from the weights of the last `fit`
    run : record the run in this file: every step can be had back, see `backlit.open_run`
    engine : "native", "reference", or "auto": the native one if it can run this, with a warning if not
    threads : of the native engine, which yields the same bits on any number; None: as many as there are usable cores,
        1 in a worker process
    random_state : of starting weights, order, dropout and split
    progress : show a live bar on a terminal

    Attributes
    ----------
    model_ : table, network and weights; predicts any frame
    history_ : each epoch's figures
    n_iter_, best_epoch_ : epochs made, and the one whose weights are kept
    seed_ : the seed drawn
    notices_ : columns left out, and why

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

    def _targets(self, y: Any, *, reset: bool) -> pl.DataFrame:
        frame = _columns(y)
        for name in frame.columns:
            if frame[name].dtype == pl.String and reset:
                raise DataError(f"target {name!r} holds text, such as {frame[name].drop_nulls().first()!r}; numbers "
                                "are needed here: NetClassifier learns classes")  # fmt: skip
        return _finite(frame)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class NetClassifier(ClassifierMixin, _Net):
    """A feed-forward network that predicts classes and their probabilities; see `NetRegressor` for the settings.

    Parameters
    ----------
    class_weight : "balanced", or a mapping of classes to weights
    """

    def __init__(self, *, class_weight: Any = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.class_weight = class_weight

    _own = signature(__init__).parameters["class_weight"]
    _shared = list(signature(_Net.__init__).parameters.values())
    __init__.__signature__ = Signature([*_shared, _own])  # type: ignore[attr-defined]  # scikit-learn reads it
    del _own, _shared

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, (n,)."""
        prediction = self._scores(X)
        return self.classes_[prediction.argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities, (n, classes), in the order of `classes_`."""
        return self._scores(X)

    def _targets(self, y: Any, *, reset: bool, classes: Any = None) -> pl.DataFrame:
        frame = _columns(y)
        if frame.width > 1:
            raise ShapeError(f"y has {frame.width} columns; a classifier learns one target")
        if getattr(y, "ndim", 1) == 2:
            warnings.warn(
                "A column-vector y was passed when a 1d array was expected", DataConversionWarning, stacklevel=4
            )
        labels = frame.to_series().to_numpy() if isinstance(y, pl.DataFrame) else np.asarray(y).ravel()
        if labels.dtype.kind == "f":
            _finite(pl.DataFrame({frame.columns[0]: labels}))
        check_classification_targets(labels)
        if reset:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
            if len(self.classes_) < 2:
                raise DataError(
                    f"y holds one class only, {self.classes_.tolist()[0]!r}: a classifier needs two or more classes"
                )
        odd = labels[~np.isin(labels, self.classes_)]
        if len(odd):
            raise DataError(f"y holds the class {odd.tolist()[0]!r}, which was not among those learnt")
        self._name = frame.columns[0] if reset else self._name
        return pl.DataFrame([to_series(labels, self._name)])

    def _target(self) -> Target:
        return Target((self._name,), "classes", classes=tuple(self.classes_.tolist()))

    def _weights(self, sample_weight: Any, frame: pl.DataFrame, targets: pl.DataFrame) -> np.ndarray | None:
        weights = super()._weights(sample_weight, frame, targets)
        if self.class_weight is None:
            return weights
        of_class = compute_sample_weight(self.class_weight, targets.to_series().to_numpy())
        return of_class if weights is None else of_class * weights


def _columns(y: Any) -> pl.DataFrame:
    """The target as a frame of its columns."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None")
    if isinstance(y, pl.Series):
        return pl.DataFrame([y.alias(y.name or "y")])
    if hasattr(y, "columns"):
        return to_frame(y)
    array = np.asarray(y)
    if array.ndim > 1:
        return to_frame(array, tuple(f"y{i}" for i in range(1, array.shape[1] + 1)))
    if array.ndim == 0:
        raise ShapeError(f"y is {y!r}; give one target for each row")
    return pl.DataFrame([to_series(array, str(getattr(y, "name", None) or "y"))])


def _finite(frame: pl.DataFrame) -> pl.DataFrame:
    for series in frame.iter_columns():
        if series.dtype.is_numeric() and not bool(series.cast(pl.Float64).is_finite().fill_null(False).all()):
            raise DataError(f"Input y contains NaN or infinity (target {series.name!r}); leave those rows out")
    return frame
