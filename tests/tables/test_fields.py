"""The fields of one column, however they are stored, as numbers, truths, moments and levels."""

import datetime
import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.errors import DataError
from backlit.tables.fields import (
    MISSING,
    FieldError,
    QuestionError,
    Reading,
    level_texts,
    moments,
    numbered,
    numbers,
    truths,
)

DAY = datetime.date(2014, 5, 31)


def column(*values, dtype=None):
    return pl.Series("a", values, dtype=dtype)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_the_same_however_stored(values):
    stored = numbers(column(*values, dtype=pl.Float64))
    np.testing.assert_array_equal(
        numbers(column(*(None if v is None else repr(v) for v in values), dtype=pl.String)), stored
    )
    np.testing.assert_array_equal(stored, [np.nan if v is None else v for v in values])


@pytest.mark.parametrize(
    "series",
    [
        column(1, 0, None), column(True, False, None), column(1.0, 0.0, np.nan), column("1", "0", None),
        column("1.0", "0.0", None, dtype=pl.Categorical), column(1, 0, None, dtype=pl.UInt8),
        column("1.5", "0", None).cast(pl.Decimal(4, 1)).clip(0, 1),
    ],
)  # fmt: skip
def test_numbers_of_every_type(series):
    np.testing.assert_array_equal(numbers(series), [1, 0, np.nan])
    np.testing.assert_array_equal(truths(series), [1, 0, np.nan])


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (
            column("1", None, "4-5-0"),
            r"column 'a' is '4-5-0' in row 2, which is no number; write it as in 1234.5, leave ",
        ),
        (column(1.0, np.inf), "column 'a' is inf in row 1; leave such rows out, or the field empty"),
        (column("1", "-inf"), "column 'a' is -inf in row 1"),
        (column("1", "1e999"), "column 'a' is inf in row 1"),
        (column(DAY), "column 'a' holds Date, but numbers are needed; mend it"),
        (column([1, 2]), r"column 'a' holds List\(Int64\), but numbers are needed"),
    ],
)
def test_what_is_no_number(series, message):
    with pytest.raises(DataError, match=message):
        numbers(series)


def test_truths():
    assert truths(column("TRUE", " no", "Yes", "false", "1", "0.0")).tolist() == [1, 0, 1, 0, 1, 0]
    for series, message in (
        (column("yes", "maybe"), "column 'a' is 'maybe' in row 1, which is neither true nor false; mend it"),
        (column(1, 7), "column 'a' is 7 in row 1, which is neither"),
        (column(1.0, np.nan, 0.5), "column 'a' is 0.5 in row 2, which is neither"),
        (column(DAY), "column 'a' holds Date, but true or false is needed"),
    ):
        with pytest.raises(DataError, match=message):
            truths(series)


@settings(deadline=None)
@given(st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)), min_size=1))
def test_dates_are_the_same_however_stored(days):
    stored = column(*days)
    assert moments(stored).to_list() == days
    assert moments(stored.cast(pl.String)).to_list() == days
    assert moments(stored.cast(pl.Datetime("ns"))).cast(pl.Date).to_list() == days
    assert moments(stored.dt.strftime("%d.%m.%Y")).to_list() == days
    assert moments(stored.dt.strftime("%m/%d/%Y"), Reading(date_order="mdy")).to_list() == days
    assert moments(stored.dt.strftime("%Y%m%d").cast(pl.Int64)).to_list() == days


def test_the_local_time_is_meant():
    noon = column(datetime.datetime(2014, 5, 31, 12)).dt.replace_time_zone("America/Los_Angeles")
    assert moments(noon).to_list() == [datetime.datetime(2014, 5, 31, 12)]


def test_a_date_of_two_meanings_is_read_as_the_others_were():
    text = column("03/04/2015", "05/06/2015")
    assert moments(text, Reading(date_order="dmy"))[0] == datetime.date(2015, 4, 3)
    assert moments(text, Reading(date_order="mdy"))[0] == datetime.date(2015, 3, 4)
    with pytest.raises(
        QuestionError, match=r"column 'a' is '03/04/2015', which may be 2015-03-04 \(--date-order mdy\)"
    ):
        moments(text)  # learnt from dates: neither reading is known to be right


def test_a_number_of_two_meanings_is_read_as_the_others_were():
    text = column("63,775", "1,250", "12")
    assert numbers(text, reading=Reading(decimal=",")).tolist() == [63.775, 1.25, 12]
    assert numbers(text, reading=Reading(decimal=".")).tolist() == [63775, 1250, 12]
    with pytest.raises(QuestionError, match=r"'63,775', which may be 63775 \(--decimal \.\) or 63.775 \(--decimal ,\)"):
        numbers(column("63,775", "1,251", "12"))
    assert numbers(column("1.234", "5.6"), reading=Reading(decimal=".")).tolist() == [1.234, 5.6]
    assert numbers(column("1.234", "5.678"), reading=Reading(decimal=",")).tolist() == [1234, 5678]


def test_numbers_keep_their_unit():
    km = Reading(unit="km")
    assert numbers(column("12 km", "7km", "3"), reading=km).tolist() == [12, 7, 3]
    with pytest.raises(
        FieldError, match="column 'a' is '12 mi' in row 1, but numbers in km were learnt from; write it so"
    ):
        numbers(column("7km", "12 mi"), reading=km)
    with pytest.raises(FieldError, match="column 'a' is '12%' in row 0, which is no number"):
        numbers(column("12%"))
    assert numbers(column("$1,200.50", "€ 3", "(5)")).tolist() == [1200.5, 3, -5]


@pytest.mark.parametrize("mark", MISSING)
def test_marks_of_missing_fields(mark):
    text = column(mark, " 3 ", f" {mark} ")
    assert np.isnan(numbers(text)).tolist() == [True, False, True]
    assert level_texts(text, reading=Reading()).to_list() == [None, "3", None]
    assert level_texts(text).to_list() == [mark, " 3 ", f" {mark} "]  # as it stands
    assert np.isnan(truths(column(mark, "yes"))).tolist() == [True, False]
    assert moments(column(mark, "2014-05-31")).to_list() == [None, DAY]


def test_a_mark_of_the_users():
    assert np.isnan(numbers(column("-1", "3"), reading=Reading(missing=("-1",)))).tolist() == [True, False]


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (
            column("31.05.2014", None, "soon"),
            "column 'a' is 'soon' in row 2, which is no date; write it as 2014-05-31",
        ),
        (column(1.5), "column 'a' holds Float64, but dates are needed; mend it"),
    ],
)
def test_what_is_no_date(series, message):
    with pytest.raises(DataError, match=message):
        moments(series)


@given(st.lists(st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e6, 1e6).map(lambda v: round(v, 2)), min_size=1))
def test_levels_are_the_same_however_stored(values):
    stored = level_texts(column(*map(float, values))).to_list()
    assert level_texts(column(*map(repr, values)), "number").to_list() == stored
    assert level_texts(column(*(f"{v:.2f}" for v in values)), "number").to_list() == stored
    if all(float(v).is_integer() for v in values):
        assert level_texts(column(*(int(v) for v in values))).to_list() == stored


def test_levels_of_every_type():
    assert level_texts(column(3, None)).to_list() == ["3", None]
    assert level_texts(column(3.0, 1.5, np.nan)).to_list() == ["3", "1.5", None]
    assert level_texts(column("007", "x")).to_list() == ["007", "x"]
    assert level_texts(column("007", "x"), "number").to_list() == ["7", "x"]
    assert level_texts(column(True, None)).to_list() == ["true", None]
    assert level_texts(column("TRUE", "False"), "boolean").to_list() == ["true", "false"]
    assert level_texts(column("x", None, dtype=pl.Categorical)).to_list() == ["x", None]
    assert level_texts(column(DAY)).to_list() == ["2014-05-31"]
    assert level_texts(column(0.1, 2.0, dtype=pl.Float32)).to_list() == ["0.1", "2"]
    with pytest.raises(DataError, match=r"column 'a' holds List\(Int64\), but text or numbers are needed"):
        level_texts(column([1]))


def test_an_error_names_the_row_of_the_whole_table():
    def numbers_of(rows):
        with numbered(rows):
            numbers(column(1.0, 2.0, np.inf))

    with pytest.raises(FieldError, match="in row 102;") as caught:
        numbers_of(100)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.facts["row"]) == (str(caught.value), 102)
    with pytest.raises(FieldError, match="in row 9;"):
        numbers_of(np.array([4, 6, 9]))
