"""Any table becomes one polars frame: read from a file, or handed over as pandas, polars, Arrow, NumPy or lists."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from backlit.errors import DataError, ShapeError
from backlit.tables.csv_text import column_types, csv_header, csv_parts, require_unique
from backlit.tables.fields import QuestionError, level_texts
from backlit.tables.reading import Hints, Kinds, Sheet, read_frame

if TYPE_CHECKING:
    import polars as pl

ROWS = 50_000  #: of a Parquet or Arrow file, read at once

_SUFFIXES = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".tab": "csv",
    ".parquet": "parquet", ".pq": "parquet", ".arrow": "ipc", ".feather": "ipc", ".ipc": "ipc",
}  # fmt: skip
_MAGIC = {b"PAR1": "parquet", b"ARRO": "ipc"}


# --- files -------------------------------------------------------------------------------------------------------


class Source(NamedTuple):
    """A file with a table: where it lies, how messages call it, and whether it is "csv", "parquet" or "ipc".

    text_encoding : of a CSV; None: UTF-8, or UTF-16 with its mark
    """

    path: Path
    called: str
    kind: str
    text_encoding: str | None = None

    def parts(self) -> Iterator[pl.DataFrame]:
        """Part after part, so that it may be larger than memory; the first tells the columns, even without rows.

        The fields of a CSV are text as it stands.
        """
        return csv_parts(self.path, self.called, self.text_encoding) if self.kind == "csv" else self._stored()

    def types(self) -> dict[str, Any]:
        """The narrowest type of each column of a CSV: whole numbers, numbers, true/false or text."""
        return column_types(self.parts()) if self.kind == "csv" else {}

    def sheet(self, hints: Hints = Hints()) -> Sheet:
        """All of it, read."""
        import polars as pl

        frame = pl.concat(self.parts())
        if frame.height == 0:
            raise DataError(f"{self.called} has column names but no rows; give at least one")
        if self.kind != "csv":
            return read_frame(frame, hints)
        header = csv_header(self.path, self.called, self.text_encoding)
        sheet = read_frame(frame, hints, header.separator)
        return replace(sheet, notices={**sheet.notices, "": header.notices}) if header.notices else sheet

    def _stored(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        scan = pl.scan_parquet if self.kind == "parquet" else pl.scan_ipc
        try:
            lazy = scan(self.path, glob=False)
            rows = int(lazy.select(pl.len()).collect().item())
            for start in range(0, max(rows, 1), ROWS):
                yield lazy.slice(start, ROWS).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{self.called} is no {self.kind} file that can be read: {_first_line(error)}") from None


def open_table(path: str | Path, text_encoding: str | None = None) -> Source:
    """A table by the name of its file: CSV, TSV (any common separator), Parquet, Arrow or Feather; "-" reads from
    standard input.

    Raises
    ------
    DataError
        Not there, or of an unknown kind; and when it is read: empty, ragged, not UTF-8, column names that stand twice.
    """
    if str(path) == "-":
        path = _spooled()
        with path.open("rb") as file:
            return Source(path, "standard input", _MAGIC.get(file.read(4), "csv"), text_encoding)
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}; give the path of a table")
    return Source(path, str(path), table_kind(path), text_encoding)


def read_table(
    path: str | Path,
    *,
    decimal: str | None = None,
    date_order: str | None = None,
    missing: Sequence[str] = (),
    text_encoding: str | None = None,
    columns: Kinds = None,
) -> pl.DataFrame:
    """Read a table whole; each column of text becomes whole numbers, numbers, dates, true/false, or stays text.

    Parameters
    ----------
    decimal : the decimal mark, "." or ","; None: as the columns show
    date_order : of dates in figures: "dmy", "mdy" or "ymd"; None: as the columns show
    missing : marks of missing fields, beside the usual ones
    text_encoding : such as "cp1252"; None: UTF-8, or UTF-16 with its mark
    columns : what single columns are: ``{"zipcode": "category", "preis": {"decimal": ","}}``

    Raises
    ------
    DataError
        As `open_table`; a column that can be read in two ways.
    """
    hints = Hints.of(columns, decimal=decimal, date_order=date_order, missing=missing)
    sheet = open_table(path, text_encoding).sheet(hints)
    sheet.require_plain(name for name, error in sheet.troubles.items() if isinstance(error, QuestionError))
    return sheet.frame


def table_kind(path: str | Path) -> str:
    """ "csv", "parquet" or "ipc", by the name of a file."""
    kind = _SUFFIXES.get(Path(path).suffix.lower())
    if kind is None:
        raise DataError(f"{path} ends in {Path(path).suffix or 'nothing'!r}; give a {', '.join(_SUFFIXES)} file")
    return kind


def write_table(parts: Iterable[pl.DataFrame], path: str | Path) -> int:
    """Write parts as CSV, Parquet or Arrow by the name of `path`, which is there whole or not at all; returns the rows.

    The first part tells the columns; it must be there.
    """
    import polars as pl
    from polars.io.plugins import register_io_source

    path, kind, rows = Path(path), table_kind(path), 0
    parts = iter(parts)
    first = next(parts)

    def counted(*_: Any) -> Iterator[pl.DataFrame]:
        nonlocal rows
        for part in itertools.chain([first], parts):
            rows += part.height
            yield part

    with whole(path) as beside:
        try:
            if kind == "csv":
                with beside.open("wb") as file:
                    write_csv(counted(), file, "\t" if path.suffix.lower() in (".tsv", ".tab") else ",")
            else:
                lazy = register_io_source(counted, schema=first.schema)
                (lazy.sink_parquet if kind == "parquet" else lazy.sink_ipc)(beside)
        except pl.exceptions.PolarsError as error:
            raise OSError(_first_line(error)) from error
    return rows


def write_csv(parts: Iterable[pl.DataFrame], file: Any, separator: str = ",") -> None:
    """Write parts into an open binary file."""
    for i, part in enumerate(parts):
        file.write(part.write_csv(include_header=i == 0, separator=separator).encode())


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A file to write beside `path`, which takes its place at the end; nothing changes there if anything fails.

    Raises
    ------
    DataError
        It cannot be written, or the disk is full.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.unlink(missing_ok=True)
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} could not be written ({error.strerror or error}); nothing there has changed"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _spooled() -> Path:
    """Standard input as a file, so that it need not fit into memory."""
    try:
        with tempfile.NamedTemporaryFile(prefix="backlit-", delete=False) as file:
            atexit.register(Path(file.name).unlink, missing_ok=True)
            shutil.copyfileobj(sys.stdin.buffer, file)
        return Path(file.name)
    except OSError as error:
        raise DataError(f"standard input could not be kept ({error.strerror}); set TMPDIR to a larger folder") from None


# --- what other libraries hand over ------------------------------------------------------------------------------


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
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise TypeError("Sparse input is not supported: columns have names and kinds here; pass X.toarray()")
    if isinstance(data, Mapping):
        return _frame({str(name): to_series(values, str(name)) for name, values in data.items()})
    if not isinstance(data, (np.ndarray, list, tuple)):
        if hasattr(data, "columns"):
            require_unique([str(name) for name in getattr(data, "column_names", data.columns)], "X")
        import narwhals.stable.v2 as nw

        frame = nw.from_native(data, eager_only=True, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            return _frame({str(column.name): to_series(column, str(column.name)) for column in frame.iter_columns()})
    array = data if isinstance(data, np.ndarray) else np.asarray(data)
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
    return _frame({name: to_series(array[:, i], name) for i, name in enumerate(names)})


def to_series(values: Any, name: str) -> pl.Series:
    """One column of any library as a polars series."""
    import narwhals.stable.v2 as nw
    import polars as pl

    values = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(values, nw.Series):
        native = values.to_native()
        if isinstance(native, pl.Series):
            return native.alias(name)
        if values.implementation.is_pyarrow():
            return pl.Series(name, pl.from_arrow(native))
        if values.dtype in (nw.Categorical, nw.Enum):
            return level_texts(to_series(np.array(values.to_list(), dtype=object), name)).cast(pl.Categorical)
        values = values.to_numpy()
    if isinstance(values, np.ma.MaskedArray):
        masked, values = np.ma.getmaskarray(values), values.data.astype(object)
        values[masked] = None
    values = np.asarray(values)
    if values.ndim != 1:
        raise ShapeError(f"column {name!r} has {values.ndim} dimensions; give one field for each row")
    if values.dtype.kind == "f":
        return pl.Series(name, values.astype(np.result_type(values, np.float32), copy=False), nan_to_null=True)
    if values.dtype.kind == "M" and np.datetime_data(values.dtype)[0] not in ("D", "us", "ns"):
        values = values.astype("datetime64[ms]")
    if values.dtype.kind in "biuM":
        return pl.Series(name, values)
    return _from_objects(values, name)


def _frame(columns: dict[str, pl.Series]) -> pl.DataFrame:
    import polars as pl

    rows = {len(series): name for name, series in columns.items()}
    if len(rows) > 1:
        told = ", ".join(f"{name!r} {n}" for n, name in rows.items())
        raise ShapeError(f"columns differ in their number of rows: {told}; make them alike")
    return pl.DataFrame(columns)


def _from_objects(values: np.ndarray, name: str) -> pl.Series:
    """Python objects: numbers if all are numbers, else text; None, NaN and their like are missing."""
    import polars as pl

    plain = [None if _is_missing(value) else value for value in values.tolist()]
    known = [value for value in plain if value is not None]
    if known and all(isinstance(value, bool | np.bool_) for value in known):
        return pl.Series(name, plain, dtype=pl.Boolean)
    if known and all(isinstance(value, int | np.integer) and not isinstance(value, bool) for value in known):
        fits = all(-(2**63) <= value < 2**63 for value in known)
        return pl.Series(name, plain, dtype=pl.Int64 if fits else pl.Float64, strict=False)
    if all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in known):
        return pl.Series(name, plain, dtype=pl.Float64, strict=False)
    if any(isinstance(value, dict | list | set | tuple | np.ndarray) for value in known):
        raise TypeError(f"argument must be a string or a number; column {name!r} holds {type(known[0]).__name__}s")
    if all(hasattr(value, "isoformat") for value in known):
        return pl.Series(name, plain, strict=False)
    return pl.Series(name, [None if value is None else str(value) for value in plain], dtype=pl.String)


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA answers neither yes nor no
        return True
    except ValueError:
        return False


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
