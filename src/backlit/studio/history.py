"""A run in whole: what it is about, its timelines and their figures, and two timelines side by side."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import name_of
from backlit.core.schedules import SCHEDULES
from backlit.errors import BacklitError, DataError, require
from backlit.explain.verdict_text import sentence
from backlit.problem import baselines
from backlit.recipe import SETTINGS
from backlit.runs.archive import Archive
from backlit.runs.course import judged
from backlit.runs.fork import CHANGES
from backlit.runs.race import proposed
from backlit.runs.run import FIRST, Run
from backlit.runs.timeline import FEW, Timeline
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.messages import (
    Change,
    CompareQuery,
    EpochPoint,
    HistoryQuery,
    MomentQuery,
    RowGap,
    RunQuery,
    VerdictQuery,
    WeightGap,
)
from backlit.tables.columns import Boolean, Category, Column, Number
from backlit.tables.fields import numbers
from backlit.tables.metrics import METRICS
from backlit.tables.reading import read_frame
from backlit.training import Epoch
from backlit.words import chance, number, plain

MOST_FITTED = 200_000  #: rows from which a linear model is fitted for the curves
TRUTHS = ("false", "true")


# --- the run -----------------------------------------------------------------------------------------------------


def run(desk: Desk, query: RunQuery) -> messages.Run:
    """A run, its timelines included."""
    opened = desk.opened(query.run)
    table, net = opened.table, opened.net
    return messages.Run(
        key=query.run,
        name=opened.path.name,
        target=", ".join(table.target.names),
        unit=table.target.unit,
        classes=table.target.labels,
        columns=desk.cached((opened, "columns"), lambda: tuple(_column(opened, one) for one in table.columns)),
        rows=desk.cached((opened, "rows"), lambda: _rows(opened)),
        opens=opened.about().get("opens", ""),
        sources=len(net.numbered[0].sources),
        layers=tuple(len(stage.units) for stage in net.numbered),
        weights=net.size,
        error=plain(opened.measure.name),
        error_unit=opened.measure.unit,
        notices=tuple(map(plain, table.notices)),
        timelines=tuple(map(timeline_message, opened.timelines())),
    )


def changed(desk: Desk, opened: Run, key: str) -> messages.Run:
    """A run that has another timeline now, or one that has gone on."""
    with desk.lock:
        desk.forget(opened, "settings", "timeline")
        return run(desk, RunQuery(run=key))


def timeline_message(timeline: Timeline) -> messages.Timeline:
    """A timeline, as it stands in the file now."""
    rows, end, parent = timeline.numbers(), timeline.end(), timeline.parent
    size = timeline.settings().batch_size or len(rows)
    return messages.Timeline(
        name=timeline.name,
        parent=parent and parent.name,
        start=timeline.start,
        steps=timeline.steps(),
        train=len(rows),
        validation=len(timeline.numbers("watch")),
        rows=tuple(rows.tolist()) if len(rows) <= FEW else (),
        best=end.best,
        planned=end.planned,
        steps_an_epoch=math.ceil(len(rows) / size),
        changes=_changes(timeline.changes),
        reason=end.reason,
        settings=_settings(timeline),
    )


def _settings(timeline: Timeline) -> dict[str, str]:
    own = timeline.settings()
    names = {"optimizer": name_of(OPTIMIZERS, own.optimizer), "schedule": name_of(SCHEDULES, own.schedule)}
    rest = {"dropout": timeline.net.dropout, "engine": timeline.engine}
    values = vars(own.optimizer) | vars(own) | names | rest
    return {name: SETTINGS[name].write(values[name]) for name in CHANGES}


def _changes(changes: Mapping[str, Any], of: str = "") -> tuple[Change, ...]:
    """Old and new values as text."""
    pairs = {**{k: v for k, v in changes.items() if k != "weights"}, **changes.get("weights", {})}
    return tuple(Change(of + name, _value(old), _value(new)) for name, (old, new) in pairs.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name"))
    return "none" if value is None else number(value) if isinstance(value, float) else str(value)


def _rows(opened: Run) -> int | None:
    try:
        return opened.frame().height
    except DataError:
        return None


def _column(opened: Run, column: Column) -> messages.Column:
    levels = column.levels if isinstance(column, Category) else TRUTHS if isinstance(column, Boolean) else ()
    low, high = _range(opened, column) if isinstance(column, Number) else (None, None)
    unit = column.unit if isinstance(column, Number) else ""
    return messages.Column(column.name, column.kind, unit, levels, low, high)


def _range(opened: Run, column: Number) -> tuple[float | None, float | None]:
    """The least and the greatest number that was learnt from; None where the table is not at hand."""
    if column.edges:
        return float(column.decode(column.edges[0])), float(column.decode(column.edges[-1]))
    try:
        values = numbers(opened.frame()[column.name][opened.timeline().numbers()])
    except DataError:
        return None, None
    return float(np.nanmin(values)), float(np.nanmax(values))


# --- figures -----------------------------------------------------------------------------------------------------


def epoch_point(run: Archive, epoch: Epoch) -> EpochPoint:
    """An epoch's errors, as people read them; where a metric was watched, E is left out."""
    figures = (None if run.watched else epoch.error, epoch.metric)
    train, validation = (None if value is None else run.measure(value) for value in figures)
    return EpochPoint(epoch.epoch, epoch.step, train, validation, epoch.improved)


def history(desk: Desk, query: HistoryQuery) -> messages.History:
    """A timeline's figures from the first step of its lineage on, at most so many."""
    require("points", query.points, lambda v: v >= 2, "2 or more")
    run, timeline = desk.opened(query.run), desk.timeline(query.run, query.timeline)
    saved = timeline.saved_rows["watch"] or timeline.saved_rows["learn"]
    curves = timeline.curves()
    columns = {name: curves[name].to_numpy().astype(np.float64) for name in
               ("step", "rate", "E", "gradient_norm", "update_norm")}  # fmt: skip
    n = curves.height
    starts = np.arange(0, n, max(1, math.ceil(n / query.points)))
    if n:
        sizes = np.diff(np.append(starts, n))
        gathered = {name: np.maximum.reduceat(values, starts) for name, values in columns.items()}
        gathered["E"] = np.add.reduceat(columns["E"], starts) / sizes
        gathered["step"] = columns["step"][starts]
        columns = gathered
    return messages.History(
        timeline=query.timeline,
        step=columns.pop("step").astype(int),
        **columns,
        epochs=tuple(epoch_point(timeline.run, epoch) for epoch in timeline.epochs()),
        baselines=desk.cached((run, "baselines", str(saved)), lambda: _baselines(run, saved)),
    )


def _baselines(run: Run, saved: Mapping[str, Any]) -> dict[str, float]:
    """The errors of the mean and of a linear model on some rows; none where table or figure are missing."""
    target, learn = run.table.target, run.timeline().saved_rows["learn"]
    metric = next((metric for metric in METRICS.values() if metric.title == run.measure.name), None)
    if metric is None or len(target.names) > 1 or saved["data"] != learn["data"]:
        return {}
    train, rows = run.numbers(learn), run.numbers(saved)
    if len(train) > MOST_FITTED:
        return {}
    try:
        sheet = read_frame(run.frame(), run.table.hints)
        targets = sheet.frame.select(target.names)
        truth = target.encode(targets[rows])
        predictions = baselines(sheet, run.table, targets, train, rows)
    except BacklitError:
        return {}
    truth = truth[:, 0] if target.classes else target.decode_targets(truth)
    return {name: metric.value(prediction, truth, None) for name, prediction in predictions.items()}


def verdict(desk: Desk, query: VerdictQuery) -> messages.Verdict:
    """What came of a timeline's training: as `backlit train` judged it, or else by its own figures."""
    run = desk.opened(query.run).again()
    timeline, about, target = run.timeline(query.timeline), run.about(), run.table.target
    known = about.get("verdict") if (timeline.name, timeline.steps()) == (FIRST, about.get("judged_at")) else None
    try:
        own = judged(timeline).to_dict() if known is None else known
    except DataError:  # the rows are elsewhere
        return messages.Verdict("")
    return messages.Verdict(plain(sentence(own, target.unit, target.names[0])))


def rates(desk: Desk, query: MomentQuery) -> messages.Rates:
    """Three learning rates that are worth a race from a moment."""
    state = desk.state(query.run, query.timeline, query.step)
    return messages.Rates(proposed(desk.timeline(query.run, query.timeline), state))


# --- two timelines -----------------------------------------------------------------------------------------------


def compare(desk: Desk, query: CompareQuery) -> messages.Comparison:
    """Two timelines: what b does in another way, and what has come of it."""
    require("most", query.most, lambda v: v >= 1, "1 or more")
    run = desk.opened(query.run)
    own = run.compare(query.a, query.b)
    target, others = run.table.target, {name: changes for name, changes in own.changes.items() if changes}
    changes = [_changes(pairs, f"{name}: " * (len(others) > 1)) for name, pairs in others.items()]
    rows, at = own.rows(), [f"{step:,}" for step in own.at]

    def text(value: Any) -> str:
        if isinstance(value, str):
            return plain(value)
        return chance(value) if target.classes else number(value, target.unit)

    def size(gain: float) -> str:
        if target.classes:
            return f"{number(100 * abs(gain), digits=3)} points"
        return number(abs(gain), target.unit)

    def gap(row: int, truth: Any, a: float, b: float, gain: float) -> RowGap:
        return RowGap(row, text(truth), text(a), text(b), gain, size(gain))

    gained = [gap(*row) for row in rows.head(query.most).iter_rows() if row[-1] > 0]
    lost = [gap(*row) for row in rows.tail(query.most).reverse().iter_rows() if row[-1] < 0]
    mean = float(rows["gain"].mean() or 0.0)  # type: ignore[arg-type]
    weights = own.weights.head(query.most).select("weight", "a", "b").iter_rows()
    return messages.Comparison(
        a=query.a,
        b=query.b,
        parted=own.parted,
        at=f"both at step {at[0]}" if at[0] == at[1] else f"each at its best: step {at[0]} and {at[1]}",
        changes=tuple(itertools.chain(*changes)),
        weights=tuple(WeightGap(*row) for row in weights),
        gained=tuple(gained),
        lost=tuple(lost),
        mean_gain=mean,
        mean_gain_text=size(mean),
    )
