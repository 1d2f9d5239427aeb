"""A table as it was read, kept as arrays: each value and type comes back as it was.

A number, date or truth value is a number; a text is the number of its level, and the levels are bytes, end to end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.runs.arrays import blob_of, load
from backlit.runs.schema import LARGEST, Blob, DamageError, made

if TYPE_CHECKING:
    import polars as pl

#: kinds of columns, and of the array that holds each one's values; those of TEXT hold numbers of levels
TEXT = ("String", "Categorical", "Enum", "Binary", "Decimal", "Int128", "UInt64", "UInt128")
NUMBERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "Date", "Datetime", "Duration", "Time")
KINDS = {**dict.fromkeys(TEXT + NUMBERS, "int64"), **dict.fromkeys(("Boolean", "Null"), "uint8")}
KINDS |= {"Float16": "float32", "Float32": "float32", "Float64": "float64"}
DETAILS = ("time_unit", "time_zone", "precision", "scale")  #: what a kind's types differ in, beside their levels

DAYS = {"Date": (-719_161, 2_932_895), "Datetime": (-719_161, 2_932_895), "Duration": (-999_999_999, 999_999_999)}
UNITS_A_DAY = {"ms": 86_400 * 10**3, "us": 86_400 * 10**6, "ns": 86_400 * 10**9}
FIELD = 24  #: bytes that a field takes while it is read, at most, beside those of its text
LEVEL = 72  #: the same of a level


def columns_of(frame: pl.DataFrame) -> list[tuple[dict[str, Any], dict[str, Blob]]] | None:
    """Each column's name and type, as JSON, and its arrays; None where they are not to be read back.

    Columns of lists or objects are left out.
    """
    columns = [series for series in frame if series.dtype.base_type().__name__ in KINDS]
    try:
        left = _left(frame.height, len(columns))
        kept = []
        for series in columns:
            arrays = _arrays(series)
            left -= _require_sound(series.dtype, arrays, left)
            details = [getattr(series.dtype, name) for name in DETAILS if hasattr(series.dtype, name)]
            facts = {"name": series.name, "type": [series.dtype.base_type().__name__, *details]}
            kept.append((facts, {name: blob_of(array) for name, array in arrays.items()}))
    except DamageError:
        return None
    return kept


def table_of(file: sqlite3.Connection, rows: int, columns: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The table again.

    Parameters
    ----------
    columns : as `columns_of` names them, each with the hashes of its "arrays"

    Raises
    ------
    DamageError
        They make no table; or one that takes more than `LARGEST` bytes, told before it takes them.
    """
    import polars as pl

    left, series = _left(rows, len(columns)), {}
    try:
        for column in columns:
            keys, dtype = column["arrays"], made(_type, *column["type"])
            arrays = {name: load(file, keys[name], (rows,)) for name in ("values", "missing") if name in keys}
            if "levels" in keys:
                arrays["levels"] = load(file, keys["levels"], limit=left)
                arrays["lengths"] = load(file, keys.get("lengths"), limit=left // LEVEL * 8)
            left -= _require_sound(dtype, arrays, left)
            series[column["name"]] = made(_series, dtype, arrays)
        if len(series) < len(columns):
            raise DamageError("damage.column_twice")
        return made(pl.DataFrame, series)
    except pl.exceptions.PolarsError as error:
        raise DamageError("damage.table", why=str(error).splitlines()[0]) from None


def _left(rows: int, columns: int) -> int:
    """Bytes that are left for texts."""
    if (taken := rows * columns * FIELD) > LARGEST:
        raise DamageError("damage.table_size", size=taken, limit=LARGEST)
    return LARGEST - taken


def _type(kind: str, *details: Any) -> pl.DataType:
    import polars as pl

    if kind not in KINDS:
        raise DamageError("damage.column_type", type=kind[:20])
    return pl.Enum([]) if kind == "Enum" else getattr(pl, kind)(*details)


def _arrays(series: pl.Series) -> dict[str, np.ndarray]:
    """A column's values, or the numbers of their levels; 0 where one is missing."""
    import polars as pl

    kind, arrays = series.dtype.base_type().__name__, {}
    if series.null_count():
        arrays["missing"] = series.is_null().to_numpy().astype(np.uint8)
    values = series.to_physical()
    if kind in TEXT:
        levels = [level.encode() for level in series.dtype.categories] if isinstance(series.dtype, pl.Enum) else None
        if levels is None:
            raw = series if kind == "Binary" else series.cast(pl.String).cast(pl.Binary)
            values, levels = raw.rank("dense") - 1, raw.drop_nulls().unique().sort().to_list()
        arrays["levels"] = np.frombuffer(b"".join(levels), np.uint8)
        arrays["lengths"] = np.array([len(level) for level in levels], np.int64)
    elif KINDS[kind] == "uint8":
        values = series.cast(pl.UInt8)
    return {"values": values.fill_null(0).to_numpy().astype(KINDS[kind]), **arrays}


def _series(dtype: pl.DataType, arrays: Mapping[str, np.ndarray]) -> pl.Series:
    """The column again."""
    import polars as pl

    values = pl.Series(arrays["values"])
    if "missing" in arrays:
        values = values.set(pl.Series(arrays["missing"] != 0), None)
    if "levels" not in arrays:
        return values.cast(dtype)
    raw, ends = arrays["levels"].tobytes(), np.cumsum(arrays["lengths"]).tolist()
    levels = pl.Series([raw[start:end] for start, end in zip([0, *ends], ends)], dtype=pl.Binary)
    texts = levels if dtype == pl.Binary else levels.cast(pl.String)
    return texts.gather(values).cast(pl.Enum(texts) if dtype == pl.Enum else dtype)


def _require_sound(dtype: pl.DataType, arrays: Mapping[str, np.ndarray], left: int) -> int:
    """Such arrays a column of this type has, and its texts take no more bytes than are left; how many they take."""
    kind, values = dtype.base_type().__name__, arrays["values"]
    there = values[arrays["missing"] == 0] if "missing" in arrays else values
    least, most = there.min(initial=0), there.max(initial=0)
    if values.dtype != KINDS[kind] or (kind in TEXT) != ("levels" in arrays):
        raise DamageError("damage.column_arrays", type=kind)
    if kind in DAYS:
        day = UNITS_A_DAY.get(getattr(dtype, "time_unit", ""), 1)
        if least < DAYS[kind][0] * day or most > DAYS[kind][1] * day:
            raise DamageError("damage.date")
    if kind not in TEXT:
        return 0
    levels, lengths = arrays["levels"], arrays["lengths"]
    if (levels.dtype, lengths.dtype) != ("uint8", "int64") or levels.ndim != 1 or lengths.ndim != 1:
        raise DamageError("damage.levels")
    if not 0 <= lengths.min(initial=0) <= lengths.max(initial=0) <= len(levels) == lengths.sum():
        raise DamageError("damage.levels")
    if least < 0 or (most >= len(lengths) and len(there)):
        raise DamageError("damage.levels")
    if (taken := len(levels) + len(lengths) * LEVEL + int(lengths[there].sum())) > left:
        raise DamageError("damage.table_size", size=LARGEST - left + taken, limit=LARGEST)
    return taken
