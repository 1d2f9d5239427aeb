"""Which kind a column is taken for, and what is said about it."""

import datetime
import re

import numpy as np
import polars as pl
import pytest

from backlit.errors import ArgumentError, DataError
from backlit.tables.frames import read_table
from backlit.tables.infer import giveaways, guess_kind
from backlit.tables.reading import Hint, Hints, Sheet, read_frame

draw = np.random.default_rng(0)


def guess(series, **hint):
    """What a column is taken for, once it is read; and all that is said of it."""
    sheet = read_frame(series.to_frame(), Hints(columns={series.name: Hint(**hint)}))
    found = guess_kind(sheet[series.name])
    return found.kind, "; ".join(map(str, [*sheet.notices.get(series.name, ()), *filter(None, [found.notice])]))


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
        (["a", "b", "a"], "category"),
        (pl.Series(["1", "2"], dtype=pl.Categorical), "category"),
        (pl.Series(["1", "2"], dtype=pl.Enum(["1", "2"])), "category"),
        (DAYS, "date"),
        ([datetime.datetime(2014, 5, 1, 7), None, datetime.datetime(2014, 5, 1, 8)], "date"),
        ([str(day) for day in DAYS], "date"),
        (["18-25", "26-40", "65+"], "category"),
    ],
)
def test_kinds(values, kind):
    assert guess(pl.Series("a", values)) == (kind, "")


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
        (
            "a",
            [f"p{i:03}" for i in range(40)],
            r"a is left out: it looks like names of rows \(40 different entries, such",
        ),
        ("a", [f"house {i} by the lake" for i in range(40)], r"a is left out: it looks like free text \(40"),
        ("a", [[1], [2]], r"a is left out: it holds List\(Int64\)"),
        ("a", [datetime.timedelta(1), datetime.timedelta(2)], "a is left out: it holds Duration"),
        ("a", [datetime.time(1), datetime.time(2)], "a is left out: it holds Time"),
        ("a", [b"x", b"y"], "a is left out: it holds Binary"),
        (
            "a",
            [2**60 + i for i in range(40)],
            f"a is left out: its whole numbers, such as {2**60}, are too large to tell",
        ),
        (
            "k",
            [str(2**64 + i) for i in range(40)],
            f"k holds whole numbers such as {2**64}, which are too large to tell apart",
        ),
    ],
)
def test_columns_left_out(name, values, notice):
    kind, told = guess(pl.Series(name, values, strict=False))
    assert kind == "drop"
    assert re.match(notice, told), told


def test_rows_are_numbered_though_some_are_elsewhere():
    kept = np.sort(draw.choice(1000, 640, replace=False))
    assert str(guess_kind(pl.Series("a", kept)).notice) == "a is left out: it numbers the rows"
    assert guess_kind(pl.Series("a", kept[::-1].copy())).kind == "number"
    assert guess_kind(pl.Series("a", kept * 10)).kind == "number"
    assert guess_kind(pl.Series("id", draw.integers(0, 9, 1000))).kind == "number"


@pytest.mark.parametrize(
    ("values", "kind", "notice"),
    [
        (["1,200", "900"], "number", "a: 1,200 read as 1200"),
        (["$450k", "$1.2M"] * 20, "number", "a: $1.2M read as 1200000"),
        (["12%", "3%"] * 20, "number", "a: 12% read as 12"),
        (["3,5", "4,0"] * 20, "number", "a: 3,5 read as 3.5"),
        (["12 km", "7 km"], "number", "a: 12 km read as 12"),
        (["1", "2", "3", "abt 4"], "category", ""),
        (["12 km", "7 mi"], "category", ""),
        (["13/04/2015", "05/06/2015"], "date", "a: 13/04/2015 read as 2015-04-13"),
        (["10-9-2", "3-5-10", "2-9-10"] * 9, "category", "a is taken as text: '10-9-2' is no number and no date"),
        (["Yes", "yes", "maybe"], "category", "a: 'Yes' and 'yes' differ only in capital letters"),
        (["<=50K", "<=50K."], "category", "a: '<=50K.' and '<=50K' differ only in a final dot"),
        (["Red", "Red ", "blue"], "category", "a: blanks around entries are ignored, as in 'Red '"),
        (["5", "-", "7", "-"], "number", "a: '-' is taken as missing (2 rows)"),
        (["5", " ", "7"], "number", "a: a blank field is taken as missing (1 row)"),
        (["5", "NA", "7", None], "number", "a holds numbers written as text, such as '5'; they are read as numbers"),
        (["red", "None"], "category", "a: 'None' is taken as missing (1 row)"),
    ],
)
def test_what_is_said(values, kind, notice):
    found, told = guess(pl.Series("a", values))
    assert found == kind
    assert told.startswith(notice)
    assert bool(told) == bool(notice), told


def test_a_class_may_be_called_none():
    assert guess(pl.Series("a", ["None", "some"] * 5), target=True) == ("category", "")
    assert guess(pl.Series("a", ["yes", "no"] * 5), target=True) == ("category", "")


@pytest.mark.parametrize("name", ["year", "date", "Date", "time", "week", "index", "sale_year"])
def test_the_time_of_a_series_is_learnt_from(name):
    assert guess(pl.Series(name, range(1950, 2020))) == ("number", "")


def test_what_only_numbers_the_rows_is_spare():
    assert guess_kind(pl.Series("a", range(40))).spare
    assert not guess_kind(pl.Series("a", [7, 7])).spare


@pytest.mark.parametrize("name", ["parcel", "order_no2", "customerNumber", "Account"])
def test_numbers_of_their_own_are_learnt_from_with_a_word(name):
    numbers = draw.permutation(10**6)[:60]
    kind, told = guess(pl.Series(name, numbers))
    assert (kind, told[: len(name)]) == ("number", name)
    assert "nearly every row" in told
    assert guess(pl.Series("size", numbers)) == ("number", "")


def test_columns_that_give_the_target_away():
    n = 60
    y = draw.normal(size=n)
    frame = pl.DataFrame(
        {
            "euros": 0.9 * y + 3, "close": y + draw.normal(size=n), "rank": np.argsort(np.argsort(y)),
            "code": [f"{int(v > 0)}" for v in y], "noise": draw.normal(size=n), "town": draw.choice(["a", "b"], n),
        }
    )  # fmt: skip
    names, sheet = frame.columns, Sheet(frame)
    [said] = giveaways(sheet, pl.DataFrame({"y": y}), names)
    assert str(said).startswith("euros alone gives y away")
    said = giveaways(sheet, pl.DataFrame({"class": [f"c{int(v > 0)}" for v in y]}), names)
    assert [remark.facts["column"] for remark in said] == ["euros", "rank", "code"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": "text"}, r"columns\['a'\] is 'text'; it must be one of number, category, boolean, date, drop"),
        ({"a": {"kind": "text"}}, r"columns\['a'\] is 'text'"),
        ({"a": 3}, r"columns\['a'\] is 3; give a kind, or a mapping such as"),
        ({"a": {"decimals": ","}}, r"unknown key 'decimals' of 'a'; did you mean 'decimal'"),
        ({"a": {"decimal": ";"}}, r"decimal \(--decimal\) is ';'; it must be one of . ,"),
        ({"a": {"date_order": "dym"}}, r"date_order \(--date-order\) is 'dym'; it must be one of mdy dmy ymd"),
    ],
)
def test_hints(columns, message):
    with pytest.raises((DataError, ArgumentError), match=message):
        Hints.of(columns)


def test_codes_that_begin_with_a_zero_are_names(tmp_path):
    """A zip code of 01234 is no number: as one it would be 1234, and another place."""
    path = tmp_path / "towns.csv"
    path.write_text("zip,price\n" + "".join(f"0{1000 + i % 7},{i}\n" for i in range(30)))
    zip_codes = read_table(path)["zip"]
    assert zip_codes[0] == "01000"
    assert guess(zip_codes) == ("category", "zip holds codes that begin with a zero; they are taken as categories")
    assert "names of rows" in guess(pl.Series("a", [f"{i:05}" for i in range(40)]))[1]
