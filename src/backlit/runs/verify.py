"""Is a run file as it was written, and can what it recorded be made again?

Everything stored is looked at: SQLite's own structure, the seal of every row, every array that a snapshot names. A deep
look also makes every recorded step again and compares the weights with the checksums.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backlit.core.state import State
from backlit.errors import BacklitError, RunWarning
from backlit.runs.arrays import shape_of, unpack
from backlit.runs.file import reading
from backlit.runs.recorder import named_arrays
from backlit.runs.records import arithmetic_difference, numbers_of, vectors_of
from backlit.runs.schema import (
    NEEDED,
    TABLES,
    Blob,
    DamageError,
    EpochRow,
    Fact,
    Snapshot,
    Stretch,
    TimelineRow,
    called,
    each_row,
)
from backlit.runs.sense import require_sound
from backlit.runs.timeline import Timeline
from backlit.words import Remark


@dataclass
class Report:
    """What `verify` found.

    Attributes
    ----------
    rows : how many rows of each table were looked at
    damaged : what is not as it was written
    recoverable : what can still be read or made again, timeline by timeline
    replayed : how many steps were made again; 0 without a deep look
    """

    path: Path
    rows: dict[str, int] = field(default_factory=dict)
    damaged: list[Remark] = field(default_factory=list)
    recoverable: list[Remark] = field(default_factory=list)
    replayed: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damaged


def verify(path: Path, timelines: Sequence[Timeline] = ()) -> Report:
    """Look at everything that is stored in a run file.

    Parameters
    ----------
    timelines : of its run, whose every step is made again, too, which takes as long as training did

    Raises
    ------
    DataError
        It is no run file, or too damaged to be opened at all.
    """
    report = Report(path)
    with reading(path) as file:
        report.damaged += _structure(file)
        rows, broken = _rows(file, report)
    blobs = {blob.hash.hex() for blob in rows[Blob]}
    owners = named_arrays(rows[Fact], rows[TimelineRow], rows[Snapshot])
    lost = {owner: [name for name, key in arrays.items() if key not in blobs] for owner, arrays in owners.items()}
    report.damaged += [Remark("damage.arrays", owner=owner, names=names) for owner, names in lost.items() if names]
    report.damaged += _gaps(rows, broken)
    whole = [s for s in rows[Snapshot] if not lost[called(s)]]
    report.recoverable += [_recoverable(row, whole, rows) for row in rows[TimelineRow]]
    for timeline in timelines:
        _replay(timeline, report)
    return report


def _structure(file: sqlite3.Connection) -> list[Remark]:
    """What SQLite says of its pages."""
    try:
        said = [text for (text,) in file.execute("PRAGMA integrity_check(20)")]
    except sqlite3.DatabaseError as error:
        said = [str(error)]
    return [Remark("damage.structure", text=text) for text in said if text != "ok"]


def _rows(file: sqlite3.Connection, report: Report) -> tuple[dict[type, list[Any]], set[type]]:
    """The rows that are as they were written, by kind; and the kinds of which some are not."""
    sound: dict[type, list[Any]] = {kind: [] for kind in TABLES}
    broken: set[type] = set()
    for kind, (table, _) in TABLES.items():
        count = 0
        try:
            for row, sealed in each_row(file, kind):
                count += 1
                try:
                    require_sound(row, sealed and (not isinstance(row, Blob) or _unpacks(row)))
                    sound[kind].append(row._replace(data=b"") if isinstance(row, Blob) else row)
                except DamageError as error:
                    broken.add(kind)
                    report.damaged.append(Remark(error.kind, **error.facts))
        except sqlite3.DatabaseError as error:
            broken.add(kind)
            report.damaged.append(Remark("damage.unreadable", table=table, rows=count, why=str(error)))
        report.rows[table] = count
    return sound, broken


def _unpacks(blob: Blob) -> bool:
    try:
        unpack(blob.data, blob.dtype, shape_of(blob))
    except DamageError:
        return False
    return True


def _gaps(rows: dict[type, list[Any]], broken: set[type]) -> list[Remark]:
    """Facts, steps and epochs that should be there and are not, beyond rows already known to be damaged."""
    facts = {fact.key for fact in rows[Fact]}
    gaps = [Remark("damage.fact", key=key) for key in NEEDED if key not in facts]
    for row in rows[TimelineRow]:
        stretches = [s for s in rows[Stretch] if s.timeline == row.number]
        at = row.step
        for stretch in stretches if Stretch not in broken else ():
            if stretch.start != at:
                gaps.append(Remark("damage.figures", timeline=row.name, start=at, stop=stretch.start))
            at = stretch.stop
        numbers = [e.epoch for e in rows[EpochRow] if e.timeline == row.number]
        if EpochRow not in broken and numbers != list(range(numbers[0], numbers[0] + len(numbers)) if numbers else []):
            gaps.append(Remark("damage.epoch", timeline=row.name))
        if not any(s.timeline == row.number and s.anchor for s in rows[Snapshot]) and Snapshot not in broken:
            gaps.append(Remark("damage.no_start", timeline=row.name))
    if not rows[TimelineRow] and TimelineRow not in broken:
        gaps.append(Remark("damage.no_timeline"))
    return gaps


def _recoverable(row: TimelineRow, whole: list[Snapshot], rows: dict[type, list[Any]]) -> Remark:
    steps = sorted(s.step for s in whole if s.timeline == row.number)
    if not steps:
        return Remark("recoverable.nothing", timeline=row.name)
    last = max([steps[-1], *(s.stop for s in rows[Stretch] if s.timeline == row.number)])
    lost = sum(s.timeline == row.number for s in rows[Snapshot]) - len(steps)
    facts = {"timeline": row.name, "start": steps[0], "stop": last, "snapshots": len(steps), "lost": lost or None}
    return Remark("recoverable.states", **facts)


def _replay(timeline: Timeline, report: Report) -> None:
    """Make every step again, from each snapshot to the next, and compare."""
    try:
        other = arithmetic_difference(timeline.row(), timeline.plan().engine)
    except BacklitError as error:
        other = str(error)
    if other:
        report.recoverable.append(Remark("recoverable.no_bits", timeline=timeline.name, why=other))
        return
    snapshots = timeline.snapshots()
    for before, after in zip(snapshots, [*snapshots[1:], None]):
        stop = timeline.steps() if after is None else after.step
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RunWarning)
                state = timeline.made_again(timeline.at(before.step), stop)
            if after is not None and not after.anchor and _bits(state) != _bits(timeline.at(after.step)):
                raise DamageError("damage.other_state", step=stop)
            report.replayed += stop - before.step
        except (RunWarning, BacklitError) as error:
            steps = {"timeline": timeline.name, "start": before.step, "stop": stop}
            report.damaged.append(Remark("damage.steps", **steps, why=str(error)))


def _bits(state: State) -> tuple[Any, ...]:
    """All of a state, to compare."""
    vectors = {name: np.asarray(vector).tobytes() for name, vector in vectors_of(state).items()}
    return vectors, numbers_of(state), replace(state, theta=None, memory=None, best=None)
