"""From a table to a trained network: the split of its rows, the default network, its training, and baselines.

The estimators, the command line and the studio all come through here:

    start = prepare(frame, targets, Recipe())
    for event in train(start.plan, start.state):
        ...
    model = start.model(event.theta)
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from backlit.core import rng
from backlit.core.layers import Dense, Dropout, Layer, PiecewiseLinear
from backlit.core.losses import LOSSES, Loss
from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS, Optimizer
from backlit.core.registry import resolve
from backlit.core.state import State
from backlit.engines.choice import choose
from backlit.engines.protocol import Data, Rows
from backlit.errors import ArgumentError, DataError, ShapeError, require
from backlit.model import Model
from backlit.recipe import LEAST_EPOCHS, LEAST_STEPS, Recipe
from backlit.tables.fields import PLAIN, numbered
from backlit.tables.infer import giveaways
from backlit.tables.metrics import METRICS, Metric, require_fit
from backlit.tables.reading import Hints, Sheet, read_frame
from backlit.tables.table import Table
from backlit.tables.target import Target, WatchedMetric
from backlit.training import Epoch, Plan, Settings, begin

if TYPE_CHECKING:
    import polars as pl

FAR = 64  #: exponents of 2 up to which weights are taken as they are; float32 ends at 128, and sums need room


class Split(NamedTuple):
    """Positions of the rows to learn from, to stop on, and to test on, each in increasing order."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def among(self, rows: np.ndarray) -> Split:
        """The same rows by their places among some, in increasing order; the others are gone."""
        return Split(*(np.flatnonzero(np.isin(rows, part)) for part in self))


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


@dataclass(frozen=True, eq=False)
class Start:
    """A training before its first step: the fitted table, what training needs, and the seed of its state."""

    table: Table
    plan: Plan
    seed: int

    def __iter__(self) -> Iterator[Any]:
        """Table, plan and state, as a recording takes them."""
        return iter((self.table, self.plan, self.state))

    @cached_property
    def state(self) -> State:
        """The state before the first step."""
        return begin(self.plan, seed=self.seed)

    def at(self, state: State) -> Start:
        """The same from another state."""
        other = replace(self)
        vars(other).update(state=state)
        return other

    def model(self, theta: np.ndarray) -> Model:
        """What predicts with these weights."""
        return Model(self.table, self.plan.net, theta)


def prepare(
    frame: pl.DataFrame | Sheet,
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
) -> Start:
    """Fit the table on the training rows, encode them, and choose the network.

    Parameters
    ----------
    frame, targets : the rows to learn from, and what to predict, one column or more; none of the targets missing
    target : its description, such as the classes; None: numbers, scaled as the recipe says
    weights : (n,) one for each row; a row of weight 0 is not there
    split : which rows of `frame` are for what; None: all are for learning
    numbers : (n,) each row's number in the table as given, where `frame` is a part of it
    validation : rows of their own to watch: frame, targets, weights
    seed : None draws one
    table, net : already fitted, for learning on; they must fit the columns
    """
    height = targets.height
    numbers = np.arange(height) if numbers is None else numbers
    split = Split(np.arange(height), _NO_ROWS, _NO_ROWS) if split is None else split
    if weights is not None:
        here = rows_that_count(weights, height)
        frame, targets, weights, numbers = _rows(frame, here), targets[here], within_reach(weights[here]), numbers[here]
        split = split.among(here)
        if len(split.train) == 0:
            raise DataError("weights.none_learnt")
    with numbered(numbers):
        sheet = read_frame(frame, Hints.of(recipe.columns), numbers=numbers)
        if table is None:
            heavy = None if weights is None else weights[split.train]
            table = Table.fit(
                sheet,
                _numbers(targets[split.train], recipe, heavy, sheet) if target is None else target,
                rows=split.train,
                weights=weights,
                columns=recipe.columns,
                encoding=recipe.encoding,
                bins=recipe.bins,
                units=recipe.units,
            )
            hints = giveaways(sheet, targets, [column.name for column in table.columns])
            table = replace(table, notices=(*table.notices, *hints))
    loss = net.loss if net is not None else choose_loss(recipe, table.target)
    net = default_network(table, loss, recipe) if net is None else net
    metric = None if recipe.metric is None else resolve("metric", METRICS, recipe.metric)
    if metric is not None:
        require_fit(metric, bool(table.target.classes), net.outputs // len(table.target.names))

    def encoded(frame: pl.DataFrame, targets: pl.DataFrame, own: np.ndarray) -> Data:
        with numbered(own):
            return Data(table.encode(frame), table.target.encode(targets).astype(np.float32), own)

    aside = split.validation if validation is None else _NO_ROWS
    used = np.union1d(split.train, aside)
    data = encoded(sheet.frame[used], targets[used], numbers[used])

    def part(rows: np.ndarray) -> Rows:
        return Rows(data, np.searchsorted(used, rows), None if weights is None else within_reach(weights[rows]))

    watch = _watched(encoded, *validation) if validation is not None else part(aside) if len(aside) else None
    settings = _settings(recipe, metric, len(split.train))
    engine = choose(recipe.engine, net, settings.optimizer, data.X.dtype, recipe.threads)
    watched = None if metric is None else WatchedMetric(metric, table.target, loss)
    plan = Plan(net, part(split.train), settings, watch=watch, metric=watched, engine=engine)
    return Start(table, plan, secrets.randbits(32) if seed is None else seed)


_NO_ROWS = np.arange(0)


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


def within_reach(weights: np.ndarray) -> np.ndarray:
    """Weights above 0; multiplied by a power of 2, which changes no ratio, where float32 could not hold them."""
    exponent = int(np.frexp(weights.max())[1])
    return weights if abs(exponent) <= FAR else np.ldexp(weights, -exponent)


def _rows(frame: pl.DataFrame | Sheet, rows: np.ndarray) -> Any:
    return frame.rows(rows) if isinstance(frame, Sheet) else frame[rows]


def _watched(encoded: Any, frame: pl.DataFrame, targets: pl.DataFrame, weights: np.ndarray | None) -> Rows:
    """Rows of their own to watch; those of weight 0 are not there."""
    rows = np.arange(targets.height) if weights is None else rows_that_count(weights, targets.height)
    data = encoded(frame[rows], targets[rows], rows)
    return Rows(data, None, None if weights is None else within_reach(weights[rows]))


def choose_loss(recipe: Recipe, target: Target) -> Loss:
    """The recipe's loss; None: the first of the registry that learns such a target."""
    able = [name for name, loss in LOSSES.items() if not set(target.goals).isdisjoint(loss.learns)]
    loss = resolve("loss", LOSSES, able[0] if recipe.loss is None else recipe.loss)
    if set(target.goals).isdisjoint(loss.learns):
        what = f"{len(target.classes)} classes" if target.classes else "numbers"
        raise ArgumentError(
            "loss.cannot_learn", loss=loss.name, what=what, target=target.names[0], able=" or ".join(able)
        )
    return loss


def chosen_optimizer(recipe: Recipe) -> Optimizer:
    """The optimizer; one given by name gets the recipe's decay and clipping, a record keeps its own."""
    optimizer = resolve("optimizer", OPTIMIZERS, recipe.optimizer)
    if not isinstance(recipe.optimizer, str):
        return optimizer
    decay = optimizer.weight_decay if recipe.weight_decay is None else recipe.weight_decay
    return replace(optimizer, weight_decay=decay, clip_norm=recipe.clip_norm)


def default_network(table: Table, loss: Loss, recipe: Recipe) -> Network:
    """PiecewiseLinear where there are bins, then the hidden layers with dropout, then the output."""
    layers: list[Layer] = [PiecewiseLinear(table.edges)] if any(table.edges) else []
    width = sum(max(1, len(edges) - 1) for edges in table.edges)
    for units in recipe.layers:
        layers.append(Dense(width, units, recipe.activation, weights="fan_in_uniform"))
        if recipe.dropout:
            layers.append(Dropout(recipe.dropout))
        width = units
    outputs = len(loss.outputs(table.target.names, table.target.labels))
    return Network([*layers, Dense(width, outputs, weights="fan_in_uniform")], loss, table.names)


def _numbers(targets: pl.DataFrame, recipe: Recipe, weights: np.ndarray | None, sheet: Sheet) -> Target:
    """Numbers to predict; for a loss of counts they are left as they are."""
    counts = recipe.loss is not None and "counts" in resolve("loss", LOSSES, recipe.loss).learns
    scaling = "raw" if counts else recipe.target
    name = targets.columns[0]
    reading = sheet.readings.get(name, PLAIN)
    return Target.fit_numbers(targets, scaling, recipe.units.get(name) or reading.unit, weights, reading)


def _settings(recipe: Recipe, metric: Metric | None, n: int) -> Settings:
    batch_size = None if recipe.batch_size is None or recipe.batch_size >= n else recipe.batch_size
    steps_an_epoch = math.ceil(n / (batch_size or n))
    epochs = recipe.epochs
    if epochs is None and recipe.max_steps is None:
        epochs = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / steps_an_epoch))
    return Settings(
        optimizer=chosen_optimizer(recipe),
        learning_rate=recipe.learning_rate,
        schedule=recipe.schedule,
        batch_size=batch_size,
        epochs=epochs,
        max_steps=recipe.max_steps,
        max_seconds=recipe.max_seconds,
        patience=recipe.patience,
        target_error=recipe.target_error,
        greater_is_better=metric is not None and metric.greater_is_better,
    )


class EpochInUnit(NamedTuple):
    """One epoch's figures, and what they are in the target's unit, as people read them.

    Attributes
    ----------
    epoch, step, error, metric, improved : as in `Epoch`
    error_in_unit, metric_in_unit : such as the RMSE, the root of the squared error; None for a figure that has no unit
    """

    epoch: int
    step: int
    error: float | None
    metric: float | None
    improved: bool
    error_in_unit: float | None
    metric_in_unit: float | None

    @classmethod
    def of(cls, epoch: Epoch, target: Target, plan: Plan) -> EpochInUnit:
        """An epoch's figures."""
        measure = target.measure(plan.net.loss)
        in_unit = lambda E: measure(E) if measure.in_unit and E is not None else None
        of_metric = epoch.metric if isinstance(plan.metric, WatchedMetric) and plan.metric.metric.in_unit else None
        return cls(*epoch, in_unit(epoch.error), in_unit(epoch.metric) if plan.metric is None else of_metric)
