"""The first lesson: three columns of the houses, three hidden units, weights rounded to what is printed.

Its run has three first timelines, which begin with the same weights: one house again and again, another house, and
batches of 128 out of all training houses. The last one is the network that predicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backlit.core.layers import Dense
from backlit.core.network import Network
from backlit.engines.protocol import Rows
from backlit.errors import require
from backlit.fitting import Start, Structure, prepare
from backlit.problem import Parting, Problem
from backlit.recipe import Recipe
from backlit.runs.run import open_run
from backlit.tables.columns import Number
from backlit.tables.datasets import HOUSE_UNITS, load_houses
from backlit.tables.table import Table
from backlit.tables.target import Target
from backlit.training import Settings, begin

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("sqft_living", "grade", "lat")
TARGET = "price"
RATE, HIDDEN, SEED = 0.05, 3, 3

#: settings with which every number can be followed by hand
SMALL = {
    "hidden": (HIDDEN,), "activation": "tanh", "encoding": "plain", "optimizer": "sgd", "learning_rate": RATE,
    "schedule": "constant", "batch_size": 128, "epochs": 30, "dropout": 0.0,
}  # fmt: skip
FIRST = Settings(**{name: SMALL[name] for name in ("optimizer", "schedule", "batch_size", "epochs")}, target_error=0.3)
ONE, ANOTHER, MANY = "one house", "another house", "128 houses"  #: the first run's timelines
HOUSES = {ONE: 0, ANOTHER: 17}  #: the only house that a timeline learns from; the one makes the other worse
STEPS = 14  #: that are planned with a single house
FIRST_FILE, REAL_FILE = "houses-3-3-1.backlit", "houses.backlit"


def houses_problem() -> Problem:
    """The price of a house from its features; a house that was sold twice is never on both sides."""
    return Problem.of(load_houses(), TARGET, Parting("group", "id"))


def textbook_table(houses: pl.DataFrame) -> Table:
    """Three columns, centred on the mean and scaled by the standard deviation, as textbooks do."""

    def centre_and_scale(name: str) -> tuple[float, float]:
        values = houses[name].to_numpy()
        return float(values.mean()), float(values.std())

    columns = tuple(Number(name, *centre_and_scale(name), HOUSE_UNITS.get(name, "")) for name in COLUMNS)
    return Table(columns, Target.fit_numbers(houses.select(TARGET), unit=HOUSE_UNITS[TARGET]))


def first_network(
    rate: float = RATE, hidden: int = HIDDEN, seed: int = SEED
) -> tuple[Network, np.ndarray, Table, Settings]:
    """Act 1's network, its starting weights, its table and how it trains."""
    problem = houses_problem()
    table = textbook_table(problem.frame[problem.split.train])
    net = Network([Dense(len(COLUMNS), hidden, SMALL["activation"]), Dense(hidden, 1)], inputs=table.names)
    theta = np.round(net.start(seed, dtype=np.float64), 4)  # what is printed is what is used
    return net, theta, table, replace(FIRST, learning_rate=rate)


def house_rows(table: Table, house: int) -> tuple[np.ndarray, np.ndarray]:
    """The encoded inputs and target of one house, (1, d) and (1, 1)."""
    houses = load_houses()
    require("--row", house, lambda v: 0 <= v < houses.height, f"a house, from 0 to {houses.height - 1}")
    one = houses[house : house + 1]
    return table.encode(one, np.float64), table.target.encode(one)


def first_run(path: Path, source: str) -> None:
    """Begin a run file with the first network, and its three first timelines; nothing is trained yet."""
    net, theta, table, _ = first_network()
    start = prepare(houses_problem(), Recipe(**SMALL), SEED, structure=Structure(table, net))
    _begin(start.at(begin(start.plan, theta=theta, seed=SEED)), path, {"source": source, "opens": ONE}, name=MANY)
    run = open_run(path)
    plan, data = run.timeline().plan(), run.data()
    settings = replace(plan.settings, batch_size=None, epochs=None, max_steps=STEPS)
    for name, house in HOUSES.items():
        own = replace(plan, learn=Rows(data, np.flatnonzero(data.rows == house)), watch=None, settings=settings)
        run.begin(name, own, begin(own, theta=theta, seed=SEED))


def real_run(path: Path, source: str) -> None:
    """Begin a run file with all columns and the defaults; nothing is trained yet."""
    _begin(prepare(houses_problem(), Recipe(units=HOUSE_UNITS), SEED), path, {"source": source})


def _begin(start: Start, path: Path, about: Mapping[str, str], **options: str) -> None:
    with start.recording(path, about, **options):
        pass
