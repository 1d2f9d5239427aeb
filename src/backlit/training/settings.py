"""How to train, where training begins, and when it ends."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from backlit.core.arrays import Array, like, require_finite
from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import make_plain, resolve
from backlit.core.schedules import SCHEDULES
from backlit.core.state import State
from backlit.engines.protocol import Data
from backlit.errors import ShapeError, require
from backlit.recipe import SETTINGS

Reason: TypeAlias = Literal["epochs", "max_steps", "max_seconds", "patience", "target_error", "interrupted"]


@dataclass(frozen=True)
class Settings:
    """How to train.

    Parameters
    ----------
    optimizer, schedule : a name or a record
    learning_rate : α, before the schedule's factor
    batch_size : rows in a step; None: all rows
    epochs, max_steps : limits, counted from the first step of the run; the first one reached stops
    max_seconds : a limit on one call of `train`. It only stops: the schedule is laid out for the steps planned
    patience : stop after this many epochs in a row without a better metric
    target_error : stop once the metric is this good
    greater_is_better : whether a greater metric is a better one, as R² is; an error is not
    """

    optimizer: Any = "adam"  # an Optimizer once made, and a Schedule below
    learning_rate: float = 1e-3
    schedule: Any = "constant"
    batch_size: int | None = 32
    epochs: int | None = 20
    max_steps: int | None = None
    max_seconds: float | None = None
    patience: int | None = None
    target_error: float | None = None
    greater_is_better: bool = False

    def __post_init__(self) -> None:
        make_plain(self)
        object.__setattr__(self, "optimizer", resolve("optimizer", OPTIMIZERS, self.optimizer))
        object.__setattr__(self, "schedule", resolve("schedule", SCHEDULES, self.schedule))
        for name, value in vars(self).items():
            if name in SETTINGS:
                SETTINGS[name].require(value)
        require("epochs", self.epochs, lambda v: bool(v or self.max_steps), "set where max_steps is not")


def begin(net: Network, data: Data, settings: Settings, *, theta: Array | None = None, seed: int = 0) -> State:
    """The state before the first step.

    Parameters
    ----------
    theta : (p,) starting weights; None draws them from the seed
    seed : of the starting weights, the order of rows and the dropout masks
    """
    seed = require("seed", seed, lambda v: isinstance(v, int) and 0 <= v < 2**64, "a whole number from 0 to 2^64 - 1")
    start: Array = like(net.start(seed, dtype=np.float64) if theta is None else theta, data.X)
    if start.shape != (net.size,):
        raise ShapeError("training.theta_shape", shape=tuple(start.shape), weights=net.size)
    require_finite("theta", start)
    state = State(start, settings.optimizer.init(start, net.layout()), seed, 0, patience_left=settings.patience)
    return replace(state, planned=steps_left(state, settings, data))


def steps_left(state: State, settings: Settings, data: Data) -> int:
    """How many steps the limits on epochs and steps allow after a state."""
    size = rows_a_step(settings, data)
    of_epochs = of_steps = sys.maxsize
    if settings.epochs is not None:
        this = math.ceil((len(data) - state.used) / size)
        of_epochs = this + (settings.epochs - state.epoch - 1) * math.ceil(len(data) / size)
    if settings.max_steps is not None:
        of_steps = settings.max_steps - state.step
    return max(0, min(of_epochs, of_steps))


def plan_again(state: State, before: Settings, settings: Settings, data: Data) -> State:
    """The state with its schedule laid out for other settings, if they allow another number of steps.

    The place in the schedule stays: the share of it that is over. The rest is stretched over the steps that are left.
    """
    left = steps_left(state, settings, data)
    rest = state.begun + state.planned - state.step
    if not settings.schedule.ends or left == steps_left(state, before, data) or left == 0 or rest <= 0:
        return state
    planned = max(1, round(left * state.planned / rest))
    return replace(state, planned=planned, begun=state.step + left - planned)


def go_on(state: State, settings: Settings, stop: int) -> tuple[State, Settings]:
    """The state and settings with which training that would end here goes on to step `stop`.

    Where all planned steps are made, a schedule that ends begins again over the new ones.
    """
    if why_stop(state, settings) in ("epochs", "max_steps"):
        if settings.schedule.ends:
            state = replace(state, begun=state.step, planned=stop - state.step)
        settings = replace(settings, epochs=None, max_steps=stop)
    return replace(state, patience_left=settings.patience), replace(settings, target_error=None)


def rate_at(settings: Settings, state: State, step: Any) -> Any:
    """The learning rate α of a step, or of an array of them, under the schedule that is in force at a state."""
    return settings.learning_rate * settings.schedule.factor(step - state.begun, state.planned)


def better(settings: Settings, metric: float, than: float) -> bool:
    """Whether one metric is better than another; NaN never is."""
    return metric > than if settings.greater_is_better else metric < than


def why_stop(state: State, settings: Settings, seconds: float = 0.0) -> Reason | None:
    """Why training ends here; None where it goes on."""
    aim, best = settings.target_error, state.best
    if aim is not None and best is not None and not better(settings, aim, best.metric):
        return "target_error"
    if state.patience_left == 0:
        return "patience"
    if settings.epochs is not None and state.epoch >= settings.epochs:
        return "epochs"
    if settings.max_steps is not None and state.step >= settings.max_steps:
        return "max_steps"
    if settings.max_seconds is not None and seconds >= settings.max_seconds:
        return "max_seconds"
    return None


def rows_a_step(settings: Settings, data: Data) -> int:
    """The batch size; all rows where it is None."""
    size = settings.batch_size or len(data)
    require(
        "batch_size",
        size,
        lambda v: v <= len(data),
        f"at most the number of rows, {len(data)}, or None for all of them",
    )
    return size
