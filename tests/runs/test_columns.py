"""A table kept as arrays comes back to the value and the type; else it is damage, told before its memory is taken."""

import datetime as dt
import json
import random
import sqlite3
import subprocess
import sys
import tracemalloc
from contextlib import closing

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import backlit as bl
from backlit.runs import columns
from backlit.runs.arrays import blob_of, keep
from backlit.runs.columns import KINDS, columns_of, table_of
from backlit.runs.schema import LARGEST, SCHEMA, Blob, DamageError, digest, put

ODD = [1.0, None, float("nan"), -0.0, float("-inf")]
BERLIN = pl.Datetime("ns", "Europe/Berlin")
FRAME = pl.DataFrame(
    {
        "String": ["a", "", "é\0\n", None, "a"],
        "Categorical": pl.Series(["a", None, "a", "z", None], dtype=pl.Categorical),
        "Enum": pl.Series(["x", "y", None, "y", "y"], dtype=pl.Enum(["y", "unused", "x"])),
        "Binary": [b"x", None, b"\xff\0", b"", b"x"],
        "Null": [None] * 5,
        "Boolean": [True, None, False, True, False],
        "Time": [dt.time(3), None, dt.time(0), None, dt.time(23, 59, 59, 999_999)],
        "Date": [dt.date(1, 1, 3), dt.date(9999, 12, 30), None, dt.date(1970, 1, 1), dt.date(1969, 12, 31)],
        "Datetime": pl.Series([-(2**62), None, 2**62, 0, 1]).cast(BERLIN),
        "Duration": [dt.timedelta(3), None, dt.timedelta(-4), dt.timedelta(microseconds=1), dt.timedelta(0)],
        "Decimal": pl.Series(["1.2", None, "-4.000", "9", "0.001"]).cast(pl.Decimal(30, 3)),
        **{f"Float{n}": pl.Series(ODD).cast(getattr(pl, f"Float{n}")) for n in (32, 64)},
        **{f"Int{n}": pl.Series([-(2 ** (n - 1)), 2 ** (n - 1) - 1, 0, None, 1]).cast(getattr(pl, f"Int{n}"))
           for n in (8, 16, 32, 64)},
        "Int128": pl.Series([2**100, None, -(2**120), 0, 1], dtype=pl.Int128),
        **{f"UInt{n}": pl.Series([2**n - 1, None, 0, 1, 2], dtype=getattr(pl, f"UInt{n}")) for n in (8, 16, 32, 64)},
    }
)  # fmt: skip


@pytest.fixture
def file():
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in SCHEMA.values():
            connection.execute(statement)
        yield connection


def kept(file, frame):
    """What a run file says of a frame, once it is in it."""
    found = columns_of(frame)
    assert found is not None
    columns = [{**facts, "arrays": {n: keep(file, b) for n, b in blobs.items()}} for facts, blobs in found]
    return json.loads(json.dumps(columns))


def again(file, frame):
    return table_of(file, frame.height, kept(file, frame))


def require_same(a, b):
    assert a.schema == b.schema
    assert_frame_equal(a, b, check_exact=True)
    for name in a.columns:  # −0.0 is 0.0 to polars, and NaN is any NaN
        if a[name].dtype.is_float():
            assert a[name].fill_null(0).to_numpy().tobytes() == b[name].fill_null(0).to_numpy().tobytes()


# --- there and back ----------------------------------------------------------------------------------------------


def test_every_type_comes_back_with_its_values(file):
    untried = {"Float16", "UInt128"}  # not in every polars that is supported
    assert {kind.base_type().__name__ for kind in FRAME.dtypes} == KINDS.keys() - untried
    require_same(again(file, FRAME), FRAME)


@pytest.mark.parametrize("kind", ["Float16", "UInt128"])
def test_types_of_newer_polars(file, kind):
    if not hasattr(pl, kind):
        pytest.skip(f"this polars has no {kind}")
    frame = pl.DataFrame({"a": pl.Series([1.0, None, 2.5 if kind == "Float16" else 0]).cast(getattr(pl, kind))})
    require_same(again(file, frame), frame)


@pytest.mark.parametrize(
    "frame", [FRAME.clear(), FRAME.head(1), FRAME.slice(2, 2), FRAME.reverse(), FRAME.rechunk(),
              pl.concat([FRAME, FRAME]), FRAME.clear(3),
              pl.DataFrame({"": ["no name"], "\x1b[31m": [1]})],
    ids=["no rows", "one", "slice", "reverse", "chunk", "chunks", "all missing", "names"],
)  # fmt: skip
def test_frames_of_any_form_come_back(file, frame):
    require_same(again(file, frame), frame)


def test_the_houses_come_back(file):
    houses = pl.DataFrame(bl.datasets.load_houses())
    require_same(again(file, houses), houses)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.none() | st.text(max_size=9), st.none() | st.integers(-(2**63), 2**63 - 1),
                       st.none() | st.floats(), st.none() | st.binary(max_size=5), st.none() | st.booleans()))
)  # fmt: skip
def test_any_values_come_back(rows):
    kinds = [pl.String, pl.Int64, pl.Float64, pl.Binary, pl.Boolean]
    frame = pl.DataFrame(rows, schema={kind.__name__: kind for kind in kinds}, orient="row")
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in SCHEMA.values():
            connection.execute(statement)
        found = again(connection, frame)
    assert found.schema == frame.schema
    assert all(found[name].equals(frame[name]) for name in frame.columns)


def test_columns_of_lists_and_objects_are_left_out(file):
    frame = FRAME.with_columns(a=pl.lit([1]), b=pl.struct(c=1), o=pl.Series([object()] * 5, dtype=pl.Object))
    require_same(again(file, frame), FRAME)


# --- what is not kept --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "series", [pl.Series([2**31 - 1]).cast(pl.Date), pl.Series([-(2**31)]).cast(pl.Date),
               pl.Series([2**63 - 1]).cast(pl.Datetime("ms")), pl.Series([2**63 - 1]).cast(pl.Duration("ms"))],
)  # fmt: skip
def test_a_table_with_dates_that_nothing_can_show_is_not_kept(series):
    assert columns_of(pl.DataFrame({"a": series})) is None


def test_a_table_that_could_not_be_read_back_is_not_kept(monkeypatch):
    text = pl.DataFrame({"a": pl.repeat("x" * 1000, 1000, eager=True)})  # little as it lies, much where it is copied
    assert columns_of(text) is not None
    monkeypatch.setattr(columns, "LARGEST", 1_000_000)
    assert columns_of(text) is None
    monkeypatch.setattr(columns, "LARGEST", 1_024_000 + columns.LEVEL + 1000)
    assert columns_of(text) is not None
    assert columns_of(pl.DataFrame({"a": range(43_000)})) is None


# --- from a stranger ---------------------------------------------------------------------------------------------


def forged(file, data, dtype, shape):
    """An array as its maker claims it."""
    blob = Blob(digest(dtype, json.dumps(shape), data), dtype, json.dumps(shape), data)
    put(file, blob)
    return blob.hash.hex()


def of(file, *values, dtype=np.int64):
    return keep(file, blob_of(np.array(values, dtype)))


def text_column(file, **changes):
    """A column of the texts "", "b" and "a", of which some arrays are others."""
    (column,) = kept(file, pl.DataFrame({"a": ["b", None, "", "a"]}))
    return {**column, "arrays": {**column["arrays"], **changes}}


@pytest.mark.parametrize(
    ("name", "values", "dtype"),
    [
        ("values", [0, 0, 0, 3], np.int64),  # a code without a level
        ("values", [0, 0, -1, 0], np.int64),
        ("values", [0, 0, 2**62, 0], np.int64),
        ("values", [0, 0, 0], np.int64),  # another number of rows
        ("values", [0.0, 0, 0, 0], np.float64),
        ("missing", [0, 0, 0], np.uint8),
        ("lengths", [0, 1], np.int64),
        ("lengths", [0, 1, 2], np.int64),
        ("lengths", [-1, 2, 1], np.int64),
        ("lengths", [2**62, 2**62, 2**63 - 2**62], np.uint64),  # a sum that wraps round
        ("lengths", [0.0, 1.0, 1.0], np.float64),
        ("levels", [0xFF, 0x62], np.uint8),  # no UTF-8
        ("levels", [97, 98], np.int64),
        ("levels", [], np.uint8),
    ],
)
def test_arrays_that_make_no_text(file, name, values, dtype):
    array = np.array(values, dtype)
    key = keep(file, blob_of(array.view(np.int64) if dtype == np.uint64 else array))
    with pytest.raises(DamageError):
        table_of(file, 4, [text_column(file, **{name: key})])


def test_a_missing_value_needs_no_level(file):
    column = text_column(file, values=of(file, 2, 99, 0, 1))
    assert table_of(file, 4, [column])["a"].to_list() == ["b", None, "", "a"]


TYPES = [["Object"], ["List"], ["zzz"], ["__class__"], ["DataFrame"], ["Enum"], ["Datetime", "years", None],
         ["Datetime", "us", "Nowhere"], ["Datetime", "us", "../../etc/passwd"], ["Datetime", 3], ["Decimal", 400, 2],
         ["Decimal", 2, 400], ["Decimal", -1, -2], ["Decimal", "x", None], ["Int64", 3], ["Boolean"], ["Float32"],
         ["String"], ["Categorical"], ["Date", 1], ["Int8", None], ["Null"], ["Time", {}], ["Duration", []],
         ["Struct", {}], ["Array", 3], ["Unknown"], ["Enum", 3], ["Categorical", "x"]]  # fmt: skip


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_types_that_the_arrays_are_not_of(file, kind):
    (number,) = kept(file, pl.DataFrame({"a": [1, 2, None]}))
    with pytest.raises(DamageError):
        table_of(file, 3, [{**number, "type": kind}])


@pytest.mark.parametrize("kind", [["Int8"], ["UInt8"], ["Date"], ["Time"], ["UInt32"], ["Datetime", "us", None]])
def test_numbers_beyond_their_type(file, kind):
    for value in (2**63 - 1, -(2**63)):
        column = {"name": "a", "type": kind, "arrays": {"values": of(file, value)}}
        with pytest.raises(DamageError):
            table_of(file, 1, [column])


def test_a_name_that_two_columns_have(file):
    with pytest.raises(DamageError, match="two columns of its table have one name"):
        table_of(file, 3, kept(file, pl.DataFrame({"a": [1, 2, 3]})) * 2)


def peak(rows, found, file):
    """Bytes that were taken at once before a table was refused."""
    tracemalloc.start()
    try:
        with pytest.raises(DamageError, match=r"where at most|more than the"):
            table_of(file, rows, found)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_claim_of_a_million_million_rows_takes_no_memory(file):
    for rows, times in ((2**40, 1), (LARGEST // columns.FIELD + 1, 1), (2**16, 2**10)):
        column = {"name": "a", "type": ["Int64"], "arrays": {"values": forged(file, b"", "int64", [rows])}}
        assert peak(rows, [column] * times, file) < 1e6


def test_few_texts_that_would_be_many_take_no_memory(file):
    """A thousand fields that name one text of a hundred million bytes; and levels without number."""
    text = keep(file, blob_of(np.zeros(10**8, np.uint8)))
    column = {"name": "a", "type": ["String"], "arrays": {"values": of(file, *[0] * 1000), "levels": text}}
    column["arrays"]["lengths"] = of(file, 10**8)
    assert peak(1000, [column], file) < 1e9
    many = keep(file, blob_of(np.zeros(2**24, np.int64)))
    column["arrays"] |= {"levels": of(file, dtype=np.uint8), "lengths": many}
    assert peak(1000, [column], file) < 1e6


FLIPS = """
import json, sqlite3, sys
import polars as pl
from backlit.runs.arrays import pack
from backlit.runs.columns import columns_of, table_of
from backlit.runs.schema import SCHEMA, Blob, DamageError, digest, put
frame = pl.read_ipc(sys.argv[1])
file = sqlite3.connect(":memory:")
for statement in SCHEMA.values():
    file.execute(statement)
found = columns_of(frame)
blobs = [(i, name, blob) for i, (_, blobs) in enumerate(found) for name, blob in blobs.items()]
keys = [{name: blob.hash.hex() for name, blob in blobs.items()} for _, blobs in found]
for *_, blob in blobs:
    put(file, blob)
damaged = 0
for i, name, blob in blobs:
    for place in range(len(blob.data)):
        data = bytearray(blob.data)
        data[place] ^= 1 << place % 8
        other = Blob(digest(blob.dtype, blob.shape, bytes(data)), blob.dtype, blob.shape, bytes(data))
        put(file, other)
        arrays = [{**k, name: other.hash.hex()} if j == i else k for j, k in enumerate(keys)]
        try:
            table = table_of(file, frame.height, [{**f, "arrays": a} for (f, _), a in zip(found, arrays)])
            assert [kind.base_type() for kind in table.dtypes] == [kind.base_type() for kind in frame.dtypes]
            str(table), table.to_dicts()
        except DamageError:
            damaged += 1
print(damaged)
"""


def test_any_flipped_bit_is_damage_or_another_value_and_nothing_is_printed(tmp_path):
    """Polars prints a trace where it panics, so all of it is done in a process of its own."""
    draw = random.Random(0)
    frame = FRAME.drop("Null", "Decimal", "Int128")[sorted(draw.sample(range(5), 4))]
    frame.write_ipc(tmp_path / "frame.arrow")
    done = subprocess.run(
        [sys.executable, "-c", FLIPS, tmp_path / "frame.arrow"], capture_output=True, text=True, timeout=240
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 100
