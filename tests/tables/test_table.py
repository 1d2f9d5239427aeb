"""A table's description: fitted, encoding alike from any source, naming its inputs, and plain JSON."""

import datetime
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from backlit.core.layers import Dense, PiecewiseLinear
from backlit.core.network import Network
from backlit.errors import ArgumentError, DataError, UnknownNameError
from backlit.tables.datasets import HOUSE_UNITS, load_houses
from backlit.tables.fields import QuestionError
from backlit.tables.frames import open_table, read_table, to_frame
from backlit.tables.table import Table
from backlit.tables.target import Target

draw = np.random.default_rng(0)
N = 300


def with_gaps(values, share=0.1):
    return [None if gap else value for value, gap in zip(values, draw.random(len(values)) < share)]


FRAME = pl.DataFrame(
    {
        "size": with_gaps(draw.gamma(2, 500, N).round(2)),
        "rooms": with_gaps(draw.integers(1, 6, N).tolist()),
        "view": with_gaps((draw.random(N) < 0.2).tolist()),
        "town": with_gaps(draw.choice(["Kent", "Auburn, WA", 'say "x"'], N).tolist()),
        "zip": draw.integers(98001, 98101, N),
        "sold": with_gaps([datetime.date(2014, 5, 1) + datetime.timedelta(int(i)) for i in draw.integers(0, 400, N)]),
    }
)
KINDS = {"zip": "category"}
PRICES = Target.fit_numbers(pl.DataFrame({"price": draw.normal(size=N)}), unit="$")


def fit(frame=FRAME, **settings):
    return Table.fit(frame, PRICES, **{"columns": KINDS} | settings)


# --- which columns -----------------------------------------------------------------------------------------------


def test_kinds_are_guessed_and_may_be_given():
    assert [column.kind for column in fit(columns=None).columns] == ["number"] * 2 + [
        "boolean",
        "category",
        "number",
        "date",
    ]
    table = fit(columns={"rooms": "category", "zip": "drop", "view": "number"})
    assert {column.name: column.kind for column in table.columns} == {
        "size": "number", "rooms": "category", "view": "boolean", "town": "category", "sold": "date",
    }  # fmt: skip
    assert [column.name for column in fit(columns=["town", "size"]).columns] == ["town", "size"]


def test_the_target_is_no_input():
    assert "price" not in fit(FRAME.with_columns(price=1.0 * pl.int_range(N))).names


def test_columns_left_out_are_told():
    frame = FRAME.with_columns(
        nothing=pl.lit(None, dtype=pl.Float64), same=pl.lit(1), number=pl.int_range(N), again=pl.col("size"),
        words=pl.format("house {} by the lake", pl.int_range(N)),
    )  # fmt: skip
    table = fit(frame)
    assert table.columns == fit().columns
    assert Table.from_dict(json.loads(json.dumps(table.to_dict()))).notices == table.notices
    assert tuple(map(str, table.notices)) == (
        "nothing is left out: all its fields are missing",
        "same is left out: it is the same in every row",
        "number is left out: it numbers the rows",
        "again is left out: it equals size",
        "words is left out: it looks like free text (300 different entries, such as 'house 0 by the lake')",
    )


def test_columns_with_the_same_fields_in_another_order_are_no_twins():
    frame = pl.DataFrame({"a": [True, False, True, False], "b": [True, True, False, False], "c": [1.5, 2, 3, 4]})
    frame = frame.with_columns(d=pl.col("c").reverse())
    assert [column.name for column in fit(frame, columns=None).columns] == ["a", "b", "c", "d"]


def test_a_twin_that_was_asked_for_stays():
    table = fit(FRAME.select("rooms", again="rooms"), columns={"again": "category"})
    assert [(column.name, column.kind) for column in table.columns] == [("rooms", "number"), ("again", "category")]


INFINITE = FRAME.with_columns(size=pl.when(pl.int_range(N) == 7).then(np.inf).otherwise("size"))
SAME, EMPTY = FRAME.select(a=pl.lit(1)), FRAME.select(a=pl.lit(None, dtype=pl.Float64))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"frame": FRAME.head(0)}, DataError, "the table has no rows to learn from; give at least one"),
        ({"columns": ["sise"]}, UnknownNameError, "unknown column 'sise'; did you mean 'size'"),
        ({"columns": {"sise": "number"}}, UnknownNameError, "unknown column 'sise'"),
        ({"columns": {"size": "numeric"}}, DataError, r"columns\['size'\] is 'numeric'; it must be one of number, "),
        ({"columns": "size"}, ArgumentError, "columns is 'size'; give a list of names, or a mapping of names to kinds"),
        ({"columns": {"town": "number"}}, DataError, "column 'town' is '.*' in row 0, which is no number"),
        (
            {"columns": {"town": "date"}},
            DataError,
            "column 'town' is '.*' in row 0, which is no date; write it as 2014-05-",
        ),
        ({"columns": {"rooms": "boolean"}}, DataError, "column 'rooms' is . in row ., which is neither true nor false"),
        ({"frame": INFINITE}, DataError, "column 'size' is inf in row 7; leave such rows out"),
        (
            {"frame": SAME, "columns": None},
            DataError,
            r"no column is left to learn from \(a is left out: it is the same",
        ),
        (
            {"frame": EMPTY, "columns": {"a": "number"}},
            DataError,
            r"columns\['a'\] is 'number', but all its fields are m",
        ),
        ({"encoding": "onehot"}, ArgumentError, "encoding is 'onehot'; it must be 'piecewise' or 'plain'"),
        ({"bins": 0}, ArgumentError, "bins is 0; it must be a whole number, 1 or greater"),
    ],
)
def test_refused(settings, error, message):
    with pytest.raises(error, match=message):
        fit(**settings)


# --- the same from every source ----------------------------------------------------------------------------------


def sources():
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    pandas = pd.DataFrame(FRAME.to_dict(as_series=False))
    yield "polars", FRAME
    yield "pandas", pandas.assign(sold=pd.to_datetime(pandas["sold"]))
    yield "pandas objects", pandas.astype(object)
    yield "pandas nullable", pandas.convert_dtypes()
    yield "pandas categories", pandas.astype({"town": "category", "zip": "category"})
    yield "pandas from polars", FRAME.to_pandas()
    yield "pyarrow", FRAME.to_arrow()
    yield "pyarrow dictionary", pa.table({**FRAME.to_dict(), "town": FRAME["town"].to_arrow().dictionary_encode()})
    yield "dict", FRAME.to_dict(as_series=False)
    yield "dict of arrays", {name: FRAME[name].to_numpy() for name in FRAME.columns}


def test_every_source_is_encoded_alike():
    expected = fit()
    X = expected.encode(FRAME)
    for name, source in sources():
        frame = to_frame(source)
        table = fit(frame)
        assert table.names == expected.names, name
        np.testing.assert_array_equal(table.encode(frame), X, err_msg=name)
        np.testing.assert_array_equal(expected.encode(frame), X, err_msg=f"{name}, fitted on polars")
        np.testing.assert_array_equal(table.encode(FRAME), X, err_msg=f"fitted on {name}")


def test_numpy_arrays():
    frame = to_frame(FRAME.select("size", "rooms").to_numpy(), ("size", "rooms"))
    np.testing.assert_array_equal(
        fit(frame, columns=None).encode(frame), fit(FRAME.select("size", "rooms"), columns=None).encode(FRAME)
    )


@pytest.mark.parametrize("encoding", ["piecewise", "plain"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "arrow"])
def test_a_file_is_encoded_like_the_table_it_holds(tmp_path, suffix, encoding):
    """Typed as `train` reads it, and field by field as `predict` does."""
    path = tmp_path / f"t.{suffix}"
    write = {"csv": "write_csv", "tsv": "write_csv", "parquet": "write_parquet", "arrow": "write_ipc"}[suffix]
    getattr(FRAME, write)(path, **({"separator": "\t"} if suffix == "tsv" else {}))
    typed, as_text = read_table(path), pl.concat(open_table(path).parts())
    table = fit(typed, encoding=encoding)
    X = fit(encoding=encoding).encode(FRAME)
    np.testing.assert_array_equal(table.encode(typed), X)
    np.testing.assert_array_equal(table.encode(as_text), X)
    np.testing.assert_array_equal(fit(encoding=encoding).encode(as_text), X)


cells = st.sampled_from(
    [
        st.integers(-1000, 1000),
        st.floats(-1e9, 1e9) | st.integers(-(10**12), 10**12),
        st.booleans(),
        st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)),
        st.sampled_from(["a", "b b", '"', "é, x", "1,200"]),
    ]
)


@st.composite
def any_table(draw):
    n = draw(st.integers(2, 30))
    kinds = draw(st.lists(cells, min_size=1, max_size=4))
    columns = [draw(st.lists(st.none() | kind, min_size=n, max_size=n)) for kind in kinds]
    return pl.DataFrame({f"c{i}": pl.Series(v, strict=False) for i, v in enumerate(columns)} | {"end": range(n)})


@settings(max_examples=80, deadline=None)
@given(any_table(), st.sampled_from([{}, {"c0": "category"}]))
def test_any_csv_is_encoded_like_the_table_it_holds(tmp_path_factory, frame, kinds):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    frame.write_csv(path, quote_style="non_numeric")
    if frame["c0"].null_count() == frame.height:
        kinds = {}
    try:
        table = Table.fit(frame, PRICES, columns={"end": "number", **kinds})
        typed, as_text = read_table(path), pl.concat(open_table(path).parts())
    except QuestionError:  # 1,200 alone may be 1.2
        reject()
    again = Table.fit(typed, PRICES, columns={"end": "number", **kinds})
    np.testing.assert_array_equal(again.encode(typed), table.encode(frame))
    np.testing.assert_array_equal(again.encode(as_text), table.encode(frame))
    assert Table.from_dict(json.loads(json.dumps(again.to_dict()))) == again


# --- later rows --------------------------------------------------------------------------------------------------


def test_encoded_in_float64_before_it_is_stored():
    table = fit(
        pl.DataFrame({"id": [1_000_000_001.0, 1_000_000_003.0, 1_000_000_007.0]}),
        columns={"id": "number"},
        encoding="plain",
    )
    x = table.encode(pl.DataFrame({"id": [1_000_000_003.0, 1_000_000_004.0]}))
    assert x.dtype == np.float32
    assert x[0, 0] == 0
    assert x[1, 0] == pytest.approx((1 / 3) / np.sqrt(1 + (1 / 9) ** 2))


def test_rows_in_parts_are_encoded_like_the_whole():
    table, X = fit(), fit().encode(FRAME)
    np.testing.assert_array_equal(np.vstack([table.encode(part) for part in FRAME.iter_slices(7)]), X)
    assert table.encode(FRAME.head(0)).shape == (0, X.shape[1])


def test_more_columns_and_another_order_change_nothing():
    other = FRAME.select(pl.lit("x").alias("more"), *reversed(FRAME.columns))
    np.testing.assert_array_equal(fit().encode(other), fit().encode(FRAME))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": None}, "column 'size' is missing, but was learnt from; add it to the table .*unknown column 'size'"),
        ({"size": None, "sizes": 1}, "did you mean 'sizes'"),
        ({"size": pl.lit("large")}, "column 'size' is 'large' in row 0, which is no number"),
        ({"size": np.inf}, "column 'size' is inf in row 0; leave such rows out"),
        ({"size": pl.col("sold")}, "column 'size' holds Date, but numbers are needed"),
        ({"view": pl.lit("far")}, "column 'view' is 'far' in row 0, which is neither true nor false"),
        ({"view": pl.col("sold")}, "column 'view' holds Date, but true or false is needed"),
        ({"sold": pl.lit("soon")}, "column 'sold' is 'soon' in row 0, which is no date"),
        ({"sold": 1.5}, "column 'sold' holds Float64, but dates are needed"),
        ({"town": 3}, "column 'town' holds Int32, such as 3, but text such as"),
        ({"town": pl.concat_list("size", "rooms")}, "column 'town' holds List"),
    ],
)
def test_later_rows_that_do_not_fit(change, message):
    changed = FRAME.with_columns(**{name: value for name, value in change.items() if value is not None})
    with pytest.raises(DataError, match=message):
        fit().encode(changed.drop(name for name, value in change.items() if value is None))


# --- names and labels --------------------------------------------------------------------------------------------


def test_every_input_knows_its_column_unit_bin_and_label():
    houses = load_houses()
    table = Table.fit(
        houses, Target.fit_numbers(houses.select("price")), units=HOUSE_UNITS, columns={"zipcode": "category"}
    )
    for each in table.inputs:
        assert table.label(each.name) == each.label
        assert each.column in houses.columns
        for t in range(1, len(each.edges)):
            assert table.label(f"{each.name}#{t}").endswith(each.unit if each.column != "date" else "")
    size = table.input("sqft_living#7")
    assert (size.name, size.column, size.unit) == ("sqft_living", "sqft_living", "sqft")
    low, high = np.quantile(houses["sqft_living"], [6 / 48, 7 / 48])
    assert table.label("sqft_living#7") == f"{low:,.6g}–{high:,.6g} sqft"
    assert table.label("zipcode=98103") == "zipcode is 98103"
    assert table.label("date.day#1").startswith("2014-05-02–2014-05-")
    assert table.label("date.month#1") == "1–2"
    assert "waterfront" in table.names
    for wrong in ("sqft_living#0", "sqft_living#99", "sqft_living#x", "zipcode=98103#1", "sqft"):
        with pytest.raises(UnknownNameError, match=f"unknown input '{wrong}'"):
            table.label(wrong)


def test_edges_are_the_constants_of_a_layer():
    table = fit()
    assert [bool(edges) for edges in table.edges] == [
        each.name in ("size", "rooms", "sold.day", "sold.year", "sold.month", "sold.weekday") for each in table.inputs
    ]
    PiecewiseLinear(table.edges)
    assert not any(fit(encoding="plain").edges)


@pytest.mark.parametrize(
    "columns",
    [
        {"town": ["New York", "NewYork", None], "town missing": [1, 2, 3], "townmissing": [1, 3, 2]},
        {"a b": [1, 2, 3], "ab": [1, 3, 2], "a\nb": [3, 1, 2]},
        {"x": [1, 2, None], "x missing": [3, 1, 2], "x#1": [1, 3, 2]},
        {"a": ["b", "c", "b"], "a=b": [1, 2, 3]},
        {"sold": ["2014-05-31", "2015-06-01", "2016-01-01"], "sold.day": [1, 2, 4]},
    ],
)
def test_names_are_unique_whatever_the_columns_are_called(columns):
    table = fit(pl.DataFrame(columns), columns=None)
    width = sum(max(1, len(edges) - 1) for edges in table.edges)
    net = Network([PiecewiseLinear(table.edges), Dense(width, 1)], inputs=table.names)
    assert len({"".join(name.split()) for name in net.weight_names()}) == net.size
    assert {each.column for each in table.inputs} == set(columns)
    assert table.encode(pl.DataFrame(columns)).shape == (3, len(table.names))


def test_json_round_trip():
    for table in (fit(), fit(encoding="plain"), fit(bins=3, units={"size": "sqft"})):
        again = Table.from_dict(json.loads(json.dumps(table.to_dict(), allow_nan=False)))
        assert again == table
        assert again.names == table.names
        np.testing.assert_array_equal(again.encode(FRAME), table.encode(FRAME))
