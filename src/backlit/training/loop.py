"""Training: the same step again and again, as a generator of events.

    for event in train(Plan(net, data, Settings(epochs=20))):
        ...

Whoever consumes the events may draw, record or print them; training itself knows nothing of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np

from backlit.core import rng
from backlit.core.arrays import Array
from backlit.core.state import Best, State
from backlit.engines.protocol import Batches, Figures, Rows
from backlit.errors import ArgumentError, require
from backlit.training.divergence import diverged, finite
from backlit.training.plan import Metric, Plan, begin, rows_a_step
from backlit.training.settings import Reason, Settings, better, rate_at, why_stop

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


class Epoch(NamedTuple):
    """One epoch's figures. step: updates made by its end; error: E while training; metric: on the watched rows."""

    epoch: int
    step: int
    error: float | None
    metric: float | None
    improved: bool

    @classmethod
    def of(cls, event: EpochDone) -> Epoch:
        """The figures of an epoch that is done; an error that is not finite is None."""
        error = float(event.error) if math.isfinite(event.error) else None
        return cls(event.state.epoch, event.state.step, error, event.metric, event.improved)


def train(plan: Plan, state: State | None = None, *, seed: int = 0, stretch: int | None = None) -> Events:
    """Train a network, event by event.

    Parameters
    ----------
    plan : the network, its rows, the settings and the engine
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
    ArgumentError
        Before the first step, when something does not fit.
    """
    stretch = require(
        "stretch", stretch, lambda v: v is None or (isinstance(v, int) and v >= 1), "1 or more steps, or None"
    )
    state = begin(plan, seed=seed) if state is None else state
    dtype = plan.learn.data.X.dtype
    if state.theta.dtype != dtype:
        raise ArgumentError("training.types", theta=state.theta.dtype, X=dtype)

    def score(state: State) -> float | None:
        return evaluate(plan, state.theta, plan.watched, plan.metric) if plan.watching else None

    return _events(plan, state, score, stretch)


def replay(
    plan: Plan, state: State, stop: int, scores: Mapping[int, float | None], stretch: int | None = None
) -> Iterator[State]:
    """The states after `state`, up to the one before step `stop`, by making the same steps again.

    Parameters
    ----------
    scores : the metric as it was after each epoch, counted from 1; it is not taken again
    stretch : steps from one state to the next, as in `train`
    """
    only_steps = replace(plan.settings, epochs=None, max_steps=stop, max_seconds=None, target_error=None)
    again = replace(plan, settings=only_steps)
    for event in _events(again, state, lambda state: scores[state.epoch + 1], stretch):
        if isinstance(event, EpochDone) or (isinstance(event, StepsDone) and event.state.used < len(plan.learn)):
            yield event.state


def evaluate(plan: Plan, theta: Array, rows: Rows, metric: Metric | None = None) -> float:
    """E of the weights on some rows, or another metric, without dropout."""
    S = plan.engine.predict(plan.net, theta, rows.X)
    return float((metric or plan.net.loss.value)(S, rows.Y, rows.weights))


def _events(plan: Plan, state: State, score: Callable[[State], float | None], stretch: int | None) -> Events:
    net, settings, engine, rows = plan.net, plan.settings, plan.engine, plan.learn
    size = rows_a_step(plan)
    steps = stretch or 1
    started = time.perf_counter()
    order, order_of = np.empty(0, dtype=np.int64), None
    averaged = net.loss.reduction == "mean"
    try:
        while True:
            if state.used >= len(rows):
                error = state.total / state.used if averaged else state.total
                state, metric, improved = _next_epoch(state, score(state), settings)
                yield EpochDone(state, error, metric, improved)
            reason = why_stop(state, settings, time.perf_counter() - started)
            if reason is not None:
                break

            if order_of != state.epoch:
                order, order_of = epoch_order(plan, state), state.epoch
            batches = _batches(order, state, settings, size, steps)
            rates = rate_at(settings, state, np.arange(state.step, state.step + len(batches)))
            clock = time.perf_counter()
            after, figures = engine.run(net, settings.optimizer, state, rows, batches, rates)
            seconds = time.perf_counter() - clock
            if after.step < state.step + len(batches) or not finite(after.theta):
                error = diverged(plan, state, batches, rates)
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


def epoch_order(plan: Plan, state: State) -> np.ndarray:
    """The rows of this epoch in the order of their use, by their positions in the data: shuffled, unless one step uses
    all of them."""
    rows = plan.learn
    if rows_a_step(plan) == len(rows) and state.used == 0:
        return rows.positions
    return rows.positions[rng.order(state.seed, state.epoch, rows.rows)]


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
