"""Any table becomes one polars frame: read from a file, or handed over as pandas, polars, Arrow, NumPy or lists."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.errors import DataError, ShapeError

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?")  #: what a CSV writes where it knows nothing

_SUFFIXES = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".tab": "csv",
    ".parquet": "parquet", ".pq": "parquet", ".arrow": "ipc", ".feather": "ipc", ".ipc": "ipc",
}  # fmt: skip


def read_table(path: str | Path, *, as_text: bool = False) -> pl.DataFrame:
    """Read a table whole.

    Parameters
    ----------
    path : CSV, TSV (any common separator), Parquet, Arrow or Feather by its name; "-" reads CSV from standard input
    as_text : leave every CSV field as it stands

    Raises
    ------
    DataError
        Empty, ragged, not UTF-8, column names that stand twice, or of an unknown kind.
    """
    frame = scan_table(path, as_text=as_text).collect()
    if frame.height == 0:
        raise DataError(f"{path} has column names but no rows; give at least one")
    return frame


def scan_table(path: str | Path, *, as_text: bool = False) -> pl.LazyFrame:
    """A table that is read as it is used, so that it may be larger than memory."""
    import polars as pl

    if str(path) == "-":
        return _scan_csv(sys.stdin.buffer.read(), "standard input", as_text)
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist; give the path of a table")
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"{path} ends in {path.suffix or 'nothing'!r}; give a {', '.join(_SUFFIXES)} file")
    if kind == "csv":
        return _scan_csv(path, str(path), as_text)
    try:
        scan = pl.scan_parquet(path) if kind == "parquet" else pl.scan_ipc(path)
        scan.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path} is no {kind} file that can be read: {_first_line(error)}") from None
    return scan


def write_table(frame: pl.DataFrame | pl.LazyFrame, path: str | Path) -> None:
    """Write CSV, Parquet or Arrow by the name of `path`, which is there whole or not at all."""
    import polars as pl

    path = Path(path)
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"{path} ends in {path.suffix or 'nothing'!r}; name a {', '.join(_SUFFIXES)} file")
    beside = path.with_name(f".{path.name}.part")
    lazy = frame.lazy()
    try:
        if kind == "csv":
            lazy.sink_csv(beside, separator="\t" if path.suffix.lower() in (".tsv", ".tab") else ",")
        else:
            (lazy.sink_parquet if kind == "parquet" else lazy.sink_ipc)(beside)
        beside.replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} could not be written: {_first_line(error)}") from error
    finally:
        beside.unlink(missing_ok=True)


def to_frame(data: Any, names: tuple[str, ...] | None = None) -> pl.DataFrame:
    """A frame, array, mapping of columns or list of rows as a polars frame.

    Parameters
    ----------
    names : of the columns where `data` has none; x1, x2, ... if not given
    """
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, Mapping):
        return pl.DataFrame(dict(data), strict=False)
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise TypeError("Sparse input is not supported: columns have names and kinds here; pass X.toarray()")
    if not isinstance(data, (np.ndarray, list, tuple)):
        import narwhals.stable.v2 as nw

        frame = nw.from_native(data, eager_only=True, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            _require_unique([str(name) for name in data.columns] if hasattr(data, "columns") else frame.columns, "X")
            return pl.DataFrame([to_series(column, str(column.name)) for column in frame.iter_columns()])
        data = np.asarray(data)
    array = np.asarray(data)
    if np.iscomplexobj(array):
        raise DataError("Complex data not supported: X must hold real numbers")
    if array.ndim != 2:
        raise ShapeError(
            f"X has {array.ndim} dimensions: expected 2D array, got {array.ndim}D array instead. "
            "Reshape your data either using array.reshape(-1, 1) for one column or array.reshape(1, -1) for one row"
        )
    names = names or tuple(f"x{i}" for i in range(1, array.shape[1] + 1))
    if len(names) != array.shape[1]:
        raise ShapeError(f"X has {array.shape[1]} features, but {len(names)} are expected")
    return pl.DataFrame([to_series(array[:, i], name) for i, name in enumerate(names)])


def to_series(values: Any, name: str) -> pl.Series:
    """One column of any library as a polars series."""
    import narwhals.stable.v2 as nw
    import polars as pl

    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(values, nw.Series):
        native = values.to_native()
        if isinstance(native, pl.Series):
            return native.alias(name)
        if values.implementation.is_pyarrow():
            return pl.Series(name, pl.from_arrow(native))
        if values.dtype.is_numeric() and values.null_count() == 0:
            return pl.Series(name, values.to_numpy())
        values = values.to_numpy()
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return pl.Series(name, values, nan_to_null=True)
    if values.dtype.kind in "biuM":
        return pl.Series(name, values)
    return _from_objects(values, name)


def _from_objects(values: np.ndarray, name: str) -> pl.Series:
    """Python objects: numbers if all are numbers, else text; None and NaN are missing."""
    import polars as pl

    plain = [None if value is None or value != value else value for value in values.tolist()]
    known = [value for value in plain if value is not None]
    if known and all(isinstance(value, bool | np.bool_) for value in known):
        return pl.Series(name, plain, dtype=pl.Boolean)
    if all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in known):
        return pl.Series(name, plain, dtype=pl.Float64, strict=False)
    if any(isinstance(value, dict | list | set) for value in known):
        raise TypeError(f"argument must be a string or a number; column {name!r} holds {type(known[0]).__name__}s")
    if all(hasattr(value, "isoformat") for value in known):
        return pl.Series(name, plain, strict=False)
    return pl.Series(name, [None if value is None else str(value) for value in plain], dtype=pl.String)


def _scan_csv(source: Path | bytes, called: str, as_text: bool) -> pl.LazyFrame:
    import polars as pl

    head = source[:65536] if isinstance(source, bytes) else _head(source)
    if not head.strip():
        raise DataError(f"{called} is empty; give a table with a line of column names")
    separator = _separator(head)
    first = head.decode("utf-8-sig", errors="replace")
    _require_unique(next(csv.reader(first.splitlines(), delimiter=separator)), called)
    try:
        scan = pl.scan_csv(
            source, separator=separator, null_values=list(MISSING), infer_schema=not as_text,
            infer_schema_length=None, try_parse_dates=not as_text,
        )  # fmt: skip
        schema = scan.collect_schema()
        if not as_text:
            _require_regular(source, scan, schema.names()[-1], separator, called)
    except pl.exceptions.PolarsError as error:
        raise _csv_error(source, called, separator, error) from None
    return scan


def _require_regular(source: Path | bytes, scan: Any, last: str, separator: str, called: str) -> None:
    """Short rows are padded with missing fields by the reader, so they show in the last column."""
    import polars as pl

    if scan.select(pl.col(last).null_count()).collect().item():
        _find_ragged(source, separator, called)


def _csv_error(source: Path | bytes, called: str, separator: str, error: Exception) -> DataError:
    text = _first_line(error)
    if "utf-8" in text.lower():
        return DataError(f"{called} is not UTF-8 text; save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')")
    try:
        _find_ragged(source, separator, called)
    except DataError as ragged:
        return ragged
    except UnicodeDecodeError:
        return DataError(f"{called} is not UTF-8 text; save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')")
    return DataError(f"{called} could not be read: {text}")


def _find_ragged(source: Path | bytes, separator: str, called: str) -> None:
    content = source if isinstance(source, bytes) else source.read_bytes()
    reader = csv.reader(content.decode("utf-8-sig").splitlines(keepends=True), delimiter=separator)
    width = len(next(reader))
    for fields in reader:
        if fields and len(fields) != width:
            raise DataError(
                f"{called}, line {reader.line_num}, has {len(fields)} fields, but the header has {width}; mend it"
            )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(65536)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None


def _separator(head: bytes) -> str:
    line = head.decode("utf-8", errors="replace").partition("\n")[0]
    return max(",;\t|", key=line.count)


def _require_unique(names: list[str], called: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{called} has two columns called {twice[0]!r}; give each its own name")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
