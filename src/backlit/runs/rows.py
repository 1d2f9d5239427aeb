"""The rows that a run learnt from: inside its file as they were read and as they were encoded, or outside by a hash.

Where a run is too large for that, or its rows are not to be handed on, the file keeps which rows they were, their
weights and a hash, and the table is read again from where it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
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


def write_rows(file: sqlite3.Connection, plan: Plan, frame: pl.DataFrame | None, limit: int) -> dict[str, Any]:
    """Keep a plan's rows; what is to be known of them, as JSON.

    Parameters
    ----------
    frame : the table as it was read, targets included
    limit : rows of more bytes than this stay outside
    """
    parts = {"train": plan.learn, "validation": plan.watch}
    inside = sum(part.X.nbytes + part.Y.nbytes for part in parts.values() if part is not None) <= limit
    facts: dict[str, Any] = {"inside": inside, "table": None}
    for name, part in parts.items():
        facts[name] = None if part is None else _write_part(file, part, inside)
    columns = columns_of(frame) if inside and frame is not None else None
    if columns and sum(len(blob.data) for _, blobs in columns for blob in blobs.values()) <= limit:
        kept = [
            {**column, "arrays": {name: keep(file, blob) for name, blob in blobs.items()}} for column, blobs in columns
        ]
        facts["table"] = {"rows": len(frame), "columns": kept}  # type: ignore[arg-type]
    return facts


def _write_part(file: sqlite3.Connection, part: Rows, inside: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "hash": _hash(part),
        "rows": store(file, part.rows.astype(np.int64)),
        "weights": None if part.weights is None else store(file, part.weights),
    }
    if inside:  # column after column, since columns repeat their values
        facts |= {"X": store(file, np.ascontiguousarray(part.X.T)), "Y": store(file, part.Y)}
    return facts


def _hash(part: Rows) -> str:
    weights = None if part.weights is None else part.weights.tobytes()
    return digest(part.X.tobytes(), part.Y.tobytes(), weights, part.rows.astype(np.int64).tobytes()).hex()


def read_part(
    file: sqlite3.Connection, about: Mapping[str, Any], which: str, table: Table, given: pl.DataFrame | None, path: Path
) -> Rows | None:
    """The encoded rows to learn from, "train", or to watch, "validation"; None where there are none.

    Parameters
    ----------
    about : the facts about the run
    given : the table, where the file does not hold it
    path : of the run file, for messages

    Raises
    ------
    DataError
        They are not at hand, or no longer what the run learnt from.
    """
    part = about["data"].get(which)
    if part is None:
        return None
    rows = load(file, part["rows"])
    if rows.ndim != 1 or rows.dtype != np.int64 or rows.min(initial=0) < 0:
        raise DamageError(f"the numbers of the {which} rows are none")
    weights = None if part.get("weights") is None else load(file, part["weights"])
    if about["data"]["inside"]:
        X, Y = np.ascontiguousarray(load(file, part.get("X")).T), load(file, part.get("Y"))
        return made(lambda: Rows(Data(X, Y, rows), None, weights, scaled=True))
    if given is None:
        given = _outside(about, path, table)
    if len(rows) and rows.max() >= given.height:
        raise DataError(f"{path} learnt from {len(rows):,} rows up to row {rows.max():,}, but the table that is given "
                        f"has {given.height:,}; give the table as it was")  # fmt: skip
    some = given[rows]
    data = Data(table.encode(some), table.target.encode(some).astype(np.float32), rows)
    encoded = Rows(data, None, weights, scaled=True)
    if _hash(encoded) != part["hash"]:
        raise DataError(f"the rows of {path} have changed: the table at hand is not the one it learnt from; "
                        "give the table as it was (table=, or --table)")  # fmt: skip
    return encoded


def read_frame(file: sqlite3.Connection, about: Mapping[str, Any], path: Path, table: Table) -> pl.DataFrame:
    """The table as it was read; raises `DataError` where it is not at hand."""
    kept = about["data"].get("table")
    return _outside(about, path, table) if kept is None else table_of(file, kept["rows"], kept["columns"])


def _outside(about: Mapping[str, Any], path: Path, table: Table) -> pl.DataFrame:
    """The table from the file it was read from; only from the run's own folder, wherever a stranger says it lies."""
    source = about.get("source")
    place = path.parent / Path(source).name if isinstance(source, str) else None
    if source is None or place is None or not place.is_file():
        told = f", and its table {Path(source).name!r} is not beside it" if source else ""
        raise DataError(f"{path} keeps no rows{told}; give the table that it learnt from (table=, or --table)")
    return read_again(place, about.get("text_encoding"), table)


def read_again(place: str | Path, text_encoding: str | None, table: Table) -> pl.DataFrame:
    """A file of the table's rows, read as it was when the run learnt from it."""
    return open_table(place, text_encoding).sheet(table.hints).frame
