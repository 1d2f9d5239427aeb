"""Training: the same step again and again, as a generator of events.

    for event in train(net, data, Settings(epochs=20)):
        ...

Whoever consumes the events may draw, record or print them; training itself knows nothing of it.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from backlit.core import rng
from backlit.core.arrays import Array, array_namespace, indices, like, require_finite
from backlit.core.backprop import value_and_grad
from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import resolve
from backlit.core.schedules import SCHEDULES
from backlit.core.state import Best, State
from backlit.engines.choice import choose
from backlit.engines.protocol import Batches, Data, Engine, Figures
from backlit.errors import ArgumentError, DivergedError, ShapeError, require

Metric: TypeAlias = Callable[[Array, Array, Array | None], float]
"""(S, Y, weights) -> how bad the scores S are; lower is better."""

Reason: TypeAlias = Literal["epochs", "max_steps", "max_seconds", "patience", "target_error", "interrupted"]

STRETCH_SECONDS = 0.1
GROWTH = 16  #: times the steps of a stretch, at most, for the next one: the first few are too short to time well


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
    target_error : stop once the metric is at or below this
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", resolve("optimizer", OPTIMIZERS, self.optimizer))
        object.__setattr__(self, "schedule", resolve("schedule", SCHEDULES, self.schedule))
        rate = self.learning_rate
        require("learning_rate", rate, lambda v: math.isfinite(v) and v > 0, "a finite number greater than 0")
        for name in ("batch_size", "epochs", "max_steps", "patience"):
            require(
                name, getattr(self, name), lambda v: v is None or (isinstance(v, int) and v >= 1),
                "a whole number, 1 or greater, or None",
            )  # fmt: skip
        require("target_error", self.target_error, lambda v: v is None or v == v, "a number, or None")
        require("max_seconds", self.max_seconds, lambda v: v is None or v > 0, "above 0, or None")
        require("epochs", self.epochs, lambda v: bool(v or self.max_steps), "set where max_steps is not")


@dataclass(frozen=True)
class StepsDone:
    """Some steps have been made. figures: a number for each of them; seconds: what they took."""

    state: State
    figures: Figures
    seconds: float


@dataclass(frozen=True)
class EpochDone:
    """Every row has been used once more.

    error : E over this epoch's rows, each at its own step and under dropout (over those trained here, where training
        went on from the middle of the epoch)
    metric : how the weights do on the watched rows; None if nothing is watched
    improved : whether that is the best so far
    """

    state: State
    error: float
    metric: float | None
    improved: bool


@dataclass(frozen=True)
class Stopped:
    """Training is over. `theta` holds the best weights if anything was watched, else the last."""

    state: State
    reason: Reason

    @property
    def theta(self) -> Array:
        return self.state.theta if self.state.best is None else self.state.best.theta


Event: TypeAlias = StepsDone | EpochDone | Stopped


def begin(net: Network, data: Data, settings: Settings, *, theta: Array | None = None, seed: int = 0) -> State:
    """The state before the first step.

    Parameters
    ----------
    theta : (p,) starting weights; None draws them from the seed
    seed : of the starting weights, the order of rows and the dropout masks
    """
    require("seed", seed, lambda v: isinstance(v, int) and 0 <= v < 2**64, "a whole number from 0 to 2^64 - 1")
    start: Array = like(net.start(seed, dtype=np.float64) if theta is None else theta, data.X)
    if start.shape != (net.size,):
        raise ShapeError(f"theta has shape {tuple(start.shape)}; this network has {net.size} weights")
    require_finite("theta", start)
    steps_an_epoch = math.ceil(len(data) / _batch_size(settings, data))
    planned = min(settings.max_steps or sys.maxsize, (settings.epochs or sys.maxsize) * steps_an_epoch)
    return State(start, settings.optimizer.init(start), seed, planned, patience_left=settings.patience)


def train(
    net: Network,
    data: Data,
    settings: Settings = Settings(),
    *,
    validation: Data | None = None,
    metric: Metric | None = None,
    state: State | None = None,
    seed: int = 0,
    engine: str | Engine = "auto",
    stretch: int | None = None,
) -> Iterator[Event]:
    """Train a network, event by event.

    Parameters
    ----------
    data : the rows to learn from
    validation : rows to watch: after each epoch the metric is taken on them and the best weights are kept. Without
        them, a metric, patience or target error watches the training rows
    metric : what is watched; None: E
    state : where to go on; None: a new start from `seed`. Going on from the state of any event ends with the same bits
        as never having stopped
    stretch : steps from one `StepsDone` to the next; None: about 0.1 seconds' worth. It never changes a bit

    Yields
    ------
    StepsDone, EpochDone, ..., Stopped
        Ctrl-C during a stretch ends the generator with Stopped("interrupted") and the state before that stretch.

    Raises
    ------
    DivergedError
        E or the gradient is no longer finite; the error carries the last good state.
    ShapeError, DataError, ArgumentError
        Before the first step, when something does not fit.
    """
    _check(net, data)
    if validation is not None:
        _check(net, validation)
    require("stretch", stretch, lambda v: v is None or (isinstance(v, int) and v >= 1), "1 or more steps, or None")
    state = begin(net, data, settings, seed=seed) if state is None else state
    if state.theta.dtype != data.X.dtype:
        raise ArgumentError(f"theta is {state.theta.dtype} and X {data.X.dtype}; make them equal")
    engine = choose(engine, net, settings.optimizer, data.X.dtype)
    return _events(net, data, settings, validation, metric, state, engine, stretch)


def evaluate(engine: Engine, net: Network, theta: Array, data: Data, metric: Metric | None = None) -> float:
    """The metric, or E, of the weights on some rows, without dropout."""
    S = engine.predict(net, theta, data.X)
    return float((metric or net.loss.value)(S, data.Y, data.weights))


def _events(
    net: Network,
    data: Data,
    settings: Settings,
    validation: Data | None,
    metric: Metric | None,
    state: State,
    engine: Engine,
    stretch: int | None,
) -> Iterator[Event]:
    watching = any(x is not None for x in (validation, metric, settings.patience, settings.target_error))
    size = _batch_size(settings, data)
    steps = stretch or 1
    started = time.perf_counter()
    order, order_of = np.empty(0, dtype=np.int64), None
    averaged = net.loss.reduction == "mean"
    E, rows = 0.0, 0  # of this epoch so far
    try:
        while True:
            if state.used >= len(data):
                score = evaluate(engine, net, state.theta, validation or data, metric) if watching else None
                state, improved = _next_epoch(state, score, settings)
                yield EpochDone(state, (E / rows if averaged else E) if rows else math.nan, score, improved)
                E, rows = 0.0, 0
            reason = _why_stop(state, settings, time.perf_counter() - started)
            if reason is not None:
                break

            if order_of != state.epoch:
                order, order_of = _order(state, data, size), state.epoch
            batches = _batches(order, state, settings, size, steps)
            ahead = np.arange(state.step, state.step + len(batches))
            rates = settings.learning_rate * settings.schedule.factor(ahead, state.planned)
            clock = time.perf_counter()
            before = state
            state, figures = engine.run(net, settings.optimizer, before, data, batches, rates)
            if state.step < before.step + len(batches) or not _finite(state.theta):
                raise _diverged(engine, net, settings, before, data, batches, rates)
            seconds = time.perf_counter() - clock
            E = _sum(E, figures.E, batches, averaged)
            rows += len(batches.positions)
            yield StepsDone(state, figures, seconds)
            wanted = max(1, int(STRETCH_SECONDS * len(batches) / max(seconds, 1e-6)))
            steps = stretch or min(wanted, max(steps, GROWTH * len(batches)))
    except KeyboardInterrupt:
        reason = "interrupted"
    yield Stopped(state, reason)


def _next_epoch(state: State, score: float | None, settings: Settings) -> tuple[State, bool]:
    """The state at the start of the next epoch, and whether the score was the best so far."""
    state = replace(state, epoch=state.epoch + 1, used=0)
    if score is None:
        return state, False
    if state.best is None or score < state.best.metric:
        return replace(state, best=Best(score, state.step, state.theta), patience_left=settings.patience), True
    left = None if state.patience_left is None else state.patience_left - 1
    return replace(state, patience_left=left), False


def _why_stop(state: State, settings: Settings, seconds: float) -> Reason | None:
    if settings.target_error is not None and state.best is not None and state.best.metric <= settings.target_error:
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


def _order(state: State, data: Data, size: int) -> np.ndarray:
    """The positions of this epoch's rows in the order of their use; shuffled unless every step uses all of them."""
    return np.arange(len(data)) if size == len(data) else rng.order(state.seed, state.epoch, data.rows)


def _batches(order: np.ndarray, state: State, settings: Settings, size: int, steps: int) -> Batches:
    """The next steps' rows, up to the end of the epoch or of training."""
    if settings.max_steps is not None:
        steps = min(steps, settings.max_steps - state.step)
    return Batches(order[state.used : state.used + steps * size], size)


def _sum(before: float, E: np.ndarray, batches: Batches, averaged: bool) -> float:
    """The steps' E, each times its rows where it is their average, added to what was before.

    Added one after the other, so that the sum of an epoch has the same bits whatever its stretches were.
    """
    with np.errstate(over="ignore"):
        parts = np.append(before, E)
        if averaged:
            parts[1:] *= batches.size
            parts[-1] = E[-1] * len(batches[-1])
        return float(np.cumsum(parts)[-1])


def _batch_size(settings: Settings, data: Data) -> int:
    size = settings.batch_size or len(data)
    require(
        "batch_size",
        size,
        lambda v: v <= len(data),
        f"at most the number of rows, {len(data)}, or None for all of them",
    )
    return size


def _check(net: Network, data: Data) -> None:
    if data.X.shape[1] != len(net.inputs):
        raise ShapeError(f"X has {data.X.shape[1]} columns, but the network has {len(net.inputs)} inputs")
    net.loss.check(data.Y, net.outputs)


def _finite(theta: Array) -> bool:
    xp = array_namespace(theta)
    return bool(xp.all(xp.isfinite(theta)))


def _diverged(
    engine: Engine,
    net: Network,
    settings: Settings,
    state: State,
    data: Data,
    batches: Batches,
    rates: np.ndarray,
) -> DivergedError:
    """Halve the stretch again and again, down to the step that went wrong."""

    def go(state: State, start: int, stop: int) -> tuple[State, Figures]:
        ahead = Batches(batches.positions[start * batches.size : stop * batches.size], batches.size)
        return engine.run(net, settings.optimizer, state, data, ahead, rates[start:stop])

    good, bad = 0, len(batches)  # so many steps go well, so many do not
    while bad - good > 1:
        middle = (good + bad) // 2
        after, _ = go(state, good, middle)
        if after.step == state.step + middle - good and _finite(after.theta):
            state, good = after, middle
        else:
            bad = middle
    _, figures = go(state, good, bad)
    batch = batches[good]
    xp = array_namespace(state.theta)
    at = indices(batch, data.X)
    [key] = rng.step_keys(state.seed, state.step, data.rows[batch], len(batch))
    with np.errstate(all="ignore"):
        X, Y = xp.take(data.X, at, axis=0), xp.take(data.Y, at, axis=0)
        weights = None if data.weights is None else xp.take(data.weights, at, axis=0)
        _, gradient = value_and_grad(net, state.theta, X, Y, weights, key)
    size = xp.where(xp.isnan(gradient), 0.0, xp.abs(gradient))
    largest = int(xp.argmax(size))
    return DivergedError(
        f"training diverged at step {state.step}: E became {figures.E[0]:.4g}, and the largest derivative "
        f"{float(gradient[largest]):.3g} (of {net.weight_name(largest)}). Each update overshot, and the next one "
        f"had farther to go. Try a learning_rate below {settings.learning_rate:g}, say "
        f"{settings.learning_rate / 10:g}, or an optimizer with clip_norm=1",
        state=state,
        step=state.step,
    )
