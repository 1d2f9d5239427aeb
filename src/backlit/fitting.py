"""The one way from a problem to a recorded training: the fitted table, the default network, and how it trains.

The estimators, the command line and the studio all come through here:

    problem = Problem.of(houses, "price", Parting("group", "id"))
    start = prepare(problem, Recipe())
    with start.recording("houses.backlit") as recorder:
        fitted = fit(start, recorder=recorder)
    problem.test(fitted.model).scores
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from backlit.core.layers import Dense, Dropout, Layer, PiecewiseLinear
from backlit.core.losses import LOSSES, Loss
from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS, Optimizer
from backlit.core.registry import resolve
from backlit.core.state import State
from backlit.engines.choice import choose
from backlit.engines.protocol import Data, Rows
from backlit.errors import ArgumentError
from backlit.model import Model
from backlit.problem import Problem
from backlit.recipe import LEAST_EPOCHS, LEAST_STEPS, Recipe
from backlit.runs.run import recording
from backlit.tables.fields import PLAIN, numbered
from backlit.tables.infer import giveaways
from backlit.tables.metrics import METRICS, Metric, require_fit
from backlit.tables.reading import Hints, Sheet, read_frame
from backlit.tables.table import Table
from backlit.tables.target import Target, WatchedMetric
from backlit.training import Epoch, Plan, Settings, begin

if TYPE_CHECKING:
    import polars as pl


class Structure(NamedTuple):
    """What stays as it is where learning goes on."""

    table: Table
    net: Network


@dataclass(frozen=True, eq=False)
class Start:
    """A training before its first step: its problem, the fitted table, what training needs, and its state's seed."""

    problem: Problem
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

    def recording(self, path: str | Path, about: Mapping[str, Any] = MappingProxyType({}), **options: Any) -> Any:
        """A run file of it; see `backlit.runs.run.recording`, which takes the options."""
        problem = self.problem
        if problem.parting is not None:
            about = {**about, "rows": problem.counts, "split": problem.parting.to_dict()}
        return recording(path, *self, frame=problem.whole, about=about, **options)


def prepare(
    problem: Problem, recipe: Recipe = Recipe(), seed: int | None = None, *, structure: Structure | None = None
) -> Start:
    """Fit the table on the training rows, encode them, and choose the network.

    What could not be tested on is refused before the work.

    Parameters
    ----------
    seed : None draws one
    structure : to go on with; it must fit the columns
    """
    split, targets = problem.split, problem.targets
    with numbered(problem.rows):
        sheet = read_frame(problem.sheet, Hints.of(recipe.columns), numbers=problem.rows)
        if structure is None:
            table = _table(problem, sheet, recipe)
            loss = choose_loss(recipe, table.target)
            structure = Structure(table, default_network(table, loss, recipe))
        table, net = structure
        if net.outputs > (columns := len(table.target.names)) > 1:
            raise ArgumentError("loss.several_outputs", loss=net.loss.name, outputs=net.outputs, columns=columns)
        Y = table.target.encode(targets).astype(np.float32)
    metric = None if recipe.metric is None else resolve("metric", METRICS, recipe.metric)
    if metric is not None:
        require_fit(metric, bool(table.target.classes), net.outputs // len(table.target.names))
    own = problem.watched
    used = np.union1d(split.train, split.validation) if own is None else split.train
    data = _data(table, sheet.frame[used], Y[used], problem.rows[used])

    def part(rows: np.ndarray) -> Rows:
        return Rows(data, np.searchsorted(used, rows), problem.weights_of(rows))

    watch = part(split.validation) if len(split.validation) else None
    if own is not None:
        with numbered(own.rows):
            Y = table.target.encode(own.targets).astype(np.float32)
        watch = Rows(_data(table, own.frame, Y, own.rows), None, own.weights_of(own.split.train))
    settings = _settings(recipe, metric, len(split.train))
    engine = choose(recipe.engine, net, settings.optimizer, data.X.dtype, recipe.threads)
    watched = None if metric is None else WatchedMetric(metric, table.target, net.loss)
    plan = Plan(net, part(split.train), settings, watch=watch, metric=watched, engine=engine)
    return Start(problem, table, plan, secrets.randbits(32) if seed is None else seed)


def _table(problem: Problem, sheet: Sheet, recipe: Recipe) -> Table:
    """The table, fitted on the training rows, and what is to be known of it."""
    train, targets = problem.split.train, problem.targets
    weights = problem.weights_of(train)
    table = Table.fit(
        sheet,
        _numbers(targets[train], recipe, weights, sheet) if problem.target is None else problem.target,
        rows=train,
        weights=weights,
        columns=recipe.columns,
        encoding=recipe.encoding,
        bins=recipe.bins,
        units=recipe.units,
    )
    hints = giveaways(sheet, targets, [column.name for column in table.columns])
    return replace(table, notices=(*table.notices, *hints))


def _data(table: Table, frame: pl.DataFrame, Y: np.ndarray, rows: np.ndarray) -> Data:
    """Encoded rows, which have these numbers in their table."""
    with numbered(rows):
        return Data(table.encode(frame), Y, rows)


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
