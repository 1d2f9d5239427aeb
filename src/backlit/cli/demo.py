"""`backlit demo`: act 1 takes one house through one step, then all of them; act 2 is the real one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backlit.commands import command
from backlit.engines.protocol import Data
from backlit.errors import DataError, DivergedError
from backlit.explain.curvature import sharpest_curvature
from backlit.explain.trace import Trace, trace
from backlit.fitting import prepare
from backlit.lesson import COLUMNS, REAL_FILE, TARGET, first_network, houses_problem
from backlit.progress import fit
from backlit.recipe import Recipe
from backlit.runs.run import FIRST, open_run
from backlit.tables.datasets import HOUSE_UNITS, load_houses
from backlit.tables.metrics import mean_absolute_error
from backlit.training import EpochDone, Plan, Stopped, begin, train

SOURCE = "backlit demo"


@dataclass(frozen=True)
class Runaway:
    """Training that went up instead of down, and why: updates overshoot for good where rate > 2 / curvature.

    step : where E was no longer finite; None if training ended before that
    """

    step: int | None
    message: str
    curvature: float
    greatest_rate: float


@dataclass(frozen=True)
class Act1:
    """One house, one step; then all training houses.

    errors : mean absolute error on the training houses ($), before training and after each epoch
    weights, prediction : when training stopped, or before it ran away beyond all numbers
    """

    house: dict[str, float]
    trace: Trace
    houses: int
    errors: tuple[float, ...]
    steps: int
    epochs: int
    reason: str
    weights: dict[str, float]
    prediction: float
    runaway: Runaway | None
    seconds: float


@dataclass(frozen=True)
class Act2:
    """All columns, the defaults. scores: test figures, in dollars; file: "" where one of the user's stands there.

    command : the line that makes the same run again, to the bit
    """

    file: str
    command: str
    inputs: int
    bins: int
    layers: tuple[int, ...]
    weights: int
    rows: dict[str, int]
    notices: tuple[str, ...]
    epochs: int
    best_epoch: int
    scores: dict[str, dict[str, float]]
    seconds: float


def first_act(house: int, rate: float, hidden: int, seed: int) -> Act1:
    """The lesson on one house, and training on all training houses from the same starting weights."""
    began = time.perf_counter()
    houses, split = load_houses(), houses_problem().split
    net, theta, table, settings = first_network(rate, hidden, seed)
    X, Y = table.encode(houses, np.float64), table.target.encode(houses)
    at = slice(house, house + 1)
    traced = trace(net, theta, X[at], Y[at], settings, rows=[house], table=table)

    data = Data(X[split.train], Y[split.train], rows=split.train)
    plan = Plan(net, data, settings)
    state = begin(plan, theta=theta, seed=seed)

    def predict(theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return table.target.decode(net.loss, plan.engine.predict(net, theta, X[rows]))[:, 0]

    prices = houses[TARGET].to_numpy()
    errors = [mean_absolute_error(predict(theta, split.train), prices[split.train])]
    reason, step, message = "diverged", None, ""
    try:
        for event in train(plan, state):
            state = event.state
            if isinstance(event, EpochDone):
                errors.append(mean_absolute_error(predict(state.theta, split.train), prices[split.train]))
            if isinstance(event, Stopped):
                reason = event.reason
    except DivergedError as error:
        state, step, message = error.state, error.step, str(error)
    runaway = None
    if reason == "diverged" or errors[-1] > errors[0]:
        curvature = sharpest_curvature(net, theta, data.X, data.Y)
        runaway = Runaway(step, message, curvature, 2 / curvature)
    return Act1(
        house={"row": house, **{name: houses[name][house] for name in (*COLUMNS, TARGET)}},
        trace=traced,
        houses=len(split.train),
        errors=tuple(errors),
        steps=state.step,
        epochs=state.epoch,
        reason=reason,
        weights={net.weight_name(i): float(w) for i, w in enumerate(state.theta)},
        prediction=float(predict(state.theta, np.array([house]))[0]),
        runaway=runaway,
        seconds=time.perf_counter() - began,
    )


def may_replace(file: str) -> bool:
    """Whether `file` is not there yet, or an earlier demo left it; nobody else's run is replaced."""
    try:
        return not Path(file).exists() or open_run(file).about().get("source") == SOURCE
    except DataError:
        return False


def second_act(seed: int, file: str = REAL_FILE) -> Act2:
    """All columns and the defaults, beside two baselines on the same rows; leaves a run file."""
    began = time.perf_counter()
    problem, recipe = houses_problem(), Recipe(units=HOUSE_UNITS)
    start = prepare(problem, recipe, seed)
    kept = may_replace(file)
    line = command("demo", act=2, seed=seed)
    if kept:
        about = {"source": SOURCE, "commands": {FIRST: [line]}}
        with start.recording(file, about, force=True) as recorder:
            fitted = fit(start, recorder=recorder)
    else:
        fitted = fit(start)
    figures = problem.test(fitted.model).scores
    if kept:
        open_run(file).note(scores=figures)
    return Act2(
        file=file if kept else "",
        command=line,
        inputs=len(start.plan.net.inputs),
        bins=sum(max(0, len(edges) - 1) for edges in start.table.edges),
        layers=(*recipe.layers, 1),
        weights=start.plan.net.size,
        rows=problem.counts,
        notices=tuple(map(str, start.table.notices)),
        epochs=fitted.epochs[-1].epoch,
        best_epoch=fitted.best_epoch,
        scores=figures,
        seconds=time.perf_counter() - began,
    )
