"""Recording: what training yields, written to a run file while it goes on.

Each transaction holds the figures of the steps since the last one, the epochs that ended, and, where one is due, a
snapshot of the state; so a kill at any moment leaves a run that can go on from its last snapshot.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from backlit.core.state import State
from backlit.engines.protocol import Figures
from backlit.errors import DivergedError
from backlit.runs.arrays import pack
from backlit.runs.records import checksum_of, figure_names, figures_of, put_snapshot, real, vectors_of
from backlit.runs.schema import EpochRow, Fact, Snapshot, Stretch, TimelineRow, called, parsed, put
from backlit.runs.sense import rows_of
from backlit.training import Epoch, EpochDone, Event, Events, Plan, StepsDone, Stopped

MAX_SIZE = 200_000_000  #: bytes of a run file, unless another bound is given
RESTORE_SECONDS = 0.14  #: of steps between two snapshots, so that any step is back in under 0.2
FLUSH_SECONDS = 0.25  #: from one transaction to the next, where no snapshot is due
COST = 10  #: times what a snapshot costs must pass before the next
MOST_FIGURES = 10_000  #: steps of a stretch whose figures are kept
FIGURES_SHARE = 0.25  #: of the bound on the file's size
NO_ARRAYS = ("hash", "data")  #: what stands beside the names of arrays in JSON


class Place(NamedTuple):
    """Where a snapshot is: its step, the seconds of its timeline's steps before it, and whether it must stay."""

    step: int
    seconds: float
    stays: bool


class Recorder:
    """Writes the events of one timeline.

    Parameters
    ----------
    file : from `writing`
    row : the timeline
    plan : what it trains
    max_size : bytes; snapshots, and figures too, become sparser before the file grows beyond
    """

    def __init__(self, file: sqlite3.Connection, row: TimelineRow, plan: Plan, max_size: int) -> None:
        self.file, self.row, self.max_size = file, row, max_size
        self._rows, self._columns = len(plan.learn), len(figure_names(plan.net))
        self._steps: list[tuple[int, Figures, float]] = []  # first step, figures, seconds
        self._epochs: list[EpochRow] = []
        self._state: State | None = None  # the last one that is a state before a step
        self._ready = 0  # so many of `_steps` lead to it
        self._places = snapshot_places(file)
        self._own = self._places[row.number]
        self._seconds = self._own[-1].seconds  # of the timeline's steps up to `_state`
        self._interval = RESTORE_SECONDS
        self._flushed = self._snapped = time.perf_counter()
        self._cost = 0.0
        self._known: dict[int, tuple[Any, str]] = {}  # the last snapshot's arrays by id, and their hashes

    def record(self, events: Events) -> Events:
        """The events, each taken in before it is passed on; what is left over is written when they end."""
        reason: str | None = "interrupted"
        try:
            for event in events:
                if isinstance(event, Stopped):  # its state may be ahead of what was told, where Ctrl-C cut that off
                    reason = event.reason
                else:
                    self._take(event)
                yield event
        except DivergedError:
            reason = "diverged"
            raise
        except sqlite3.Error:
            reason = None  # nothing more can be written
            raise
        finally:
            if reason is not None:
                self.row = self.row._replace(reason=reason)
                self._flush(snapshot=True)

    def _take(self, event: Event) -> None:
        if isinstance(event, StepsDone):
            self._steps.append((event.state.step - len(event.figures.E), event.figures, event.seconds))
        if isinstance(event, EpochDone):
            epoch, step, error, metric, improved = Epoch.of(event)
            self._epochs.append(EpochRow(self.row.number, epoch, step, real(error), real(metric), int(improved)))
        if event.state.used >= self._rows:
            return  # the epoch's last step is made, but the state before the next one is that of `EpochDone`
        self._seconds += sum(seconds for *_, seconds in self._steps[self._ready :])
        self._state, self._ready = event.state, len(self._steps)
        now = time.perf_counter()
        ahead = self._steps[-1][2] if self._steps else 0.0
        due = self._seconds - self._own[-1].seconds + ahead > self._interval
        due = due and now - self._snapped >= COST * self._cost
        if due or now - self._flushed >= FLUSH_SECONDS:
            self._flush(due)

    def _flush(self, snapshot: bool) -> None:
        """Write what has come in since the last time, in one transaction."""
        clock = time.perf_counter()
        state = self._state
        snapshot = snapshot and state is not None and state.step > self._own[-1].step
        with transaction(self.file):
            if self._ready:
                put(self.file, self._stretch())
            put(self.file, *self._epochs, self.row)
            if state is not None and snapshot:
                self._make_room(sum(np.asarray(vector).nbytes for vector in vectors_of(state).values()))
                known = put_snapshot(self.file, self.row.number, state, known=self._known)
        self._steps, self._ready, self._epochs = self._steps[self._ready :], 0, []  # once all of it is in the file
        self._flushed = time.perf_counter()
        if state is not None and snapshot:
            self._snapped, self._cost, self._known = self._flushed, self._flushed - clock, known
            self._own.append(Place(state.step, self._seconds, False))

    def _stretch(self) -> Stretch:
        steps = self._steps[: self._ready]
        table = np.concatenate([np.column_stack(figures) for _, figures, _ in steps]).astype(np.float32)
        every = math.ceil(len(table) / MOST_FIGURES)
        seconds = max(0.0, sum(seconds for *_, seconds in steps))  # a clock may be set back
        assert self._state is not None
        checksum = checksum_of(self._state)
        return Stretch(self.row.number, steps[0][0], self._state.step, every, seconds, checksum, pack(table[::every]))

    def _make_room(self, wanted: int) -> None:
        """Forget the snapshots that are missed the least, until there is room for another; then figures."""
        while used_bytes(self.file) + wanted > self.max_size:
            gaps = [
                (after.seconds - before.seconds, timeline, place)
                for timeline, places in self._places.items()
                for before, place, after in zip(places, places[1:], places[2:])
                if not place.stays
            ]
            if not gaps:
                break
            gap, timeline, place = min(gaps, key=lambda missed: missed[0])
            self._places[timeline].remove(place)
            self.file.execute("DELETE FROM snapshots WHERE timeline = ? AND step = ?", (timeline, place.step))
            collect(self.file)
            if timeline == self.row.number:
                self._interval = max(self._interval, gap / 2)
        ((figures,),) = self.file.execute("SELECT coalesce(sum(length(figures)), 0) FROM stretches").fetchall()
        if figures > FIGURES_SHARE * self.max_size:
            _halve_figures(self.file, self._columns)


# --- parts of a file that more than the recorder writes ----------------------------------------------------------


@contextmanager
def transaction(file: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside, or nothing."""
    try:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("COMMIT")
    except BaseException:  # Ctrl-C at any moment, too
        if file.in_transaction:  # SQLite may have given up by itself
            file.rollback()
        raise


def used_bytes(file: sqlite3.Connection) -> int:
    """Bytes of the file's pages that hold something."""
    pages, free, size = (
        file.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def collect(file: sqlite3.Connection) -> None:
    """Delete the arrays that nothing refers to any more."""
    kept = {bytes.fromhex(key) for key in referred(file)}
    gone = [(key,) for (key,) in file.execute("SELECT hash FROM blobs") if key not in kept]
    file.executemany("DELETE FROM blobs WHERE hash = ?", gone)


def referred(file: sqlite3.Connection) -> set[str]:
    """The hashes of the arrays that a file's rows name."""
    facts = rows_of(file, Fact, "key = 'data'")
    owners = named_arrays(facts, rows_of(file, TimelineRow), rows_of(file, Snapshot))
    return {key for arrays in owners.values() for key in arrays.values()}


def named_arrays(
    facts: Iterable[Fact], timelines: Iterable[TimelineRow], snapshots: Iterable[Snapshot]
) -> dict[str, dict[str, str]]:
    """What names arrays, as messages call it: the name and the hash of each."""
    owners: dict[str, dict[str, str]] = {}
    for data in (parsed(fact.value) for fact in facts if fact.key == "data"):
        columns = (data.get("table") or {}).get("columns", [])
        owners |= {f"column {column['name']!r}": column["arrays"] for column in columns}
        owners |= {f"data {number}": encoded for number, encoded in enumerate(data["encoded"])}
    for row in timelines:
        owners |= {f"{called(row)}, {part}": arrays or {} for part, arrays in parsed(row.rows).items()}
    owners |= {called(row): parsed(row.arrays) for row in snapshots}
    return {o: {n: key for n, key in arrays.items() if key and n not in NO_ARRAYS} for o, arrays in owners.items()}


def snapshot_places(file: sqlite3.Connection) -> dict[int, list[Place]]:
    """Where each timeline's snapshots are."""
    places: dict[int, list[Place]] = {}
    query = """
        SELECT CAST(s.timeline AS INTEGER), CAST(s.step AS INTEGER), s.anchor OR t.kept, (
            SELECT total(seconds) FROM stretches WHERE timeline = s.timeline AND stop <= s.step
        ) FROM snapshots s JOIN timelines t ON t.number = s.timeline ORDER BY s.timeline, s.step
    """
    for timeline, step, stays, seconds in file.execute(query):
        places.setdefault(timeline, []).append(Place(step, seconds, bool(stays)))
    return places


def _halve_figures(file: sqlite3.Connection, columns: int) -> None:
    """Keep the figures of every second step of those that are kept."""
    for stretch in rows_of(file, Stretch):
        table = figures_of(stretch, columns)
        if len(table) > 1:
            put(file, stretch._replace(every=2 * stretch.every, figures=pack(table[::2])))
