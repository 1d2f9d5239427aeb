"""`warm_start` and `partial_fit`: what can change from call to call, and what is refused."""

import numpy as np
import polars as pl
import pytest
from small import QUICK, N, X, kinds, y

import backlit as bl

THREE = np.array(["A", "B", "C"])[np.digitize(y, np.quantile(y, [0.33, 0.67]))]


def twice(make, first, then, changes=None, frame=X, **settings):
    model = make(warm_start=True, **QUICK | settings).fit(X, first)
    return model.set_params(**changes or {}).fit(frame, then)


# --- the target ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("times", "plus"), [(1e6, 0), (1e-6, 0), (1, 1e8), (20, 0), (1e-3, -7)])
@pytest.mark.parametrize("setting", ["standard", "log"])
def test_a_target_on_another_scale_is_scaled_anew(setting, times, plus):
    then = y * times + plus
    if setting == "log" and then.min() <= 0:
        pytest.skip("no logarithm")
    model = twice(bl.NetRegressor, y, then, target=setting)
    assert model.score(X, then) > 0.85
    target, logged = model.model_.table.target, np.log(then) if setting == "log" else then
    if setting == "standard" or times in (1e6, 1e-6):
        assert target.centre == pytest.approx((logged.mean(),))
        assert target.scale == pytest.approx((logged.std(),))
        assert any("y is on another scale than what was learnt before" in told for told in model.notices_)


def test_the_scale_stays_where_it_fits():
    before = bl.NetRegressor(warm_start=True, **QUICK).fit(X, y)
    target, notices = before.model_.table.target, before.notices_
    model = before.fit(X[:100], 1.1 * y[:100])
    assert model.model_.table.target == target
    assert model.notices_ == notices


@pytest.mark.parametrize("times", [1e6, 1e-6])
def test_partial_fit_refuses_another_scale(times):
    model = bl.NetRegressor(**QUICK).partial_fit(X, y)
    theta = model.model_.theta
    with pytest.raises(bl.DataError, match=r"y is about .*, but partial_fit keeps the scale of its first call, .*"):
        model.partial_fit(X, y * times)
    np.testing.assert_array_equal(model.model_.theta, theta)
    model.partial_fit(X[:1], [y.max() * 3])  # a single row may be far


def test_counts_have_no_scale():
    counts = np.random.default_rng(0).poisson(2, N)
    model = twice(bl.NetRegressor, counts, 1000 * counts, loss="poisson")
    assert model.notices_ == ()
    bl.NetRegressor(loss="poisson", **QUICK).partial_fit(X, counts).partial_fit(X, 1000 * counts)


@pytest.mark.parametrize(("first", "then"), [(y, np.stack([y, y], 1)), (np.stack([y, y], 1), y)])
def test_as_many_targets_as_before(first, then):
    with pytest.raises(bl.ShapeError, match=r"y has . columns?, but the network learnt ."):
        twice(bl.NetRegressor, first, then)
    with pytest.raises(bl.ShapeError, match=r"y has . columns?, but the network learnt ."):
        bl.NetRegressor(**QUICK).partial_fit(X, first).partial_fit(X, then)


# --- classes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [["A", "C"], ["B"], ["B", "C"]])
def test_fewer_classes_keep_their_labels(kept):
    rows = np.isin(THREE, kept)
    model = twice(bl.NetClassifier, THREE, THREE[rows], frame=X.filter(rows))
    assert model.classes_.tolist() == ["A", "B", "C"]
    assert model.predict_proba(X).shape == (N, 3)
    assert model.score(X.filter(rows), THREE[rows]) > 0.85
    model = bl.NetClassifier(**QUICK).partial_fit(X, THREE).partial_fit(X.filter(rows), THREE[rows])
    assert model.classes_.tolist() == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("first", "then", "odd", "row"),
    [
        (THREE, np.where(THREE == "C", "D", THREE), "D", int((THREE == "C").argmax())),
        (np.where(THREE == "C", "B", THREE), THREE, "C", int((THREE == "C").argmax())),
        (kinds, THREE, THREE[0], 0),
    ],
)
def test_a_new_class_is_refused(first, then, odd, row):
    message = f"y holds the class '{odd}', which was not among those learnt, .* .row {row}.; "
    with pytest.raises(bl.DataError, match=message + "begin anew: fit with warm_start=False"):
        twice(bl.NetClassifier, first, then)
    with pytest.raises(bl.DataError, match=message + "name all classes in the first call"):
        bl.NetClassifier(**QUICK).partial_fit(X, first).partial_fit(X, then)
    with pytest.raises(bl.DataError, match=r"y_val holds the class .*; leave such rows out"):
        bl.NetClassifier(**QUICK).fit(X, first, X_val=X, y_val=then)


def test_classes_are_named_once():
    model = bl.NetClassifier(**QUICK).partial_fit(X, kinds, classes=["dear", "cheap", "free"])
    model.partial_fit(X, kinds, classes=pl.Series(["cheap", "dear", "free"]))
    with pytest.raises(bl.DataError, match=r"classes is \['cheap', 'dear'\], but \['cheap', 'dear', 'free'\] were"):
        model.partial_fit(X, kinds, classes=["cheap", "dear"])


# --- the network and its columns -----------------------------------------------------------------------------------

OTHER = [
    ("hidden", 8, r"\(8,\)", r"\(16,\)"), ("hidden", (16, 16), r"\(16, 16\)", r"\(16,\)"),
    ("activation", "tanh", "'tanh'", "'relu'"), ("encoding", "plain", "'plain'", "'piecewise'"),
    ("bins", 4, "4", "48"), ("columns", ["size"], r"\('size',\)", "None"), ("target", "log", "'log'", "'standard'"),
    ("loss", "huber", "'huber'", "'squared_error'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "now", "then"), OTHER)
def test_another_network_is_refused(name, value, now, then):
    message = f"{name} is {now}, but {{}} continues a network that was made with {then}; set it back"
    with pytest.raises(bl.ArgumentError, match=message.format("warm_start")):
        twice(bl.NetRegressor, y, y, {name: value})
    model = bl.NetRegressor(**QUICK).partial_fit(X, y)
    with pytest.raises(bl.ArgumentError, match=message.format("partial_fit")):
        model.set_params(**{name: value}).partial_fit(X, y)
    model.fit(X, y)  # which begins anew


@pytest.mark.parametrize(("name", "value"), [("hidden", [16]), ("loss", "squared_error"), ("bins", np.int64(48))])
def test_the_same_in_other_words_is_the_same(name, value):
    model = twice(bl.NetRegressor, y, y, {name: value})
    np.testing.assert_array_equal(model.model_.theta, twice(bl.NetRegressor, y, y).model_.theta)


@pytest.mark.parametrize("dropout", [0, 0.5])
def test_another_dropout_is_taken(dropout):
    model = twice(bl.NetRegressor, y, y, {"dropout": dropout})
    rates = [layer.rate for layer in model.model_.net.layers if isinstance(layer, bl.Dropout)]
    assert rates == [dropout] * bool(dropout)
    goes_on = bl.NetRegressor(**QUICK).partial_fit(X, y).set_params(dropout=dropout).partial_fit(X, y)
    rates = [layer.rate for layer in goes_on.model_.net.layers if isinstance(layer, bl.Dropout)]
    assert rates == [dropout] * bool(dropout)


def test_another_optimizer_begins_with_an_empty_memory():
    model = bl.NetRegressor(**QUICK).partial_fit(X, y)
    assert set(model.state_.memory) > {"v"}
    model.set_params(optimizer="momentum").partial_fit(X, y)
    assert set(model.state_.memory) == {"v"}
    assert model.state_.step == 2


@pytest.mark.parametrize("frame", [X.drop("town"), X.rename({"size": "area"}), X.with_columns(more=pl.lit(1))])
def test_other_columns_are_refused(frame):
    with pytest.raises(ValueError, match="feature names should match"):
        twice(bl.NetRegressor, y, y, frame=frame)
    with pytest.raises(ValueError, match="feature names should match"):
        bl.NetRegressor(**QUICK).partial_fit(X, y).partial_fit(frame, y)


def test_without_warm_start_everything_may_change():
    model = bl.NetClassifier(**QUICK).fit(X, THREE).set_params(hidden=8).fit(X.drop("town"), kinds)
    assert model.classes_.tolist() == ["cheap", "dear"]
    assert model.n_features_in_ == 3
