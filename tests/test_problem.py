"""From a table to a recorded training, and how it does beside the baselines."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from test_fitting import EVERY, FRAME, PRICE, QUICK, N

import backlit as bl
from backlit.fitting import prepare, split_rows
from backlit.problem import Parting, Problem, baselines
from backlit.progress import fit
from backlit.tables.table import Table
from backlit.tables.target import Target


def test_it_learns_and_beats_the_baselines():
    split = split_rows(EVERY)
    start = prepare(FRAME, PRICE, replace(QUICK, units={"price": "$"}), split=split, seed=0)
    fitted = fit(start, show=False)
    figures = Problem.of(FRAME.with_columns(PRICE), "price").test(fitted.model).scores
    assert list(figures) == ["backlit", "mean", "linear model"]
    assert figures["backlit"]["rmse"] < 0.4 * figures["mean"]["rmse"]
    assert figures["linear model"]["r2"] > 0.9
    measure = start.table.target.measure(start.plan.net.loss)
    model = start.model(fitted.state.theta)
    residual = model.predict(FRAME[split.validation]) - PRICE["price"].to_numpy()[split.validation]
    assert measure(fitted.epochs[-1].metric) == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-4)
    assert (measure.name, measure.unit) == ("RMSE", "$")


def test_a_problem_becomes_the_same_training_as_its_parts():
    """Also where some rows have no target: those left keep their numbers."""
    known = np.arange(N) % 7 != 3
    table = FRAME.with_columns(price=pl.when(pl.Series(known)).then(PRICE["price"]))
    problem, rows = Problem.of(table, "price", Parting(seed=4)), np.flatnonzero(known)
    split = split_rows(np.arange(len(rows)), 4)
    start = prepare(FRAME[rows], PRICE[rows], QUICK, split=split, numbers=rows, seed=1)
    ours = problem.start(QUICK, 1)
    assert ours.table == start.table
    assert ours.plan.learn.rows.tolist() == rows[split.train].tolist()
    np.testing.assert_array_equal(ours.plan.learn.X, start.plan.learn.X)
    np.testing.assert_array_equal(ours.plan.learn.Y, start.plan.learn.Y)
    assert problem.counts == {name: len(part) for name, part in split._asdict().items()}
    assert [str(notice) for notice in problem.notices] == [f"{N - len(rows)} rows without price: left out"]


def test_a_problem_is_recorded_with_how_it_was_parted(tmp_path):
    problem = Problem.of(FRAME.with_columns(PRICE), "price", Parting("group", "town", 3))
    start = problem.start(replace(QUICK, hidden=(2,)), 0)
    with problem.recording(tmp_path / "a.backlit", start, {"source": "here"}):
        pass
    about = bl.open_run(tmp_path / "a.backlit").about()
    assert (about["source"], about["rows"]) == ("here", problem.counts)
    assert about["split"] == {"by": "group", "column": "town", "seed": 3}
    assert Parting("time", "sold", None).to_dict() == {"by": "time", "column": "sold"}


def test_baselines_of_classes_are_probabilities():
    target = Target.fit_classes(FRAME["town"])
    table = Table.fit(FRAME, target, encoding="plain")
    predictions = baselines(table, FRAME, FRAME.select("town"), FRAME)
    for prediction in predictions.values():
        assert prediction.shape == (N, 3)
        np.testing.assert_allclose(prediction.sum(axis=1), 1)
    shares = FRAME["town"].value_counts().sort("town")["count"].to_numpy() / N
    np.testing.assert_allclose(predictions["class shares"][0], shares)
