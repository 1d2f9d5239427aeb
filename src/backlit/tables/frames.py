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
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from numbers import Real
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from backlit.errors import DataError, ShapeError
from backlit.tables.csv_text import CsvText, require_unique
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


@dataclass(frozen=True)
class Source:
    """A file with a table: where it lies, how messages call it, and whether it is "csv", "parquet" or "ipc".

    text_encoding : of a CSV; None: UTF-8, or UTF-16 with its mark
    """

    path: Path
    called: str
    kind: str
    text_encoding: str | None = None

    @cached_property
    def text(self) -> CsvText | None:
        """What a CSV is read by; None for other kinds."""
        return CsvText(self.path, self.called, self.text_encoding) if self.kind == "csv" else None

    def parts(self) -> Iterator[pl.DataFrame]:
        """Part after part, so that it may be larger than memory; the first tells the columns, even without rows.

        The fields of a CSV are text as it stands.
        """
        return self._stored() if self.text is None else self.text.parts()

    def whole(self) -> pl.DataFrame:
        """All parts."""
        import polars as pl

        frame = pl.concat(self.parts())
        if frame.height == 0:
            raise DataError("file.no_rows", called=self.called)
        return frame

    def sheet(self, hints: Hints = Hints(), whole: pl.DataFrame | None = None) -> Sheet:
        """All of it, read.

        Parameters
        ----------
        whole : where it is at hand, so that the file is not opened again
        """
        whole = self.whole() if whole is None else whole
        if self.text is None:
            return read_frame(whole, hints)
        header = self.text.header
        sheet = read_frame(whole, hints, header.separator)
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
            raise DataError("file.no_kind", called=self.called, kind=self.kind, why=_first_line(error)) from None


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
        raise DataError("file.folder" if path.is_dir() else "file.none", path=path)
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
        raise DataError("file.suffix", path=path, suffix=Path(path).suffix or "nothing", known=list(_SUFFIXES))
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
        raise DataError("file.unwritten", path=path, why=error.strerror or error) from error
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
        raise DataError("file.no_copy", why=error.strerror) from None


# --- what other libraries hand over ------------------------------------------------------------------------------


def to_frame(data: Any, names: Sequence[str] | None = None) -> pl.DataFrame:
    """A frame of any library, an array, a mapping of columns, or a list of rows as a polars frame.

    Parameters
    ----------
    data : a row of a list is itself a list, or a mapping of names to fields; a field that it leaves out is missing
    names : of the columns where `data` has none; x1, x2, ... if not given

    Raises
    ------
    DataError
        A column holds what is neither numbers, text, truth values nor dates.
    """
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        return data
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        raise TypeError(
            "Sparse input is not supported: columns have names and kinds here; pass X.toarray(). In a pipeline, leave "
            "OneHotEncoder out, for text is read as it is, or set its sparse_output=False"
        )
    if isinstance(data, Mapping):
        return _frame({str(name): to_series(values, str(name)) for name, values in data.items()})
    if is_rows(data):
        keys = {str(name): name for row in data for name in row}
        return _frame({name: to_series(_objects(row.get(key) for row in data), name) for name, key in keys.items()})
    if not isinstance(data, (np.ndarray, list, tuple)):
        if hasattr(data, "columns"):
            require_unique([str(name) for name in getattr(data, "column_names", data.columns)], "X")
        import narwhals.stable.v2 as nw

        frame = nw.from_native(data, pass_through=True)
        if isinstance(frame, nw.LazyFrame):
            frame = frame.collect()
        if isinstance(frame, nw.DataFrame):
            return _frame({str(column.name): to_series(column, str(column.name)) for column in frame.iter_columns()})
        if has_names(data):
            if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
                return pl.DataFrame(pl.from_arrow(data))
            what = type(data).__name__
            raise DataError("table.unreadable", type=what)
    array = data if isinstance(data, np.ndarray) else np.asarray(data)
    if array.dtype.names and array.ndim == 1:
        return _frame({name: to_series(array[name], name) for name in array.dtype.names})
    if np.iscomplexobj(array):
        raise DataError("table.complex")
    if array.ndim != 2:
        raise ShapeError("table.dimensions", ndim=array.ndim)
    width = array.shape[1]
    names = [f"x{i}" for i in range(1, width + 1)] if names is None else names
    if len(names) != width:
        some = ", ".join(names[:10]) + ", ..." * (len(names) > 10)
        raise ShapeError("table.features", width=width, expected=len(names), some=some)
    return _frame({name: to_series(array[:, i], name) for i, name in enumerate(names)})


def has_names(data: Any) -> bool:
    """Whether what is handed over as a table names its columns itself."""
    return hasattr(type(data), "columns") or isinstance(data, Mapping) or is_rows(data) or _is_structured(data)


def is_rows(data: Any) -> bool:
    """Whether it is a list of rows that are mappings."""
    return isinstance(data, (list, tuple)) and len(data) > 0 and all(isinstance(row, Mapping) for row in data)


def to_series(values: Any, name: str) -> pl.Series:
    """One column of any library as a polars series.

    Raises
    ------
    DataError
        It holds what is neither numbers, text, truth values nor dates.
    """
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
            levels = _objects(_level(value) for value in values.to_list())
            return level_texts(to_series(levels, name)).cast(pl.Categorical)
        values = values.to_numpy()
    if isinstance(values, np.ma.MaskedArray):
        masked, values = np.ma.getmaskarray(values), values.data.astype(object)
        values[masked] = None
    values = np.asarray(values)
    if values.ndim != 1:
        few = f"; for one row give a list of one, {{{name!r}: [{values.item()!r}]}}" if values.ndim == 0 else ""
        raise ShapeError("column.dimensions", name=name, ndim=values.ndim, few=few)
    kind = values.dtype.kind
    if kind in "cSV" or (kind == "f" and values.dtype.itemsize > 8):
        raise _unusable(name, type(values.flat[0]) if len(values) else values.dtype.type)
    if kind == "f":
        return pl.Series(name, values.astype(np.result_type(values, np.float32), copy=False), nan_to_null=True)
    if kind == "M" and np.datetime_data(values.dtype)[0] not in ("D", "us", "ns"):
        values = values.astype("datetime64[ms]")
    if kind == "m":
        values = values.astype("timedelta64[us]")
    if kind in "biuMm":
        return pl.Series(name, values)
    return _from_objects(values, name)


def require_usable(series: pl.Series) -> None:
    """Raise `DataError` where a column's type can be neither learnt from nor predicted from."""
    import polars as pl

    dtype = series.dtype
    for kinds, held, remedy in (
        ((pl.Duration,), "lengths of time (timedelta)", "give numbers, such as its .dt.total_seconds()"),
        ((pl.Time,), "times of day", "give numbers, such as its hour"),
        ((pl.List, pl.Array, pl.Struct), "nested entries", "give each entry a column of its own"),
        ((pl.Binary,), "bytes", "decode them to text"),
        ((pl.Object,), "Python objects", "give numbers, text or dates"),
    ):
        if isinstance(dtype, kinds):
            name = series.name
            raise DataError("column.unlearnable", name=name, what=held, dtype=dtype, remedy=remedy)


def _frame(columns: dict[str, pl.Series]) -> pl.DataFrame:
    import polars as pl

    rows = {len(series): name for name, series in columns.items()}
    if len(rows) > 1:
        raise ShapeError("table.heights", heights=", ".join(f"{name!r} {n}" for n, name in rows.items()))
    return pl.DataFrame(columns)


def _is_structured(data: Any) -> bool:
    return isinstance(data, np.ndarray) and data.dtype.names is not None


def _objects(values: Iterable[Any]) -> np.ndarray:
    """(n,) Python objects, however long each is."""
    values = list(values)
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    return objects


def _level(value: Any) -> Any:
    """A category as it may stand in a column: pandas cuts numbers into intervals, which stand for their texts."""
    return value if isinstance(value, _FIELDS) or _is_missing(value) else str(value)


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
    odd = next((value for value in known if not isinstance(value, _FIELDS)), None)
    if isinstance(odd, Mapping | list | set | tuple | np.ndarray):
        raise TypeError(
            f"argument must be a string or a number; column {name!r} holds {type(odd).__name__}s: give each entry a "
            "column of its own"
        )
    if odd is not None:
        raise _unusable(name, type(odd))
    if all(isinstance(value, Real) and not isinstance(value, bool) for value in known):
        return pl.Series(name, [None if value is None else float(value) for value in plain], dtype=pl.Float64)
    if all(isinstance(value, timedelta) for value in known):
        return pl.Series(name, plain, dtype=pl.Duration)
    if all(hasattr(value, "isoformat") and not isinstance(value, timedelta) for value in known):
        return pl.Series(name, plain, strict=False)
    return pl.Series(name, [None if value is None else str(value) for value in plain], dtype=pl.String)


_FIELDS = (str, bool, np.bool_, Real, Decimal, date, time, timedelta, UUID, PurePath, Enum)  #: what a field may be

_REMEDIES = {  #: for a type that is no field, by a part of its name
    "Period": "give dates, such as its .dt.to_timestamp()",
    "Interval": "give numbers, such as its .array.mid, or text, as .astype(str)",
    "complex": "give numbers, such as its real and its imaginary part",
    "longdouble": "give numbers of 64 bits, as .astype('float64')",
    "bytes": "decode them to text, such as by .str.decode('utf-8')",
}


def _unusable(name: str, kind: type) -> DataError:
    called = kind.__name__
    remedy = next((remedy for part, remedy in _REMEDIES.items() if part in called), "give numbers, text or dates")
    return DataError("column.unusable", name=name, type=called, remedy=remedy)


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
