"""Whatever holds columns goes wherever a frame goes; what cannot be used is named with its remedy."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.inspection import permutation_importance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from small import QUICK, N, X, kinds, y

import backlit as bl

LIBRARIES = {
    "dict": lambda frame: frame.to_dict(as_series=False),
    "dict of arrays": lambda frame: {name: frame[name].to_numpy() for name in frame.columns},
    "list of dicts": lambda frame: frame.to_dicts(),
    "LazyFrame": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "pyarrow": lambda frame: frame.to_arrow(),
    "record batch": lambda frame: frame.to_arrow().to_batches()[0],
}
TARGETS = {
    "list": lambda values: values.tolist(),
    "array": lambda values: values,
    "polars": lambda values: pl.Series("other", values),
    "pandas": lambda values: pd.Series(values, name="z", index=np.arange(N)[::-1]),
    "pyarrow": lambda values: pa.chunked_array([values.tolist()]),
    "frame": lambda values: pd.DataFrame({"w": values}),
    "LazyFrame": lambda values: pl.LazyFrame({"w": values}),
    "dict": lambda values: {"w": values},
    "list of dicts": lambda values: [{"w": value} for value in values.tolist()],
}
SHORT = QUICK | {"epochs": 4}
NUMBERS = X.select("size", "rooms")


@pytest.mark.parametrize("library", LIBRARIES)
def test_any_frame_anywhere(library, tmp_path):
    of = LIBRARIES[library]
    ours, theirs = bl.NetRegressor(**SHORT), bl.NetRegressor(**SHORT, run=tmp_path / "a.backlit")
    ours.fit(X, y, X_val=X[:50], y_val=y[:50])
    theirs.fit(of(X), y, X_val=of(X[:50]), y_val=y[:50])
    expected = ours.predict(X)
    for predict in (ours.predict, theirs.predict, ours.model_.predict, bl.open_run(theirs.run).model().predict):
        np.testing.assert_array_equal(predict(of(X)), expected)
    np.testing.assert_array_equal(ours.model_.decode(of(X)), theirs.model_.decode(X))
    np.testing.assert_array_equal(ours.model_.decode(of(X))[:, 0], expected)
    assert ours.score(of(X), y) == ours.score(X, y)
    one, other = (bl.NetClassifier(**SHORT) for _ in range(2))
    for _ in range(2):
        one.partial_fit(X, kinds)
        other.partial_fit(of(X), kinds)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(of(X)))
    np.testing.assert_array_equal(one.model_.predict_proba(of(X)), one.predict_proba(X))


@pytest.mark.parametrize("library", TARGETS)
def test_any_target_anywhere(library):
    of = TARGETS[library]
    ours = bl.NetRegressor(**SHORT).fit(X, y, X_val=X, y_val=y)
    theirs = bl.NetRegressor(**SHORT).fit(X, of(y), X_val=X, y_val=of(y))
    np.testing.assert_array_equal(theirs.model_.theta, ours.model_.theta)
    assert theirs.score(X, of(y)) == ours.score(X, y)
    for _ in range(2):
        ours.partial_fit(X, y)
        theirs.partial_fit(X, of(y))
    np.testing.assert_array_equal(theirs.model_.theta, ours.model_.theta)
    if library != "frame":  # which is a column vector, and scikit-learn wants a warning for it
        ours, theirs = (bl.NetClassifier(**SHORT).fit(X, labels) for labels in (kinds, of(kinds)))
        np.testing.assert_array_equal(theirs.model_.theta, ours.model_.theta)
        assert theirs.classes_.tolist() == ours.classes_.tolist()
        assert theirs.score(X, of(kinds)) == ours.score(X, kinds)


def test_rows_may_leave_fields_out():
    rows = [{"a": 1.5, "b": "u"}, {"b": "v", "c": True}, {"a": None, "b": None}]
    frame = bl.tables.frames.to_frame(rows)
    assert frame.to_dict(as_series=False) == {"a": [1.5, None, None], "b": ["u", "v", None], "c": [None, True, None]}


def test_a_structured_array_has_names():
    array = np.array([(1.0, 2), (3.0, 5)], dtype=[("a", float), ("b", int)])
    assert bl.tables.frames.to_frame(array).to_dict(as_series=False) == {"a": [1.0, 3.0], "b": [2, 5]}


# --- by position ---------------------------------------------------------------------------------------------------


def test_an_array_after_a_frame_is_taken_by_position():
    model = bl.NetRegressor(**SHORT).fit(NUMBERS, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but NetRegressor was fitted with feat"):
        predicted = model.predict(NUMBERS.to_numpy())
    np.testing.assert_array_equal(predicted, model.predict(NUMBERS))
    for X_now in (NUMBERS.to_numpy(), NUMBERS.to_numpy().tolist()):
        np.testing.assert_array_equal(model.model_.predict(X_now), model.predict(NUMBERS))
    with pytest.warns(UserWarning, match="valid feature names"):
        importance = permutation_importance(model, NUMBERS.to_numpy(), y, n_repeats=2, random_state=0)
    assert importance["importances"].shape == (2, 2)
    with pytest.raises(bl.ShapeError, match="X has 3 features, but 2 are expected: size, rooms"):
        model.model_.predict(np.ones((2, 3)))
    wide = pl.DataFrame(np.ones((2, 3)))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(wide)


def test_a_frame_after_an_array_is_taken_by_position():
    model = bl.NetRegressor(**SHORT).fit(NUMBERS.to_numpy(), y)
    with pytest.warns(UserWarning, match="X has feature names, but NetRegressor was fitted without feature names"):
        predicted = model.predict(NUMBERS)
    np.testing.assert_array_equal(predicted, model.predict(NUMBERS.to_numpy()))


def test_an_array_with_a_column_left_out():
    array = np.column_stack([NUMBERS["size"], np.full(N, 3.0), NUMBERS["rooms"]])
    model = bl.NetRegressor(**SHORT).fit(array, y)
    assert [column.name for column in model.model_.table.columns] == ["x1", "x3"]
    np.testing.assert_array_equal(model.model_.predict(array), model.predict(array))


def test_columns_that_pandas_calls_by_numbers():
    frame = pd.DataFrame(NUMBERS.to_numpy())
    model = bl.NetRegressor(**SHORT).fit(frame, y)
    np.testing.assert_array_equal(model.predict(frame), model.predict(frame.to_numpy()))


# --- what cannot be used -------------------------------------------------------------------------------------------

ODD = {
    "timedelta": (pd.to_timedelta(np.arange(N), "h"), r"lengths of time \(timedelta\).*total_seconds"),
    "timedelta objects": ([datetime.timedelta(hours=i) for i in range(N)], r"lengths of time \(timedelta\)"),
    "polars duration": (pl.Series(np.arange(N)).cast(pl.Duration("us")), r"lengths of time \(timedelta\), Duration"),
    "time of day": ([datetime.time(i % 24) for i in range(N)], "times of day.*its hour"),
    "period": (pd.period_range("2020-01", periods=N, freq="M"), "Period, which cannot be used; give dates"),
    "interval": (pd.arrays.IntervalArray.from_breaks(np.arange(N + 1)), "Interval, which cannot be used; give numb"),
    "longdouble": (np.arange(N, dtype=np.longdouble), r"longdouble.*astype\('float64'\)"),
    "complex": (1j * np.arange(N), "complex128.*real and its imaginary"),
    "complex objects": (np.array([1j, None] * (N // 2), dtype=object), "complex"),
    "bytes": ([b"a", b"b"] * (N // 2), "bytes.*decode"),
    "bytes of NumPy": (np.array([b"a", b"b"] * (N // 2)), "bytes.*decode"),
    "lists": (pd.Series([[1, 2]] * N), "lists: give each entry a column of its own"),
    "polars lists": (pl.Series([[1, 2]] * N), r"nested entries, List\(Int64\); give each entry a column of its own"),
    "structs": (pl.Series([{"a": 1}] * N), "nested entries, Struct"),
    "objects": ([object() for _ in range(N)], "object, which cannot be used; give numbers, text or dates"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_a_type_that_cannot_be_used_is_named(name):
    column, message = ODD[name]
    odd = {**NUMBERS.to_dict(as_series=True), "w": column}
    with pytest.raises((bl.DataError, TypeError), match=f"column 'w' holds {message}"):
        bl.NetRegressor(**SHORT).fit(odd, y)
    with pytest.raises((bl.DataError, TypeError), match="column 'w' holds"):
        bl.NetRegressor(**SHORT).fit(pd.DataFrame({"w": [*column]}) if "polars" not in name and name != "structs"
                                     else pl.DataFrame({"w": column}), y)  # fmt: skip


@pytest.mark.parametrize("columns", [{"w": "drop"}, ["size", "rooms"]])
def test_such_a_column_may_be_left_out(columns):
    frame = NUMBERS.with_columns(w=pl.Series(np.arange(N)).cast(pl.Duration("us")))
    model = bl.NetRegressor(**SHORT, columns=columns).fit(frame, y)
    np.testing.assert_array_equal(model.predict(frame), bl.NetRegressor(**SHORT).fit(NUMBERS, y).predict(NUMBERS))


def test_intervals_that_stand_for_categories_are_text():
    frame = pd.DataFrame({"w": pd.cut(NUMBERS["rooms"].to_numpy(), 2)})
    model = bl.NetRegressor(**SHORT).fit(frame, y)
    assert model.model_.table.columns[0].levels == ("(0.996, 3.0]", "(3.0, 5.0]")


def test_other_objects_are_what_they_were():
    frame = bl.tables.frames.to_frame(
        {"decimal": [decimal.Decimal("1.5"), None], "mixed": ["x", 1], "day": [datetime.date(2020, 1, 2), None]}
    )
    assert frame.rows() == [("1.5", "x", datetime.date(2020, 1, 2)), (None, "1", None)]


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_sparse_is_named_with_its_remedy(kind):
    with pytest.raises(TypeError, match=r"Sparse .*X.toarray\(\).*sparse_output=False"):
        bl.NetRegressor().fit(kind(np.eye(4)), np.arange(4))
    towns = X.select("town").to_pandas()
    with pytest.raises(TypeError, match="In a pipeline, leave OneHotEncoder out"):
        make_pipeline(OneHotEncoder(), bl.NetRegressor(**SHORT)).fit(towns, y)
    make_pipeline(OneHotEncoder(sparse_output=False), bl.NetRegressor(**SHORT)).fit(towns, y)


def test_one_row_as_a_dict_says_how_to_write_it():
    model = bl.NetRegressor(**SHORT).fit(NUMBERS, y)
    with pytest.raises(bl.ShapeError, match=r"for one row give a list of one, {'size': \[900.0\]}"):
        model.predict({"size": 900.0, "rooms": 3})
    assert model.predict({"size": [900.0], "rooms": [3]}).shape == (1,)
    assert model.predict([{"size": 900.0, "rooms": 3}]).shape == (1,)
