"""Which kind a column is taken for, and what is said about it."""

import datetime
import re

import numpy as np
import polars as pl
import pytest

from backlit.errors import DataError
from backlit.tables.frames import read_table
from backlit.tables.infer import guess_kind, require_kind

draw = np.random.default_rng(0)
DAYS = [datetime.date(2014, 5, 1) + datetime.timedelta(days=i) for i in range(40)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5, None], "number"),
        ([3, 1, 2], "number"),
        (pl.Series([1, 2], dtype=pl.UInt8), "number"),
        (pl.Series(["1.5", "2"]).cast(pl.Decimal(4, 1)), "number"),
        ([True, False], "boolean"),
        (["yes", "NO", None], "boolean"),
        (["True", "false"], "boolean"),
        (["yes", "no", "maybe"], "category"),
        (["Yes", "yes", "YES", "no", "No", "NO", "true", "TRUE", "false", "perhaps"], "category"),
        (["a", "b", "a"], "category"),
        (pl.Series(["1", "2"], dtype=pl.Categorical), "category"),
        (pl.Series(["1", "2"], dtype=pl.Enum(["1", "2"])), "category"),
        (DAYS, "date"),
        ([datetime.datetime(2014, 5, 1, 7), None, datetime.datetime(2014, 5, 1, 8)], "date"),
        ([str(day) for day in DAYS], "date"),
        ([f"{day:%Y%m%d}T000000" for day in DAYS], "date"),
        (["18-25", "26-40"], "category"),
    ],
)
def test_kinds(values, kind):
    guess = guess_kind(pl.Series("a", values))
    assert (guess.kind, guess.notice) == (kind, "")


@pytest.mark.parametrize(
    ("name", "values", "notice"),
    [
        ("a", [None, None], "a is left out: all its fields are missing"),
        ("a", [np.nan, np.nan], "a is left out: all its fields are missing"),
        ("a", [7, 7, 7], "a is left out: it is the same in every row"),
        ("a", ["x"], "a is left out: it is the same in every row"),
        ("a", range(100, 140), "a is left out: it numbers the rows"),
        ("id", draw.integers(0, 10**9, 40), "id is left out: it numbers the rows"),
        ("houseID", draw.integers(0, 10**9, 40), "houseID is left out: it numbers the rows"),
        ("a", [f"p{i:03}" for i in range(40)], r"a is left out: it looks like names of rows \(40 different entries\)"),
        ("a", [f"house {i} by the lake" for i in range(40)], r"a is left out: it looks like free text \(40"),
        ("a", [[1], [2]], r"a is left out: it holds List\(Int64\)"),
        ("a", [datetime.timedelta(1), datetime.timedelta(2)], "a is left out: it holds Duration"),
        ("a", [datetime.time(1), datetime.time(2)], "a is left out: it holds Time"),
        ("a", [b"x", b"y"], "a is left out: it holds Binary"),
        (
            "a",
            [f"${i}k" for i in range(40)],
            r"a is left out: .* different entries\); '\$0k' is not a number; write it as",
        ),
    ],
)
def test_columns_left_out(name, values, notice):
    guess = guess_kind(pl.Series(name, values, strict=False))
    assert guess.kind == "drop"
    assert re.match(notice, guess.notice), guess.notice


def test_rows_are_numbered_though_some_are_elsewhere():
    kept = np.sort(draw.choice(1000, 640, replace=False))
    assert guess_kind(pl.Series("a", kept)).notice == "a is left out: it numbers the rows"
    assert guess_kind(pl.Series("a", kept[::-1].copy())).kind == "number"
    assert guess_kind(pl.Series("a", kept * 10)).kind == "number"
    assert guess_kind(pl.Series("id", draw.integers(0, 9, 1000))).kind == "number"


@pytest.mark.parametrize(
    ("values", "kind", "notice"),
    [
        (["1,200", "900"], "number", "a holds numbers written as text, such as '1,200'; they are read as numbers"),
        (["$450k", "$1.2M"] * 20, "category", "a is taken as text: '$450k' is not a number; write it as in 450000 or"),
        (["12%", "3%"] * 20, "category", "a is taken as text: '12%' is not a number"),
        (["3,5", "4,0"] * 20, "category", "a is taken as text: '3,5' is not a number"),
        (["1", "2", "3", "abt 4"], "category", "a is taken as text: 'abt 4' is not a number"),
        (["03/04/2015", "05/06/2015"], "date", "a is read as month/day/year, such as '03/04/2015'"),
        (["13/04/2015", "05/06/2015"], "date", ""),
    ],
)
def test_what_is_said(values, kind, notice):
    guess = guess_kind(pl.Series("a", values))
    assert guess.kind == kind
    assert guess.notice.startswith(notice)
    assert bool(guess.notice) == bool(notice)


def test_kinds_by_name():
    assert require_kind("a", "category") == "category"
    with pytest.raises(
        DataError, match=r"columns\['a'\] is 'text'; it must be one of number, category, boolean, date, drop"
    ):
        require_kind("a", "text")


def test_codes_that_begin_with_a_zero_are_names(tmp_path):
    """A zip code of 01234 is no number: as one it would be 1234, and another place."""
    path = tmp_path / "towns.csv"
    path.write_text("zip,price\n" + "".join(f"0{1000 + i % 7},{i}\n" for i in range(30)))
    zip_codes = read_table(path)["zip"]
    assert zip_codes[0] == "01000"
    assert guess_kind(zip_codes).kind == "category"
    assert "begin with a zero" in guess_kind(zip_codes).notice
    assert guess_kind(pl.Series("a", [f"{i:05}" for i in range(40)])).notice.startswith("a is left out: it looks like")
