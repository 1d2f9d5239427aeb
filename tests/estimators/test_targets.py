"""Targets: their names, what is missing of them, and the weights of their classes."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from small import QUICK, N, X, kinds, y

import backlit as bl

NUMBERS = X.select("size", "rooms").with_columns(pl.col("size").fill_null(1000))
SHORT = QUICK | {"epochs": 4}


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["y", "price", "class", "x1", "", "y (target)"])
def test_a_column_with_the_targets_name_is_learnt_from(name):
    """The target depends on that column alone: without it nothing could be learnt."""
    signal = np.random.default_rng(1).normal(size=N)
    frame = pl.DataFrame({"noise": np.cos(np.arange(N)), name: signal})
    series = pl.Series(name, 3 * signal + 1)
    model = bl.NetRegressor(**QUICK).fit(frame, series)
    assert [column.name for column in model.model_.table.columns] == ["noise", name]
    assert model.score(frame, series) > 0.9
    labels = np.where(signal > 0, "up", "down")
    for target in (labels, pd.Series(labels, name=name), pl.Series(name, labels)):
        assert bl.NetClassifier(**QUICK).fit(frame, target).score(frame, target) > 0.9


def test_the_shifted_column_itself_is_a_target():
    walk = pd.DataFrame({"y": np.sin(np.arange(N) / 5), "t": np.cos(np.arange(N) / 5)})
    model = bl.NetRegressor(**QUICK).fit(walk[:-1], walk["y"].shift(-1)[:-1])
    assert model.score(walk[:-1], walk["y"].shift(-1)[:-1]) > 0.95


def test_nothing_is_overwritten_in_the_run_file(tmp_path):
    frame = NUMBERS.with_columns(pl.lit("a").alias("size (target)"), parts=pl.Series(["u", "v"] * (N // 2)))
    model = bl.NetRegressor(**SHORT, run=tmp_path / "a.backlit").fit(frame, frame["size"])
    run = bl.open_run(tmp_path / "a.backlit")
    assert run.frame().columns == [*frame.columns, "size (target 2)"]
    assert run.frame().select(frame.columns).equals(frame)
    assert run.frame()["size (target 2)"].to_list() == frame["size"].to_list()
    np.testing.assert_array_equal(run.model().predict(frame), model.predict(frame))
    trace = run.trace(3, rows=[5])
    assert trace.difference[0, 0] == pytest.approx(trace.prediction[0, 0] - frame["size"][5], rel=1e-5)
    assert run.fork(2).train().steps() == 4


def test_two_targets_beside_columns_of_their_names():
    both = np.stack([y, -y], axis=1)
    frame = NUMBERS.rename({"size": "y1", "rooms": "y2"})
    model = bl.NetRegressor(**QUICK).fit(frame, both)
    assert model.model_.table.target.names == ("y1 (target)", "y2 (target)")
    assert [column.name for column in model.model_.table.columns] == ["y1", "y2"]


def test_names_may_differ_from_call_to_call():
    named, bare = pl.Series("price", y), y
    one, other = bl.NetRegressor(**SHORT), bl.NetRegressor(**SHORT)
    one.fit(NUMBERS, named, X_val=NUMBERS, y_val=bare)
    other.fit(NUMBERS, bare, X_val=NUMBERS, y_val=pd.DataFrame({"z": y}))
    np.testing.assert_array_equal(one.model_.theta, other.model_.theta)
    assert one.model_.table.target.names == ("price",)
    for first, then in ((named, bare), (bare, named), (named, pd.Series(y, name="other"))):
        goes_on = bl.NetRegressor(**SHORT).partial_fit(NUMBERS, first).partial_fit(NUMBERS, then)
        warm = bl.NetRegressor(warm_start=True, **SHORT).fit(NUMBERS, first).fit(NUMBERS, then)
        assert goes_on.state_.step == 2
        assert np.isfinite(warm.predict(NUMBERS)).all()


# --- missing ones --------------------------------------------------------------------------------------------------

LABELS = ["u", None, "v", "u"]


@pytest.mark.parametrize(
    ("make", "target"),
    [
        (bl.NetClassifier, LABELS), (bl.NetClassifier, pl.Series(LABELS)), (bl.NetClassifier, pd.Series(LABELS)),
        (bl.NetClassifier, np.array(LABELS, dtype=object)), (bl.NetClassifier, pd.Series(LABELS, dtype="category")),
        (bl.NetClassifier, [0, np.nan, 1, 1]), (bl.NetClassifier, pd.Series([0, None, 1, 1], dtype="Int64")),
        (bl.NetClassifier, pl.Series([True, None, False, True])), (bl.NetRegressor, [1.0, None, 2.0, 3.0]),
        (bl.NetRegressor, pl.Series("price", [1, None, 2, 3])), (bl.NetRegressor, np.array([1, np.nan, 2, 3])),
        (bl.NetRegressor, pd.Series([1, pd.NA, 2, 3], dtype="Int64")),
        (bl.NetRegressor, np.array([[1, 1], [2, np.nan], [3, 3], [4, 4]])),
    ],
)  # fmt: skip
def test_a_missing_target_is_named_with_its_row(make, target):
    four = NUMBERS[:4]
    with pytest.raises(bl.DataError, match=r"^y is missing in row 1; leave such rows out"):
        make().fit(four, target)
    with pytest.raises(bl.DataError, match=r"^y is missing in row 1; leave such rows out"):
        make().partial_fit(four, target)
    known = [1.0, 2.0, 1.0, 2.0]
    with pytest.raises(bl.DataError, match=r"^y_val is missing in row 1"):
        make().fit(four, known, X_val=four, y_val=[1.0, None, 2.0, 1.0])


def test_labels_are_what_they_were():
    for labels, expected in (
        (pd.Series([0, 1, 1, 0], dtype="Int64"), [0, 1]),
        (pd.Series([True, False, True, False], dtype="boolean"), [False, True]),
        (pl.Series(["b", "a", "b", "a"], dtype=pl.Categorical), ["a", "b"]),
        (np.array([2.0, 1.0, 2.0, 1.0]), [1.0, 2.0]),
    ):
        model = bl.NetClassifier(**SHORT).fit(NUMBERS[:4], labels)
        assert model.classes_.tolist() == expected
        assert set(model.predict(NUMBERS).tolist()) <= set(expected)


def test_labels_of_two_types_are_named():
    mixed = np.array(["a", "b", 1, "a"], dtype=object)
    with pytest.raises(bl.DataError, match=r"y holds text, such as 'a' in row 0, and 1 in row 2; make all labels text"):
        bl.NetClassifier().fit(NUMBERS[:4], mixed)


def test_what_is_given_without_its_other_half():
    with pytest.raises(bl.ArgumentError, match="the target y_val is None"):
        bl.NetRegressor().fit(NUMBERS, y, X_val=NUMBERS)
    for half in ({"y_val": y}, {"sample_weight_val": y}):
        with pytest.raises(bl.ArgumentError, match="X_val is None, but y_val or sample_weight_val is given"):
            bl.NetRegressor().fit(NUMBERS, y, **half)
    with pytest.raises(bl.ShapeError, match="X_val has 240 rows and y_val 3"):
        bl.NetRegressor().fit(NUMBERS, y, X_val=NUMBERS, y_val=[1, 2, 3])


# --- weights of classes --------------------------------------------------------------------------------------------


def test_a_class_whose_weights_are_all_zero_is_not_there():
    weights = (kinds == "dear").astype(float)
    message = "y holds one class only, 'dear' in rows of a weight above 0"
    with pytest.raises(bl.DataError, match=message):
        bl.NetClassifier().fit(NUMBERS, kinds, sample_weight=weights)
    with pytest.raises(bl.DataError, match=message):
        bl.NetClassifier(class_weight={"cheap": 0, "dear": 1}).fit(NUMBERS, kinds)
    with pytest.raises(bl.DataError, match="sample_weight is zero in every row"):
        bl.NetClassifier().fit(NUMBERS, kinds, sample_weight=0 * weights)


# --- the quantile loss ---------------------------------------------------------------------------------------------


def pinball(truth, prediction, level, weights):
    off = truth - prediction
    return np.average(np.where(off > 0, level * off, (level - 1) * off), weights=weights)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("levels", [(0.1, 0.5, 0.9), (0.25,)])
def test_the_score_of_quantiles_is_their_own(levels, weighted):
    weights = np.arange(N) % 4 + 1 if weighted else np.ones(N)
    model = bl.NetRegressor(**QUICK, loss=bl.Quantile(levels=levels)).fit(NUMBERS, y)
    prediction = model.predict(NUMBERS).reshape(N, -1)
    rows = np.repeat(y, weights.astype(int))
    parts = [
        1 - pinball(y, prediction[:, j], t, weights) / min(pinball(y, q, t, weights) for q in np.unique(rows))
        for j, t in enumerate(levels)
    ]
    got = model.score(NUMBERS, y, sample_weight=weights if weighted else None)
    assert got == pytest.approx(np.mean(parts), rel=1e-6)
    assert model.score(NUMBERS, pl.Series(y)) == pytest.approx(model.score(NUMBERS, y))


@pytest.mark.parametrize("unit", ["ms", "us", "ns", "D"])
def test_days_are_refused_as_classes(unit):
    """No run file keeps them, and at another resolution they were other classes."""
    days = np.where(y > 0, np.datetime64("2020-01-01", unit), np.datetime64("2021-01-01", unit))
    for labels in (days, pl.Series(days), days.astype("datetime64[D]").tolist()):
        with pytest.raises(bl.DataError, match=r"^y holds dates or times \(.*\); make all labels text, as by str\(\)"):
            bl.NetClassifier(**SHORT).fit(NUMBERS, labels)
