"""Any table becomes one polars frame, whole or part after part; and is written whole or not at all."""

import csv
import datetime
import decimal
import io
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.errors import ArgumentError, DataError, ShapeError
from backlit.tables import csv_text, frames
from backlit.tables.csv_text import typed_part
from backlit.tables.fields import moments
from backlit.tables.frames import open_table, read_table, table_kind, to_frame, to_series, write_table
from backlit.words import Remark

HOUSES = pl.DataFrame(
    {
        "size": [1180, 2570, None],
        "lat": [47.5, None, 47.7],
        "view": [True, False, None],
        "town": ["Kent", None, "Auburn, WA"],
    }
)


def read(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["houses.csv", "houses.tsv", "houses.parquet", "houses.arrow", "houses.feather"])
def test_written_and_read_again(tmp_path, name):
    assert write_table([HOUSES.head(1), HOUSES.tail(2)], tmp_path / name) == 3
    assert read_table(tmp_path / name).equals(HOUSES)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_common_separator(tmp_path, separator):
    text = 'size,"lat,lon|;",town\n1,2.5,x\n'
    text = text if separator == "," else text.replace("size,", f"size{separator}").replace('",t', f'"{separator}t')
    text = text if separator == "," else text.replace("1,2.5,x", separator.join(["1", "2.5", "x"]))
    frame = read(tmp_path, text)
    assert frame.columns == ["size", "lat,lon|;", "town"]
    assert frame.rows() == [(1, 2.5, "x")]


def test_types_of_a_csv(tmp_path):
    frame = read(tmp_path, "whole,number,flag,text,empty,large\n1, 2.5,TRUE,1,,9e18\nNA,1e3,false,x,NaN,?\n")
    assert frame.dtypes == [pl.Int64, pl.Float64, pl.Boolean, pl.String, pl.String, pl.Float64]
    assert frame.rows() == [(1, 2.5, True, "1", None, 9e18), (None, 1000.0, False, "x", None, None)]


def test_types_hold_for_the_whole_table(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "BLOCK", 16)
    frame = read(tmp_path, "a,b,c,d\n" + "1,1,1,\n" * 9 + "2.5,x,true,7\n")
    assert frame.dtypes == [pl.Float64, pl.String, pl.String, pl.Int64]
    assert frame["b"].to_list() == ["1"] * 9 + ["x"]


@pytest.mark.parametrize(
    "text", ["\ufeffa,b\n1,x\n", "a,b\r\n1,x\r\n", "a,b\n1,x", "\n\na,b\n1,x\n", "a,b\n1,x\n\n\n", '"a","b"\n"1","x"\n']
)
def test_other_ways_to_write_the_same(tmp_path, text):
    assert read(tmp_path, text).rows(named=True) == [{"a": 1, "b": "x"}]


def test_names_may_hold_anything(tmp_path):
    names = ["x", "a\nb", 'say "x"', "[bold]b[/]", "\x1b[31m", "\u202eabc", "a*?"]
    HOUSES.head(1).select(pl.lit(i).alias(name) for i, name in enumerate(names)).write_csv(tmp_path / "a[1]*.csv")
    assert read_table(tmp_path / "a[1]*.csv").row(0, named=True) == {name: i for i, name in enumerate(names)}


fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(fields, min_size=n, max_size=n), min_size=1, max_size=8)),
    st.integers(1, 64),
)
def test_every_field_of_a_csv_stands_as_it_was(tmp_path_factory, rows, block):
    """Against Python's csv, with blocks that end anywhere; an empty field is empty or null."""
    out = io.StringIO(newline="")
    names = [f"c{i}" for i in range(len(rows[0]))]
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([names, *rows])
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(out.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_text, "BLOCK", block)
        frame = pl.concat(open_table(path).parts())
    assert [[field or "" for field in row] for row in frame.rows()] == rows


def test_parts_of_a_stored_table(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "ROWS", 10)
    whole = pl.DataFrame({"a": range(25)})
    write_table([whole], tmp_path / "a.parquet")
    parts = list(open_table(tmp_path / "a.parquet").parts())
    assert [part.height for part in parts] == [10, 10, 5]
    assert pl.concat(parts).equals(whole)


def test_a_field_of_a_csv_stays_as_it_stands(tmp_path):
    (tmp_path / "a.csv").write_text("code,n,t\n007,1.50,NA\n, x,?\n")
    (part,) = open_table(tmp_path / "a.csv").parts()
    assert part.rows() == [("007", "1.50", "NA"), (None, " x", "?")]
    types = open_table(tmp_path / "a.csv").text.types()
    assert typed_part(part, types).rows() == [
        ("007", "1.50", "NA"),
        (None, " x", "?"),
    ]


def test_columns_without_a_name(tmp_path):
    frame = read(tmp_path, ",a,,\n1,2,,\n3,4,,\n")
    assert frame.columns == ["nameless column 1", "a", "nameless column 3", "nameless column 4"]


def test_blanks_around_names_and_entries(tmp_path):
    (tmp_path / "t.csv").write_text("age, work ,income\n20, Private, <=50K\n21, ?, >50K\n")
    sheet = open_table(tmp_path / "t.csv").sheet()
    assert sheet.frame.rows(named=True) == [
        {"age": 20, "work": "Private", "income": "<=50K"}, {"age": 21, "work": None, "income": ">50K"}
    ]  # fmt: skip
    assert sheet.notices[""] == (Remark("header.blanks", name=" work "),)


def test_names_that_look_like_data(tmp_path):
    (tmp_path / "t.csv").write_text("1.5,2,red\n2.5,3,blue\n")
    assert "column names looks like data (1.5, 2, red, ...)" in str(
        open_table(tmp_path / "t.csv").sheet().notices[""][0]
    )
    (tmp_path / "t.csv").write_text("1990,2000,name\n2.5,3,blue\n")
    assert "looks like data" in str(open_table(tmp_path / "t.csv").sheet().notices[""][0])
    (tmp_path / "t.csv").write_text("a,2000\n2.5,3\n")
    assert "" not in open_table(tmp_path / "t.csv").sheet().notices


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-8-sig"])
def test_other_encodings(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(csv_text, "BLOCK", 16)
    text = "größe;preis\n" + "é;1,5\n" * 50
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    frame = read_table(tmp_path / "t.csv", text_encoding=encoding)
    assert frame.rows() == [("é", 1.5)] * 50
    if encoding == "utf-16":  # its mark tells
        assert read_table(tmp_path / "t.csv").equals(frame)
    with pytest.raises(ArgumentError, match="text_encoding is 'klingon', which is unknown; give"):
        read_table(tmp_path / "t.csv", text_encoding="klingon")


def test_what_the_user_says_of_all_columns_and_of_one(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('sold,price,size,odd\n3/4/19,"63,775",-1,"1,250"\n5/6/19,"12,125",7,"1,375"\n')
    with pytest.raises(DataError, match="column 'sold' is '3/4/19', which may be 2019-03-04"):
        read_table(path)
    frame = read_table(path, date_order="dmy", decimal=",", missing=["-1"], columns={"odd": {"decimal": "."}})
    assert frame.rows() == [
        (datetime.date(2019, 4, 3), 63.775, None, 1250), (datetime.date(2019, 6, 5), 12.125, 7, 1375)
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_standard_input(tmp_path, monkeypatch, kind):
    write_table([HOUSES], tmp_path / f"houses.{kind}")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / f"houses.{kind}").read_bytes())))
    assert read_table("-").equals(HOUSES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "t.csv is empty; give a table with a line of column names"),
        ("\n \n", "t.csv is empty"),
        ("a,b\n", "t.csv has column names but no rows; give at least one"),
        ("a,b", "no rows"),
        ("a,b\n\n\n", "no rows"),
        ("a,b,a\n1,2,3\n", "t.csv has two columns called 'a'; give each its own name"),
        ("a,b\n1,2\n3\n", "t.csv, line 3, has 1 field, but the header has 2; mend it"),
        ("a,b,c\n1,2,3\n4,5\n", "t.csv, line 3, has 2 fields, but the header has 3"),
        ("a,b\n1,2\n3,4,5\n", "t.csv, line 3, has 3 fields, but the header has 2"),
        ('a,b\n"1\n2\n3",4\n5\n', "t.csv, line 5, has 1 field,"),
        ('a,b\n"1\n2\n3",4\n5,6,7\n', "t.csv, line 5, has 3 fields"),
        ("a,b\n1,\n\n3,4\n", "t.csv, line 3, is empty; take it out"),
        ('a,b\n"1,2\n3,4\n', "t.csv, line 2, has a quotation mark within a field, or one that is not closed"),
        ('a,b\n1,2\n5" pipe,4\n', "t.csv, line 3, has a quotation mark within a field"),
        ("name\nJosé\n".encode("latin-1"), r"t.csv is not UTF-8 text \(line 2\); name its encoding, such as --text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "t.csv holds zero bytes, so it is no UTF-8 text"),
        ("a,b\r1,2\r", "t.csv ends its lines with carriage returns alone; save it with line feeds"),
        (f"a,b\n1,{'x' * 200_000}\n2\n", "t.csv, line 2, cannot be read .*field larger"),
    ],
)
def test_what_no_csv_may_be(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, content, "t.csv")


def test_a_wrong_line_is_named_wherever_it_stands(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "BLOCK", 64)
    lines = ["a,b"] + ['"x\ny",2'] * 100
    for wrong, message in (
        (b"1", "has 1 field,"),
        (b"1,2,3", "has 3 fields"),
        (b"\xff,1", r"not UTF-8 text \(line 202"),
    ):
        path = tmp_path / "t.csv"
        path.write_bytes("\n".join(lines).encode() + b"\n" + wrong + b"\n1,2\n")
        with pytest.raises(DataError, match=message) as caught:
            read_table(path)
        assert "line 202" in str(caught.value)


def test_an_empty_line_is_named_though_its_part_ends_there(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_text, "BLOCK", 8)
    with pytest.raises(DataError, match="line 3, is empty"):
        read(tmp_path, "a,b\n1,2\n\n\n\n\n\n\n\n3,4\n")


def test_files_that_are_no_tables(tmp_path):
    for name, message in (
        ("nowhere.csv", "does not exist; give the path of a table"),
        (".", "is a folder; give the path"),
        ("t.xlsx", r"t.xlsx ends in '.xlsx'; give a .csv, "),
        ("t", "ends in 'nothing'"),
        ("t.parquet", "is no parquet file that can be read"),
        ("t.feather", "is no ipc file that can be read"),
    ):
        if Path(name).suffix != ".csv" and name != ".":
            (tmp_path / name).write_bytes(b"something else")
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / name)


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["old.csv", "old.parquet", "old.arrow"])
def test_a_failure_leaves_what_was_there(tmp_path, name):
    def parts():
        yield HOUSES
        raise DataError("something came in between")

    path = tmp_path / name
    path.write_text("old")
    with pytest.raises(DataError, match="came in between"):
        write_table(parts(), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["new.csv", "new.parquet", "new.arrow"])
def test_a_full_disk(tmp_path, name):
    """A limit on the size of files fails a write as a full disk does."""
    resource = pytest.importorskip("resource")
    large = pl.DataFrame({"a": np.random.default_rng(0).normal(size=200_000)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(DataError, match=rf"{name} could not be written \(.*\); nothing there has changed"):
            write_table([large], tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_kinds_of_files():
    assert table_kind("a.CSV") == "csv"
    assert table_kind(Path("a.pq")) == "parquet"
    with pytest.raises(DataError, match=r"a.json ends in '.json'"):
        table_kind("a.json")


# --- other libraries ---------------------------------------------------------------------------------------------

DAY = datetime.date(2014, 5, 31)
NOON = datetime.datetime(2014, 5, 31, 12)


def test_the_same_from_every_library():
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    for frame in (
        HOUSES.to_pandas(),
        HOUSES.to_pandas(use_pyarrow_extension_array=True),
        HOUSES.to_arrow(),
        HOUSES.lazy(),
        HOUSES.to_dict(as_series=False),
        {name: HOUSES[name] for name in HOUSES.columns},
        pd.DataFrame(HOUSES.to_dict(as_series=False), dtype=object),
        pd.DataFrame(HOUSES.to_dict(as_series=False)).convert_dtypes(),
        pa.table(HOUSES.to_dict(as_series=False)),
    ):
        got = to_frame(frame)
        assert got.columns == HOUSES.columns
        assert got.rows() == HOUSES.rows(), type(frame)
        assert got.dtypes[2:] == [pl.Boolean, pl.String]


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("Int64", [1, None], pl.Series([1.0, None])),
        ("Float64", [1.5, None], pl.Series([1.5, None])),
        ("float32", [1.5, np.nan], pl.Series([1.5, None], dtype=pl.Float32)),
        ("float16", [1.5, np.nan], pl.Series([1.5, None], dtype=pl.Float32)),
        ("uint8", [1, 200], pl.Series([1, 200], dtype=pl.UInt8)),
        ("boolean", [True, None], pl.Series([True, None])),
        ("bool", [True, False], pl.Series([True, False])),
        ("string", ["x", None], pl.Series(["x", None])),
        ("object", ["x", None], pl.Series(["x", None])),
        ("object", ["x", 1], pl.Series(["x", "1"])),
        ("object", [1, 2.5], pl.Series([1.0, 2.5])),
        ("object", [2**70, 1], pl.Series([2.0**70, 1.0])),
        ("object", [True, None], pl.Series([True, None])),
        ("object", [None, None], pl.Series([None, None], dtype=pl.Float64)),
        ("object", [DAY, None], pl.Series([DAY, None])),
        ("object", [decimal.Decimal("1.5"), None], pl.Series(["1.5", None])),
        ("category", ["x", None], pl.Series(["x", None], dtype=pl.Categorical)),
        ("category", [3, None], pl.Series(["3", None], dtype=pl.Categorical)),
        ("category", [3.0, 1.5], pl.Series(["3", "1.5"], dtype=pl.Categorical)),
        ("datetime64[ns]", [NOON, None], pl.Series([NOON, None], dtype=pl.Datetime("ns"))),
        ("datetime64[s]", [NOON, None], pl.Series([NOON, None], dtype=pl.Datetime("ms"))),
    ],
)
def test_every_type_of_pandas(dtype, values, expected):
    pd = pytest.importorskip("pandas")
    got = to_frame(pd.DataFrame({"a": pd.Series(values, dtype=dtype)}))["a"]
    assert got.dtype == expected.dtype
    assert got.to_list() == expected.to_list()


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_times_with_a_zone(zone):
    pd = pytest.importorskip("pandas")
    got = to_frame(pd.DataFrame({"a": pd.Series([NOON, None], dtype=f"datetime64[us, {zone}]")}))["a"]
    assert moments(got).to_list() == [NOON, None]


def test_missing_in_every_guise():
    pd = pytest.importorskip("pandas")
    got = to_series(np.array([None, np.nan, pd.NA, pd.NaT, "x"], dtype=object), "a")
    assert got.to_list() == [None] * 4 + ["x"]
    assert to_series(np.ma.masked_array([1.0, 2.0], [False, True]), "a").to_list() == [1.0, None]


def test_arrays_and_lists():
    assert to_frame(np.array([[1.0, np.nan], [2.0, 3.0]])).to_dict(as_series=False) == {
        "x1": [1.0, 2.0],
        "x2": [None, 3.0],
    }
    assert to_frame([[1, "a"], [2, "b"]], ("n", "t")).to_dict(as_series=False) == {"n": ["1", "2"], "t": ["a", "b"]}
    assert to_frame(np.array([[1, "a"], [2, "b"]], dtype=object))["x1"].to_list() == [1, 2]
    assert to_frame({1: [1, 2]}).columns == ["1"]


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.zeros(3), ShapeError, "expected 2D array, got 1D array instead"),
        (np.zeros((1, 1, 1)), ShapeError, "X has 3 dimensions"),
        (pl.Series([1.0]), ShapeError, "got 1D array"),
        (np.array([[1j]]), DataError, "Complex data not supported"),
        ({"a": [1], "b": [1, 2]}, ShapeError, "columns differ in their number of rows: 'a' 1, 'b' 2"),
        ({"a": [[1, 2], [3, 4]]}, ShapeError, "column 'a' has 2 dimensions"),
        ({"a": [{}, {}]}, TypeError, "column 'a' holds dicts"),
    ],
)
def test_what_is_no_table(data, error, message):
    with pytest.raises(error, match=message):
        to_frame(data)


def test_sparse_and_doubled_columns():
    sparse, pd = pytest.importorskip("scipy.sparse"), pytest.importorskip("pandas")
    with pytest.raises(TypeError, match=r"Sparse input is not supported.*pass X.toarray\(\)"):
        to_frame(sparse.csr_matrix(np.eye(2)))
    with pytest.raises(DataError, match="X has two columns called 'a'; give each its own name"):
        to_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert to_frame(pd.DataFrame([[1, 2]], columns=[0, 1])).columns == ["0", "1"]
