"""From a table to a recorded training, and how it does beside the baselines."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from test_fitting import EVERY, FRAME, PRICE, QUICK, N

import backlit as bl
from backlit.errors import ArgumentError, DataError
from backlit.fitting import prepare
from backlit.problem import Parting, Problem, baselines, split_by_order, split_rows
from backlit.progress import fit
from backlit.tables.table import Table
from backlit.tables.target import Target


def test_it_learns_and_beats_the_baselines():
    split = split_rows(EVERY)
    start = prepare(Problem(FRAME, PRICE, split=split), replace(QUICK, units={"price": "$"}), 0)
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
    start = prepare(Problem(FRAME[rows], PRICE[rows], split=split, rows=rows), QUICK, 1)
    ours = prepare(problem, QUICK, 1)
    assert ours.table == start.table
    assert ours.plan.learn.rows.tolist() == rows[split.train].tolist()
    np.testing.assert_array_equal(ours.plan.learn.X, start.plan.learn.X)
    np.testing.assert_array_equal(ours.plan.learn.Y, start.plan.learn.Y)
    assert problem.counts == {name: len(part) for name, part in split._asdict().items()}
    assert [str(notice) for notice in problem.notices] == [f"{N - len(rows)} rows without price: left out"]


def test_a_problem_is_recorded_with_how_it_was_parted(tmp_path):
    problem = Problem.of(FRAME.with_columns(PRICE), "price", Parting("group", "town", 3))
    start = prepare(problem, replace(QUICK, hidden=(2,)), 0)
    with start.recording(tmp_path / "a.backlit", {"source": "here"}):
        pass
    about = bl.open_run(tmp_path / "a.backlit").about()
    assert (about["source"], about["rows"]) == ("here", problem.counts)
    assert about["split"] == {"by": "group", "column": "town", "seed": 3}
    assert Parting("time", "sold", None).to_dict() == {"by": "time", "column": "sold"}


def test_baselines_of_classes_are_probabilities():
    target = Target.fit_classes(FRAME["town"])
    table, all_rows = Table.fit(FRAME, target, encoding="plain"), np.arange(N)
    predictions = baselines(FRAME, table, FRAME.select("town"), all_rows, all_rows)
    for prediction in predictions.values():
        assert prediction.shape == (N, 3)
        np.testing.assert_allclose(prediction.sum(axis=1), 1)
    shares = FRAME["town"].value_counts().sort("town")["count"].to_numpy() / N
    np.testing.assert_allclose(predictions["class shares"][0], shares)


# --- the split ---------------------------------------------------------------------------------------------------


def test_split_keeps_groups_together_and_near_the_shares():
    groups = np.random.default_rng(0).integers(0, 5000, 10_000)
    split = split_rows(groups)
    np.testing.assert_array_equal(np.sort(np.concatenate(split)), np.arange(10_000))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not set(groups[split[one]]) & set(groups[split[other]])
    shares = [len(part) / 10_000 for part in split]
    np.testing.assert_allclose(shares, [0.64, 0.16, 0.2], atol=0.02)
    np.testing.assert_array_equal(split.train, split_rows(groups).train)
    assert not np.array_equal(split.train, split_rows(groups, seed=1).train)


def test_a_group_stays_on_its_side_when_rows_are_added():
    groups = np.array(["north", "south", "east", "west"] * 50)
    before = split_rows(groups)
    after = split_rows(np.concatenate([groups, ["new"] * 10]))
    np.testing.assert_array_equal(before.test, after.test[after.test < 200])


def test_split_by_order_tests_on_the_latest():
    order = np.random.default_rng(0).permutation(100)
    split = split_by_order(order)
    assert [len(part) for part in split] == [64, 16, 20]
    assert order[split.train].max() < order[split.validation].min()
    assert order[split.validation].max() < order[split.test].min()


def test_split_refuses():
    with pytest.raises(ArgumentError, match=r"validation \+ test is 1.1; it must be below 1"):
        split_rows(np.arange(10), validation=0.5, test=0.6)
    with pytest.raises(DataError, match=r"10 rows in 1 group leave none .* \(--split-seed\)"):
        split_rows(np.zeros(10, int))
    with pytest.raises(DataError, match="leave none to learn from"):
        split_rows(np.zeros(0, int))
