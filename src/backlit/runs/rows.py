"""The rows that a run learnt from: inside its file as they were read and as they were encoded, or outside by a hash.

X and Y are kept once; which of their rows are learnt from and watched, and how much each counts, is the timeline's.
Where a run is too large for that, or its rows are not to be handed on, the file keeps which rows they were and a hash,
and the table is read again from where it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.engines.protocol import Data
from backlit.runs.arrays import keep, store
from backlit.runs.columns import columns_of
from backlit.runs.schema import digest
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
        kept = {"hash": hash_of(data), "rows": store(file, rows)}
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


def write_rows(file: sqlite3.Connection, plan: Plan, encoded: Sequence[Data]) -> dict[str, Any]:
    """Keep which rows a plan learns from and watches, and how much each counts; their hashes."""
    return {name: None if rows is None else {
        "data": encoded.index(rows.data),
        "positions": store(file, np.asarray(rows.positions, np.int64)),
        "weights": None if rows.weights is None else store(file, rows.weights),
    } for name, rows in (("learn", plan.learn), ("watch", plan.watch))}  # fmt: skip


def hash_of(data: Data) -> str:
    """A hash of encoded rows, and of which rows of their table they are."""
    return digest(data.X.tobytes(), data.Y.tobytes(), np.asarray(data.rows, np.int64).tobytes()).hex()
