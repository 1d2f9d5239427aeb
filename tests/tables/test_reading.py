"""How a column of text is read, and what is said about it."""

import datetime
import re

import numpy as np
import polars as pl
import pytest

from backlit.errors import DataError
from backlit.tables.fields import FieldError, Reading, moments, numbers
from backlit.tables.frames import read_table
from backlit.tables.infer import guess_kind
from backlit.tables.reading import Hints, read_frame


def read(*entries):
    return read_frame(pl.DataFrame({"a": entries}, schema={"a": pl.String}))


def said(sheet, name="a"):
    return tuple(map(str, sheet.notices[name]))


def test_addresses_of_machines_are_no_numbers():
    addresses = [f"192.168.{100 + i}.{200 - i}" for i in range(50)]
    sheet = read(*addresses)
    assert sheet["a"].to_list() == addresses
    assert said(sheet) == ("a is taken as text: '192.168.100.200' is no number and no date",)
    assert read("192.168.100.208", "192.168.100.308")["a"].to_list() == [192168100208, 192168100308]


def test_addresses_do_not_tell_the_decimal_mark_of_other_columns():
    frame = pl.DataFrame({"a": ["192.168.100.208", "192.168.100.209"], "b": ["63.775", "81.160"]})
    assert read_frame(frame)["b"].to_list() == [63.775, 81.16]


def test_a_currency_may_stand_before_the_parentheses():
    assert read("$ (743.83)", " $ 5,716.75 ", "$(2.00)")["a"].to_list() == [-743.83, 5716.75, -2]
    assert read("($ (743.83))", "$ -(743.83)")["a"].dtype == pl.String


def test_the_notice_names_the_entry_that_is_no_date():
    assert said(read("2020-01-21", "0000-00-00", "2020-01-22")) == (
        "a is taken as text: '0000-00-00' is no number and no date",
    )
    assert said(read("13/1/2020", "1/13/2020")) == ("a is taken as text: its dates mix the orders of day and month",)


def test_a_time_that_is_moved_to_utc_is_shown():
    sheet = read("2020-01-01T10:00:00Z", "2020-01-02T10:00:00+01:00")
    assert sheet["a"].to_list() == [datetime.datetime(2020, 1, 1, 10), datetime.datetime(2020, 1, 2, 9)]
    assert said(sheet) == ("a: 2020-01-02T10:00:00+01:00 read as 2020-01-02 09:00:00, which is UTC",)
    assert "a" not in read("2020-01-01T10:00:00Z", "2020-01-02").notices


@pytest.mark.parametrize(("mark", "entry", "other"), [(",", "2217.89", "."), (".", "2.217,89", ",")])
def test_a_number_with_the_other_decimal_mark_names_the_option(mark, entry, other):
    with pytest.raises(FieldError, match=rf"read with the decimal mark '\{mark}' here; .* \(--decimal \{other}, in "):
        numbers(pl.Series("a", [entry]), reading=Reading(decimal=mark))


@pytest.mark.parametrize("name", ["bid", "acid", "paid", "grid", "covid", "VALID"])
def test_a_word_that_ends_in_id_is_no_id(name):
    bids = pl.Series(name, [7919 * i % 9973 for i in range(1, 80)])
    assert guess_kind(bids).kind == "number"
    for other in ("userId", "orderID", "user_id", "ID", "Id"):
        assert guess_kind(bids.alias(other)).kind == "drop"


def test_a_quotation_mark_behind_a_backslash_never_joins_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + 'x,"plain",1\n' + "".join(f'{i},"5\\" pipe",{i}\n' for i in range(10)))
    with pytest.raises(DataError, match="line 3, has a quotation mark within a field"):
        read_table(path)
    path.write_text('a,b\n"C:\\dir\\",1\n"so ""\\"" called",2\n')
    assert read_table(path)["a"].to_list() == ["C:\\dir\\", 'so "\\" called']


@pytest.mark.parametrize(
    "fields", [["1.5", "-999", "2.5"], ["1.5", "-999.0", "2.5"], ["1.5", "-999.00", "2.5"], [1.5, -999.0, 2.5]]
)
@pytest.mark.parametrize("mark", ["-999", "-999.0"])
def test_a_number_that_means_missing_does_so_however_it_is_stored(fields, mark):
    hints = Hints.of({"a": {"missing": [mark]}})
    sheet = read_frame(pl.DataFrame({"a": fields}), hints)
    assert sheet["a"].to_list() == [1.5, None, 2.5]
    assert "is taken as missing (1 row)" in said(sheet)[0]
    later = numbers(pl.Series("a", [-999, 3]), reading=sheet.readings["a"])
    np.testing.assert_array_equal(later, [np.nan, 3])


@pytest.mark.parametrize(("learnt", "entry"), [("$", "€5"), ("€", "5 USD"), ("km", "$5")])
def test_another_currency_than_was_learnt_is_refused(learnt, entry):
    with pytest.raises(FieldError, match=re.escape(f"in row 1, but numbers in {learnt} were learnt from; write it so")):
        numbers(pl.Series("a", ["5", entry]), reading=Reading(unit=learnt))


@pytest.mark.parametrize(("order", "entry", "other"), [("dmy", "3/14/2020", "mdy"), ("mdy", "14/3/2020", "dmy")])
def test_a_date_in_another_order_names_the_option(order, entry, other):
    with pytest.raises(
        FieldError, match=rf"in row 1, but dates are read in the order {order} .* \(--date-order {other},"
    ):
        moments(pl.Series("a", ["1/2/2020", entry]), Reading(date_order=order))


def test_a_mark_in_the_target_is_named():
    """NA may be the name of a class: whoever loses its rows is told."""
    frame = pl.DataFrame({"y": ["NA", "some", "NA", "", None]})
    assert said(read_frame(frame, Hints().target("y")), "y") == ("y: 'NA' is taken as missing (2 rows)",)
    assert not read_frame(frame).notices.get("y")


def test_a_missing_field_of_a_sheet_is_null():
    frame = pl.DataFrame({"a": [1.5, float("nan"), -999.0, None], "b": ["1.5", "NaN", "", "2.5"], "c": [1, 2, 3, 4]})
    sheet = read_frame(frame, Hints.of({"a": {"missing": ["-999"]}}))
    assert [sheet[name].to_list() for name in "abc"] == [[1.5, None, None, None], [1.5, None, None, 2.5], [1, 2, 3, 4]]
    assert said(sheet) == ("a: '-999' is taken as missing (1 row)",)  # NaN goes without saying
