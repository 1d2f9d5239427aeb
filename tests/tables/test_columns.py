"""The kinds of columns: fitted on some rows, encoding any, and read back."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backlit.core.layers import PiecewiseLinear
from backlit.errors import DataError
from backlit.tables.columns import MOST_LEVELS, Boolean, Category, Date, Number

any_numbers = arrays(np.float64, st.integers(1, 40), elements=st.floats(allow_nan=False, allow_infinity=False))
some_missing = st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1).filter(any)


def encoded(column, *values, dtype=np.float64, stored=None):
    out = np.full((len(values), len(column.inputs())), np.nan, dtype=dtype)
    column.encode(pl.Series(column.name, values, dtype=stored, strict=False), out)
    return out.tolist()


# --- numbers -----------------------------------------------------------------------------------------------------


def test_numbers_are_centred_and_scaled_by_quartiles():
    column = Number.fit(pl.Series("a", [0, 1, 2, 3, 1000]))
    assert (column.centre, column.scale) == (2, 2)
    plain = Number("a", 2.0, 2.0)
    assert encoded(plain, 0, 2, 5) == [[-1], [0], [1.5]]
    assert plain.decode(1.5) == 5


@pytest.mark.parametrize(("values", "scale"), [([0, 0, 0, 0, 10], 5), ([7, 7], 1), ([7, None], 1)])
def test_scale_is_never_zero(values, scale):
    assert Number.fit(pl.Series("a", values)).scale == scale


def test_outliers_are_held_back_without_bins():
    column = Number.fit(pl.Series("a", range(101)))
    assert column.smooth
    assert encoded(column, 50) == [[0]]
    assert encoded(column, 75)[0][0] == pytest.approx(0.5 / np.sqrt(1 + (0.5 / 3) ** 2))
    assert encoded(column, 1e200, -1e308) == [[pytest.approx(3)], [pytest.approx(-3)]]


def test_missing_numbers_count_as_the_median_and_say_so():
    column = Number.fit(pl.Series("a", [1.0, 2.0, 3.0, None]))
    assert [given.name for given in column.inputs()] == ["a", "a missing"]
    assert column.inputs()[1].label == "a is missing"
    assert encoded(column, None, np.nan, 2) == [[0, 1], [0, 1], [0, 0]]
    none = Number.fit(pl.Series("a", [1, 2, 3]))
    assert encoded(none, None) == [[0]]


def test_bins_hold_about_the_same_number_of_rows():
    values = np.random.default_rng(0).gamma(2, 100, 10_000)
    column = Number.fit(pl.Series("a", values), bins=10)
    counts, _ = np.histogram((values - column.centre) / column.scale, column.edges)
    np.testing.assert_array_equal(counts, 1000)
    assert not column.smooth


def test_edges_that_fall_together_are_merged():
    few = Number.fit(pl.Series("a", [1] * 50 + [2] * 30 + [3] * 20), bins=48)
    assert len(few.edges) < 6  # 1, 2, 3, and at most one between two of them
    assert {few.decode(edge) for edge in few.edges} >= {1, 2, 3}
    assert Number.fit(pl.Series("a", [7, 7, None]), bins=48).edges == ()


def test_an_outlier_leaves_the_bins_of_the_others_alone():
    values = np.append(np.linspace(0, 1, 1000), 1e9)
    assert len(Number.fit(pl.Series("a", values), bins=48).edges) == 49


def test_values_beyond_the_outermost_edges_count_as_these():
    column = Number.fit(pl.Series("a", [0, 1, 2, 3, 4]), bins=4)
    assert encoded(column, -100, 0, 4, 1e308) == [[-1], [-1], [1], [1]]


@given(any_numbers, st.integers(1, 60))
def test_edges_are_increasing_and_float32_tells_them_apart(values, bins):
    column = Number.fit(pl.Series("a", values), bins=bins)
    assert len(column.edges) != 1
    assert len(column.edges) <= bins + 1
    if column.edges:
        edges = np.array(column.edges, dtype=np.float32).astype(np.float64)
        assert (np.diff(edges) > 5e-6 * np.maximum(np.abs(edges[1:]), np.abs(edges[:-1]))).all()
        PiecewiseLinear((column.edges,))


@given(some_missing, some_missing, st.sampled_from([None, 3, 48]))
def test_encoded_numbers_are_finite_in_float32(fitted, later, bins):
    column = Number.fit(pl.Series("a", fitted, dtype=pl.Float64), bins=bins)
    assert np.isfinite(encoded(column, *later, dtype=np.float32, stored=pl.Float64)).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=2))
def test_encoded_numbers_keep_their_order_and_read_back(values):
    column = Number.fit(pl.Series("a", values), bins=48)
    x = np.array(encoded(column, *values))[:, 0]
    assert (np.diff(x[np.argsort(values, kind="stable")]) >= 0).all()
    if column.edges:
        inside = (x > column.edges[0]) & (x < column.edges[-1])
        np.testing.assert_allclose(column.decode(x)[inside], np.array(values)[inside], rtol=1e-9, atol=1e-9)


# --- categories --------------------------------------------------------------------------------------------------


def test_levels_have_an_input_each():
    column = Category.fit(pl.Series("town", ["b", "a", "b"]))
    assert [given.name for given in column.inputs()] == ["town=a", "town=b"]
    assert [given.label for given in column.inputs()] == ["town is a", "town is b"]
    assert encoded(column, "b", "a", "new", None) == [[0, 1], [1, 0], [0, 0], [0, 0]]
    assert column.unseen(pl.Series("town", ["b", "new", None])).to_list() == ["new"]


def test_missing_levels_have_an_input_if_some_were_missing():
    column = Category.fit(pl.Series("town", ["b", None]))
    assert [given.name for given in column.inputs()] == ["town=b", "town missing"]
    assert encoded(column, None, "b", "new") == [[0, 1], [1, 0], [0, 0]]


def test_rare_and_unseen_levels_share_other():
    levels = [f"z{i:03}" for i in range(100)]
    times = [1 + (i * 7) % 100 for i in range(100)]
    column = Category.fit(pl.Series("zip", np.repeat(levels, times)))
    frequent = {levels[i] for i in np.argsort(times)[-(MOST_LEVELS - 1) :]}
    assert set(column.levels) == frequent
    names = [given.name for given in column.inputs()]
    assert names == [*(f"zip={level}" for level in sorted(frequent)), "zip other"]
    rare = next(level for level in levels if level not in frequent)
    expected = [0.0] * (MOST_LEVELS - 1) + [1.0]
    assert encoded(column, rare, "new") == [expected, expected]
    assert len(Category.fit(pl.Series("zip", levels[:MOST_LEVELS])).inputs()) == MOST_LEVELS
    assert encoded(column, None) == [[0.0] * MOST_LEVELS]


@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=200))
def test_a_known_level_has_one_input_and_only_one(values):
    column = Category.fit(pl.Series("n", values, dtype=pl.String))
    X = np.array(encoded(column, *values, stored=pl.String))
    if column.inputs():
        np.testing.assert_array_equal(X.sum(axis=1), 1)
        places = [column.levels.index(value) if value in column.levels else None for value in values]
        for row, place in zip(X, places):
            assert place is None or row[place] == 1


@pytest.mark.parametrize("name", ["n", "count", "level", "len", ""])
def test_a_column_may_be_called_anything(name):
    assert Category.fit(pl.Series(name, ["x", "y"])).levels == ("x", "y")


def test_levels_that_were_numbers_are_found_in_text():
    column = Category.fit(pl.Series("zip", [98001, 98002, None]))
    assert encoded(column, "098001", "98002.0", "x") == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert encoded(column, 98001.0, None) == [[1, 0, 0], [0, 0, 1]]
    flags = Category.fit(pl.Series("flag", [True, False]))
    assert encoded(flags, "TRUE", "false") == [[0, 1], [1, 0]] == encoded(flags, True, False)


def test_a_category_that_comes_as_something_else():
    column = Category.fit(pl.Series("town", ["Kent", "Renton"]))
    with pytest.raises(
        DataError, match="column 'town' holds Int64, such as 3, but text such as 'Kent' was learnt from"
    ):
        encoded(column, 3, None)
    digits = Category.fit(pl.Series("grade", ["1", "2", "x"]))
    assert encoded(digits, 2, 9) == [[0, 1, 0], [0, 0, 0]]


# --- true and false, dates ---------------------------------------------------------------------------------------


def test_booleans():
    column = Boolean.fit(pl.Series("view", [True, False, None]))
    for values in ((True, False, None), ("yes", "No", None), (1, 0, None), (1.0, 0.0, np.nan)):
        assert encoded(column, *values) == [[1], [-1], [0]]
    with pytest.raises(DataError, match="column 'view' is 'far' in row 1, which is neither true nor false"):
        Boolean.fit(pl.Series("view", ["yes", "far"]))


def test_dates_become_their_parts():
    days = [datetime.date(2014, 5, 31), datetime.date(2015, 6, 1), None]
    column = Date.fit(pl.Series("sold", days))
    names = [given.name for given in column.inputs()]
    assert names == ["sold.day", "sold.day missing", "sold.year", "sold.month", "sold.weekday"]
    assert {given.column for given in column.inputs()} == {"sold"}
    day, year, month, weekday = column.parts
    expected = datetime.date(1970, 1, 1) + datetime.timedelta(days=day.centre)
    assert days[0] < expected < days[1]
    assert (year.centre, month.centre, weekday.centre) == (2014.5, 5.5, 3.5)
    X = np.array(encoded(column, *days))
    np.testing.assert_array_equal(X[2], [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(X[0, [0, 2, 3]], -X[1, [0, 2, 3]])


def test_hours_count_where_they_vary():
    times = [datetime.datetime(2014, 5, 31, hour) for hour in (7, 19)]
    column = Date.fit(pl.Series("sold", times))
    assert [part.name for part in column.parts] == ["day", "hour"]


def test_dates_from_text_read_the_same():
    days = [datetime.date(2014, 5, 1) + datetime.timedelta(days=9 * i) for i in range(40)]
    stored = Date.fit(pl.Series("sold", days), bins=8)
    for form in ("%Y-%m-%d", "%Y%m%dT000000", "%d.%m.%Y", "%m/%d/%Y"):
        text = [day.strftime(form) for day in days]
        column = Date.fit(pl.Series("sold", text), bins=8)
        assert column.parts == stored.parts
        assert encoded(column, *text) == encoded(stored, *days) == encoded(column, *days)
    assert encoded(stored, *map(str, days)) == encoded(stored, *days)
    with pytest.raises(DataError, match="column 'sold' is 'soon' in row 0, which is no date; write it as 2014-05-31"):
        encoded(stored, "soon")


def test_a_date_that_is_always_the_same_but_sometimes_missing():
    column = Date.fit(pl.Series("sold", [datetime.date(2014, 5, 31), None]))
    assert encoded(column, None, datetime.date(2014, 5, 31)) == [[0, 1], [0, 0]]
