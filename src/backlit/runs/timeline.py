"""A timeline: a line of steps in a run. You can return to any of its states, and go on from its end."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from backlit.core.state import State
from backlit.engines.protocol import Rows
from backlit.errors import ArgumentError, DataError, RunWarning, require
from backlit.explain.trace import Trace, trace, trace_of_step
from backlit.model import Model
from backlit.runs.archive import Archive
from backlit.runs.file import named, writing
from backlit.runs.fork import altered
from backlit.runs.recorder import Recorder, transaction
from backlit.runs.records import (
    arithmetic_difference,
    bare_state,
    checksum_of,
    engine_of,
    figure_names,
    figures_of,
    network_from,
    put_snapshot,
    put_timeline,
    settings_from,
    settings_text,
    state_of,
)
from backlit.runs.schema import (
    DamageError,
    EpochRow,
    Snapshot,
    Stretch,
    TimelineRow,
    parsed,
    put,
)
from backlit.runs.sense import rows_of
from backlit.tables.target import WatchedMetric
from backlit.training import (
    Epoch,
    Event,
    Events,
    Plan,
    Reason,
    Settings,
    Stopped,
    go_on,
    rate_at,
    replay,
    train,
    why_stop,
)
from backlit.words import say, to_json

if TYPE_CHECKING:
    import polars as pl

LAST = 2**62  #: beyond every step
FEW = 8  #: rows that are listed one by one
UNFINISHED = (None, "interrupted", "max_seconds")  #: reasons of timelines that were cut off


class Best(NamedTuple):
    """The weights that predict.

    Attributes
    ----------
    step : whose they are
    theta : (p,)
    watched : whether they did best on the watched rows; where none are watched, they are those of the last snapshot
    """

    step: int
    theta: np.ndarray
    watched: bool


class End(NamedTuple):
    """Where a timeline ends, as of its last snapshot.

    Attributes
    ----------
    planned : the step to which its schedule, or a call that was interrupted, would take it; or to which it came
    best : the step whose weights predict, where rows are watched and that state can be made again; else None
    reason : by which of its settings it is finished, or that it diverged; None where something is left to train
    """

    planned: int
    best: int | None
    reason: str | None


class Timeline:
    """A line of steps, and all its states.

    Its attributes never change; they are read when it is opened. What grows while it is trained, such as `steps`, is
    asked by methods: each answers from the file as it is then, while another process may be writing it.

    Attributes
    ----------
    number : in the file
    name : what it is called
    start : the step at which it leaves its parent; 0 for the first. Steps before are those of the parent
    parent : where it comes from
    changes : what is other than in its parent: each setting or weight with its old and its new value
    net : its network: the run's, but for dropout
    seed : of everything random in it
    engine : the name of the engine that makes its steps
    saved_rows : which rows are its own, as JSON; `learn` and `watch` read them
    """

    def __init__(self, run: Archive, row: TimelineRow, parent: Timeline | None) -> None:
        self.run, self.parent = run, parent
        self.number, self.name, self.start = row.number, row.name, row.step
        self.seed, self.engine = int(row.seed), row.engine
        self.changes: dict[str, Any] = parsed(row.changes)
        self.saved_rows: Mapping[str, Any] = parsed(row.rows)
        self.net = run.net if row.network is None else network_from(parsed(row.network))

    def __repr__(self) -> str:
        with self.run.reading():
            reason, last = self.reason(), self.steps()
        ended = f", ended: {reason}" if reason else ""
        changes = f"\n  changes: {json.dumps(self.changes)}"[:200] * (self.parent is not None)
        return f"<timeline {self.name!r} of {str(self.run.path)!r}: steps {self.start:,} to {last:,}{ended}{changes}>"

    @property
    def lineage(self) -> tuple[Timeline, ...]:
        """The timelines that lead here, the first one first, this one last."""
        line: list[Timeline] = [self]
        while line[-1].parent is not None:
            line.append(line[-1].parent)
        return (*reversed(line),)

    def owner(self, step: int) -> Timeline:
        """The timeline of the lineage that made a step's state."""
        return next(timeline for timeline in reversed(self.lineage) if timeline.start <= step)

    # --- where it stands now -------------------------------------------------------------------------------------

    def row(self) -> TimelineRow:
        """As the file has it now."""
        with self.run.reading() as file:
            rows = rows_of(file, TimelineRow, "number = ?", self.number)
        if not rows:
            raise DataError("run.dropped", path=self.run.path, timeline=self.number)
        return rows[0]

    def reason(self) -> str | None:
        """Why it ended; None while it goes on, or where it was cut off."""
        return self.row().reason

    def finished(self) -> Reason | None:
        """Why nothing is left to resume; None where something is."""
        with self.run.reading():
            row, state = self.row(), self.nearest()
            if row.reason in UNFINISHED or _left_over(row, state) is not None:
                return None
            return why_stop(state, settings_from(row.settings))

    def end(self) -> End:
        """Where it ends; no weights are read for it."""
        with self.run.reading():
            row, steps, snapshots = self.row(), self.steps(), self.snapshots()
            if not snapshots:
                raise DamageError("damage.no_start", timeline=self.name)
            last = bare_state(snapshots[-1])
            best = None if last.best is None or last.best.step < self.lineage[0].start else last.best.step
            reason = row.reason if row.reason == "diverged" else why_stop(last, settings_from(row.settings))
            return End(max(steps, last.begun + last.planned, row.stop or 0), best, reason)

    def commands(self) -> list[str]:
        """The lines typed that make it again, in their order; none where it was not made by a command."""
        return self.run.about().get("commands", {}).get(self.name, [])

    def settings(self) -> Settings:
        """How it trains; going on beyond its end changes its limits."""
        with self.run.reading():
            return settings_from(self.row().settings)

    def steps(self) -> int:
        """The number of the last state there is: the one before this step."""
        with self.run.reading() as file:
            self.row()
            ((last,),) = file.execute(
                "SELECT CAST(max((SELECT coalesce(max(stop), 0) FROM stretches WHERE timeline = ?1), "
                "(SELECT coalesce(max(step), 0) FROM snapshots WHERE timeline = ?1)) AS INTEGER)", (self.number,),
            ).fetchall()  # fmt: skip
            return last

    def epochs(self) -> tuple[Epoch, ...]:
        """The figures of each epoch, those of the lineage before it included."""
        epochs: list[Epoch] = []
        with self.run.reading() as file:
            for timeline in self.lineage:
                epochs = [epoch for epoch in epochs if epoch.step <= timeline.start]
                epochs += [
                    Epoch(row.epoch, row.step, row.error, row.metric, bool(row.improved))
                    for row in rows_of(file, EpochRow, "timeline = ?", timeline.number)
                ]
        return tuple(epochs)

    def snapshots(self) -> list[Snapshot]:
        """The states that are stored whole, in their order."""
        with self.run.reading() as file:
            return rows_of(file, Snapshot, "timeline = ?", self.number)

    def curves(self, start: int = 0, stop: int | None = None) -> pl.DataFrame:
        """The recorded figures of the steps from `start` to before `stop`: a row a step.

        Columns: step, rate, E, gradient_norm, update_norm; and for each layer, called by its weights, gradient_norm_w1
        and stuck_w1, the share of its units that passed no error back. Where steps were too fast or too many to keep
        all, every second, fourth, ... is there.
        """
        import polars as pl

        names = figure_names(self.run.net)
        parts = [pl.DataFrame(schema={"step": pl.Int64, "rate": pl.Float64, **dict.fromkeys(names, pl.Float32)})]
        line = self.lineage
        with self.run.reading() as file:
            last = self.steps() if stop is None else stop
            for own, ends in zip(line, [*(after.start for after in line[1:]), last]):
                begins, ends = max(own.start, start), min(ends, last)
                settings = own.settings()
                anchors = rows_of(file, Snapshot, "timeline = ? AND anchor", own.number)
                asked = ("timeline = ? AND stop > ? AND start < ?", own.number, begins, ends)
                for stretch in rows_of(file, Stretch, *asked):
                    steps = np.arange(stretch.start, stretch.stop, stretch.every)
                    anchor = max((a for a in anchors if a.step <= stretch.start), key=lambda a: a.step, default=None)
                    if anchor is None:
                        raise DamageError("damage.no_start", timeline=own.name)
                    table = pl.DataFrame(figures_of(stretch, len(names)), schema=names)
                    rates = pl.Series("rate", rate_at(settings, bare_state(anchor), steps))
                    table = table.select(pl.Series("step", steps), rates, *names)
                    parts.append(table.filter(pl.col("step").is_between(begins, ends, closed="left")))
        return pl.concat(parts)

    def learn(self) -> Rows:
        """The rows that it learns from, and how much each counts."""
        return self.run.rows(self.saved_rows["learn"])

    def watch(self) -> Rows | None:
        """The rows that it watches."""
        saved = self.saved_rows["watch"]
        return None if saved is None else self.run.rows(saved)

    def numbers(self, part: Literal["learn", "watch"] = "learn") -> np.ndarray:
        """The numbers in the table of the rows that it learns from or watches; they need not be at hand."""
        saved = self.saved_rows[part]
        return np.empty(0, np.int64) if saved is None else self.run.numbers(saved)

    def rows_in_words(self) -> str:
        """Which rows it learns from: "row 0", "rows 3, 8", or where they are many, "13,831 rows"."""
        rows = self.numbers()
        if len(rows) > FEW:
            return say("timeline.rows", rows=len(rows))
        return say("timeline.row" if len(rows) == 1 else "timeline.few_rows", rows=rows.tolist())

    def plan(self) -> Plan:
        """Its network, rows, settings and engine: all that training needs."""
        run = self.run
        with run.reading():
            row = self.row()
            key = (row.number, row.settings)
            if key not in run.plans:
                settings, learn = settings_from(row.settings), self.learn()
                engine = engine_of(run.path, row, self.net, settings, learn.data.X.dtype)
                metric = None if run.metric is None else WatchedMetric(run.metric, run.table.target, self.net.loss)
                run.plans[key] = Plan(self.net, learn, settings, watch=self.watch(), metric=metric, engine=engine)
            return run.plans[key]

    # --- any of its moments --------------------------------------------------------------------------------------

    def best(self) -> Best:
        """Which step's weights predict, and those weights, as of the last snapshot."""
        state = self.nearest()
        if state.best is None:
            return Best(state.step, state.theta, False)
        return Best(state.best.step, state.best.theta, True)

    def model(self, step: int | None = None) -> Model:
        """What predicts with the weights of a step; None: with the best."""
        theta = self.best().theta if step is None else self.at(step).theta
        return Model(self.run.table, self.net, theta)

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
        with self.run.reading():
            first, last = self.lineage[0].start, self.steps()
            step = last if step is None else step
            good = lambda v: isinstance(v, int) and first <= v <= last
            step = int(require("step", step, good, f"a step from {first} to {last}"))
            owner = self.owner(step)
            return owner.made_again(owner.nearest(step), step)

    def made_again(self, state: State, stop: int) -> State:
        """The state before step `stop`, from an earlier one of this timeline."""
        for later in self.walk(state, stop):
            state = later
        return state

    def replay(self, start: int = 0, stop: int | None = None) -> Iterator[State]:
        """Every state from one step to another, both included."""
        stop = self.steps() if stop is None else stop
        state = self.at(start)
        yield state
        with self.run.reading() as file:
            anchors = {
                snapshot.step
                for timeline in self.lineage
                for snapshot in rows_of(file, Snapshot, "timeline = ? AND anchor", timeline.number)
                if self.owner(snapshot.step).number == timeline.number
            }
        for mark in sorted({stop, *(step for step in anchors if start < step < stop)}):
            for later in self.owner(state.step).walk(state, mark, stretch=1):
                if later.step < mark or mark not in anchors:
                    yield (state := later)
            if mark in anchors:
                yield (state := self.at(mark))

    def nearest(self, step: int = LAST) -> State:
        """The last snapshot before or at a step that can be read."""
        query = "SELECT step, anchor FROM snapshots WHERE timeline = ? AND step <= ? ORDER BY step DESC"
        with self.run.reading() as file:
            optimizer = self.settings().optimizer
            for at, anchor in file.execute(query, (self.number, step)).fetchall():
                try:
                    for snapshot in rows_of(file, Snapshot, "timeline = ? AND step = ?", self.number, at):
                        return state_of(file, snapshot, self.seed, self.net, optimizer)
                except DamageError:
                    if anchor:
                        raise
            raise DamageError("damage.no_start", timeline=self.name)

    def walk(self, state: State, stop: int, stretch: int | None = None) -> Iterator[State]:
        """The states after one of this timeline, by making its steps again; compared with what was recorded."""
        if state.step == stop:
            return
        between = ("timeline = ? AND step > ? AND step <= ?", self.number, state.step, stop)
        with self.run.reading() as file:
            plan, row = self.plan(), self.row()
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
            warnings.warn(say("run.recomputed", step=state.step, why=other), RunWarning, stacklevel=4)
        for mark in sorted({stop, *sums}):
            with named(self.run.path):
                for later in replay(plan, state, mark, scores, stretch):
                    state = later
                    yield state
            if exact and mark in sums and checksum_of(state) != sums[mark]:
                exact = False
                warnings.warn(say("run.other_weights", step=mark), RunWarning, stacklevel=4)

    def trace(self, step: int | None = None, rows: Sequence[int] | None = None) -> Trace:
        """A moment taken apart.

        Parameters
        ----------
        step : None: the one whose weights predict; those weights alone, where its state cannot be made again
        rows : of the table; None: the step's own batch under its dropout masks, and the update that it made
        """
        run = self.run
        with run.reading():
            best = self.best() if step is None else None
            try:
                state = self.at(step if best is None else best.step)
            except DataError:
                if best is None:
                    raise
                X, Y = run.encoded(rows or ())
                return trace(self.net, best.theta, X, Y, rows=rows, table=run.table)
            owner = self.owner(state.step)
            if rows is None:
                return trace_of_step(owner.plan(), state, run.table)
            X, Y = run.encoded(rows)
            return trace(owner.net, state, X, Y, owner.settings(), rows=rows, table=run.table)

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
        steps = require("steps", steps, lambda v: v is None or (isinstance(v, int) and v >= 1), "1 or more, or None")
        with writing(self.run.path) as file:
            yield from self.record(file, steps, stretch)

    def record(self, file: sqlite3.Connection, steps: int | None = None, stretch: int | None = None) -> Events:
        """As `events`, into the run's file as `writing` opened it: several timelines may go on by turns."""
        run, path, plan = self.run, self.run.path, self.plan()
        row, state = self.row(), self.nearest()
        if other := arithmetic_difference(row, plan.engine):
            raise DataError("run.other_bits", path=path, why=other, step=state.step)
        if run.watched and plan.metric is None:
            raise DataError("run.own_metric", path=path, metric=run.watched)
        _forget_after(file, row, state)
        target = state.step + steps if steps else _left_over(row, state)
        stopped: Event | None = None
        while True:
            settings = settings_from(row.settings)
            reason = why_stop(state, settings)
            if reason is not None:
                if target is None and row.reason in UNFINISHED:  # killed when only that remained to be written
                    with transaction(file):
                        put(file, row._replace(reason=reason))
                    yield Stopped(state, reason)
                    return
                if target is None:
                    raise ArgumentError("run.ended", timeline=row.name, path=path, step=state.step, reason=reason)
                row, state, settings = _gone_on(file, row, state, settings, target)
            row = row._replace(stop=target, reason=None)
            with transaction(file):
                put(file, row)
            most = None if target is None else min(settings.max_steps or target, target)
            limit = settings if most is None else replace(settings, max_steps=most)
            recorder = Recorder(file, row, plan, run.max_size)
            for event in recorder.record(train(replace(plan, settings=limit), state, stretch=stretch)):
                state = event.state
                if isinstance(event, Stopped):
                    stopped, reason = event, event.reason
                else:
                    yield event
            row = recorder.row
            if target is None or state.step >= target or reason not in ("epochs", "max_steps"):
                break
        assert stopped is not None
        yield stopped

    def fork(self, step: int | None = None, *, name: str | None = None, **changes: Any) -> Timeline:
        """Begin another timeline at a step; nothing is trained yet.

        Its place in the schedule is that of the parent; where a change of `batch_size`, `epochs` or `max_steps` allows
        another number of steps, the rest of the schedule is stretched over them. A changed batch size goes on with the
        epoch's unread rows; a changed optimizer with an empty memory.

        Parameters
        ----------
        step : None: the last
        name : what to call it; None: "fork 1", "fork 2", ...
        changes : settings of the steps, as `Recipe` has them: optimizer, learning_rate, dropout, engine, ...; and new
            weights, by their names: weights={"w2[3, 1]": 0.2}
        """
        run = self.run
        with run.reading():
            state = self.at(None if step is None else int(step))
            owner = self.owner(state.step)
            fork = altered(state, owner.net, owner.settings(), owner.engine, owner.learn(), changes)
        with writing(run.path) as file, transaction(file):
            before = owner.row()
            rows = rows_of(file, TimelineRow)
            taken = {other.name for other in rows}
            name = name or next(f"fork {n}" for n in range(1, len(rows) + 2) if f"fork {n}" not in taken)
            require_free(name, rows)
            row = put_timeline(
                file, max(other.number for other in rows) + 1, name, fork.settings, fork.engine, fork.state,
                parent=owner.number, changes=to_json(fork.changes), rows=before.rows,
                network=before.network if fork.net is owner.net else to_json(fork.net.to_dict()),
            )  # fmt: skip
        return Timeline(run, row, owner)


def require_free(name: str, rows: Sequence[TimelineRow]) -> None:
    """Raise unless a timeline may be called so beside those of `rows`."""
    taken = {row.name for row in rows}
    require(
        "name",
        name,
        lambda v: v.strip() and v not in taken and v.isprintable(),
        "printable, and not that of a timeline",
    )


def _left_over(row: TimelineRow, state: State) -> int | None:
    """The step to which an interrupted call would have gone."""
    return row.stop if row.stop and row.stop > state.step else None


def _forget_after(file: sqlite3.Connection, row: TimelineRow, state: State) -> None:
    """Forget the figures of the steps after a state: they will be recorded again."""
    with transaction(file):
        file.execute("DELETE FROM stretches WHERE timeline = ? AND start >= ?", (row.number, state.step))
        file.execute("DELETE FROM epochs WHERE timeline = ? AND step > ?", (row.number, state.step))


def _gone_on(
    file: sqlite3.Connection, row: TimelineRow, state: State, settings: Settings, target: int
) -> tuple[TimelineRow, State, Settings]:
    """Beyond the end: another state and other settings, of which a snapshot is the only witness."""
    after, settings = go_on(state, settings, target)
    if after.begun != state.begun:
        warnings.warn(say("run.begins_again", step=state.step, steps=target - state.step), RunWarning, stacklevel=4)
    row = row._replace(settings=settings_text(settings))
    with transaction(file):
        put(file, row)
        put_snapshot(file, row.number, after, anchor=True)
    return row, after, settings


class _Scores(dict[int, float | None]):
    """The metric as it was after each epoch; one that was not recorded is damage."""

    def __missing__(self, epoch: int) -> float | None:
        raise DamageError("damage.no_epoch", epoch=epoch)
