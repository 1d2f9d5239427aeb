"""`backlit demo`: act 1 takes one house through one step, then all of them; act 2 is a larger network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import polars as pl

from backlit.core.layers import Dense
from backlit.core.network import Network
from backlit.engines.choice import choose
from backlit.engines.protocol import Data
from backlit.errors import DivergedError, require
from backlit.explain.curvature import sharpest_curvature
from backlit.explain.lesson import Lesson, lesson
from backlit.fitting import Split, baselines, scores, split_rows
from backlit.tables.datasets import HOUSE_UNITS, load_houses
from backlit.tables.metrics import mean_absolute_error
from backlit.tables.table import Table, numeric_columns
from backlit.training import EpochDone, Settings, Stopped, begin, train

COLUMNS = ("sqft_living", "grade", "lat")
TARGET = "price"

FIRST = Settings(optimizer="sgd", batch_size=128, epochs=30, target_error=0.3)
SECOND = Settings(optimizer="adam", learning_rate=0.002, schedule="cosine", batch_size=64, epochs=40)
SECOND_HIDDEN = (64, 64)


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
    lesson: Lesson
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
    """All numeric columns. scores: test figures of the network and of the baselines, in dollars."""

    columns: tuple[str, ...]
    layers: tuple[int, ...]
    weights: int
    rows: dict[str, int]
    epochs: int
    best_epoch: int
    scores: dict[str, dict[str, float]]
    seconds: float


def run(*, house: int, rate: float, hidden: int, seed: int, act: int | None, step_through: bool, as_json: bool) -> None:
    """The command: compute what was asked for, and show it."""
    require("--hidden", hidden, lambda v: v >= 1, "1 or more units")
    require("--rate", rate, lambda v: np.isfinite(v) and v > 0, "a finite number greater than 0")
    require("--seed", seed, lambda v: v >= 0, "0 or greater")
    houses = load_houses()
    require("--house", house, lambda v: 0 <= v < houses.height, f"a row of the table, from 0 to {houses.height - 1}")
    split = split_rows(houses["id"].to_numpy())
    first = first_act(houses, split, house, rate, hidden, seed) if act in (None, 1) else None
    if as_json:
        second = second_act(houses, split, seed, lambda event, scale: None) if act in (None, 2) else None
        acts = {"act1": first and asdict(first), "act2": second and asdict(second)}
        print(json.dumps({name: numbers for name, numbers in acts.items() if numbers}, indent=2, allow_nan=False))
        return

    from backlit.cli import demo_text

    if first is not None:
        phases = demo_text.act1(first)
        demo_text.step_through(phases) if step_through else demo_text.show(phases)
    if act == 2 or (act is None and first is not None and first.runaway is None):
        with demo_text.progress(SECOND, len(split.train)) as watch:
            second = second_act(houses, split, seed, watch)
        demo_text.show(demo_text.act2(second))


def first_act(houses: pl.DataFrame, split: Split, house: int, rate: float, hidden: int, seed: int) -> Act1:
    """The lesson on one house, and training on all training houses from the same starting weights."""
    began = time.perf_counter()
    table = Table.fit(houses[split.train], COLUMNS, TARGET, HOUSE_UNITS)
    net = Network([Dense(len(COLUMNS), hidden, "tanh"), Dense(hidden, 1)], "squared_error", table.inputs)
    theta = np.round(net.start(seed, dtype=np.float64), 4)  # what is printed is what is used
    X, Y = table.encode(houses), table.encode_target(houses)
    taught = lesson(net, theta, table, X[house], float(Y[house, 0]), rate)

    data = Data(X[split.train], Y[split.train], rows=split.train)
    settings = replace(FIRST, learning_rate=rate)
    state = begin(net, data, settings, theta=theta, seed=seed)
    engine = choose("auto", net, settings.optimizer)

    def predict(theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return table.target.decode(engine.predict(net, theta, X[rows]))[:, 0]

    prices = houses[TARGET].to_numpy()
    errors = [mean_absolute_error(predict(theta, split.train), prices[split.train])]
    reason, step, message = "diverged", None, ""
    try:
        for event in train(net, data, settings, state=state):
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
        lesson=taught,
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


def second_act(houses: pl.DataFrame, split: Split, seed: int, watch: Callable[[EpochDone, float], None]) -> Act2:
    """A larger network on all numeric columns, beside two baselines on the same rows."""
    began = time.perf_counter()
    columns = [name for name in numeric_columns(houses) if name not in ("id", TARGET)]
    table = Table.fit(houses[split.train], columns, TARGET, HOUSE_UNITS)
    X, Y = table.encode(houses), table.encode_target(houses)
    net = Network.dense(table.inputs, SECOND_HIDDEN)
    data, validation = (Data(X[rows].astype(np.float32), Y[rows].astype(np.float32), rows=rows) for rows in split[:2])
    best_epoch = epochs = 0
    for event in train(net, data, SECOND, validation=validation, seed=seed):
        if isinstance(event, EpochDone):
            epochs = event.state.epoch
            best_epoch = epochs if event.improved else best_epoch
            watch(event, table.target.scale)
        if isinstance(event, Stopped):
            theta = event.theta
    S = choose("auto", net, SECOND.optimizer).predict(net, theta, X[split.test].astype(np.float32))
    prices = houses[TARGET].to_numpy().astype(float)
    predictions = {"backlit": table.target.decode(S[:, 0].astype(float))}
    predictions |= baselines(X[split.train], prices[split.train], X[split.test])
    return Act2(
        columns=table.inputs,
        layers=(len(columns), *SECOND_HIDDEN, 1),
        weights=net.size,
        rows={name: len(rows) for name, rows in split._asdict().items()},
        epochs=epochs,
        best_epoch=best_epoch,
        scores={name: scores(prediction, prices[split.test]) for name, prediction in predictions.items()},
        seconds=time.perf_counter() - began,
    )
