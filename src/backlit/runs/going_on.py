"""Going on with a timeline: where it was cut off, to its end, or beyond."""

from __future__ import annotations

import sqlite3
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from backlit.core.state import State
from backlit.errors import ArgumentError, DataError, RunWarning, require
from backlit.runs.file import reading, writing
from backlit.runs.recorder import Recorder, transaction
from backlit.runs.records import arithmetic_difference, put_snapshot, settings_from, settings_text
from backlit.runs.schema import TimelineRow, put
from backlit.training import Event, Events, Reason, Settings, Stopped, go_on, train, why_stop

if TYPE_CHECKING:
    from backlit.runs.timeline import Timeline

LAST = 2**62  #: beyond every step
UNFINISHED = (None, "interrupted", "max_seconds")  #: reasons of timelines that were cut off


def events(timeline: Timeline, steps: int | None = None, stretch: int | None = None) -> Events:
    """Go on with a timeline, and record it; see `Timeline.train`."""
    steps = require("steps", steps, lambda v: v is None or (isinstance(v, int) and v >= 1), "1 or more, or None")
    path, plan = timeline.run.path, timeline.plan
    with writing(path) as file:
        row = timeline.stored(file)
        state = timeline.nearest(file, LAST)
        if other := arithmetic_difference(row, plan.engine):
            raise DataError(f"{path} cannot go on to the bit: {other}. Fork it from step {state.step} instead")
        if (metric := timeline.run.about["metric"]) and plan.metric is None:
            raise DataError(
                f"{path} watched a metric of its user's own, {metric!r}, which a file cannot hold; train again"
            )
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
                    raise ArgumentError(
                        f"timeline {row.name!r} of {path} has come to its end, step {state.step:,} ({reason}); say "
                        "how many steps it is to go on, or fork it"
                    )
                row, state, settings = _gone_on(file, row, state, settings, target)
            row = row._replace(stop=target, reason=None)
            with transaction(file):
                put(file, row)
            most = None if target is None else min(settings.max_steps or target, target)
            limit = settings if most is None else replace(settings, max_steps=most)
            recorder = Recorder(file, row, plan, timeline.run.max_size)
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


def finished(timeline: Timeline) -> Reason | None:
    """Why a timeline has nothing left to resume; None where it has."""
    with reading(timeline.run.path) as file:
        row, state = timeline.stored(file), timeline.nearest(file, LAST)
        if row.reason in UNFINISHED or _left_over(row, state) is not None:
            return None
        return why_stop(state, settings_from(row.settings))


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
        warnings.warn(
            f"the schedule ended at step {state.step:,}; it begins again over the next {target - state.step:,} steps",
            RunWarning, stacklevel=4,
        )  # fmt: skip
    row = row._replace(settings=settings_text(settings))
    with transaction(file):
        put(file, row)
        put_snapshot(file, row.number, after, anchor=True)
    return row, after, settings
