"""How to train, and when training ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import make_plain, resolve
from backlit.core.schedules import SCHEDULES
from backlit.core.state import State
from backlit.errors import require
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
