"""A timeline: a line of steps in a run. You can return to any of its states, and go on from its end."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.core.network import Network
from backlit.core.state import State
from backlit.errors import DataError, RunWarning, require
from backlit.explain.trace import Trace, trace, trace_of_step
from backlit.model import Model
from backlit.runs.figures import figures
from backlit.runs.file import named, reading
from backlit.runs.going_on import LAST, events, finished
from backlit.runs.records import (
    arithmetic_difference,
    checksum_of,
    engine_of,
    epoch_of,
    network_from,
    settings_from,
    state_of,
)
from backlit.runs.schema import (
    DamageError,
    EpochRow,
    Snapshot,
    Stretch,
    TimelineRow,
    each_row,
    parsed,
)
from backlit.runs.sense import require_sound, rows_of
from backlit.tables.target import WatchedMetric
from backlit.training import (
    Epoch,
    Events,
    Plan,
    Reason,
    Settings,
    replay,
)

if TYPE_CHECKING:
    import polars as pl

    from backlit.runs.run import Run


@dataclass(frozen=True, eq=False)
class Timeline:
    """A line of steps, and all its states. What is read is what the file holds now, while it may be written.

    Steps before `start` are those of the parent.
    """

    run: Run
    number: int

    def __repr__(self) -> str:
        row = self.row
        ended = f", ended: {row.reason}" if row.reason else ""
        steps = f"steps {row.step:,} to {self.steps:,}{ended}"
        changes = f"\n  changes: {row.changes}"[:200] * (row.parent is not None)
        return f"<timeline {row.name!r} of {str(self.run.path)!r}: {steps}{changes}>"

    # --- what it is ----------------------------------------------------------------------------------------------

    @property
    def row(self) -> TimelineRow:
        """As the file has it."""
        with reading(self.run.path) as file:
            return self.stored(file)

    def stored(self, file: sqlite3.Connection) -> TimelineRow:
        """As the file has it."""
        found = rows_of(file, TimelineRow, "number = ?", self.number)
        if not found:
            raise DataError(f"{self.run.path} has no timeline {self.number} any more; it was dropped")
        return found[0]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.row.name

    @property
    def start(self) -> int:
        """The step at which it leaves its parent; 0 for the first."""
        return self.row.step

    @property
    def parent(self) -> Timeline | None:
        """Where it comes from."""
        number = self.row.parent
        return None if number is None else Timeline(self.run, number)

    @property
    def changes(self) -> dict[str, Any]:
        """What is other than in its parent: each setting or weight with its old and its new value."""
        with reading(self.run.path) as file:
            return parsed(self.stored(file).changes)

    @property
    def reason(self) -> str | None:
        """Why it ended; None while it goes on, or where it was cut off."""
        return self.row.reason

    @property
    def commands(self) -> list[str]:
        """The lines typed that make it again, in their order; none where it was not made by a command."""
        return self.run.about.get("commands", {}).get(self.name, [])

    @property
    def finished(self) -> Reason | None:
        """Why nothing is left to resume; None where something is."""
        return finished(self)

    @property
    def settings(self) -> Settings:
        """How it trains."""
        with reading(self.run.path) as file:
            return settings_from(self.stored(file).settings)

    @property
    def net(self) -> Network:
        """Its network: the run's, but for dropout."""
        with reading(self.run.path) as file:
            text = self.stored(file).network
            return self.run.net if text is None else network_from(text)

    @property
    def steps(self) -> int:
        """The number of the last state there is: the one before this step."""
        with reading(self.run.path) as file:
            return self._steps(file)

    def _steps(self, file: sqlite3.Connection) -> int:
        self.stored(file)
        ((last,),) = file.execute(
            "SELECT CAST(max((SELECT coalesce(max(stop), 0) FROM stretches WHERE timeline = ?1), "
            "(SELECT coalesce(max(step), 0) FROM snapshots WHERE timeline = ?1)) AS INTEGER)", (self.number,),
        ).fetchall()  # fmt: skip
        return last

    @property
    def plan(self) -> Plan:
        """Its network, rows, settings and engine: all that training needs."""
        run, plans = self.run, self.run.plans
        with reading(run.path) as file:
            row = self.stored(file)
            settings = settings_from(row.settings)
        key = (row.number, row.settings)
        if key not in plans:
            net = self.net
            data = run.data("train")
            engine = engine_of(run.path, row, net, settings, data.data.X.dtype if data is not None else np.float32)
            if data is None:
                raise DataError(f"{run.path} keeps no rows and does not know which they were; train again")
            metric, target = run.metric, run.table.target
            watched = None if metric is None else WatchedMetric(metric, target, net.loss)
            plans[key] = Plan(net, data, settings, watch=run.data("validation"), metric=watched, engine=engine)
        return plans[key]

    @cached_property
    def lineage(self) -> tuple[tuple[Timeline, int], ...]:
        """The timelines that lead here, the first one first, this one last; each with the step at which it begins."""
        parent = self.parent
        return (*(parent.lineage if parent else ()), (self, self.start))

    def owner(self, step: int) -> Timeline:
        """The timeline of the lineage that made a step's state."""
        return next(timeline for timeline, start in reversed(self.lineage) if start <= step)

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The figures of each epoch, those of the lineage before it included."""
        found: list[Epoch] = []
        with reading(self.run.path) as file:
            for timeline, start in self.lineage:
                found = [epoch for epoch in found if epoch.step <= start]
                found += [epoch_of(row) for row in rows_of(file, EpochRow, "timeline = ?", timeline.number)]
        return tuple(found)

    # --- any of its moments --------------------------------------------------------------------------------------

    def at(self, step: int | None = None) -> State:
        """The state before a step, to the bit; None: the last.

        Raises
        ------
        DataError
            The step is not there, or what is needed for it is damaged.

        Warns
        -----
        RunWarning
            Where it had to be recomputed by other arithmetic than recorded it.
        """
        first, last = self.lineage[0][1], self.steps
        step = last if step is None else step
        good = lambda v: isinstance(v, int) and first <= v <= last
        step = int(require("step", step, good, f"a step from {first} to {last}"))
        owner = self.owner(step)
        if owner.number != self.number:
            return owner.at(step)
        with reading(self.run.path) as file:
            state = self.nearest(file, step)
        return self.made_again(state, step)

    def made_again(self, state: State, stop: int) -> State:
        """The state before step `stop`, from an earlier one of this timeline."""
        for later in self.walk(state, stop):
            state = later
        return state

    def replay(self, start: int = 0, stop: int | None = None) -> Iterator[State]:
        """Every state from one step to another, both included."""
        stop = self.steps if stop is None else stop
        state = self.at(start)
        yield state
        with reading(self.run.path) as file:
            anchors = {
                snapshot.step: timeline
                for timeline, begins in self.lineage
                for snapshot in rows_of(file, Snapshot, "timeline = ? AND anchor", timeline.number)
                if self.owner(snapshot.step).number == timeline.number
            }
        for mark in sorted({stop, *(step for step in anchors if start < step < stop)}):
            for later in self.owner(state.step).walk(state, mark, stretch=1):
                if later.step < mark or mark not in anchors:
                    yield (state := later)
            if mark in anchors:
                yield (state := self.at(mark))

    @property
    def snapshots(self) -> list[Snapshot]:
        """The states that are stored whole, in their order."""
        with reading(self.run.path) as file:
            return rows_of(file, Snapshot, "timeline = ?", self.number)

    def nearest(self, file: sqlite3.Connection, step: int) -> State:
        """The last snapshot before or at a step that can be read."""
        row, size = self.stored(file), self.net.size
        query = "SELECT step FROM snapshots WHERE timeline = ? AND step <= ? ORDER BY step DESC"
        for (at,) in file.execute(query, (self.number, step)).fetchall():
            for snapshot, sealed in [*each_row(file, Snapshot, "timeline = ? AND step = ?", self.number, at)]:
                try:
                    return state_of(file, require_sound(snapshot, sealed), int(row.seed), size)
                except DamageError:
                    if snapshot.anchor:
                        raise
        raise DamageError(f"timeline {row.name!r} has no snapshot before step {step}")

    def walk(self, state: State, stop: int, stretch: int | None = None) -> Iterator[State]:
        """The states after one of this timeline, by making its steps again; compared with what was recorded."""
        if state.step == stop:
            return
        plan, row = self.plan, self.row
        between = ("timeline = ? AND step > ? AND step <= ?", self.number, state.step, stop)
        with reading(self.run.path) as file:
            scores = _Scores({
                epoch.epoch: np.nan if epoch.metric is None and plan.watching else epoch.metric
                for epoch in rows_of(file, EpochRow, *between)
            })  # fmt: skip
            sums = {
                stretch.stop: stretch.checksum
                for stretch in rows_of(file, Stretch, "timeline = ? AND stop > ? AND stop <= ?",
                                       self.number, state.step, stop)
            }  # fmt: skip
        exact = not (other := arithmetic_difference(row, plan.engine))
        if other:
            warnings.warn(
                f"the steps after {state.step} are recomputed, not recorded: {other}", RunWarning, stacklevel=4
            )
        for mark in sorted({stop, *sums}):
            with named(self.run.path):
                for later in replay(plan, state, mark, scores, stretch):
                    state = later
                    yield state
            if exact and mark in sums and checksum_of(state) != sums[mark]:
                exact = False
                warnings.warn(
                    f"the steps up to {mark} are recomputed, not recorded: they end with other weights than they did "
                    "when they were recorded; snapshots are exact", RunWarning, stacklevel=4,
                )  # fmt: skip

    @property
    def theta(self) -> np.ndarray:
        """The weights that predict, as of the last snapshot: the best ones if any rows were watched, else the last."""
        with reading(self.run.path) as file:
            state = self.nearest(file, LAST)
        return state.theta if state.best is None else state.best.theta

    @property
    def model(self) -> Model:
        """What predicts."""
        return Model(self.run.table, self.net, self.theta)

    def trace(self, step: int | None = None, rows: Sequence[int] | None = None) -> Trace:
        """A moment taken apart.

        Parameters
        ----------
        step : None: the one whose weights predict
        rows : of the table; None: the step's own batch under its dropout masks, and the update that it made
        """
        run = self.run
        state = self._best() if step is None else self.at(step)
        if isinstance(state, np.ndarray):
            X, Y = run.encoded(rows or ())
            return trace(self.net, state, X, Y, rows=rows, table=run.table)
        owner = self.owner(state.step)
        if rows is not None:
            X, Y = run.encoded(rows)
            return trace(owner.net, state, X, Y, owner.settings, rows=rows, table=run.table)
        return trace_of_step(owner.plan, state, run.table)

    def _best(self) -> State | np.ndarray:
        """The state whose weights predict; those weights alone, where its step cannot be made again."""
        last = self.at()
        if last.best is None:
            return last
        try:
            return self.at(last.best.step)
        except DataError:
            return last.best.theta

    def figures(self, start: int = 0, stop: int | None = None) -> pl.DataFrame:
        """The recorded figures of the steps from `start` to before `stop`: a row a step.

        Columns: step, rate, E, gradient_norm, update_norm; and for each layer, called by its weights, gradient_norm_w1
        and stuck_w1, the share of its units that passed no error back. Where steps were too fast or too many to keep
        all, every second, fourth, ... is there.
        """
        return figures(self, start, self.steps if stop is None else stop)

    # --- going on ------------------------------------------------------------------------------------------------

    def train(self, steps: int | None = None) -> Timeline:
        """Go on, and record it; None: to where its settings end it, or to where an interrupted call would have gone.

        Beyond the end of a schedule that ends, it begins again over the steps that are asked for; a warning says so.
        """
        for _ in self.events(steps):
            pass
        return self

    def events(self, steps: int | None = None, stretch: int | None = None) -> Events:
        """As `train`, event by event; stretch: steps from one event to the next, see `backlit.training.train`."""
        return events(self, steps, stretch)


class _Scores(dict[int, float | None]):
    """The metric as it was after each epoch; one that was not recorded is damage."""

    def __missing__(self, epoch: int) -> float | None:
        raise DamageError(f"the figures of epoch {epoch} are not there")
