"""A run: one file with all its timelines. Go back to any step of it, see it exactly, start over from there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.core.network import Network
from backlit.core.state import State
from backlit.engines.protocol import Rows
from backlit.errors import ArgumentError, DataError, UnknownNameError
from backlit.explain.trace import Trace
from backlit.model import Model
from backlit.runs.compare import Comparison, compare
from backlit.runs.file import create, lock, reading, require_new, writing
from backlit.runs.fork import fork
from backlit.runs.recorder import MAX_SIZE, Recorder, collect, snapshot_places, transaction
from backlit.runs.records import network_from, put_snapshot, timeline_row
from backlit.runs.rows import read_again, read_frame, read_part, write_rows
from backlit.runs.schema import DamageError, Fact, TimelineRow, made, parsed, put
from backlit.runs.sense import fact_of, rows_of
from backlit.runs.timeline import Timeline
from backlit.runs.verify import Report, verify
from backlit.tables.frames import to_frame
from backlit.tables.metrics import METRICS, Metric
from backlit.tables.table import Table
from backlit.training import Epoch, Plan
from backlit.words import to_json

if TYPE_CHECKING:
    import polars as pl

ROWS_SHARE = 0.5  #: of the bound on the file's size: what rows inside it may take
FIRST = "main"  #: the timeline that training begins


def open_run(path: str | Path, table: Any = None) -> Run:
    """A run file, to read and to go on with.

    Parameters
    ----------
    table : the table that it learnt from, a path or a frame, where the file does not hold its rows

    Raises
    ------
    DataError
        Not there, not a run file of backlit, damaged, or of another format.
    """
    run = Run(Path(path), table)
    if run.net.inputs != run.table.names:
        raise DataError(f"{path} is damaged (its network and its table name different inputs); restore it from a copy")
    return run


class Run:
    """A run file. Each question is answered from the file as it is then: another process may be writing it.

    Attributes
    ----------
    path : of the file
    """

    def __init__(self, path: Path, table: Any = None) -> None:
        self.path = path
        self._given = table
        self._data: dict[str, Rows | None] = {}
        self.plans: dict[Any, Plan] = {}  #: of its timelines, with their engines: kept, for they are costly to lay out

    def __repr__(self) -> str:
        timelines = self.timelines
        lines = [f"{timeline.name!r} to step {timeline.steps:,}" for timeline in timelines[:5]]
        lines += [f"and {len(timelines) - 5} more timelines"] * (len(timelines) > 5)
        return f"<run {str(self.path)!r}: {', '.join(lines)}\n  {self.model.summary}>"

    def again(self) -> Run:
        """The same for another thread: with engines of its own, while the rows are in memory once."""
        other, read = Run(self.path, self._given), vars(self)
        vars(other).update({name: read[name] for name in ("_data", "table", "net", "frame") if name in read})
        return other

    # --- what it is about ----------------------------------------------------------------------------------------

    def _facts(self) -> dict[str, Any]:
        with reading(self.path) as file:
            facts = {fact.key: parsed(fact.value) for fact in rows_of(file, Fact)}
            for key in ("table", "network", "data"):
                if key not in facts:
                    raise DamageError(f"it has no {key}")
            return facts

    @property
    def about(self) -> Mapping[str, Any]:
        """Scores, rows, versions and whatever else was recorded about the run."""
        return {key: value for key, value in self._facts().items() if key not in ("table", "network", "data")}

    @cached_property
    def table(self) -> Table:
        """The fitted table."""
        with reading(self.path) as file:
            return made(Table.from_dict, parsed(fact_of(file, "table")))

    @cached_property
    def net(self) -> Network:
        """The network."""
        with reading(self.path) as file:
            return network_from(fact_of(file, "network"))

    @property
    def metric(self) -> Metric | None:
        """What was watched; None: E, or a metric of the user's own."""
        return METRICS.get(self._facts().get("metric") or "")

    @property
    def max_size(self) -> int:
        """The bound on the file's size, in bytes."""
        return int(self._facts().get("max_size", MAX_SIZE))

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The table as it was read."""
        if self._given is not None:
            if not isinstance(self._given, str | Path):
                return to_frame(self._given)
            return read_again(self._given, self.about.get("text_encoding"), self.table)
        with reading(self.path) as file:
            return read_frame(file, self._facts(), self.path, self.table)

    def storage(self) -> dict[str, Any]:
        """How the file keeps it: bytes, snapshots, the seconds that the slowest step to restore is away from one (as
        its steps took when they were recorded), and whether encoded rows and the table are inside."""
        with reading(self.path) as file:
            facts = parsed(fact_of(file, "data"))
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

    def data(self, which: str) -> Rows | None:
        """The encoded rows to learn from, "train", or to watch, "validation"."""
        if which not in self._data:
            given = None if self._given is None else self.frame
            with reading(self.path) as file:
                self._data[which] = read_part(file, self._facts(), which, self.table, given, self.path)
        return self._data[which]

    def encoded(self, rows: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Some rows of the table, encoded in float64: X (n, d) and Y (n, k)."""
        frame, target = self.frame, self.table.target
        for row in rows:
            if not 0 <= row < frame.height:
                raise ArgumentError(f"row is {row}; it must be a row of the table, from 0 to {frame.height - 1}")
        some = frame[list(rows)]
        for name in target.names:
            if name not in frame.columns:
                raise DataError(f"the table of {self.path} has no column {name!r}; a trace needs the truth, so give a "
                                "table that has it")  # fmt: skip
            if some[name].null_count():
                raise DataError(f"row {rows[int(some[name].is_null().arg_max() or 0)]} has no {name}; a trace needs "
                                "the truth, so take another row")  # fmt: skip
        return self.table.encode(some, np.float64), target.encode(some.select(target.names))

    # --- timelines -----------------------------------------------------------------------------------------------

    @property
    def timelines(self) -> tuple[Timeline, ...]:
        """All, in the order in which they were begun."""
        with reading(self.path) as file:
            return tuple(Timeline(self, row.number) for row in rows_of(file, TimelineRow))

    def timeline(self, name: str | None = None) -> Timeline:
        """The one of that name; None: the first."""
        with reading(self.path) as file:
            rows = rows_of(file, TimelineRow)
            if not rows:
                raise DamageError("it has no timeline")
        for row in rows:
            if name is None or row.name == name:
                return Timeline(self, row.number)
        raise UnknownNameError("timeline", name, [row.name for row in rows])

    def at(self, step: int | None = None, timeline: str | None = None) -> State:
        """The state before a step, to the bit; see `Timeline.at`."""
        return self.timeline(timeline).at(step)

    def replay(self, start: int = 0, stop: int | None = None, timeline: str | None = None) -> Iterator[State]:
        """Every state from one step to another; see `Timeline.replay`."""
        return self.timeline(timeline).replay(start, stop)

    def trace(self, step: int | None = None, rows: Sequence[int] | None = None, timeline: str | None = None) -> Trace:
        """A moment taken apart; see `Timeline.trace`."""
        return self.timeline(timeline).trace(step, rows)

    def fork(self, step: int | None = None, timeline: str | None = None, **changes: Any) -> Timeline:
        """Begin another timeline at a step; see `backlit.runs.fork.fork` for what can be changed."""
        return Timeline(self, fork(self.timeline(timeline), step, **changes))

    def train(self, steps: int | None = None, timeline: str | None = None) -> Timeline:
        """Go on; see `Timeline.train`."""
        return self.timeline(timeline).train(steps)

    def compare(self, a: str, b: str, step: int | None = None) -> Comparison:
        """Two timelines side by side, each at its best or both at a step; see `backlit.runs.compare.compare`."""
        return compare(self.timeline(a), self.timeline(b), step)

    def verify(self, deep: bool = False) -> Report:
        """Whether all that is stored is as it was written; see `backlit.runs.verify.verify`."""
        return verify(self, deep)

    # --- of the first timeline -----------------------------------------------------------------------------------

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """Each epoch's figures, of the first timeline."""
        return self.timeline().epochs

    @property
    def theta(self) -> np.ndarray:
        """The weights that predict, of the first timeline."""
        return self.timeline().theta

    @property
    def model(self) -> Model:
        """What predicts, of the first timeline."""
        return self.timeline().model

    # --- keeping house -------------------------------------------------------------------------------------------

    def keep(self, name: str, keep: bool = True) -> None:
        """Protect a timeline, its snapshots included; or no longer."""
        with writing(self.path) as file, transaction(file):
            put(file, self.timeline(name).row._replace(kept=int(keep)))

    def drop(self, name: str) -> None:
        """Forget a timeline, its steps and its snapshots."""
        with writing(self.path) as file:
            row = self.timeline(name).row
            children = [other.name for other in rows_of(file, TimelineRow, "parent = ?", row.number)]
            if row.parent is None:
                raise ArgumentError(
                    f"timeline {name!r} is the first, from which all others come; delete the file instead"
                )
            if row.kept:
                raise ArgumentError(f"timeline {name!r} is kept; release it first (keep with keep=False, or --release)")
            if children:
                raise ArgumentError(f"timeline {name!r} has forks, {', '.join(children)}; drop those first")
            with transaction(file):
                for table in ("snapshots", "epochs", "stretches"):
                    file.execute(f"DELETE FROM {table} WHERE timeline = ?", (row.number,))
                file.execute("DELETE FROM timelines WHERE number = ?", (row.number,))
                collect(file)

    def gc(self) -> int:
        """Delete what nothing refers to, and give its bytes back to the disk; how many those were."""
        before = self.path.stat().st_size
        with writing(self.path) as file:
            with transaction(file):
                collect(file)
            file.execute("VACUUM")
        return before - self.path.stat().st_size

    def typed(self, timeline: str, line: str, more: bool = False) -> None:
        """Record the command that made a timeline; or one more that it was continued with."""
        commands = self.about.get("commands", {})
        before = commands.get(timeline, []) if more else []
        self.note(commands={**commands, timeline: [*before, line]})

    def note(self, **facts: Any) -> None:
        """Record something about the run, such as its scores."""
        with writing(self.path) as file, transaction(file):
            put(file, *(Fact(key, to_json(value)) for key, value in facts.items()))


@contextmanager
def recording(
    path: str | Path,
    table: Table,
    plan: Plan,
    state: State,
    *,
    frame: pl.DataFrame | None = None,
    about: Mapping[str, Any] | None = None,
    rows: bool = True,
    max_size: int | None = None,
    force: bool = False,
) -> Iterator[Recorder]:
    """Begin a run file; what the recorder is given until the end is recorded in it.

    Parameters
    ----------
    state : where training begins
    frame : the table as it was read, targets included
    about : more about the run; "source" is the file of the table
    rows : whether to keep the rows inside
    max_size : bytes; None: 200 MB
    force : replace a file that is there
    """
    path = require_new(path, force)
    max_size = MAX_SIZE if max_size is None else max_size
    about = dict(about or {})
    counts = {"train": len(plan.learn), "validation": 0 if plan.watch is None else len(plan.watch)}
    facts = {
        "rows": counts, **about, "versions": {name: version(name) for name in ("backlit", "numpy")},
        "max_size": max_size, "metric": getattr(plan.metric, "name", None),
        "table": table.to_dict(), "network": plan.net.to_dict(),
    }  # fmt: skip
    row = timeline_row(1, FIRST, plan.settings, state.seed, plan.engine)

    def fill(file: sqlite3.Connection) -> None:
        limit = int(ROWS_SHARE * max_size) if rows else -1
        facts["data"] = write_rows(file, plan, frame, limit)
        put(file, *(Fact(key, to_json(value)) for key, value in facts.items()), row)
        put_snapshot(file, 1, state, anchor=True)

    with lock(path):
        create(path, fill, force)
    with writing(path) as file:
        yield Recorder(file, row, plan, max_size)
