"""Where training went wrong, once E or a weight is no longer finite."""

from __future__ import annotations

import numpy as np

from backlit.core import rng
from backlit.core.arrays import Array, array_namespace
from backlit.core.state import State
from backlit.engines.protocol import Batches, Figures
from backlit.errors import DivergedError
from backlit.training.plan import Plan


def finite(theta: Array) -> bool:
    """Whether every weight is a number."""
    xp = array_namespace(theta)
    return bool(xp.all(xp.isfinite(theta)))


def diverged(plan: Plan, state: State, batches: Batches, rates: np.ndarray) -> DivergedError:
    """Halve the stretch after `state` again and again, down to the step that went wrong; the error to raise."""
    net, settings, engine, rows = plan.net, plan.settings, plan.engine, plan.learn

    def go(state: State, start: int, stop: int) -> tuple[State, Figures]:
        ahead = Batches(batches.positions[start * batches.size : stop * batches.size], batches.size)
        return engine.run(net, settings.optimizer, state, rows, ahead, rates[start:stop])

    good, bad = 0, len(batches)  # so many steps go well, so many do not
    while bad - good > 1:
        middle = (good + bad) // 2
        after, _ = go(state, good, middle)
        if after.step == state.step + middle - good and finite(after.theta):
            state, good = after, middle
        else:
            bad = middle
    _, figures = go(state, good, bad)
    batch = batches[good]
    xp, some = array_namespace(state.theta), rows.at(batch)
    [key] = rng.step_keys(state.seed, state.step, some.rows, len(batch))
    gradient = engine.gradient(net, state.theta, some, key)
    size = xp.where(xp.isnan(gradient), 0.0, xp.abs(gradient))
    largest = int(xp.argmax(size))
    return DivergedError(
        "diverged",
        state=state,
        step=state.step,
        E=figures.E[0],
        derivative=float(gradient[largest]),
        weight=net.weight_name(largest),
        rate=settings.learning_rate,
        tenth=settings.learning_rate / 10,
    )
