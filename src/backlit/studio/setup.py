"""Setting up a run: what there is to begin on, what a table looks like, and the run that is begun."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from backlit.errors import ArgumentError, BacklitError, UnknownNameError, require
from backlit.fitting import Recipe, describe_target, prepare, row_count, rows_with, split_rows
from backlit.runs.run import recording
from backlit.studio import messages
from backlit.studio.messages import Begin, Done, News, Nothing, TableColumn, TableQuery
from backlit.tables.columns import KINDS
from backlit.tables.datasets import HOUSE_UNITS
from backlit.tables.fields import numbered
from backlit.tables.infer import guess_kind
from backlit.tables.reading import DROP, Sheet
from backlit.tables.target import guess_task
from backlit.tables.units import plain

if TYPE_CHECKING:
    from backlit.studio.desk import Desk

MOST_WEIGHTS = 20_000_000  #: of a network begun here; each takes some 100 bytes while its moments are looked at
HEAD, EXAMPLES, LETTERS = 8, 3, 40
OTHERWISE = "choose classification to take them as classes"

_GOALS = "price|target|label|y|class|outcome"
_GOAL, _GOAL_WORD = (
    re.compile(f"({_GOALS})", re.I),
    re.compile(rf"(^|[_\W])({_GOALS})s?$|(?-i:(?<=[a-z])(Price|Target|Label|Class|Outcome)$)", re.I),
)


def shelf(desk: Desk, query: Nothing) -> messages.Shelf:
    """What can be opened, and begun on."""
    return desk.shelf.message()


# --- looking at a table ------------------------------------------------------------------------------------------


def table(desk: Desk, query: TableQuery) -> messages.Table:
    """A table, to begin on."""
    sheet = desk.shelf.table(query.key)
    frame = sheet.frame
    columns = desk.cached(("table", query.key), lambda: tuple(_column(sheet, name) for name in frame.columns))
    target = _goal(columns) if query.target is None else query.target
    if target not in frame.columns:
        raise UnknownNameError("column", target, frame.columns)
    task, trouble = _task(sheet, target)
    if not trouble and all(column.kind == DROP or column.name == target for column in columns):
        trouble = f"no column is left to learn {plain(target)} from; give a table with more columns"
    return messages.Table(
        key=query.key,
        name=plain(desk.shelf.table_name(query.key)),
        rows=frame.height,
        columns=columns,
        head=tuple(tuple(_text(entry) for entry in row) for row in frame.head(HEAD).iter_rows()),
        target=target,
        task=task,
        trouble=trouble,
    )


def _column(sheet: Sheet, name: str) -> TableColumn:
    series, trouble = sheet[name], sheet.troubles.get(name)
    guess = guess_kind(series)
    notices = [*sheet.notices.get(name, ()), guess.notice, "" if trouble is None else str(trouble)]
    notice = plain("; ".join(filter(None, notices)))
    known = (series.fill_nan(None) if series.dtype.is_float() else series).drop_nulls()
    try:
        different = known.unique(maintain_order=True)
    except pl.exceptions.PolarsError:  # of objects and the like, which are left out in any case
        different = known
    examples = tuple(_text(entry) for entry in different.head(EXAMPLES))
    return TableColumn(series.name, guess.kind, len(series) - len(known), len(different), examples, notice)


def _text(entry: Any) -> str:
    """An entry of a table, not too long."""
    if entry is None or entry != entry:
        return ""
    text = plain(f"{entry:.10g}" if isinstance(entry, float) else str(entry))
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def _goal(columns: tuple[TableColumn, ...]) -> str:
    """The column that most likely is to be predicted: one that is called so, else the last one of use."""
    useful = [column.name for column in columns if column.kind != DROP] or [column.name for column in columns]
    for pattern in (_GOAL.fullmatch, _GOAL_WORD.search):
        if called := [name for name in useful if pattern(name)]:
            return called[-1]
    return useful[-1]


def _task(sheet: Sheet, target: str) -> tuple[Any, str]:
    """What predicting a column is, and why it cannot be done."""
    task, series = "regression", sheet[target]
    try:
        sheet.require_plain([target])
        known = series[rows_with(series)]
        task = guess_task(known)
        describe_target(known, None, OTHERWISE)
    except (BacklitError, pl.exceptions.PolarsError) as error:
        return task, plain(str(error))
    return task, ""


# --- beginning ---------------------------------------------------------------------------------------------------


def begin(desk: Desk, query: Begin) -> Done:
    """Begin a run on a table: nothing is trained yet. It is opened."""
    sheet = desk.shelf.table(query.table)
    whole = sheet.frame
    for name in (query.target, *(query.columns or ()), *query.kinds):
        if name not in whole.columns:
            raise UnknownNameError("column", name, whole.columns)
    for name, kind in query.kinds.items():
        require(f"kinds[{name!r}]", kind, lambda v: v in (*KINDS, DROP), f"one of {', '.join(KINDS)} or {DROP}")
    require("task", query.task, lambda v: v in (None, "regression", "classification"), "regression or classification")
    rows, notices = rows_with(whole[query.target]), []
    if len(rows) < whole.height:
        notices.append(f"{row_count(whole.height - len(rows))} without {query.target}: left out")
    sheet = sheet.rows(rows)
    if query.task != "classification":
        sheet.require_plain([query.target])
    with numbered(rows):
        described, targets, remarks = describe_target(sheet[query.target], query.task, OTHERWISE)
    split = split_rows(np.arange(len(rows)), query.seed or 0)
    recipe = _recipe(query, whole)
    plan = prepare(sheet, targets, recipe, target=described, split=split, numbers=rows, seed=query.seed)
    with numbered(rows):
        plan.table.target.encode(targets)  # what cannot be tested on is said now
    if plan.net.size > MOST_WEIGHTS:
        raise ArgumentError(
            f"hidden is {query.hidden}, which makes {plan.net.size:,} weights; take fewer units, so that there are at "
            f"most {MOST_WEIGHTS:,}"
        )
    counts = {name: len(part) for name, part in split._asdict().items()}
    name = desk.shelf.table_name(query.table)
    path = desk.shelf.new_run(name)
    with recording(path, plan, frame=whole, about={"source": name, "rows": counts}):
        pass
    desk.open(desk.shelf.add_run(path))
    for told in (*notices, *remarks):
        desk.publish(News(told=plain(told)))
    return Done(desk.present)


def _recipe(query: Begin, frame: pl.DataFrame) -> Recipe:
    """The defaults, but for what is chosen; columns that are not asked for are left out."""
    chosen = {
        name: value
        for name in (
            "hidden",
            "activation",
            "encoding",
            "optimizer",
            "learning_rate",
            "schedule",
            "batch_size",
            "epochs",
            "dropout",
        )
        if (value := getattr(query, name)) is not None
    }
    asked = frame.columns if query.columns is None else query.columns
    kinds = {name: DROP for name in frame.columns if name not in asked} | query.kinds
    kinds.pop(query.target, None)
    units = HOUSE_UNITS if set(HOUSE_UNITS) <= set(frame.columns) else {}
    return replace(Recipe(units=units, columns=kinds or None), **chosen)
