"""Training: the same step again and again, as a generator of events.

    for event in train(net, data, Settings(epochs=20)):
        ...

Whoever consumes the events may draw, record or print them; training itself knows nothing of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from backlit.core import rng
from backlit.core.arrays import Array
from backlit.core.network import Network
from backlit.core.state import Best, State
from backlit.engines.choice import choose
from backlit.engines.protocol import Batches, Data, Engine, Figures
from backlit.errors import ArgumentError, ShapeError, require
from backlit.training.divergence import diverged, finite
from backlit.training.settings import Reason, Settings, begin, better, rate_at, rows_a_step, why_stop

Metric: TypeAlias = Callable[[Array, Array, Array | None], float]
"""(S, Y, weights) -> how good or bad the scores S are; the settings say whether greater is better."""

STRETCH_SECONDS = 0.04  #: so that whoever watches sees it 20 times a second
GROWTH = 16  #: times the steps of a stretch, at most, for the next one: the first few are too short to time well


@dataclass(frozen=True)
class StepsDone:
    """Some steps have been made. figures: a number for each of them; seconds: what they took."""

    state: State
    figures: Figures
    seconds: float


@dataclass(frozen=True)
class EpochDone:
    """Every row has been used once more.

    error : E over this epoch's rows, each at its own step and under dropout
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
Events: TypeAlias = Generator[Event, None, None]


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
) -> Events:
    """Train a network, event by event.

    Parameters
    ----------
    data : the rows to learn from
    validation : rows to watch: after each epoch the metric is taken on them and the best weights are kept. Without
        them, a metric, patience or target error watches the training rows
    metric : what is watched; None: E. Where greater is better, the settings say so
    state : where to go on; None: a new start from `seed`. Going on from the state of any event ends with the same bits
        as never having stopped
    stretch : steps from one `StepsDone` to the next; None: about 0.04 seconds' worth. It never changes a bit

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
    stretch = require(
        "stretch", stretch, lambda v: v is None or (isinstance(v, int) and v >= 1), "1 or more steps, or None"
    )
    state = begin(net, data, settings, seed=seed) if state is None else state
    if state.theta.dtype != data.X.dtype:
        raise ArgumentError("training.types", theta=state.theta.dtype, X=data.X.dtype)
    engine = choose(engine, net, settings.optimizer, data.X.dtype)
    watching = any(x is not None for x in (validation, metric, settings.patience, settings.target_error))

    def score(state: State) -> float | None:
        return evaluate(engine, net, state.theta, validation or data, metric) if watching else None

    return _events(net, data, settings, score, state, engine, stretch)


def replay(
    net: Network,
    data: Data,
    settings: Settings,
    state: State,
    stop: int,
    scores: Mapping[int, float | None],
    engine: Engine,
    stretch: int | None = None,
) -> Iterator[State]:
    """The states after `state`, up to the one before step `stop`, by making the same steps again.

    Parameters
    ----------
    scores : the metric as it was after each epoch, counted from 1; it is not taken again
    stretch : steps from one state to the next, as in `train`
    """
    only_steps = replace(settings, epochs=None, max_steps=stop, max_seconds=None, target_error=None)
    for event in _events(net, data, only_steps, lambda state: scores[state.epoch + 1], state, engine, stretch):
        if isinstance(event, EpochDone) or (isinstance(event, StepsDone) and event.state.used < len(data)):
            yield event.state


def evaluate(engine: Engine, net: Network, theta: Array, data: Data, metric: Metric | None = None) -> float:
    """The metric, or E, of the weights on some rows, without dropout."""
    S = engine.predict(net, theta, data.X)
    return float((metric or net.loss.value)(S, data.Y, data.weights))


def _events(
    net: Network,
    data: Data,
    settings: Settings,
    score: Callable[[State], float | None],
    state: State,
    engine: Engine,
    stretch: int | None,
) -> Events:
    size = rows_a_step(settings, data)
    steps = stretch or 1
    started = time.perf_counter()
    order, order_of = np.empty(0, dtype=np.int64), None
    averaged = net.loss.reduction == "mean"
    try:
        while True:
            if state.used >= len(data):
                error = state.total / state.used if averaged else state.total
                state, metric, improved = _next_epoch(state, score(state), settings)
                yield EpochDone(state, error, metric, improved)
            reason = why_stop(state, settings, time.perf_counter() - started)
            if reason is not None:
                break

            if order_of != state.epoch:
                order, order_of = epoch_order(state, data, size), state.epoch
            batches = _batches(order, state, settings, size, steps)
            rates = rate_at(settings, state, np.arange(state.step, state.step + len(batches)))
            clock = time.perf_counter()
            after, figures = engine.run(net, settings.optimizer, state, data, batches, rates)
            seconds = time.perf_counter() - clock
            if after.step < state.step + len(batches) or not finite(after.theta):
                error = diverged(engine, net, settings, state, data, batches, rates)
                if made := error.step - state.step:
                    yield StepsDone(error.state, figures.first(made), seconds)
                raise error
            state = replace(after, total=_sum(state.total, figures.E, batches, averaged))
            yield StepsDone(state, figures, seconds)
            wanted = max(1, int(STRETCH_SECONDS * len(batches) / max(seconds, 1e-6)))
            steps = stretch or min(wanted, max(steps, GROWTH * len(batches)))
    except KeyboardInterrupt:
        reason = "interrupted"
    yield Stopped(state, reason)


def epoch_order(state: State, data: Data, size: int) -> np.ndarray:
    """The positions of this epoch's rows in the order of their use: shuffled, unless one step uses all of them."""
    if size == len(data) and state.used == 0:
        return np.arange(len(data))
    return rng.order(state.seed, state.epoch, data.rows)


def _next_epoch(state: State, metric: float | None, settings: Settings) -> tuple[State, float | None, bool]:
    """The state at the start of the next epoch, the metric, and whether that was the best so far."""
    state = replace(state, epoch=state.epoch + 1, used=0, total=0.0)
    if metric is None:
        return state, metric, False
    if not math.isnan(metric) and (state.best is None or better(settings, metric, state.best.metric)):
        best = Best(metric, state.step, state.theta)
        return replace(state, best=best, patience_left=settings.patience), metric, True
    left = None if state.patience_left is None else state.patience_left - 1
    return replace(state, patience_left=left), metric, False


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


def _check(net: Network, data: Data) -> None:
    if data.X.shape[1] != len(net.inputs):
        raise ShapeError("training.columns", columns=data.X.shape[1], inputs=len(net.inputs))
    net.loss.check(data.Y, net.outputs)
