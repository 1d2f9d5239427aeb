"""What a Parquet file decodes to is told before it is decoded, and no bytes lead astray."""

import datetime
import decimal
import io
import re
import struct
from contextlib import suppress

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stranger import in_time

from backlit.errors import DataError
from backlit.tables.parquet_size import FOOTER, VALUE, decoded_bytes

PLAINLY = {"compression": "none", "use_dictionary": False}
ROWS = 5000
MANY = 20_000_000
LONG_TEXT = "y" * 1_000_000

generator = np.random.default_rng(0)
HOUSES = pl.DataFrame(
    {
        "price": generator.normal(5e5, 1e5, ROWS),
        "rooms": generator.integers(1, 9, ROWS).astype(np.int8),
        "text": [f"house number {i} on the long road" for i in range(ROWS)],
        "town": generator.choice(["Kent", "Auburn", "A town with quite a long name"], ROWS),
        "view": generator.random(ROWS) < 0.5,
        "built": [datetime.date(1900, 1, 1) + datetime.timedelta(int(i)) for i in generator.integers(0, 9999, ROWS)],
        "sold": [datetime.datetime(2014, 5, 1, 12, 30)] * ROWS,
        "exact": [decimal.Decimal("12.34")] * ROWS,
        "absent": pl.Series([None] * ROWS, dtype=pl.Float64),
    }
).with_columns(
    pl.col("town").cast(pl.Categorical).alias("category"),
    pl.when(pl.col("view")).then("price").alias("gaps"),
    pl.when(pl.col("view")).then("text").alias("text_gaps"),
)


def written(frame, **options):
    file = io.BytesIO()
    frame.write_parquet(file, **options)
    return file.getvalue()


def arrow_written(columns, **options):
    file = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), file, **options)
    return file.getvalue()


def footer_length(data):
    return struct.unpack("<I", data[-8:-4])[0]


def with_footer(data, footer):
    """The same pages with another footer."""
    return data[: len(data) - 8 - footer_length(data)] + footer + struct.pack("<I", len(footer)) + b"PAR1"


def natural(number):
    head = b""
    while number > 127:
        head, number = head + bytes([number & 127 | 128]), number >> 7
    return head + bytes([number])


def long(number):
    return natural(number << 1)


def fits(data, frame):
    told = decoded_bytes(data)
    fewest = frame.estimated_size()
    assert fewest <= told
    # each value is told as 16 bytes, or 32 in a table with decimals; pages hold what is not in the frame: levels
    assert told <= 2 * fewest + frame.height * frame.width * 2 * VALUE + footer_length(data) * FOOTER + 10_000


# --- honest files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["zstd", "lz4", "snappy", "gzip", "uncompressed"])
@pytest.mark.parametrize("rows", [None, 700])
def test_what_polars_writes(compression, rows):
    fits(written(HOUSES, compression=compression, row_group_size=rows), HOUSES)


@pytest.mark.parametrize("name", HOUSES.columns)
def test_column_by_column(name):
    fits(written(HOUSES.select(name)), HOUSES.select(name))


@pytest.mark.parametrize("compression", ["zstd", "none"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_what_arrow_writes(compression, version, dictionary):
    options = {"compression": compression, "data_page_version": version, "use_dictionary": dictionary}
    more = {"write_page_index": True, "store_decimal_as_integer": True, "row_group_size": 1900, "data_page_size": 4000}
    fits(arrow_written(HOUSES.to_arrow(), **options), HOUSES)
    fits(arrow_written(HOUSES.to_arrow(), **options, **more), HOUSES)


def test_without_rows():
    data = written(HOUSES.clear())
    assert decoded_bytes(data) == footer_length(data) * FOOTER
    assert decoded_bytes(arrow_written(HOUSES.clear().to_arrow())) < 100_000


def test_pages_and_values_add_up():
    data = arrow_written({"a": pa.array([7] * 1000)}, **PLAINLY)
    levels = 4 + 3  # their length, and one run
    assert decoded_bytes(data) == footer_length(data) * FOOTER + 1000 * (8 + VALUE) + levels


# --- bombs -------------------------------------------------------------------------------------------------------


def test_many_equal_numbers_are_told():
    data = arrow_written({"a": pa.array(np.zeros(MANY))}, compression="zstd")
    assert len(data) < 100_000
    assert MANY * 8 <= decoded_bytes(data) < MANY * 17


def test_many_nulls_are_told():
    data = arrow_written({"a": pa.nulls(MANY, pa.float64())})
    assert len(data) < 40_000
    assert decoded_bytes(data) >= MANY * 8


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_long_text_in_every_row_is_told(version):
    texts = pa.array([LONG_TEXT] * 100)
    data = arrow_written({"a": texts}, compression="zstd", use_dictionary=False, data_page_version=version)
    assert len(data) < 40_000
    assert 100 * len(LONG_TEXT) <= decoded_bytes(data) < 102 * len(LONG_TEXT)


def test_a_long_value_of_fixed_length_in_every_row_is_told():
    # polars copies each of them from the dictionary
    data = arrow_written({"a": pa.array([LONG_TEXT.encode()] * 100, pa.binary(len(LONG_TEXT)))}, compression="zstd")
    assert len(data) < 2000
    assert decoded_bytes(data) >= pl.read_parquet(data).estimated_size() >= 100 * len(LONG_TEXT)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_texts_told_by_their_differences_are_refused(version):
    options = {"column_encoding": {"a": "DELTA_BYTE_ARRAY"}, "data_page_version": version}
    data = arrow_written({"a": pa.array([LONG_TEXT] * 100)}, use_dictionary=False, **options)
    with pytest.raises(DataError, match="DELTA_BYTE_ARRAY"):
        decoded_bytes(data)


@pytest.mark.parametrize("kind", [pl.Array(pl.Int8, 1_000_000), pl.List(pl.Int8), pl.Struct({"a": pl.Int8})])
def test_nested_columns_are_refused(kind):
    # an empty array of a million numbers takes a million bytes, of which no page tells
    with pytest.raises(DataError, match="nested"):
        decoded_bytes(written(pl.DataFrame({"a": [None, None]}, schema={"a": kind})))


@pytest.mark.parametrize("more", [0, 1, 1_000_000, 2**31 - 1 - 8007])
def test_a_forged_page_header_counts(more):
    data = arrow_written({"a": pa.array(range(1000))}, **PLAINLY)
    header = b"\x15\x00\x15" + long(8007)  # page type, uncompressed size
    assert data.count(header) == 1
    before, after = data.split(header)
    footer_moves = len(long(8007 + more)) - len(long(8007))
    assert footer_moves in (0, 1, 2, 3)
    # the column may be as many bytes longer as its header is
    size = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).total_compressed_size
    after = after.replace(b"\x16" + long(size), b"\x16" + long(size + footer_moves))
    assert len(long(size)) == len(long(size + footer_moves))
    assert decoded_bytes(before + b"\x15\x00\x15" + long(8007 + more) + after) == decoded_bytes(data) + more


def columns_in_one_place(count):
    """A file whose many row groups all lie in the same 2,500 pages."""
    data = arrow_written({"a": pa.array(range(20_000))}, **PLAINLY, data_page_size=64, write_batch_size=8)
    column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    size, start = column.total_compressed_size, column.data_page_offset
    # fields of ColumnMetaData: type, encodings, path, codec, values, two sizes, offset of the pages
    meta = b"\x15\x04\x19\x15\x00\x19\x18\x01a\x15\x00\x16" + long(20_000) + (b"\x16" + long(size)) * 2
    chunk = b"\x26\x00\x1c" + meta + b"\x26" + long(start) + b"\x00\x00"
    group = b"\x19\x1c" + chunk + b"\x16\x00\x16" + long(20_000) + b"\x00"
    elements = b"\x48\x01r\x15\x02\x00" + b"\x15\x04\x25\x02\x18\x01a\x00"
    rows, groups = b"\x16" + long(20_000 * count), b"\x19\xfc" + natural(count) + group * count
    return with_footer(data, b"\x15\x02\x19\x2c" + elements + rows + groups + b"\x00")


def test_columns_of_other_lengths_than_their_row_group_are_refused():
    data = columns_in_one_place(1)
    footer = data[len(data) - 8 - footer_length(data) : -8]
    rows = b"\x16" + long(20_000)
    assert footer.count(rows) == 3  # of the file, the column and the row group
    file, column, group, rest = footer.split(rows)
    forged = (b"\x16" + long(20_001)).join([file, column + rows + group, rest])
    with pytest.raises(DataError, match="differ in length"):
        decoded_bytes(with_footer(data, forged))


def test_columns_in_one_place_are_refused():
    assert decoded_bytes(columns_in_one_place(1)) > 20_000 * (8 + VALUE)
    with pytest.raises(DataError, match="same place"), in_time():
        decoded_bytes(columns_in_one_place(5000))  # their walk would take minutes


# --- files that say two things ------------------------------------------------------------------------------------

# the head of a struct of one column "a", and what follows, each a field (its step and kind, then its value)
_ELEMENTS = b"\x15\x02\x19\x2c\x48\x01r\x15\x02\x00\x15\x02\x25\x00\x18\x01a\x00"


def test_the_footer_of_these_tests_is_good():
    footer = _ELEMENTS + b"\x16\x00\x19\x0c\x00"
    assert decoded_bytes(with_footer(written(HOUSES), footer)) == len(footer) * FOOTER


@pytest.mark.parametrize(
    ("footer", "why"),
    [
        (b"", "cut off"),
        (_ELEMENTS, "cut off"),
        (b"\x00", "lacks field 3"),
        (_ELEMENTS + b"\x16\x02\x19\x0c\x00", "do not make up its rows"),
        (b"\x15" + b"\x80" * 10 + b"\x00\x00", "longer than 10 bytes"),
        (b"\x15" + natural(1 << 32) + b"\x00", "larger than its kind"),
        (b"\x16\x02\x00", "wrong kind"),  # a version of 64 bits, not 32
        (b"\x18\x01\x00\x00", "wrong kind"),
        (b"\x10\x00", "wrong kind"),  # neither the end of the struct nor a field
        (b"\xf0\x00", "wrong kind"),
        (_ELEMENTS.replace(b"\x25\x00", b"\x25\x04") + b"\x16\x00\x19\x0c\x00", "nested"),  # a repeated column
        (b"\x15\x02\x05\x02\x02\x00", "out of order"),  # version twice
        (b"\x15\x02\x05\x01\x02\x00", "out of order"),
        (b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07\x00", "longer than the file"),
        (b"\x15\x02\x19\x25\x00\x00\x00", "wrong kind"),  # a schema of numbers
        (b"\x05\x28" + b"\x1c" * 30 + b"\x00" * 31, "too deep"),
        (b"\x09\x28" + b"\x19" * 30 + b"\x00" * 31, "too deep"),
        (b"\x0d\x28\x00\x00", "unknown kind"),
        (b"\x15\x02\x6c\x00\x00\x00", "wrong kind"),
        (_ELEMENTS + b"\x16\x00\x19\x0c\x4c\x00\x00", "encrypted"),
        (_ELEMENTS + b"\x16\x00\x19\x1c\x19\x1c\x26\x00\x6c\x00\x00\x00\x00", "encrypted"),
        (_ELEMENTS + b"\x16\x00\x19\x1c\x19\x1c\x26\x00\x00\x00\x00", "lacks field 3"),
    ],
)
def test_a_broken_footer(footer, why):
    with pytest.raises(DataError, match="this is no Parquet table that can be read: .*" + why):
        decoded_bytes(with_footer(written(HOUSES), footer))


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"PAR1" + b"\x00" * 4 + b"PARE"]
)
def test_no_parquet(data):
    with pytest.raises(DataError, match="no Parquet table"):
        decoded_bytes(data)


PLAIN = arrow_written({"a": pa.array([1, 2, 3])}, **PLAINLY, write_statistics=False)


def changed(before, after, times=1):
    assert PLAIN.count(before) == times, PLAIN
    return PLAIN.replace(before, after)


PAGE = b"\x15\x00\x15\x3c\x15\x3c"  # kind, and sizes of 30 bytes


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (changed(PAGE, b"\x15\x02\x15\x3c\x15\x3c"), "unknown kind 1"),
        (changed(PAGE, b"\x15\x0c\x15\x3c\x15\x3c"), "unknown kind 6"),
        (changed(PAGE, b"\x15\x06\x15\x3c\x15\x3c"), "lacks field 8"),
        (changed(PAGE, b"\x15\x00\x15\x3b\x15\x3c"), "claims 30 bytes"),  # that decode to −30
        (changed(PAGE, b"\x15\x00\x15\x3c\x15\x3b"), "claims -30 bytes"),
        (changed(PAGE, b"\x15\x00\x15\x3c\x15\x3e"), "claims 31 bytes"),
        (changed(PAGE, b"\x15\x00\x15\x3c\x15\x3a"), "lacks field 1"),  # the last byte is another page's header
        (changed(PAGE + b"\x2c\x15\x06", PAGE + b"\x2c\x15\x08"), "other numbers of values"),
        (changed(PAGE + b"\x2c\x15\x06", PAGE + b"\x2c\x15\x05"), "claims 30 bytes"),  # for −3 values
    ],
)
def test_a_broken_page(data, why):
    with pytest.raises(DataError, match=why):
        decoded_bytes(data)


def test_a_column_that_lies_elsewhere():
    footer = PLAIN[len(PLAIN) - 8 - footer_length(PLAIN) : -8]
    column = re.search(rb"\x16\x06\x16(.)\x16(.)\x26\x08", footer, re.DOTALL)  # values, sizes, offset 4
    for offset in [0, 3, 1000, -4]:
        moved = b"\x26" + natural(offset << 1 if offset >= 0 else -offset * 2 - 1)
        forged = footer.replace(column[0], column[0][:-2] + moved)
        with pytest.raises(DataError, match="of a column at"):
            decoded_bytes(with_footer(PLAIN, forged))
    sizes = column[0].replace(column[2] + b"\x26", bytes([column[2][0] - 1]) + b"\x26")  # negative
    with pytest.raises(DataError, match="puts -"):
        decoded_bytes(with_footer(PLAIN, footer.replace(column[0], sizes)))


# --- any bytes ---------------------------------------------------------------------------------------------------

SMALL = [
    written(HOUSES.head(20)),
    written(HOUSES.head(20), compression="uncompressed", row_group_size=7),
    arrow_written(HOUSES.head(20).to_arrow(), data_page_version="2.0", write_page_index=True),
    PLAIN,
]


def number_or_data_error(data):
    with suppress(DataError), in_time():
        assert decoded_bytes(data) >= 0


@given(st.binary(max_size=300))
def test_any_bytes(data):
    number_or_data_error(data)
    number_or_data_error(with_footer(PLAIN, data))
    number_or_data_error(PLAIN[:4] + data + PLAIN[4 + len(data) :])


@settings(max_examples=300)
@given(st.sampled_from(SMALL), st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=4))
@example(SMALL[0], [])
def test_any_flipped_bytes(data, flips):
    forged = bytearray(data)
    for place, value in flips:
        forged[-1 - place % len(data)] = value
    number_or_data_error(bytes(forged))


@given(st.sampled_from(SMALL), st.integers(0, 1 << 20), st.integers(0, 40))
def test_any_cut(data, place, length):
    place %= len(data)
    with pytest.raises(DataError):
        decoded_bytes(data[:place])
    number_or_data_error(data[:place] + data[place + length :])
    number_or_data_error(data[:place] + data[place : place + length] + data[place:])
