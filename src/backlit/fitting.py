"""From a table to a trained network: the split of its rows, the default network, its training, and baselines.

The estimators, the command line and the studio all come through here:

    plan = prepare(frame, targets, Recipe())
    for event in plan.train():
        ...
    model = plan.model(event.theta)
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from backlit.core import rng
from backlit.core.layers import Dense, Dropout, Layer, PiecewiseLinear
from backlit.core.losses import LOSSES, Loss, Quantile
from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS, Optimizer
from backlit.core.registry import make_plain, resolve
from backlit.engines.choice import choose
from backlit.engines.protocol import Data, Engine
from backlit.errors import DataError, ShapeError, require
from backlit.plan import Plan, named_optimizer
from backlit.tables.fields import is_text, numbered
from backlit.tables.metrics import METRICS, Metric, require_fit, scores
from backlit.tables.table import Encoding, Kinds, Table
from backlit.tables.target import Scaling, Target, guess_task, target_numbers
from backlit.training import Settings

if TYPE_CHECKING:
    import polars as pl

LEAST_EPOCHS, LEAST_STEPS = 60, 300
LEAST_ROWS = 10  #: of a table, so that some can test


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice about a fit, with one set of defaults for all tables; see `NetRegressor` for what each means."""

    hidden: Sequence[int] = (128, 128)
    activation: str = "relu"
    encoding: Encoding = "piecewise"
    bins: int = 48
    columns: Kinds = None
    target: Scaling = "standard"
    loss: str | Loss | None = None
    optimizer: str | Optimizer = "adamw"
    learning_rate: float = 1e-3
    schedule: Any = "warmup_cosine"
    batch_size: int | None = 256
    epochs: int | None = None
    max_steps: int | None = None
    max_seconds: float | None = None
    dropout: float = 0.15
    weight_decay: float | None = None
    clip_norm: float | None = None
    metric: str | Metric | None = None
    patience: int | None = None
    target_error: float | None = None
    engine: str | Engine = "auto"
    threads: int | None = None
    units: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        make_plain(self)
        if isinstance(self.hidden, int | float):
            object.__setattr__(self, "hidden", (self.hidden,))
        if self.metric is not None:
            object.__setattr__(self, "metric", resolve("metric", METRICS, self.metric))

    def chosen_optimizer(self) -> Optimizer:
        """The optimizer; one given by name gets the recipe's decay and clipping, a record keeps its own."""
        if isinstance(self.optimizer, str):
            return named_optimizer(self.optimizer, self.weight_decay, self.clip_norm)
        return resolve("optimizer", OPTIMIZERS, self.optimizer)


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
        raise DataError(f"{n} rows leave none to learn from; give more rows or smaller shares")
    return split


def prepare(
    frame: pl.DataFrame,
    targets: pl.DataFrame,
    recipe: Recipe = Recipe(),
    *,
    target: Target | None = None,
    weights: np.ndarray | None = None,
    split: Split | None = None,
    numbers: np.ndarray | None = None,
    validation: tuple[pl.DataFrame, pl.DataFrame, np.ndarray | None] | None = None,
    seed: int | None = None,
    table: Table | None = None,
    net: Network | None = None,
) -> Plan:
    """Fit the table on the training rows, encode them, and choose the network.

    Parameters
    ----------
    frame, targets : the rows to learn from, and what to predict, one column or more; none of the targets missing
    target : its description, such as the classes; None: numbers, scaled as the recipe says
    weights : (n,) one for each row
    split : which rows of `frame` are for what; None: all are for learning
    numbers : (n,) each row's number in the table as given, where `frame` is a part of it
    validation : rows of their own to watch: frame, targets, weights
    seed : None draws one
    table, net : already fitted, for learning on; they must fit the columns
    """
    if weights is not None and np.shape(weights) != (frame.height,):
        raise ShapeError(f"weights has shape {np.shape(weights)}; give one weight for each of the {frame.height} rows")
    train_rows = np.arange(frame.height) if split is None else split.train
    if table is None:
        with numbered(train_rows):
            table = Table.fit(
                frame[train_rows],
                _numbers(targets[train_rows], recipe) if target is None else target,
                columns=recipe.columns,
                encoding=recipe.encoding,
                bins=recipe.bins,
                units=recipe.units,
            )
    loss = net.loss if net is not None else choose_loss(recipe, table.target)
    net = default_network(table, loss, recipe) if net is None else net
    metric = recipe.metric if isinstance(recipe.metric, Metric) else None
    if metric is not None:
        require_fit(metric, bool(table.target.classes), net.outputs // table.target.outputs)

    def rows(frame: pl.DataFrame, targets: pl.DataFrame, weights: Any, which: np.ndarray | None) -> Data:
        at = np.arange(frame.height) if which is None else which
        weights = None if weights is None else np.asarray(weights)[at]
        with numbered(at):
            Y = table.target.encode(targets[at])
            own = at if numbers is None else numbers[at]
            return Data(table.encode(frame[at]), Y.astype(np.float32), weights, own)

    data = rows(frame, targets, weights, train_rows)
    watched = None
    if validation is not None:
        watched = rows(*validation, None)
    elif split is not None and len(split.validation):
        watched = rows(frame, targets, weights, split.validation)
    seed = secrets.randbits(32) if seed is None else seed
    settings = _settings(recipe, len(data))
    engine = choose(recipe.engine, net, settings.optimizer, data.X.dtype, recipe.threads)
    return Plan(table, net, settings, data, watched, seed, engine, metric)


def rows_with(target: pl.Series, called: str = "the table") -> np.ndarray:
    """The positions of the rows that have a target; raises `DataError` where the table so called has too few."""
    known = target.is_not_nan() if target.dtype.is_float() else target.is_not_null()
    rows = np.flatnonzero(known.fill_null(False).to_numpy())
    if len(rows) < LEAST_ROWS:
        raise DataError(
            f"{called} has {row_count(len(rows))} with a {target.name!r}; give ten or more, so that some can test"
        )
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
            raise DataError(f"target {name!r} is {values[0]:g} in every row; there is nothing to learn")
        if is_text(series):
            notices.append(f"{name} holds numbers written as text, such as {series[0]!r}; they are read as numbers")
        elif levels <= 10 and task is None and (values % 1 == 0).all():
            notices.append(f"{name} has {levels} different values and is taken as numbers; {otherwise}")
        return None, pl.DataFrame({name: values}), notices
    if levels > 20 and levels > 0.2 * len(series):
        raise DataError(
            f"target {name!r} has {levels:,} different entries in {row_count(len(series))}, such as {series[0]!r}: too "
            "many for classes; write numbers as in 450000, or name another target"
        )
    target = Target.fit_classes(series)
    rare = series.value_counts(name="n" if name != "n" else "rows")
    rare = rare.filter(rare.to_series(1) == 1).to_series(0)
    if len(rare):
        notices.append(
            f"{row_count(len(rare))} of {name} alone in its class, such as {rare[0]!r}: too few to learn it from"
        )
    return target, series.to_frame(), notices


def row_count(n: int) -> str:
    """So many rows, as text."""
    return f"{n:,} row{'s' * (n != 1)}"


def choose_loss(recipe: Recipe, target: Target) -> Loss:
    """The recipe's loss, or the usual one: squared error for numbers, cross-entropy for classes."""
    if recipe.loss is not None:
        return resolve("loss", LOSSES, recipe.loss)
    if not target.classes:
        return LOSSES["squared_error"]()
    return LOSSES["binary_cross_entropy" if target.outputs == 1 else "cross_entropy"]()


def default_network(table: Table, loss: Loss, recipe: Recipe) -> Network:
    """PiecewiseLinear where there are bins, then the hidden layers with dropout, then the output."""
    good = lambda v: all(isinstance(units, int) and units >= 1 for units in v)
    require("hidden", recipe.hidden, good, "numbers of units, such as (128, 128)")
    layers: list[Layer] = [PiecewiseLinear(table.edges)] if any(table.edges) else []
    width = sum(max(1, len(edges) - 1) for edges in table.edges)
    for units in recipe.hidden:
        layers.append(Dense(width, units, recipe.activation, weights="fan_in_uniform"))
        if recipe.dropout:
            layers.append(Dropout(recipe.dropout))
        width = units
    outputs = len(loss.levels) if isinstance(loss, Quantile) else table.target.outputs
    return Network([*layers, Dense(width, outputs, weights="fan_in_uniform")], loss, table.names)


def _numbers(targets: pl.DataFrame, recipe: Recipe) -> Target:
    """Numbers to predict; counts are left as they are for the Poisson loss."""
    scaling = "raw" if _loss_name(recipe) == "poisson" else recipe.target
    return Target.fit_numbers(targets, scaling, recipe.units.get(targets.columns[0], ""))


def _loss_name(recipe: Recipe) -> str:
    return recipe.loss if isinstance(recipe.loss, str) else getattr(recipe.loss, "name", "")


def _settings(recipe: Recipe, n: int) -> Settings:
    batch_size = None if recipe.batch_size is None or recipe.batch_size >= n else recipe.batch_size
    steps_an_epoch = math.ceil(n / (batch_size or n))
    epochs = recipe.epochs
    if epochs is None and recipe.max_steps is None:
        epochs = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / steps_an_epoch))
    return Settings(
        optimizer=recipe.chosen_optimizer(),
        learning_rate=recipe.learning_rate,
        schedule=recipe.schedule,
        batch_size=batch_size,
        epochs=epochs,
        max_steps=recipe.max_steps,
        max_seconds=recipe.max_seconds,
        patience=recipe.patience,
        target_error=recipe.target_error,
        greater_is_better=isinstance(recipe.metric, Metric) and recipe.metric.greater_is_better,
    )


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


def report(
    plan: Plan, theta: np.ndarray, frame: pl.DataFrame, targets: pl.DataFrame, split: Split, columns: Kinds = None
) -> dict[str, dict[str, float]]:
    """Every metric on the test rows: of the network, and of the baselines fitted on the same training rows.

    columns : as in the recipe
    """
    plain = Table.fit(frame[split.train], plan.table.target, columns=columns, encoding="plain")
    test = frame[split.test]
    predictions = {"backlit": plan.model(theta).decode(test)}
    predictions |= baselines(plain, frame[split.train], targets[split.train], test)
    target = plan.table.target
    truth = target.encode(targets[split.test])
    truth = truth[:, 0] if target.classes else target.decode_targets(truth)
    return {name: scores(prediction, truth, bool(target.classes)) for name, prediction in predictions.items()}
