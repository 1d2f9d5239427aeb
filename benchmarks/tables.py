"""Test errors on four tables, backlit beside its peers in one run, all on their defaults; and what encoding costs.

    pip install -e . -r benchmarks/requirements.txt
    python benchmarks/tables.py [--slow] [--seeds 3] [--tables "King County" Ames] [--models backlit] [--data DIR]
    python benchmarks/tables.py --encode

Rows are permuted by numpy.random.default_rng(0).permutation(n): the first 64% to learn from, the next 16% to stop on,
the last 20% to test. Every model gets the same rows and columns; what numbers the rows is left out. Figures are medians
over the seeds of the model, and fits take turns, so that all meet the same machine.

The boosters may grow 1,000 trees and stop after 50 without a better validation error. RealMLP (pytabkit, --slow)
watches the log-loss for classes, without label smoothing, as its manual advises. scikit-learn's MLP takes no rows to
stop on: it gets those to learn from and those to stop on together, and sets a fifth of them aside itself.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from common import DATA, installed, machine
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.metrics import root_mean_squared_error as rmse
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import backlit as bl
from backlit.tables.frames import read_table
from backlit.tables.target import Target

TREES, PATIENCE = 1000, 50


class Table(NamedTuple):
    files: tuple[str, ...]  #: in the data folder; none: it comes with backlit
    target: str
    rows: str | None  #: the column that numbers the rows
    classes: bool
    most: float  #: our error, at most


TABLES = {
    "King County": Table((), "price", "id", False, 121_500),
    "California": Table(("california_housing.csv",), "median_house_value", None, False, 48_000),
    "Ames": Table(("ames_modeldata.csv",), "Sale_Price", "rownames", False, 29_000),
    "Adult": Table(("adult_train.csv", "adult_test.csv"), "income", None, True, 0.303),
}


class Task:
    """A table in its three parts, in the forms that the libraries take: each is (train, validation, test)."""

    def __init__(self, table: Table, folder: Path) -> None:
        frame = pl.concat([read_table(folder / name) for name in table.files] or [bl.datasets.load_houses()])
        n = frame.height
        parts = np.split(np.random.default_rng(0).permutation(n), [round(0.64 * n), round(0.8 * n)])
        y = frame[table.target].to_numpy()
        y = np.unique(y, return_inverse=True)[1] if table.classes else y.astype(np.float64)
        self.classes = table.classes
        self.frames = [frame[rows].drop(name for name in (table.target, table.rows) if name) for rows in parts]
        self.y = [y[rows] for rows in parts]
        self.text = self.frames[0].select(pl.selectors.string()).columns
        self.numbers = self.frames[0].drop(self.text).columns

    @cached_property
    def plain(self) -> list[pd.DataFrame]:
        """Numbers in float64, dates as the day, missing ones NaN; categories as text, missing ones a level."""
        numbers = pl.col(self.numbers).to_physical().cast(pl.Float64)
        frames = [frame.with_columns(numbers, pl.col(self.text).fill_null("missing")) for frame in self.frames]
        return [pd.DataFrame({column.name: column.to_numpy() for column in frame}) for frame in frames]

    @cached_property
    def categorical(self) -> list[pd.DataFrame]:
        """The same, the categories as pandas has them: with the training rows' levels, all else missing."""
        levels = {name: sorted(self.plain[0][name].unique()) for name in self.text}

        def known(column: pd.Series) -> pd.Categorical:
            return pd.Categorical(column.where(column.isin(levels[column.name])), levels[column.name])

        return [frame.assign(**{name: known(frame[name]) for name in self.text}) for frame in self.plain]

    def error(self, model: Any, X: Any) -> float:
        """RMSE or log-loss on the test rows X."""
        return log_loss(self.y[2], model.predict_proba(X)) if self.classes else rmse(self.y[2], model.predict(X))


#: an estimator, what its fit takes, and the test rows
Ready = tuple[Any, tuple[Any, ...], dict[str, Any], Any]


def backlit(task: Task, seed: int) -> Ready:
    train, validation, test = task.frames
    model = (bl.NetClassifier if task.classes else bl.NetRegressor)(random_state=seed)
    return model, (train, task.y[0]), {"X_val": validation, "y_val": task.y[1]}, test


def scikit_learn(task: Task, seed: int) -> Ready:
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), task.numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), task.text),
    )
    settings = {"hidden_layer_sizes": (128, 128), "early_stopping": True, "validation_fraction": 0.2}
    model = make_pipeline(columns, (MLPClassifier if task.classes else MLPRegressor)(**settings, random_state=seed))
    model = model if task.classes else TransformedTargetRegressor(model, transformer=StandardScaler())
    return model, (pd.concat(task.plain[:2]), np.concatenate(task.y[:2])), {}, task.plain[2]


def catboost(task: Task, seed: int) -> Ready:
    from catboost import CatBoostClassifier, CatBoostRegressor

    settings = {"iterations": TREES, "early_stopping_rounds": PATIENCE, "verbose": False, "allow_writing_files": False}
    kind = CatBoostClassifier if task.classes else CatBoostRegressor
    model = kind(cat_features=task.text, random_seed=seed, **settings)
    train, validation, test = task.plain
    return model, (train, task.y[0]), {"eval_set": (validation, task.y[1])}, test


def lightgbm(task: Task, seed: int) -> Ready:
    from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

    model = (LGBMClassifier if task.classes else LGBMRegressor)(n_estimators=TREES, random_state=seed, verbose=-1)
    train, validation, test = task.categorical
    stop = [early_stopping(PATIENCE, verbose=False)]
    return model, (train, task.y[0]), {"eval_set": [(validation, task.y[1])], "callbacks": stop}, test


def xgboost(task: Task, seed: int) -> Ready:
    from xgboost import XGBClassifier, XGBRegressor

    settings = {"n_estimators": TREES, "early_stopping_rounds": PATIENCE, "enable_categorical": True}
    model = (XGBClassifier if task.classes else XGBRegressor)(**settings, random_state=seed)
    train, validation, test = task.categorical
    return model, (train, task.y[0]), {"eval_set": [(validation, task.y[1])], "verbose": False}, test


def realmlp(task: Task, seed: int) -> Ready:
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    settings = {"val_metric_name": "cross_entropy", "use_ls": False} if task.classes else {}
    kind = RealMLP_TD_Classifier if task.classes else RealMLP_TD_Regressor
    model = kind(random_state=seed, device="cpu", **settings)
    medians = task.categorical[0][task.numbers].median()  # it takes no missing numbers
    train, validation, test = (frame.fillna(medians) for frame in task.categorical)
    return model, (train, task.y[0]), {"X_val": validation, "y_val": task.y[1]}, test


#: what it is called, how it is made, and its package
MODELS: dict[str, tuple[Callable[[Task, int], Ready], str]] = {
    "backlit": (backlit, "backlit"),
    "scikit-learn MLP": (scikit_learn, "scikit-learn"),
    "CatBoost": (catboost, "catboost"),
    "LightGBM": (lightgbm, "lightgbm"),
    "XGBoost": (xgboost, "xgboost"),
    "RealMLP": (realmlp, "pytabkit"),
}


def fit(task: Task, ready: Ready) -> tuple[float, float]:
    """The error on the test rows, and the seconds of the fit."""
    model, given, keywords, test = ready
    began = time.perf_counter()
    model.fit(*given, **keywords)
    seconds = time.perf_counter() - began
    return task.error(model, test), seconds


def require_files(parser: argparse.ArgumentParser, tables: list[str], folder: Path) -> None:
    """End the program where a table is not in the folder."""
    absent = [name for title in tables for name in TABLES[title].files if not (folder / name).is_file()]
    if absent:
        parser.error(f"{folder} lacks {', '.join(absent)}; say with --data DIR where the tables lie")


def compare(tables: list[str], models: list[str], seeds: int, folder: Path) -> None:
    """Print the table, row by row; each single fit goes to standard error."""
    print(f"\nTest RMSE or log-loss, medians of {seeds} seeds; below it the seconds of a fit")
    print(f"{'':16}{'at most':>10}" + "".join(f"{name:>18}" for name in models))
    for title in tables:
        task = Task(TABLES[title], folder)
        unit, form = ("log-loss", ",.4f") if task.classes else ("$", ",.0f")
        fits: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
        for seed, name in itertools.product(range(seeds), models):
            error, seconds = fit(task, MODELS[name][0](task, seed))
            fits[name].append((error, seconds))
            print(f"  {title}: {name}, seed {seed}: {error:{form}} in {seconds:.1f} s", file=sys.stderr, flush=True)
        errors, times = zip(*([statistics.median(column) for column in zip(*fits[name])] for name in models))
        print(
            f"{f'{title}, {unit}':16}{TABLES[title].most:>10{form}}" + "".join(f"{error:>18{form}}" for error in errors)
        )
        print(f"{'':16}{'':10}" + "".join(f"{seconds:>16.1f} s" for seconds in times), flush=True)


def encode(n: int = 1_000_000) -> None:
    """Print what it costs to describe and encode n rows of 20 columns."""
    rng = np.random.default_rng(0)
    levels = np.array([f"level {i}" for i in range(500)])
    columns = {f"number {i}": np.where(rng.random(n) < 0.02, np.nan, rng.lognormal(size=n)) for i in range(12)}
    columns |= {f"category {i}": levels[rng.integers(0, 10, n)] for i in range(5)} | {"boolean": rng.random(n) < 0.3}
    columns |= {"date": np.datetime64("2015-01-01") + rng.integers(0, 3650, n), "city": levels[rng.zipf(1.3, n) % 500]}
    frame = pl.DataFrame(columns, nan_to_null=True)
    target = Target.fit_numbers(pl.DataFrame({"y": rng.normal(size=n)}))
    began = time.perf_counter()
    table = bl.Table.fit(frame, target)
    fitted = time.perf_counter()
    X = table.encode(frame)
    done = time.perf_counter()
    print(f"\n{n:,} rows × {frame.width} columns, {X.shape[1]} inputs; together at most 5 s")
    print(f"Table.fit {fitted - began:.2f} s, encode {done - fitted:.2f} s, together {done - began:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES])
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--slow", action="store_true", help="with RealMLP, minutes a fit")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the tables; default: %(default)s")
    parser.add_argument("--encode", action="store_true", help="only what encoding a large table costs")
    given = parser.parse_args()
    if given.encode:
        print(machine(["backlit", "NumPy", "polars"]))
        return encode()
    require_files(parser, given.tables, given.data)
    warnings.filterwarnings("ignore", module="sklearn|lightgbm|pytabkit|pytorch_lightning|torch")
    models = given.models or [name for name in MODELS if given.slow or name != "RealMLP"]
    models = installed({name: MODELS[name][1] for name in models})
    print(machine(dict.fromkeys(["NumPy", "polars", *(MODELS[name][1] for name in models)])))
    compare(given.tables, models, given.seeds, given.data)


if __name__ == "__main__":
    main()
