"""A run: one file with all its timelines. Go back to any step of it, see it exactly, start over from there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backlit.core.state import State
from backlit.engines.protocol import Data
from backlit.errors import ArgumentError, UnknownNameError, require
from backlit.explain.trace import Trace
from backlit.model import Predictor
from backlit.runs.archive import Archive
from backlit.runs.compare import Comparison, compare
from backlit.runs.file import create, lock, require_new, writing
from backlit.runs.race import Lane, proposed, run_race, start
from backlit.runs.recorder import MAX_SIZE, Recorder, collect, transaction
from backlit.runs.records import put_timeline
from backlit.runs.rows import encoded_of, write_data, write_rows
from backlit.runs.schema import DamageError, Fact, TimelineRow, put
from backlit.runs.sense import rows_of
from backlit.runs.timeline import Timeline, require_free
from backlit.runs.verify import Report, verify
from backlit.tables.table import Table
from backlit.training import Plan
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
    return Run(Path(path), table)


class Run(Archive):
    """A run file with its timelines. Go back to any step, see it exactly, start over from there."""

    def __repr__(self) -> str:
        with self.reading():
            timelines = self.timelines()
            lines = [f"{timeline.name!r} to step {timeline.steps():,}" for timeline in timelines[:5]]
            model = self.model()
        lines += [f"and {len(timelines) - 5} more timelines"] * (len(timelines) > 5)
        return f"<run {str(self.path)!r}: {', '.join(lines)}\n  {model.summary}>"

    # --- timelines -----------------------------------------------------------------------------------------------

    def timelines(self) -> tuple[Timeline, ...]:
        """All, in the order in which they were begun."""
        timelines: dict[int | None, Timeline] = {}
        with self.reading() as file:
            for row in rows_of(file, TimelineRow):
                if row.parent is not None and row.parent not in timelines:
                    raise DamageError("damage.no_parent", timeline=row.name)
                timelines[row.number] = Timeline(self, row, timelines.get(row.parent))
            if not timelines:
                raise DamageError("damage.no_timeline")
        return tuple(timelines.values())

    def timeline(self, name: str | None = None) -> Timeline:
        """The one of that name; None: the first."""
        timelines = self.timelines()
        if name is None:
            return timelines[0]
        for timeline in timelines:
            if timeline.name == name:
                return timeline
        raise UnknownNameError("timeline", name, [timeline.name for timeline in timelines])

    def at(self, step: int | None = None, timeline: str | None = None) -> State:
        """The state before a step, to the bit; see `Timeline.at`."""
        with self.reading():
            return self.timeline(timeline).at(step)

    def replay(self, start: int = 0, stop: int | None = None, timeline: str | None = None) -> Iterator[State]:
        """Every state from one step to another; see `Timeline.replay`."""
        return self.timeline(timeline).replay(start, stop)

    def trace(self, step: int | None = None, rows: Sequence[int] | None = None, timeline: str | None = None) -> Trace:
        """A moment taken apart; see `Timeline.trace`."""
        with self.reading():
            return self.timeline(timeline).trace(step, rows)

    def fork(self, step: int | None = None, timeline: str | None = None, **changes: Any) -> Timeline:
        """Begin another timeline at a step; see `Timeline.fork` for what can be changed."""
        return self.timeline(timeline).fork(step, **changes)

    def begin(self, name: str, plan: Plan, state: State) -> Timeline:
        """Begin another first timeline, which learns from and watches rows of its own; nothing is trained yet.

        Parameters
        ----------
        plan : its rows are among the run's own, `data()`; its network takes the run's inputs
        state : where it begins, at the start of an epoch
        """
        if plan.net.inputs != self.net.inputs:
            raise ArgumentError("timeline.other_inputs", timeline=name)
        encoded = [self.data(number) for number in range(len(self._facts["data"]["encoded"]))]
        for part in (plan.learn, plan.watched):
            if part.data not in encoded:
                raise ArgumentError("timeline.other_rows", timeline=name)
        if state.used:
            raise ArgumentError("timeline.mid_epoch", timeline=name, used=state.used)
        with writing(self.path) as file, transaction(file):
            rows = rows_of(file, TimelineRow)
            require_free(name, rows)
            row = _put_first(file, rows[-1].number + 1, name, plan, state, encoded, plan.net != self.net)
        return Timeline(self, row, None)

    def train(self, steps: int | None = None, timeline: str | None = None) -> Timeline:
        """Go on; see `Timeline.train`."""
        return self.timeline(timeline).train(steps)

    def race(
        self,
        rates: Sequence[float] | None = None,
        steps: int = 30,
        step: int | None = None,
        timeline: str | None = None,
    ) -> tuple[Lane, ...]:
        """Train on from one step with several learning rates, by turns; each is a timeline of its own afterwards.

        `print(*run.race(step=0), sep="\\n")` says what came of each. One that diverges does not end the others.

        Parameters
        ----------
        rates : None: one with which E hardly moves, the present one, and one beyond what E's curvature along the step
            allows; see `backlit.explain.curvature.trial_rates`
        steps : with each of them
        step, timeline : from where; None: the last step, of the first timeline
        """
        steps = require("steps", steps, lambda v: isinstance(v, int) and v >= 1, "1 or more")
        begins = self.timeline(timeline)
        rates = proposed(begins, begins.at(step)) if rates is None else rates
        return run_race(start(begins, rates, step, [one.name for one in self.timelines()]), steps)

    def compare(self, a: str, b: str, step: int | None = None) -> Comparison:
        """Two timelines side by side, each at its best or both at a step; see `backlit.runs.compare.compare`."""
        return compare(self.timeline(a), self.timeline(b), step)

    def verify(self, deep: bool = False) -> Report:
        """Whether all that is stored is as it was written; see `backlit.runs.verify.verify`.

        Parameters
        ----------
        deep : make every step again, too, which takes as long as training did
        """
        return verify(self.path, self.timelines() if deep else ())

    def model(self) -> Predictor:
        """What predicts: the first timeline's network with its best weights."""
        with self.reading():
            return self.timeline().model()

    # --- keeping house -------------------------------------------------------------------------------------------

    def keep(self, name: str, keep: bool = True) -> None:
        """Protect a timeline, its snapshots included; or no longer."""
        with writing(self.path) as file, transaction(file):
            put(file, self.timeline(name).row()._replace(kept=int(keep)))

    def drop(self, name: str) -> None:
        """Forget a timeline, its steps and its snapshots."""
        with writing(self.path) as file:
            row = self.timeline(name).row()
            children = [other.name for other in rows_of(file, TimelineRow, "parent = ?", row.number)]
            if row.number == 1:
                raise ArgumentError("timeline.first", timeline=name)
            if row.kept:
                raise ArgumentError("timeline.kept", timeline=name)
            if children:
                raise ArgumentError("timeline.forks", timeline=name, forks=children)
            with transaction(file):
                for table in ("snapshots", "epochs", "stretches"):
                    file.execute(f"DELETE FROM {table} WHERE timeline = ?", (row.number,))
                file.execute("DELETE FROM timelines WHERE number = ?", (row.number,))
                collect(file)
        self.plans.clear()  # another timeline may get its number

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
        commands = self.about().get("commands", {})
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
    max_size: int = MAX_SIZE,
    force: bool = False,
    name: str = FIRST,
) -> Iterator[Recorder]:
    """Begin a run file; what the recorder is given until the end is recorded in it.

    Parameters
    ----------
    state : where training begins
    frame : the table as it was read, targets included
    about : more about the run; "source" is the file of the table
    rows : whether to keep the rows inside
    max_size : bytes
    force : replace a file that is there
    name : of its first timeline
    """
    path = require_new(path, force)
    about = dict(about or {})
    counts = {"train": len(plan.learn), "validation": 0 if plan.watch is None else len(plan.watch)}
    facts = {
        "rows": counts, **about, "versions": {name: version(name) for name in ("backlit", "numpy")},
        "max_size": max_size, "metric": getattr(plan.metric, "name", None),
        "table": table.to_dict(), "network": plan.net.to_dict(),
    }  # fmt: skip

    def fill(file: sqlite3.Connection) -> None:
        limit = int(ROWS_SHARE * max_size) if rows else -1
        facts["data"] = write_data(file, encoded_of(plan), frame, limit)
        put(file, *(Fact(key, to_json(value)) for key, value in facts.items()))
        _put_first(file, 1, name, plan, state, encoded_of(plan))

    with lock(path):
        create(path, fill, force)
    with writing(path) as file:
        (row,) = rows_of(file, TimelineRow)
        yield Recorder(file, row, plan, max_size)


def _put_first(
    file: sqlite3.Connection, number: int, name: str, plan: Plan, state: State, encoded: Sequence[Data],
    own_net: bool = False,
) -> TimelineRow:  # fmt: skip
    """Write a timeline that comes from no other, and the state with which it begins."""
    rows, net = to_json(write_rows(file, plan, encoded)), to_json(plan.net.to_dict()) if own_net else None
    return put_timeline(file, number, name, plan.settings, plan.engine, state, rows=rows, network=net)
