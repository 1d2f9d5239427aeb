"""Rows of the table: one as people read it, and those whose predictions are off the most."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from backlit.errors import DataError, require
from backlit.model import Model
from backlit.runs.run import Run
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.messages import Cell, Feature, RowError, RowErrors, RowQuery, RowsQuery
from backlit.studio.moments import in_unit, likeliest
from backlit.tables.columns import Boolean, Category, Column, Number
from backlit.tables.fields import level_texts, numbers, truths
from backlit.tables.metrics import METRICS, log_losses
from backlit.words import number, plain

MISSING = "missing"


def row(desk: Desk, query: RowQuery) -> messages.Row:
    """A row of the table."""
    run = desk.opened(query.run)
    frame, table = run.frame(), run.table
    require("row", query.row, lambda v: 0 <= v < frame.height, f"a row of the table, from 0 to {frame.height - 1}")
    one, target = frame[query.row : query.row + 1], table.target
    learnt = {column.name for column in table.columns}
    others = [one[name] for name in frame.columns if name not in learnt and name not in target.names]
    true = [_entry(one[name], target.unit).text for name in target.names if name in frame.columns]
    return messages.Row(
        row=query.row,
        part=_part(run, query.row),
        features=tuple(_feature(column, one[column.name]) for column in table.columns),
        others=tuple(map(_entry, others)),
        truth=", ".join(true),
    )


def _part(run: Run, row: int) -> str:
    """For what a row is used."""
    first = run.timeline()
    parts = {"train": first.learn(), "validation": first.watch()}
    return next((name for name, part in parts.items() if part is not None and row in part.rows), "")


def _feature(column: Column, field: pl.Series) -> Feature:
    """An entry as its column takes it, so that the page can hand it back."""
    if field[0] is None:
        return Feature(column.name, None, MISSING)
    if isinstance(column, Number):
        value = float(numbers(field)[0])
        missing = value != value
        return Feature(column.name, None if missing else value, MISSING if missing else number(value, column.unit, 6))
    if isinstance(column, Boolean):
        truth = truths(field)[0] == 1
        return Feature(column.name, bool(truth), "yes" if truth else "no")
    if isinstance(column, Category):
        text = level_texts(field, column.written)[0]
        return Feature(column.name, text, MISSING if text is None else plain(text))
    return _entry(field)


def _entry(field: pl.Series, unit: str = "") -> Feature:
    """An entry as it stands in the table."""
    value = _cell(field[0])
    if isinstance(field[0], int) and not isinstance(field[0], bool):
        return Feature(field.name, value, number(field[0], unit, 6) if unit else str(field[0]))
    text = MISSING if value is None else number(value, unit, 6) if isinstance(value, float) else plain(value)
    return Feature(field.name, value, text)


def _cell(value: Any) -> Cell:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, date):  # and times, which are dates
        return value.isoformat()
    try:
        value = float(value)
    except (TypeError, ValueError):
        return str(value)
    return None if value != value else value


def worst(desk: Desk, query: RowsQuery) -> RowErrors:
    """The rows whose predictions are off the most, under the weights of a moment."""
    require("most", query.most, lambda v: v >= 0, "0 or greater")
    run, theta = desk.opened(query.run), desk.state(query.run, query.timeline, query.step).theta
    owner = desk.timeline(query.run, query.timeline).owner(query.step)
    data = owner.watch() if query.which == "validation" else owner.learn()
    if data is None:
        raise DataError("studio.no_rows", which=query.which)
    target, P = run.table.target, Model(run.table, owner.net, theta).decode_encoded(data.X)
    if target.classes:
        truth = data.Y[:, 0].astype(int)
        off = log_losses(P, truth)
    else:
        T = target.decode_targets(np.asarray(data.Y, np.float64))
        off = np.abs(P - T).mean(axis=1)
    order = np.argsort(-off, kind="stable")[: query.most].tolist()

    def text(error: float) -> str:
        return f"{METRICS['log_loss'].title} {number(error)}" if target.classes else number(error, target.unit)

    def error(i: int) -> RowError:
        if target.classes:
            true, prediction = plain(target.labels[truth[i]]), likeliest(target, P[i])
        else:
            true, prediction = in_unit(target, T[i]), in_unit(target, P[i])
        return RowError(int(data.rows[i]), true, prediction, float(off[i]), text(off[i]))

    return RowErrors(tuple(map(error, order)), len(off), text(off.mean()), text(np.median(off)))
