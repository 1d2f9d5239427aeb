"""The rows that a run learnt from: inside its file as they were read and as they were encoded, or outside by a hash.

X and Y are kept once; which of their rows are learnt from and watched, and how much each counts, is the timeline's.
Where a run is too large for that, or its rows are not to be handed on, the file keeps which rows they were and a hash,
and the table is read again from where it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.engines.protocol import Data, Rows
from backlit.errors import DataError
from backlit.runs.arrays import keep, load, store
from backlit.runs.columns import columns_of, table_of
from backlit.runs.schema import DamageError, digest, made
from backlit.tables.frames import open_table
from backlit.tables.table import Table
from backlit.training import Plan

if TYPE_CHECKING:
    import polars as pl


def write_data(
    file: sqlite3.Connection, encoded: Sequence[Data], frame: pl.DataFrame | None, limit: int
) -> dict[str, Any]:
    """Keep encoded rows; what is to be known of them, as JSON.

    Parameters
    ----------
    encoded : of one table; rows to watch may come from another, with row numbers of their own
    frame : the table as it was read, targets included
    limit : rows of more bytes than this stay outside
    """
    inside = sum(data.X.nbytes + data.Y.nbytes for data in encoded) <= limit
    facts: dict[str, Any] = {"inside": inside, "table": None, "encoded": []}
    for data in encoded:
        rows = np.asarray(data.rows, np.int64)
        kept = {"hash": _hash(data), "rows": store(file, rows)}
        if inside:  # column after column, since columns repeat their values
            kept |= {"X": store(file, np.ascontiguousarray(data.X.T)), "Y": store(file, data.Y)}
        facts["encoded"].append(kept)
    columns = columns_of(frame) if inside and frame is not None else None
    if columns and sum(len(blob.data) for _, blobs in columns for blob in blobs.values()) <= limit:
        kept = [
            {**column, "arrays": {name: keep(file, blob) for name, blob in blobs.items()}} for column, blobs in columns
        ]
        facts["table"] = {"rows": len(frame), "columns": kept}  # type: ignore[arg-type]
    return facts


def encoded_of(plan: Plan) -> list[Data]:
    """The data whose rows a plan learns from and watches, each once."""
    return [plan.learn.data, *([] if plan.watched.data is plan.learn.data else [plan.watched.data])]


def write_rows(file: sqlite3.Connection, plan: Plan) -> dict[str, Any]:
    """Keep which rows a plan learns from and watches, and how much each counts; their hashes."""
    return {name: None if rows is None else {
        "data": encoded_of(plan).index(rows.data),
        "positions": store(file, np.asarray(rows.positions, np.int64)),
        "weights": None if rows.weights is None else store(file, rows.weights),
    } for name, rows in (("learn", plan.learn), ("watch", plan.watch))}  # fmt: skip


def _hash(data: Data) -> str:
    return digest(data.X.tobytes(), data.Y.tobytes(), np.asarray(data.rows, np.int64).tobytes()).hex()


def read_rows(file: sqlite3.Connection, saved: Mapping[str, Any], data: Data) -> Rows:
    """Some rows of the data, as `write_rows` kept which."""
    weights = None if saved["weights"] is None else load(file, saved["weights"])
    return made(lambda positions: Rows(data, positions, weights, scaled=True), load(file, saved["positions"]))


def read_data(
    file: sqlite3.Connection, about: Mapping[str, Any], number: int, table: Table, given: pl.DataFrame | None,
    path: Path,
) -> Data:  # fmt: skip
    """Encoded rows.

    Parameters
    ----------
    about : the facts about the run
    number : which of those that it keeps
    given : the table, where the file does not hold it
    path : of the run file, for messages

    Raises
    ------
    DataError
        They are not at hand, or no longer what the run learnt from.
    """
    if number >= len(about["data"]["encoded"]):
        raise DamageError("damage.no_data", number=number)
    kept = about["data"]["encoded"][number]
    rows = load(file, kept["rows"])
    if rows.ndim != 1 or rows.dtype != np.int64 or rows.min(initial=0) < 0:
        raise DamageError("damage.row_numbers")
    if about["data"]["inside"]:
        X, Y = np.ascontiguousarray(load(file, kept.get("X")).T), load(file, kept.get("Y"))
        return made(Data, X, Y, rows)
    if given is None:
        given = _outside(about, path, table)
    if len(rows) and rows.max() >= given.height:
        raise DataError("run.short_table", path=path, rows=len(rows), last=rows.max(), height=given.height)
    some = given[rows]
    data = Data(table.encode(some), table.target.encode(some).astype(np.float32), rows)
    if _hash(data) != kept["hash"]:
        raise DataError("run.other_table", path=path)
    return data


def read_frame(file: sqlite3.Connection, about: Mapping[str, Any], path: Path, table: Table) -> pl.DataFrame:
    """The table as it was read; raises `DataError` where it is not at hand."""
    kept = about["data"].get("table")
    return _outside(about, path, table) if kept is None else table_of(file, kept["rows"], kept["columns"])


def _outside(about: Mapping[str, Any], path: Path, table: Table) -> pl.DataFrame:
    """The table from the file it was read from; only from the run's own folder, wherever a stranger says it lies."""
    source = about.get("source")
    place = path.parent / Path(source).name if isinstance(source, str) else None
    if source is None or place is None or not place.is_file():
        raise DataError("run.no_table", path=path, source=source and Path(source).name)
    return read_again(place, about.get("text_encoding"), table)


def read_again(place: str | Path, text_encoding: str | None, table: Table) -> pl.DataFrame:
    """A file of the table's rows, read as it was when the run learnt from it."""
    return open_table(place, text_encoding).sheet(table.hints).frame
