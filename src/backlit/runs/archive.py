"""What a run file holds, but for its timelines: the table, the network, the rows and whatever was recorded of them."""

from __future__ import annotations

import copy
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from backlit.core.losses import Measure
from backlit.core.network import Network
from backlit.engines.protocol import Data, Rows
from backlit.errors import ArgumentError, DataError
from backlit.runs.arrays import load
from backlit.runs.columns import table_of
from backlit.runs.file import named, reading
from backlit.runs.recorder import MAX_SIZE, snapshot_places
from backlit.runs.records import network_from
from backlit.runs.rows import hash_of
from backlit.runs.schema import NEEDED, DamageError, Fact, made, parsed
from backlit.runs.sense import rows_of
from backlit.tables.frames import open_table, to_frame
from backlit.tables.metrics import METRICS, Metric
from backlit.tables.table import Table
from backlit.training import Plan

if TYPE_CHECKING:
    import polars as pl


#: facts that never change once the file is made
FIXED = ("table", "network", "data", "metric", "max_size", "source", "text_encoding")


class Archive:
    """A run file, but for its timelines.

    Its attributes never change; they are read when it is opened. What grows while it is written is asked by methods:
    each answers from the file as it is then. A run serves one thread; `again` is for another.

    Attributes
    ----------
    path : of the file
    table : the fitted table
    net : the network
    watched : the name of the metric that was watched; None: E was
    metric : that metric; None: E was watched, or a metric of the user's own
    measure : what was watched, as people read it
    max_size : the bound on the file's size, in bytes
    """

    def __init__(self, path: Path, table: Any = None) -> None:
        self.path = path
        self._table = table
        self._frame: pl.DataFrame | None = None
        self._data: dict[int, Data] = {}
        self._rows: dict[str, Rows] = {}
        self._open = threading.local()
        self.plans: dict[Any, Plan] = {}  #: of its timelines, with their engines: kept, for they are costly to lay out
        with self.reading() as file:
            facts = rows_of(file, Fact, f"key IN ({', '.join('?' * len(FIXED))})", *FIXED)
            self._facts = {fact.key: parsed(fact.value) for fact in facts}
            for key in NEEDED:
                if key not in self._facts:
                    raise DamageError("damage.fact", key=key)
            self.table: Table = made(Table.from_dict, self._facts["table"])
            self.net: Network = network_from(self._facts["network"])
            if self.net.inputs != self.table.names:
                raise DamageError("damage.inputs")
        self.watched: str | None = self._facts.get("metric")
        self.metric: Metric | None = METRICS.get(self.watched or "")
        target, loss = self.table.target, self.net.loss
        own = Measure(self.watched) if self.watched else target.measure(loss)
        self.measure = own if self.metric is None else self.metric.measure(target.unit)
        self.max_size = int(self._facts.get("max_size", MAX_SIZE))

    def again(self) -> Self:
        """The same for another thread: with engines of its own, while the rows are in memory once."""
        other = copy.copy(self)
        other.plans = {}
        return other

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file, to read; whatever is asked within is read through the same connection."""
        file = getattr(self._open, "file", None)
        if file is not None:
            with named(self.path):
                yield file
            return
        with reading(self.path) as file:
            self._open.file = file
            try:
                yield file
            finally:
                self._open.file = None

    # --- what it is about ----------------------------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """All that was recorded about the run: table, network, rows, scores, versions and so on."""
        with self.reading() as file:
            return {fact.key: parsed(fact.value) for fact in rows_of(file, Fact)}

    def frame(self) -> pl.DataFrame:
        """The table as it was read; raises `DataError` where it is not at hand."""
        if self._frame is None:
            kept, source = self._facts["data"].get("table"), self._table
            if source is None and kept is not None:
                with self.reading() as file:
                    self._frame = table_of(file, kept["rows"], kept["columns"])
                return self._frame
            if source is None:  # from the run's own folder alone, wherever a stranger says that it lies
                name = Path(self._facts.get("source") or "").name
                source = self.path.parent / name
                if not source.is_file():
                    raise DataError("run.no_table", path=self.path, source=name)
            if isinstance(source, str | Path):
                source = open_table(source, self._facts.get("text_encoding")).sheet(self.table.hints).frame
            self._frame = to_frame(source)
        return self._frame

    def storage(self) -> dict[str, Any]:
        """How the file keeps it: bytes, snapshots, the seconds that the slowest step to restore is away from one (as
        its steps took when they were recorded), and whether encoded rows and the table are inside."""
        facts = self._facts["data"]
        with self.reading() as file:
            places = [(timeline, seconds) for timeline, at in snapshot_places(file).items() for _, seconds, _ in at]
            ends = file.execute(
                "SELECT CAST(timeline AS INTEGER), total(seconds) FROM stretches GROUP BY timeline"
            ).fetchall()
        marks = sorted([*places, *ends])
        gaps = [b[1] - a[1] for a, b in pairwise(marks) if a[0] == b[0]]
        return {
            "bytes": self.path.stat().st_size, "snapshots": len(places), "slowest_restore": max(gaps, default=None),
            "rows": bool(facts.get("inside")), "table": facts.get("table") is not None,
        }  # fmt: skip

    def data(self, number: int = 0) -> Data:
        """Encoded rows, which timelines share.

        Raises
        ------
        DataError
            They are not at hand, or no longer what the run learnt from.
        """
        if number not in self._data:
            facts = self._facts["data"]
            with self.reading() as file:
                if number >= len(facts["encoded"]):
                    raise DamageError("damage.no_data", number=number)
                kept = facts["encoded"][number]
                rows = self._numbers(number)
                if facts["inside"]:
                    X, Y = np.ascontiguousarray(load(file, kept.get("X")).T), load(file, kept.get("Y"))
                    self._data[number] = made(Data, X, Y, rows)
                else:
                    self._data[number] = self._encoded_again(rows, kept["hash"])
        return self._data[number]

    def _numbers(self, number: int) -> np.ndarray:
        """Which rows of the table encoded rows are."""
        with self.reading() as file:
            rows = load(file, self._facts["data"]["encoded"][number]["rows"])
        if rows.ndim != 1 or rows.dtype != np.int64 or rows.min(initial=0) < 0:
            raise DamageError("damage.row_numbers")
        return rows

    def numbers(self, saved: Mapping[str, Any]) -> np.ndarray:
        """The numbers in the table of some rows, as a timeline names them; the rows themselves may be elsewhere."""
        with self.reading() as file:
            return made(lambda at: self._numbers(saved["data"])[at], load(file, saved["positions"]))

    def _encoded_again(self, rows: np.ndarray, hash_: str) -> Data:
        """Rows of the table at hand, if they are those that the run learnt from."""
        frame = self.frame()
        if len(rows) and rows.max() >= frame.height:
            raise DataError("run.short_table", path=self.path, rows=len(rows), last=rows.max(), height=frame.height)
        data = Data(self.table.encode(frame[rows]), self.table.target.encode(frame[rows]).astype(np.float32), rows)
        if hash_of(data) != hash_:
            raise DataError("run.other_table", path=self.path)
        return data

    def rows(self, saved: Mapping[str, Any]) -> Rows:
        """Some of the encoded rows, as a timeline names them."""
        key = str(sorted(saved.items()))
        if key not in self._rows:
            with self.reading() as file:
                data = self.data(saved["data"])
                weights = None if saved["weights"] is None else load(file, saved["weights"])
                chosen = made(
                    lambda positions: Rows(data, positions, weights, scaled=True), load(file, saved["positions"])
                )
            self._rows[key] = chosen
        return self._rows[key]

    def encoded(self, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Some rows of the table, encoded in float64: X (n, d) and Y (n, k)."""
        frame, target = self.frame(), self.table.target
        for row in rows:
            if not 0 <= row < frame.height:
                raise ArgumentError("trace.row", row=row, last=frame.height - 1)
        some = frame[list(rows)]
        for name in target.names:
            if name not in frame.columns:
                raise DataError("trace.no_column", name=name)
            if some[name].null_count():
                raise DataError("trace.no_truth", row=rows[int(some[name].is_null().arg_max() or 0)], name=name)
        return self.table.encode(some, np.float64), target.encode(some.select(target.names))
