"""What a training is: its network, its rows, its settings and its engine; and where it begins."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from backlit.core.arrays import Array, like, require_finite
from backlit.core.network import Network
from backlit.core.state import State
from backlit.engines.choice import choose
from backlit.engines.protocol import Data, Engine, Rows
from backlit.errors import ShapeError, require
from backlit.training.settings import Settings

MOST_STEPS = 2**60  #: that are planned: counts of a run file are below 2**62

Metric: TypeAlias = Callable[[Array, Array, Array | None], float]
"""(S, Y, weights) -> how good or bad the scores S are; the settings say whether greater is better."""


@dataclass(frozen=True, init=False, eq=False)
class Plan:
    """All that training needs.

    Parameters
    ----------
    net : the network
    learn : the rows to learn from
    settings : how to train
    watch : rows to watch: after each epoch the metric is taken on them and the best weights are kept. Without them, a
        metric, patience or target error watches the rows that are learnt from
    metric : what is watched; None: E. Where greater is better, the settings say so
    engine : "native", "reference" or "auto", or an engine itself; see `backlit.engines.choice.choose`

    Raises
    ------
    ShapeError, DataError, ArgumentError
        Where the rows do not fit the network, or the engine cannot run it.
    """

    net: Network
    learn: Rows
    settings: Settings
    watch: Rows | None
    metric: Metric | None
    engine: Engine

    def __init__(
        self,
        net: Network,
        learn: Rows | Data,
        settings: Settings = Settings(),
        *,
        watch: Rows | Data | None = None,
        metric: Metric | None = None,
        engine: str | Engine = "auto",
    ) -> None:
        learn, watch = Rows.of(learn), None if watch is None else Rows.of(watch)
        for rows in (learn, watch):
            if rows is not None:
                _check(net, rows)
        engine = choose(engine, net, settings.optimizer, learn.data.X.dtype)
        vars(self).update(net=net, learn=learn, settings=settings, watch=watch, metric=metric, engine=engine)

    def __repr__(self) -> str:
        watched = 0 if self.watch is None else len(self.watch)
        rows = f"{len(self.learn):,} rows to learn from, {watched:,} to watch"
        return f"<plan: {rows}; {self.engine.name} engine\n  {self.net.summary}>"

    @property
    def watched(self) -> Rows:
        """The rows on which the metric is taken."""
        return self.learn if self.watch is None else self.watch

    @property
    def watching(self) -> bool:
        """Whether a metric is taken after each epoch."""
        settings = self.settings
        return any(x is not None for x in (self.watch, self.metric, settings.patience, settings.target_error))


def _check(net: Network, rows: Rows) -> None:
    if (columns := rows.data.X.shape[1]) != len(net.inputs):
        raise ShapeError("training.columns", columns=columns, inputs=len(net.inputs))
    net.loss.check(rows.Y, net.outputs)


def begin(plan: Plan, *, theta: Array | None = None, seed: int = 0) -> State:
    """The state before the first step.

    Parameters
    ----------
    theta : (p,) starting weights; None draws them from the seed
    seed : of the starting weights, the order of rows and the dropout masks
    """
    net, settings = plan.net, plan.settings
    seed = require("seed", seed, lambda v: isinstance(v, int) and 0 <= v < 2**64, "a whole number from 0 to 2^64 - 1")
    start: Array = like(net.start(seed, dtype=np.float64) if theta is None else theta, plan.learn.data.X)
    if start.shape != (net.size,):
        raise ShapeError("training.theta_shape", shape=tuple(start.shape), weights=net.size)
    require_finite("theta", start)
    state = State(start, settings.optimizer.init(start, net.layout()), seed, 0, patience_left=settings.patience)
    return replace(state, planned=steps_left(plan, state))


def steps_left(plan: Plan, state: State) -> int:
    """How many steps the limits on epochs and steps allow after a state."""
    rows, size, settings = len(plan.learn), rows_a_step(plan), plan.settings
    of_epochs = of_steps = MOST_STEPS
    if settings.epochs is not None:
        this = math.ceil((rows - state.used) / size)
        of_epochs = this + (settings.epochs - state.epoch - 1) * math.ceil(rows / size)
    if settings.max_steps is not None:
        of_steps = settings.max_steps - state.step
    return max(0, min(of_epochs, of_steps, MOST_STEPS))


def plan_again(plan: Plan, state: State, before: Settings) -> State:
    """The state with its schedule laid out for the plan, if that allows another number of steps than other settings.

    The place in the schedule stays: the share of it that is over. The rest is stretched over the steps that are left.
    """
    left = steps_left(plan, state)
    rest = state.begun + state.planned - state.step
    same = left == steps_left(replace(plan, settings=before), state)
    if same or not plan.settings.schedule.ends or left == 0 or rest <= 0:
        return state
    planned = max(1, round(left * state.planned / rest))
    return replace(state, planned=planned, begun=state.step + left - planned)


def rows_a_step(plan: Plan) -> int:
    """The batch size; all rows where it is None."""
    rows = len(plan.learn)
    size = plan.settings.batch_size or rows
    require("batch_size", size, lambda v: v <= rows, f"at most the number of rows, {rows}, or None for all of them")
    return size
